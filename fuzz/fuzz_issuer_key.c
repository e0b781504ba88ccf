/* Keys from outside: SubjectPublicKeyInfo of a token key, PKCS#8 of an issuer key, the same as it
 * is stored; the first byte says which. What is read is written again. */
#include "pir-server/privacypass/stored_issuer_key.h"

#include "base/compiler.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_public(struct span in)
{
    struct token_key *key = NULL;
    if (token_key_parse(in, &key, NULL) == STATUS_OK &&
        !span_equal(span_of(token_key_spki(key), TOKEN_KEY_SPKI_BYTES), in))
        abort();
    token_key_free(key);
}

static void check_private(struct span in)
{
    struct issuer_key *key = NULL;
    struct issuer_key *again = NULL;
    struct bytes der;
    if (issuer_key_parse(in, &key, NULL) != STATUS_OK)
        return;
    bytes_init(&der, ISSUER_KEY_MAX_BYTES);
    if (issuer_key_write(key, &der, NULL) == STATUS_OK &&
        issuer_key_parse(bytes_view(&der), &again, NULL) != STATUS_OK)
        abort();
    bytes_deinit_secret(&der);
    issuer_key_unref(again);
    issuer_key_unref(key);
}

/* No random input opens: that one is turned away without a crash is what is asked here. */
static void check_stored(struct span in)
{
    static const uint8_t id[TOKEN_KEY_ID_BYTES];
    static const struct key_seal seal = {.key = {1}};
    struct issuer_key *key = NULL;
    if (stored_issuer_key_read(in, id, &seal, &key, NULL) == STATUS_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct span in) = {check_public, check_private, check_stored};
    if (size > 0)
        checks[data[0] % ARRAY_COUNT(checks)](span_of(data + 1, size - 1));
    return 0;
}
