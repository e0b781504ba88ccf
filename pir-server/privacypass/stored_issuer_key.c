#include "pir-server/privacypass/stored_issuer_key.h"

static struct span id_of(const struct issuer_key *key)
{
    return span_of(token_key_id(issuer_key_public(key)), TOKEN_KEY_ID_BYTES);
}

/* Storage that never grows, so that no copy stays behind unwiped. */
static enum status init_secret(struct bytes *bytes, struct error *err)
{
    bytes_init(bytes, ISSUER_KEY_MAX_BYTES);
    bytes_reserve(bytes, ISSUER_KEY_MAX_BYTES);
    return bytes_status(bytes, "issuer key", err);
}

enum status stored_issuer_key_write(const struct issuer_key *key, const struct key_seal *seal,
                                    const struct random_source *random, struct bytes *ret,
                                    struct error *err)
{
    if (seal == NULL)
        return issuer_key_write(key, ret, err);
    struct bytes plain;
    enum status status = init_secret(&plain, err);
    if (status == STATUS_OK)
        status = issuer_key_write(key, &plain, err);
    if (status == STATUS_OK)
        status = key_seal_encrypt(seal, bytes_view(&plain), id_of(key), random, ret, err);
    bytes_deinit_secret(&plain);
    return status;
}

enum status stored_issuer_key_read(struct span stored, const uint8_t id[TOKEN_KEY_ID_BYTES],
                                   const struct key_seal *seal, struct issuer_key **ret,
                                   struct error *err)
{
    struct issuer_key *key = NULL;
    struct bytes plain;
    const struct span belongs_to = span_of(id, TOKEN_KEY_ID_BYTES);
    const bool is_sealed = key_seal_is_sealed(stored);
    enum status status = init_secret(&plain, err);
    if (status == STATUS_OK && is_sealed)
        status = seal == NULL ? error_set(err, STATUS_INVALID,
                                          "issuer key: stored encrypted, and there is no key file")
                              : key_seal_decrypt(seal, stored, belongs_to, &plain, err);
    if (status == STATUS_OK)
        status = issuer_key_parse(is_sealed ? bytes_view(&plain) : stored, &key, err);
    if (status == STATUS_OK && !span_equal(id_of(key), belongs_to))
        status = error_set(err, STATUS_MISMATCH, "issuer key: stored under the id of another");
    if (status == STATUS_OK) {
        *ret = key;
        key = NULL;
    }
    issuer_key_unref(key);
    bytes_deinit_secret(&plain);
    return status;
}
