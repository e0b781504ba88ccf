#include "pir-server/service/issuer.h"

#include "base/mem.h"
#include "pir-server/privacypass/stored_issuer_key.h"

#include <string.h>

static enum status read_key(struct span stored, const uint8_t id[KEY_RING_ID_BYTES],
                            const struct key_seal *seal, void **ret, struct error *err)
{
    struct issuer_key *key = NULL;
    const enum status status = stored_issuer_key_read(stored, id, seal, &key, err);
    if (status == STATUS_OK)
        *ret = key;
    return status;
}

static enum status make_key(const struct key_ring *ring, const struct key_seal *seal,
                            const struct random_source *random, uint8_t ret_id[KEY_RING_ID_BYTES],
                            struct bytes *ret_stored, struct error *err)
{
    struct issuer_key *key = NULL;
    enum status status = issuer_key_ring_make_key(ring, &key, err);
    if (status == STATUS_OK)
        status = stored_issuer_key_write(key, seal, random, ret_stored, err);
    if (status == STATUS_OK)
        memcpy(ret_id, token_key_id(issuer_key_public(key)), KEY_RING_ID_BYTES);
    issuer_key_unref(key);
    return status;
}

static enum status publish(const struct key_ring *ring, uint64_t now_s, struct bytes *ret,
                           struct error *err)
{
    struct issuer_directory *directory = mem_alloc_zeroed(1, sizeof *directory);
    if (directory == NULL)
        return error_set(err, STATUS_NOMEM, "issuer: out of memory");
    issuer_key_ring_list(ring, now_s, directory);
    memcpy(directory->request_uri, ISSUER_REQUEST_URI, sizeof ISSUER_REQUEST_URI);
    const enum status status = issuer_directory_write(directory, ret, err);
    mem_free(directory);
    return status;
}

const struct kept_keys_kind issuer_kept_keys = {
    .ring = &issuer_key_ring_kind,
    .stored_as = STORE_ISSUER_KEYS,
    .name = "issuer key",
    .is_of_app = true,
    .published_max_bytes = ISSUER_DIRECTORY_MAX_BYTES,
    .read = read_key,
    .make = make_key,
    .publish = publish,
};
