/* Evaluation keys in PostgreSQL. */
#include "pir-server/store/store_postgres_internal.h"

#include <inttypes.h>

/* Keys stored at this second or before have expired. */
static struct postgres_value expiry_line(const struct store_postgres *self, uint64_t now_s)
{
    return postgres_number(now_s > self->store.limits.key_ttl_s
                               ? now_s - self->store.limits.key_ttl_s
                               : UINT64_MAX /* -1 */);
}

static struct store_usage take_usage(PGresult *result)
{
    struct store_usage usage = {0};
    if (postgres_rows(result) > 0)
        usage = (struct store_usage){.key_count = postgres_column_number(result, 0, 0),
                                     .key_bytes = postgres_column_number(result, 0, 1)};
    PQclear(result);
    return usage;
}

/* user NULL: of all. */
static enum status sum_keys(struct store_postgres *self, struct postgres_connection *connection,
                            const struct store_user *user, struct store_usage *ret,
                            struct error *err)
{
    struct postgres_value who = {0};
    PGresult *result = NULL;
    if (user != NULL)
        who = postgres_bytes(user->hash, sizeof user->hash);
    const enum status status =
        postgres_ask(self, connection, user != NULL ? POSTGRES_SUM_OF_USER : POSTGRES_SUM_OF_ALL,
                     &who, user != NULL ? 1 : 0, "reading the sums", &result, err);
    if (status == STATUS_OK)
        *ret = take_usage(result);
    return status;
}

static enum status insert_key(struct store_postgres *self, struct postgres_connection *connection,
                              const struct store_user *user, const struct store_key *key,
                              uint64_t now_s, struct error *err)
{
    const struct postgres_value values[] = {
        postgres_bytes(user->hash, sizeof user->hash),
        postgres_bytes(key->id, sizeof key->id),
        postgres_number(key->made_at),
        postgres_number(now_s),
        postgres_number(key->serialized.size),
        postgres_bytes(key->serialized.data, key->serialized.size)};
    const enum status status =
        postgres_ask(self, connection, POSTGRES_DELETE_KEY, values, 2, "storing a key", NULL, err);
    return status == STATUS_OK ? postgres_ask(self, connection, POSTGRES_INSERT_KEY, values,
                                              ARRAY_COUNT(values), "storing a key", NULL, err)
                               : status;
}

/* Brings the user below the quota by dropping the oldest keys. What was just written has the
 * highest number, so it goes last, also when the clock went back. */
static enum status shrink_user(struct store_postgres *self, struct postgres_connection *connection,
                               const struct store_user *user, struct error *err)
{
    const struct postgres_value who = postgres_bytes(user->hash, sizeof user->hash);
    for (;;) {
        struct store_usage usage = {0};
        enum status status = sum_keys(self, connection, user, &usage, err);
        if (status != STATUS_OK)
            return status;
        if (usage.key_count <= self->store.limits.keys_per_user &&
            usage.key_bytes <= self->store.limits.key_bytes_per_user)
            return STATUS_OK;
        status = postgres_ask(self, connection, POSTGRES_DELETE_OLDEST_OF_USER, &who, 1,
                              "dropping an old key", NULL, err);
        if (status != STATUS_OK)
            return status;
    }
}

static enum status delete_expired(struct store_postgres *self,
                                  struct postgres_connection *connection, uint64_t now_s,
                                  size_t *ret_removed, struct error *err)
{
    const struct postgres_value values[] = {expiry_line(self, now_s),
                                            postgres_number(STORE_EXPIRED_PIECE)};
    PGresult *result = NULL;
    enum status status = postgres_ask(self, connection, POSTGRES_LOCK_SUMS, NULL, 0,
                                      "waiting for another server", NULL, err);
    if (status == STATUS_OK)
        status = postgres_ask(self, connection, POSTGRES_DELETE_EXPIRED, values, 2,
                              "dropping expired keys", &result, err);
    if (status == STATUS_OK)
        *ret_removed = postgres_changed(result);
    PQclear(result);
    return status;
}

static enum status put_in_transaction(struct store_postgres *self,
                                      struct postgres_connection *connection,
                                      const struct store_user *user, const struct store_key *keys,
                                      size_t count, uint64_t now_s, struct error *err)
{
    size_t removed = 0;
    enum status status = delete_expired(self, connection, now_s, &removed, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = insert_key(self, connection, user, &keys[i], now_s, err);
    if (status == STATUS_OK)
        status = shrink_user(self, connection, user, err);
    struct store_usage usage = {0};
    if (status == STATUS_OK)
        status = sum_keys(self, connection, NULL, &usage, err);
    if (status == STATUS_OK)
        status = store_check_quota(&self->store.limits, &usage, self->name, err);
    return status;
}

enum status postgres_put_keys(struct store *store, const struct store_user *user,
                              const struct store_key *keys, size_t count, uint64_t now_s,
                              struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = postgres_begin(self, &connection, err);
    if (status == STATUS_OK)
        status = put_in_transaction(self, connection, user, keys, count, now_s, err);
    return postgres_end(self, connection, status, err);
}

enum status postgres_get_key(struct store *store, const struct store_user *user,
                             const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                             struct store_key_times *ret_times, struct bytes *ret,
                             struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    const struct postgres_value values[] = {postgres_bytes(user->hash, sizeof user->hash),
                                            postgres_bytes(id, STORE_KEY_ID_BYTES),
                                            expiry_line(self, now_s)};
    PGresult *result = NULL;
    enum status status =
        postgres_ask_alone(self, ret != NULL ? POSTGRES_SELECT_KEY : POSTGRES_SELECT_KEY_TIME,
                           values, ARRAY_COUNT(values), "looking up a key", &result, err);
    if (status == STATUS_OK && postgres_rows(result) == 0)
        status = error_set(err, STATUS_NO_KEY, "evaluation key not found");
    if (status == STATUS_OK && ret != NULL) {
        bytes_append(ret, postgres_column_span(result, 0, 2));
        status = bytes_status(ret, "evaluation key", err);
    }
    if (status == STATUS_OK)
        *ret_times = store_times_of_key(&store->limits, postgres_column_number(result, 0, 0),
                                        postgres_column_number(result, 0, 1));
    PQclear(result);
    return status;
}

enum status postgres_get_usage(struct store *store, struct store_usage *ret, struct error *err)
{
    PGresult *result = NULL;
    const enum status status = postgres_ask_alone(postgres_of(store), POSTGRES_SUM_OF_ALL, NULL, 0,
                                                  "reading the sums", &result, err);
    if (status == STATUS_OK)
        *ret = take_usage(result);
    return status;
}

enum status postgres_purge_keys(struct store_postgres *self, uint64_t now_s, size_t *ret_removed,
                                struct error *err)
{
    enum status status = STATUS_OK;
    size_t removed = 0;
    size_t piece = 1;
    for (int i = 0; i < STORE_EXPIRED_PIECES && status == STATUS_OK && piece > 0; i++) {
        struct postgres_connection *connection = NULL;
        piece = 0;
        status = postgres_begin(self, &connection, err);
        if (status == STATUS_OK)
            status = delete_expired(self, connection, now_s, &piece, err);
        status = postgres_end(self, connection, status, err);
        removed += status == STATUS_OK ? piece : 0;
    }
    *ret_removed = removed;
    return status;
}
