#include "tests/pir-server/privacypass/privacypass_help.h"

#include "base/mem.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stdio.h>

json_t *rfc_vectors(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "rfc/%s", name);
    struct bytes text = vector_file(path);
    if (text.size == 0)
        cr_skip_test("no %s among the vectors (BLINDLIST_VECTORS)", path);
    json_t *vectors = json_loadb((const char *)text.data, text.size, 0, NULL);
    cr_assert(json_is_array(vectors), "%s is not an array", path);
    bytes_deinit(&text);
    return vectors;
}

struct bytes vector_bytes(const json_t *vector, const char *member)
{
    const char *hex = json_string_value(json_object_get(vector, member));
    cr_assert(hex != NULL, "vector without %s", member);
    return from_hex(hex);
}

/* skS is PEM, as hex. */
struct issuer_key *vector_issuer_key(const json_t *vector)
{
    struct bytes pem = vector_bytes(vector, "skS");
    struct bytes der;
    bytes_init(&der, pem.size);
    uint8_t *space = bytes_append_space(&der, pem.size);
    cr_assert(space != NULL);
    const char *begin = strchr((const char *)pem.data, '\n') + 1;
    const char *end = strstr(begin, "-----END");
    cr_assert(begin != NULL && end != NULL);
    EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
    int size = 0;
    int more = 0;
    EVP_DecodeInit(context);
    cr_assert(EVP_DecodeUpdate(context, space, &size, (const unsigned char *)begin,
                               (int)(end - begin)) >= 0);
    cr_assert_eq(EVP_DecodeFinal(context, space + size, &more), 1);
    EVP_ENCODE_CTX_free(context);

    struct issuer_key *key = NULL;
    struct error error;
    const enum status status =
        issuer_key_parse(span_of(der.data, (size_t)(size + more)), &key, &error);
    cr_assert_eq(status, STATUS_OK, "%s", error.message);
    bytes_deinit_secret(&der);
    bytes_deinit_secret(&pem);
    return key;
}

static enum status scripted_fill(void *state, uint8_t *out, size_t size, struct error *err)
{
    struct scripted_random *self = state;
    if (self->next == self->part_count || self->parts[self->next].size != size)
        return error_set(err, STATUS_IO, "no random bytes");
    memcpy(out, self->parts[self->next++].data, size);
    return STATUS_OK;
}

struct random_source scripted_random_source(struct scripted_random *state)
{
    return (struct random_source){.fill = scripted_fill, .state = state};
}
