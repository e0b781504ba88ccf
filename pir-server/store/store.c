#include "pir-server/store/store.h"

#include "pir-server/store/store_internal.h"

#include <openssl/sha.h>

struct store_limits store_limits_default(void)
{
    return (struct store_limits){
        .key_ttl_s = STORE_KEY_TTL_S,
        .keys_per_user = STORE_KEYS_PER_USER,
        .key_bytes_per_user = STORE_KEY_BYTES_PER_USER,
        .keys_in_all = STORE_KEYS_IN_ALL,
        .key_bytes_in_all = STORE_KEY_BYTES_IN_ALL,
        .busy_timeout_ms = STORE_BUSY_TIMEOUT_MS,
    };
}

struct store_user store_user_of(struct span identifier)
{
    struct store_user user;
    SHA256(identifier.data != NULL ? identifier.data : (const uint8_t *)"", identifier.size,
           user.hash);
    return user;
}

void store_close(struct store *store)
{
    if (store != NULL)
        store->operations->close(store);
}

enum status store_put_keys(struct store *store, const struct store_user *user,
                           const struct store_key *keys, size_t count, uint64_t now_s,
                           struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    return store->operations->put_keys(store, user, keys, count, now_s, err);
}

enum status store_get_key(struct store *store, const struct store_user *user,
                          const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                          uint64_t *ret_made_at, struct bytes *ret, struct error *err)
{
    return store->operations->get_key(store, user, id, now_s, ret_made_at, ret, err);
}

enum status store_get_key_time(struct store *store, const struct store_user *user,
                               const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                               uint64_t *ret_made_at, struct error *err)
{
    return store->operations->get_key(store, user, id, now_s, ret_made_at, NULL, err);
}

enum status store_get_usage(struct store *store, struct store_usage *ret, struct error *err)
{
    return store->operations->get_usage(store, ret, err);
}

enum status store_purge(struct store *store, uint64_t now_s, size_t *ret_removed, struct error *err)
{
    return store->operations->purge(store, now_s, ret_removed, err);
}
