#include "pir-server/service/gateway_keys.h"

#include "pir-server/ohttp/stored_gateway_key.h"

static enum status read_key(struct span stored, const uint8_t id[KEY_RING_ID_BYTES],
                            const struct key_seal *seal, void **ret, struct error *err)
{
    struct hpke_key *key = NULL;
    const enum status status = stored_gateway_key_read(stored, id[0], seal, &key, err);
    if (status == STATUS_OK)
        *ret = key;
    return status;
}

static enum status make_key(const struct key_ring *ring, const struct key_seal *seal,
                            const struct random_source *random, uint8_t ret_id[KEY_RING_ID_BYTES],
                            struct bytes *ret_stored, struct error *err)
{
    const uint8_t key_id = gateway_key_ring_next_id(ring);
    struct hpke_key *key = NULL;
    enum status status = hpke_key_generate(random, &key, err);
    if (status == STATUS_OK)
        status = stored_gateway_key_write(key, key_id, seal, random, ret_stored, err);
    if (status == STATUS_OK)
        ret_id[0] = key_id;
    hpke_key_unref(key);
    return status;
}

static enum status publish(const struct key_ring *ring, uint64_t now_s, struct bytes *ret,
                           struct error *err)
{
    struct ohttp_keys published;
    gateway_key_ring_publish(ring, now_s, &published);
    return ohttp_keys_write(&published, ret, err);
}

const struct kept_keys_kind gateway_kept_keys = {
    .ring = &gateway_key_ring_kind,
    .stored_as = STORE_GATEWAY_KEYS,
    .name = "gateway key",
    .published_max_bytes = OHTTP_KEYS_MAX_BYTES,
    .read = read_key,
    .make = make_key,
    .publish = publish,
};
