#include "pir-server/ohttp/stored_gateway_key.h"

#include "base/mem.h"

#define BELONGS_TO "gateway key"

struct owner {
    uint8_t bytes[sizeof BELONGS_TO];
};

/* What a sealed key belongs to: the text, and the id in the place of its NUL. */
static struct owner owner_of(uint8_t key_id)
{
    struct owner owner;
    memcpy(owner.bytes, BELONGS_TO, sizeof BELONGS_TO);
    owner.bytes[sizeof BELONGS_TO - 1] = key_id;
    return owner;
}

/* Storage that never grows, so that no copy stays behind unwiped. */
static enum status init_secret(struct bytes *bytes, struct error *err)
{
    bytes_init(bytes, STORED_GATEWAY_KEY_PLAIN_BYTES);
    bytes_reserve(bytes, STORED_GATEWAY_KEY_PLAIN_BYTES);
    return bytes_status(bytes, "gateway key", err);
}

static enum status append_plain(const struct hpke_key *key, struct bytes *ret, struct error *err)
{
    bytes_append(ret, span_of(hpke_key_private(key), HPKE_PRIVATE_KEY_BYTES));
    bytes_append(ret, span_of(hpke_key_public(key), HPKE_PUBLIC_KEY_BYTES));
    return bytes_status(ret, "gateway key", err);
}

enum status stored_gateway_key_write(const struct hpke_key *key, uint8_t key_id,
                                     const struct key_seal *seal,
                                     const struct random_source *random, struct bytes *ret,
                                     struct error *err)
{
    if (seal == NULL)
        return append_plain(key, ret, err);
    const struct owner owner = owner_of(key_id);
    struct bytes plain;
    enum status status = init_secret(&plain, err);
    if (status == STATUS_OK)
        status = append_plain(key, &plain, err);
    if (status == STATUS_OK)
        status = key_seal_encrypt(seal, bytes_view(&plain),
                                  span_of(owner.bytes, sizeof owner.bytes), random, ret, err);
    bytes_deinit_secret(&plain);
    return status;
}

static enum status parse_plain(struct span plain, struct hpke_key **ret, struct error *err)
{
    struct hpke_key *key = NULL;
    if (plain.size != STORED_GATEWAY_KEY_PLAIN_BYTES)
        return error_set(err, STATUS_MALFORMED, "gateway key: %zu bytes, %d are due", plain.size,
                         STORED_GATEWAY_KEY_PLAIN_BYTES);
    const enum status status = hpke_key_new(plain.data, &key, err);
    if (status != STATUS_OK)
        return status;
    if (memcmp(hpke_key_public(key), plain.data + HPKE_PRIVATE_KEY_BYTES, HPKE_PUBLIC_KEY_BYTES) !=
        0) {
        hpke_key_unref(key);
        return error_set(err, STATUS_MISMATCH,
                         "gateway key: private and public key do not belong together");
    }
    *ret = key;
    return STATUS_OK;
}

enum status stored_gateway_key_read(struct span stored, uint8_t key_id, const struct key_seal *seal,
                                    struct hpke_key **ret, struct error *err)
{
    if (stored.size != STORED_GATEWAY_KEY_MAX_BYTES)
        return parse_plain(stored, ret, err);
    if (seal == NULL)
        return error_set(err, STATUS_INVALID,
                         "gateway key: stored encrypted, and there is no key file");
    const struct owner owner = owner_of(key_id);
    struct bytes plain;
    enum status status = init_secret(&plain, err);
    if (status == STATUS_OK)
        status =
            key_seal_decrypt(seal, stored, span_of(owner.bytes, sizeof owner.bytes), &plain, err);
    if (status == STATUS_OK)
        status = parse_plain(bytes_view(&plain), ret, err);
    bytes_deinit_secret(&plain);
    return status;
}
