/* The gateway's keys in PostgreSQL. */
#include "pir-server/store/store_postgres_internal.h"

#include <stdint.h>

static enum status add_key(struct store_postgres *self, struct postgres_connection *connection,
                           const struct store_gateway_key *key, uint64_t within_s,
                           struct error *err)
{
    static const char doing[] = "adding a gateway key";
    const struct postgres_value where[] = {
        postgres_number(key->id), postgres_number(key->not_before),
        postgres_number(within_s < INT64_MAX ? within_s : INT64_MAX)};
    const struct postgres_value values[] = {
        postgres_number(key->id), postgres_number(key->made_at), postgres_number(key->not_before),
        postgres_number(key->retire_at), postgres_bytes(key->secret.data, key->secret.size)};
    PGresult *result = NULL;
    enum status status =
        postgres_ask(self, connection, POSTGRES_LOCK_GATEWAY_KEYS, NULL, 0, doing, NULL, err);
    if (status == STATUS_OK)
        status = postgres_ask(self, connection, POSTGRES_COUNT_GATEWAY_KEYS_NEAR, where,
                              ARRAY_COUNT(where), doing, &result, err);
    if (status == STATUS_OK && postgres_column_number(result, 0, 0) > 0)
        status =
            error_set(err, STATUS_EXISTS, "%s: gateway key %u, or one as new, is there already",
                      self->name, key->id);
    PQclear(result);
    return status == STATUS_OK ? postgres_ask(self, connection, POSTGRES_INSERT_GATEWAY_KEY, values,
                                              ARRAY_COUNT(values), doing, NULL, err)
                               : status;
}

enum status postgres_add_gateway_key(struct store *store, const struct store_gateway_key *key,
                                     uint64_t within_s, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = postgres_begin(self, &connection, err);
    if (status == STATUS_OK)
        status = add_key(self, connection, key, within_s, err);
    return postgres_end(self, connection, status, err);
}

enum status postgres_list_gateway_keys(struct store *store,
                                       enum status (*visit)(void *context,
                                                            const struct store_gateway_key *key,
                                                            struct error *err),
                                       void *context, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    PGresult *result = NULL;
    enum status status = postgres_ask_alone(self, POSTGRES_SELECT_GATEWAY_KEYS, NULL, 0,
                                            "listing gateway keys", &result, err);
    for (size_t i = 0; status == STATUS_OK && i < postgres_rows(result); i++) {
        const uint64_t id = postgres_column_number(result, i, 0);
        const struct store_gateway_key key = {.id = (uint8_t)id,
                                              .made_at = postgres_column_number(result, i, 1),
                                              .not_before = postgres_column_number(result, i, 2),
                                              .retire_at = postgres_column_number(result, i, 3),
                                              .secret = postgres_column_span(result, i, 4)};
        status = id <= UINT8_MAX
                     ? visit(context, &key, err)
                     : error_set(err, STATUS_MALFORMED, "%s: a gateway key of no id", self->name);
    }
    PQclear(result);
    return status;
}

enum status postgres_mark_gateway_key(struct store *store, uint8_t id, uint64_t retire_at,
                                      struct error *err)
{
    const struct postgres_value values[] = {postgres_number(id), postgres_number(retire_at)};
    return postgres_change_row(store, POSTGRES_MARK_GATEWAY_KEY, values, ARRAY_COUNT(values),
                               "gateway key", "marking a gateway key", err);
}

enum status postgres_remove_gateway_key(struct store *store, uint8_t id, struct error *err)
{
    const struct postgres_value which = postgres_number(id);
    return postgres_change_row(store, POSTGRES_REMOVE_GATEWAY_KEY, &which, 1, "gateway key",
                               "removing a gateway key", err);
}
