/* The gateway's keys in SQLite. */
#include "pir-server/store/store_sqlite_internal.h"

#include <stdint.h>

static enum status add_key(struct store_sqlite *self, const struct store_gateway_key *key,
                           uint64_t within_s, struct error *err)
{
    static const char doing[] = "adding a gateway key";
    const struct sqlite_value where[] = {
        sqlite_number(key->id), sqlite_number(key->not_before),
        sqlite_number(within_s < INT64_MAX ? within_s : INT64_MAX)};
    const struct sqlite_value values[] = {
        sqlite_number(key->id), sqlite_number(key->made_at), sqlite_number(key->not_before),
        sqlite_number(key->retire_at), sqlite_blob(key->secret.data, key->secret.size)};
    uint64_t known = 0;
    const enum status status =
        sqlite_ask(self, &self->writer, STATEMENT_COUNT_GATEWAY_KEYS_NEAR, where,
                   ARRAY_COUNT(where), sqlite_take_number, &known, NULL, doing, err);
    if (status != STATUS_OK)
        return status;
    if (known > 0)
        return error_set(err, STATUS_EXISTS,
                         "state file %s: gateway key %u, or one as new, is there already",
                         self->path, key->id);
    return sqlite_run(self, &self->writer, STATEMENT_INSERT_GATEWAY_KEY, values,
                      ARRAY_COUNT(values), doing, err);
}

enum status sqlite_add_gateway_key(struct store *store, const struct store_gateway_key *key,
                                   uint64_t within_s, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    enum status status = sqlite_begin(self, err);
    if (status == STATUS_OK)
        status = add_key(self, key, within_s, err);
    return sqlite_end(self, status, err);
}

struct key_visit {
    enum status (*visit)(void *context, const struct store_gateway_key *key, struct error *err);
    void *context;
};

static enum status visit_key(void *context, sqlite3_stmt *columns, struct error *err)
{
    const struct key_visit *visit = context;
    const uint64_t id = sqlite_column_number(columns, 0);
    const struct store_gateway_key key = {.id = (uint8_t)id,
                                          .made_at = sqlite_column_number(columns, 1),
                                          .not_before = sqlite_column_number(columns, 2),
                                          .retire_at = sqlite_column_number(columns, 3),
                                          .secret = sqlite_column_span(columns, 4)};
    if (id > UINT8_MAX)
        return error_set(err, STATUS_MALFORMED, "state file: a gateway key of no id");
    return visit->visit(visit->context, &key, err);
}

enum status sqlite_list_gateway_keys(struct store *store,
                                     enum status (*visit)(void *context,
                                                          const struct store_gateway_key *key,
                                                          struct error *err),
                                     void *context, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    struct key_visit visiting = {.visit = visit, .context = context};
    pthread_mutex_lock(&self->reader.lock);
    const enum status status =
        sqlite_ask(self, &self->reader, STATEMENT_SELECT_GATEWAY_KEYS, NULL, 0, visit_key,
                   &visiting, NULL, "listing gateway keys", err);
    pthread_mutex_unlock(&self->reader.lock);
    return status;
}

enum status sqlite_mark_gateway_key(struct store *store, uint8_t id, uint64_t retire_at,
                                    struct error *err)
{
    const struct sqlite_value values[] = {sqlite_number(id), sqlite_number(retire_at)};
    return sqlite_change_row(sqlite_of(store), STATEMENT_MARK_GATEWAY_KEY, values,
                             ARRAY_COUNT(values), "gateway key", "marking a gateway key", err);
}

enum status sqlite_remove_gateway_key(struct store *store, uint8_t id, struct error *err)
{
    const struct sqlite_value which = sqlite_number(id);
    return sqlite_change_row(sqlite_of(store), STATEMENT_DELETE_GATEWAY_KEY, &which, 1,
                             "gateway key", "removing a gateway key", err);
}
