/* Keys of issuers and gateway in PostgreSQL: two tables of one kind. */
#include "pir-server/store/store_postgres_internal.h"

#include <stdint.h>

/* The last value of what is bound is the app, where the table has one. */
static const struct ring_table {
    const char *what;
    bool has_app;
    bool has_number_as_id; /* else the 32 bytes */
    enum postgres_statement lock;
    enum postgres_statement count_near;
    enum postgres_statement insert;
    enum postgres_statement select;
    enum postgres_statement mark;
    enum postgres_statement remove;
} tables[STORE_RING_COUNT] = {
    [STORE_ISSUER_KEYS] = {.what = "issuer key",
                           .has_app = true,
                           .lock = POSTGRES_LOCK_ISSUER_KEYS,
                           .count_near = POSTGRES_COUNT_ISSUER_KEYS_NEAR,
                           .insert = POSTGRES_INSERT_ISSUER_KEY,
                           .select = POSTGRES_SELECT_ISSUER_KEYS,
                           .mark = POSTGRES_MARK_ISSUER_KEY,
                           .remove = POSTGRES_REMOVE_ISSUER_KEY},
    [STORE_GATEWAY_KEYS] = {.what = "gateway key",
                            .has_number_as_id = true,
                            .lock = POSTGRES_LOCK_GATEWAY_KEYS,
                            .count_near = POSTGRES_COUNT_GATEWAY_KEYS_NEAR,
                            .insert = POSTGRES_INSERT_GATEWAY_KEY,
                            .select = POSTGRES_SELECT_GATEWAY_KEYS,
                            .mark = POSTGRES_MARK_GATEWAY_KEY,
                            .remove = POSTGRES_REMOVE_GATEWAY_KEY},
};

static struct postgres_value id_value(const struct ring_table *table,
                                      const uint8_t id[STORE_RING_KEY_ID_BYTES])
{
    return table->has_number_as_id ? postgres_number(id[0])
                                   : postgres_bytes(id, STORE_RING_KEY_ID_BYTES);
}

static enum status add_key(struct store_postgres *self, struct postgres_connection *connection,
                           const struct ring_table *table, const struct store_ring_key *key,
                           uint64_t within_s, struct error *err)
{
    static const char doing[] = "adding a key";
    const struct postgres_value id = id_value(table, key->id);
    const struct postgres_value where[] = {
        id, postgres_number(key->not_before),
        postgres_number(within_s < INT64_MAX ? within_s : INT64_MAX), postgres_text(key->app)};
    const struct postgres_value values[] = {id,
                                            postgres_number(key->made_at),
                                            postgres_number(key->not_before),
                                            postgres_number(key->retire_at),
                                            postgres_bytes(key->secret.data, key->secret.size),
                                            postgres_text(key->app)};
    const size_t left_out = table->has_app ? 0 : 1;
    PGresult *result = NULL;
    enum status status = postgres_ask(self, connection, table->lock, NULL, 0, doing, NULL, err);
    if (status == STATUS_OK)
        status = postgres_ask(self, connection, table->count_near, where,
                              ARRAY_COUNT(where) - left_out, doing, &result, err);
    if (status == STATUS_OK && postgres_column_number(result, 0, 0) > 0)
        status = error_set(err, STATUS_EXISTS, "%s: this %s, or one as new, is there already",
                           self->name, table->what);
    PQclear(result);
    return status == STATUS_OK ? postgres_ask(self, connection, table->insert, values,
                                              ARRAY_COUNT(values) - left_out, doing, NULL, err)
                               : status;
}

enum status postgres_add_ring_key(struct store *store, enum store_ring ring,
                                  const struct store_ring_key *key, uint64_t within_s,
                                  struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = postgres_begin(self, &connection, err);
    if (status == STATUS_OK)
        status = add_key(self, connection, &tables[ring], key, within_s, err);
    return postgres_end(self, connection, status, err);
}

static enum status read_id(const struct store_postgres *self, const struct ring_table *table,
                           const PGresult *result, size_t row, uint8_t ret[STORE_RING_KEY_ID_BYTES],
                           struct error *err)
{
    if (!table->has_number_as_id)
        return postgres_column_copy(self, result, row, 0, ret, STORE_RING_KEY_ID_BYTES, err);
    const uint64_t id = postgres_column_number(result, row, 0);
    if (id > UINT8_MAX)
        return error_set(err, STATUS_MALFORMED, "%s: a %s of no id", self->name, table->what);
    ret[0] = (uint8_t)id;
    return STATUS_OK;
}

static enum status read_key(const struct store_postgres *self, const struct ring_table *table,
                            const PGresult *result, size_t row, struct store_ring_key *ret,
                            struct error *err)
{
    *ret = (struct store_ring_key){.made_at = postgres_column_number(result, row, 1),
                                   .not_before = postgres_column_number(result, row, 2),
                                   .retire_at = postgres_column_number(result, row, 3),
                                   .secret = postgres_column_span(result, row, 4)};
    const enum status status = read_id(self, table, result, row, ret->id, err);
    return status == STATUS_OK && table->has_app
               ? postgres_column_text_copy(self, result, row, 5, ret->app, sizeof ret->app, err)
               : status;
}

enum status postgres_list_ring_keys(struct store *store, enum store_ring ring,
                                    store_visit_ring_key *visit, void *context, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    PGresult *result = NULL;
    enum status status =
        postgres_ask_alone(self, tables[ring].select, NULL, 0, "listing keys", &result, err);
    for (size_t i = 0; status == STATUS_OK && i < postgres_rows(result); i++) {
        struct store_ring_key key;
        status = read_key(self, &tables[ring], result, i, &key, err);
        if (status == STATUS_OK)
            status = visit(context, &key, err);
    }
    PQclear(result);
    return status;
}

enum status postgres_mark_ring_key(struct store *store, enum store_ring ring,
                                   const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                   struct error *err)
{
    const struct ring_table *table = &tables[ring];
    const struct postgres_value values[] = {id_value(table, id), postgres_number(retire_at)};
    return postgres_change_row(store, table->mark, values, ARRAY_COUNT(values), table->what,
                               "marking a key", err);
}

enum status postgres_remove_ring_key(struct store *store, enum store_ring ring,
                                     const uint8_t id[STORE_RING_KEY_ID_BYTES], struct error *err)
{
    const struct ring_table *table = &tables[ring];
    const struct postgres_value which = id_value(table, id);
    return postgres_change_row(store, table->remove, &which, 1, table->what, "removing a key", err);
}

enum status postgres_get_tended(struct store *store, enum store_ring ring, const char *app,
                                uint64_t *ret_at, struct error *err)
{
    const struct postgres_value which = postgres_text(store_tended_name(ring, app));
    PGresult *result = NULL;
    const enum status status =
        postgres_ask_alone(postgres_of(store), POSTGRES_SELECT_TENDED, &which, 1,
                           "reading when keys were tended", &result, err);
    if (status == STATUS_OK)
        *ret_at = postgres_rows(result) == 0 ? 0 : postgres_column_number(result, 0, 0);
    PQclear(result);
    return status;
}

enum status postgres_set_tended(struct store *store, enum store_ring ring, const char *app,
                                uint64_t at, struct error *err)
{
    const struct postgres_value values[] = {postgres_text(store_tended_name(ring, app)),
                                            postgres_number(at)};
    return postgres_change_row(store, POSTGRES_SET_TENDED, values, ARRAY_COUNT(values), "app",
                               "writing when keys were tended", err);
}
