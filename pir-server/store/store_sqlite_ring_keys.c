/* Keys of issuers and gateway in SQLite: two tables of one kind. */
#include "pir-server/store/store_sqlite_internal.h"

#include <stdint.h>

/* The last value of what is bound is the app, where the table has one. */
static const struct ring_table {
    const char *what;
    bool has_app;
    bool has_number_as_id; /* else the 32 bytes */
    bool leaves_nonces;    /* spent tokens, which go with a purge */
    enum sqlite_statement count_near;
    enum sqlite_statement insert;
    enum sqlite_statement select;
    enum sqlite_statement mark;
    enum sqlite_statement remove;
} tables[STORE_RING_COUNT] = {
    [STORE_ISSUER_KEYS] = {.what = "issuer key",
                           .has_app = true,
                           .leaves_nonces = true,
                           .count_near = STATEMENT_COUNT_ISSUER_KEYS_NEAR,
                           .insert = STATEMENT_INSERT_ISSUER_KEY,
                           .select = STATEMENT_SELECT_ISSUER_KEYS,
                           .mark = STATEMENT_MARK_ISSUER_KEY,
                           .remove = STATEMENT_DELETE_ISSUER_KEY},
    [STORE_GATEWAY_KEYS] = {.what = "gateway key",
                            .has_number_as_id = true,
                            .count_near = STATEMENT_COUNT_GATEWAY_KEYS_NEAR,
                            .insert = STATEMENT_INSERT_GATEWAY_KEY,
                            .select = STATEMENT_SELECT_GATEWAY_KEYS,
                            .mark = STATEMENT_MARK_GATEWAY_KEY,
                            .remove = STATEMENT_DELETE_GATEWAY_KEY},
};

static struct sqlite_value id_value(const struct ring_table *table,
                                    const uint8_t id[STORE_RING_KEY_ID_BYTES])
{
    return table->has_number_as_id ? sqlite_number(id[0])
                                   : sqlite_blob(id, STORE_RING_KEY_ID_BYTES);
}

static enum status add_key(struct store_sqlite *self, const struct ring_table *table,
                           const struct store_ring_key *key, uint64_t within_s, struct error *err)
{
    static const char doing[] = "adding a key";
    const struct sqlite_value id = id_value(table, key->id);
    const struct sqlite_value where[] = {id, sqlite_number(key->not_before),
                                         sqlite_number(within_s < INT64_MAX ? within_s : INT64_MAX),
                                         sqlite_text(key->app)};
    const struct sqlite_value values[] = {id,
                                          sqlite_number(key->made_at),
                                          sqlite_number(key->not_before),
                                          sqlite_number(key->retire_at),
                                          sqlite_blob(key->secret.data, key->secret.size),
                                          sqlite_text(key->app)};
    const size_t left_out = table->has_app ? 0 : 1;
    uint64_t known = 0;
    const enum status status =
        sqlite_ask(self, &self->writer, table->count_near, where, ARRAY_COUNT(where) - left_out,
                   sqlite_take_number, &known, NULL, doing, err);
    if (status != STATUS_OK)
        return status;
    if (known > 0)
        return error_set(err, STATUS_EXISTS,
                         "state file %s: this %s, or one as new, is there already", self->path,
                         table->what);
    return sqlite_run(self, &self->writer, table->insert, values, ARRAY_COUNT(values) - left_out,
                      doing, err);
}

enum status sqlite_add_ring_key(struct store *store, enum store_ring ring,
                                const struct store_ring_key *key, uint64_t within_s,
                                struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    enum status status = sqlite_begin(self, err);
    if (status == STATUS_OK)
        status = add_key(self, &tables[ring], key, within_s, err);
    return sqlite_end(self, status, err);
}

struct key_visit {
    const struct ring_table *table;
    store_visit_ring_key *visit;
    void *context;
};

static enum status read_id(const struct ring_table *table, sqlite3_stmt *columns,
                           uint8_t ret[STORE_RING_KEY_ID_BYTES], struct error *err)
{
    if (!table->has_number_as_id)
        return sqlite_column_copy(columns, 0, ret, STORE_RING_KEY_ID_BYTES, err);
    const uint64_t id = sqlite_column_number(columns, 0);
    if (id > UINT8_MAX)
        return error_set(err, STATUS_MALFORMED, "state file: a %s of no id", table->what);
    ret[0] = (uint8_t)id;
    return STATUS_OK;
}

static enum status visit_key(void *context, sqlite3_stmt *columns, struct error *err)
{
    const struct key_visit *visit = context;
    struct store_ring_key key = {.made_at = sqlite_column_number(columns, 1),
                                 .not_before = sqlite_column_number(columns, 2),
                                 .retire_at = sqlite_column_number(columns, 3),
                                 .secret = sqlite_column_span(columns, 4)};
    enum status status = read_id(visit->table, columns, key.id, err);
    if (status == STATUS_OK && visit->table->has_app)
        status = sqlite_column_text_copy(columns, 5, key.app, sizeof key.app, err);
    return status == STATUS_OK ? visit->visit(visit->context, &key, err) : status;
}

enum status sqlite_list_ring_keys(struct store *store, enum store_ring ring,
                                  store_visit_ring_key *visit, void *context, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    struct key_visit visiting = {.table = &tables[ring], .visit = visit, .context = context};
    pthread_mutex_lock(&self->reader.lock);
    const enum status status = sqlite_ask(self, &self->reader, tables[ring].select, NULL, 0,
                                          visit_key, &visiting, NULL, "listing keys", err);
    pthread_mutex_unlock(&self->reader.lock);
    return status;
}

enum status sqlite_mark_ring_key(struct store *store, enum store_ring ring,
                                 const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                 struct error *err)
{
    const struct ring_table *table = &tables[ring];
    const struct sqlite_value values[] = {id_value(table, id), sqlite_number(retire_at)};
    return sqlite_change_row(sqlite_of(store), table->mark, values, ARRAY_COUNT(values),
                             table->what, "marking a key", err);
}

enum status sqlite_remove_ring_key(struct store *store, enum store_ring ring,
                                   const uint8_t id[STORE_RING_KEY_ID_BYTES], struct error *err)
{
    static const char doing[] = "removing a key";
    struct store_sqlite *self = sqlite_of(store);
    const struct ring_table *table = &tables[ring];
    const struct sqlite_value which = id_value(table, id);
    enum status status = sqlite_begin(self, err);
    if (status == STATUS_OK && table->leaves_nonces)
        status =
            sqlite_run(self, &self->writer, STATEMENT_INSERT_REMOVED_KEY, &which, 1, doing, err);
    if (status == STATUS_OK)
        status = sqlite_run(self, &self->writer, table->remove, &which, 1, doing, err);
    if (status == STATUS_OK && sqlite3_changes(self->writer.db) == 0)
        status =
            error_set(err, STATUS_NOT_FOUND, "state file %s: no such %s", self->path, table->what);
    return sqlite_end(self, status, err);
}

enum status sqlite_get_tended(struct store *store, enum store_ring ring, const char *app,
                              uint64_t *ret_at, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    const struct sqlite_value which = sqlite_text(store_tended_name(ring, app));
    uint64_t at = 0;
    pthread_mutex_lock(&self->reader.lock);
    const enum status status =
        sqlite_ask(self, &self->reader, STATEMENT_SELECT_TENDED, &which, 1, sqlite_take_number, &at,
                   NULL, "reading when keys were tended", err);
    pthread_mutex_unlock(&self->reader.lock);
    if (status == STATUS_OK)
        *ret_at = at;
    return status;
}

enum status sqlite_set_tended(struct store *store, enum store_ring ring, const char *app,
                              uint64_t at, struct error *err)
{
    const struct sqlite_value values[] = {sqlite_text(store_tended_name(ring, app)),
                                          sqlite_number(at)};
    return sqlite_change_row(sqlite_of(store), STATEMENT_SET_TENDED, values, ARRAY_COUNT(values),
                             "app", "writing when keys were tended", err);
}
