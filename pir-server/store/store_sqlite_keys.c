/* Evaluation keys in SQLite. */
#include "pir-server/store/store_sqlite_internal.h"

/* Keys stored at this second or before have expired. */
static struct sqlite_value expiry_line(const struct store_sqlite *self, uint64_t now_s)
{
    return now_s > self->store.limits.key_ttl_s
               ? sqlite_number(now_s - self->store.limits.key_ttl_s)
               : sqlite_number(UINT64_MAX); /* -1 */
}

static enum status take_usage(void *context, sqlite3_stmt *columns, struct error *err)
{
    struct store_usage *usage = context;
    (void)err;
    usage->key_count = sqlite_column_number(columns, 0);
    usage->key_bytes = sqlite_column_number(columns, 1);
    return STATUS_OK;
}

/* user NULL: of all. */
static enum status sum_keys(struct store_sqlite *self, struct sqlite_connection *connection,
                            const struct store_user *user, struct store_usage *ret,
                            struct error *err)
{
    struct sqlite_value who;
    if (user != NULL)
        who = sqlite_blob(user->hash, sizeof user->hash);
    return sqlite_ask(self, connection, user != NULL ? STATEMENT_SUM_OF_USER : STATEMENT_SUM_OF_ALL,
                      &who, user != NULL ? 1 : 0, take_usage, ret, NULL, "reading the sums", err);
}

static enum status insert_key(struct store_sqlite *self, const struct store_user *user,
                              const struct store_key *key, uint64_t now_s, struct error *err)
{
    const struct sqlite_value values[] = {sqlite_blob(user->hash, sizeof user->hash),
                                          sqlite_blob(key->id, sizeof key->id),
                                          sqlite_number(key->made_at),
                                          sqlite_number(now_s),
                                          sqlite_number(key->serialized.size),
                                          sqlite_blob(key->serialized.data, key->serialized.size)};
    const enum status status =
        sqlite_run(self, &self->writer, STATEMENT_DELETE_KEY, values, 2, "storing a key", err);
    return status == STATUS_OK ? sqlite_run(self, &self->writer, STATEMENT_INSERT_KEY, values,
                                            ARRAY_COUNT(values), "storing a key", err)
                               : status;
}

/* Brings the user below the quota by dropping the oldest keys. What was just written has the
 * highest rowid, so it goes last, also when the clock went back. */
static enum status shrink_user(struct store_sqlite *self, const struct store_user *user,
                               struct error *err)
{
    const struct sqlite_value who = sqlite_blob(user->hash, sizeof user->hash);
    for (;;) {
        struct store_usage usage = {0};
        enum status status = sum_keys(self, &self->writer, user, &usage, err);
        if (status != STATUS_OK)
            return status;
        if (usage.key_count <= self->store.limits.keys_per_user &&
            usage.key_bytes <= self->store.limits.key_bytes_per_user)
            return STATUS_OK;
        status = sqlite_run(self, &self->writer, STATEMENT_DELETE_OLDEST_OF_USER, &who, 1,
                            "dropping an old key", err);
        if (status != STATUS_OK)
            return status;
    }
}

static enum status delete_expired(struct store_sqlite *self, uint64_t now_s, struct error *err)
{
    const struct sqlite_value values[] = {expiry_line(self, now_s),
                                          sqlite_number(STORE_EXPIRED_PIECE)};
    return sqlite_run(self, &self->writer, STATEMENT_DELETE_EXPIRED, values, ARRAY_COUNT(values),
                      "dropping expired keys", err);
}

static enum status put_in_transaction(struct store_sqlite *self, const struct store_user *user,
                                      const struct store_key *keys, size_t count, uint64_t now_s,
                                      struct error *err)
{
    enum status status = delete_expired(self, now_s, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = insert_key(self, user, &keys[i], now_s, err);
    if (status == STATUS_OK)
        status = shrink_user(self, user, err);
    struct store_usage usage = {0};
    if (status == STATUS_OK)
        status = sum_keys(self, &self->writer, NULL, &usage, err);
    if (status == STATUS_OK)
        status = store_check_quota(&self->store.limits, &usage, self->path, err);
    return status;
}

enum status sqlite_put_keys(struct store *store, const struct store_user *user,
                            const struct store_key *keys, size_t count, uint64_t now_s,
                            struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    enum status status = sqlite_begin(self, err);
    if (status == STATUS_OK)
        status = put_in_transaction(self, user, keys, count, now_s, err);
    return sqlite_end(self, status, err);
}

struct found_key {
    uint64_t made_at;
    uint64_t stored_at;
    struct bytes *serialized; /* NULL: not wanted */
};

static enum status take_key(void *context, sqlite3_stmt *columns, struct error *err)
{
    struct found_key *found = context;
    found->made_at = sqlite_column_number(columns, 0);
    found->stored_at = sqlite_column_number(columns, 1);
    if (found->serialized == NULL)
        return STATUS_OK;
    bytes_append(found->serialized, sqlite_column_span(columns, 2));
    return bytes_status(found->serialized, "evaluation key", err);
}

enum status sqlite_get_key(struct store *store, const struct store_user *user,
                           const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                           struct store_key_times *ret_times, struct bytes *ret, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    const struct sqlite_value values[] = {sqlite_blob(user->hash, sizeof user->hash),
                                          sqlite_blob(id, STORE_KEY_ID_BYTES),
                                          expiry_line(self, now_s)};
    struct found_key found = {.serialized = ret};
    size_t rows = 0;
    pthread_mutex_lock(&self->reader.lock);
    enum status status = sqlite_ask(
        self, &self->reader, ret != NULL ? STATEMENT_SELECT_KEY : STATEMENT_SELECT_KEY_TIME, values,
        ARRAY_COUNT(values), take_key, &found, &rows, "looking up a key", err);
    pthread_mutex_unlock(&self->reader.lock);
    if (status == STATUS_OK && rows == 0)
        status = error_set(err, STATUS_NO_KEY, "evaluation key not found");
    if (status == STATUS_OK)
        *ret_times = store_times_of_key(&store->limits, found.made_at, found.stored_at);
    return status;
}

enum status sqlite_get_usage(struct store *store, struct store_usage *ret, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    struct store_usage usage = {0};
    pthread_mutex_lock(&self->reader.lock);
    const enum status status = sum_keys(self, &self->reader, NULL, &usage, err);
    pthread_mutex_unlock(&self->reader.lock);
    if (status == STATUS_OK)
        *ret = usage;
    return status;
}

enum status sqlite_purge_keys(struct store_sqlite *self, uint64_t now_s, size_t *ret_removed,
                              struct error *err)
{
    enum status status = STATUS_OK;
    size_t removed = 0;
    size_t piece = 1;
    for (int i = 0; i < STORE_EXPIRED_PIECES && status == STATUS_OK && piece > 0; i++) {
        status = sqlite_begin(self, err);
        if (status == STATUS_OK)
            status = delete_expired(self, now_s, err);
        piece = status == STATUS_OK ? (size_t)sqlite3_changes(self->writer.db) : 0;
        status = sqlite_end(self, status, err);
        removed += status == STATUS_OK ? piece : 0;
    }
    *ret_removed = removed;
    return status;
}
