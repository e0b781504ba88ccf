/* Spent tokens and user tokens in PostgreSQL. */
#include "pir-server/store/store_postgres_internal.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Nonces of keys that are gone are removed so many at a time, and so many pieces in a purge: the
 * rest goes with the next. */
#define SPENT_PIECE  ((size_t)10000)
#define SPENT_PIECES 100
/* The advisory lock of whoever purges: "blstpurg". */
#define PURGE_LOCK 0x626c737470757267

/* ---- spent tokens ---- */

/* As POSTGRES_SPEND numbers them. */
static const enum status spend_answers[] = {STATUS_NOT_FOUND, STATUS_OK, STATUS_EXISTS};

static enum status read_answers(const struct store_postgres *self, const PGresult *result,
                                size_t count, enum status *ret, struct error *err)
{
    if (postgres_rows(result) != count)
        return error_set(err, STATUS_INTERNAL, "%s: %zu answers to %zu tokens", self->name,
                         postgres_rows(result), count);
    for (size_t i = 0; i < count; i++) {
        const uint64_t answer = postgres_column_number(result, i, 0);
        ret[i] = answer < ARRAY_COUNT(spend_answers) ? spend_answers[answer] : STATUS_INTERNAL;
    }
    return STATUS_OK;
}

/* One statement and so one transaction, for any number of tokens. When the connection is lost
 * before the answer is there, nobody knows whether they are spent. */
enum status postgres_spend_tokens(struct store *store, const struct store_spend *spends,
                                  size_t count, enum status *ret, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct bytes keys;
    struct bytes nonces;
    PGresult *result = NULL;
    bytes_init(&keys, INT32_MAX);
    bytes_init(&nonces, INT32_MAX);
    postgres_array_begin(&keys, POSTGRES_OID_BYTEA, count);
    postgres_array_begin(&nonces, POSTGRES_OID_BYTEA, count);
    for (size_t i = 0; i < count; i++) {
        postgres_array_add(&keys, spends[i].key_id, sizeof spends[i].key_id);
        postgres_array_add(&nonces, spends[i].nonce, sizeof spends[i].nonce);
    }
    enum status status = bytes_status(&keys, "tokens to spend", err);
    if (status == STATUS_OK)
        status = bytes_status(&nonces, "tokens to spend", err);
    if (status == STATUS_OK) {
        const struct postgres_value values[] = {postgres_bytes(keys.data, keys.size),
                                                postgres_bytes(nonces.data, nonces.size)};
        status = postgres_ask_alone(self, POSTGRES_SPEND, values, ARRAY_COUNT(values),
                                    "spending tokens", &result, err);
    }
    if (status == STATUS_OK)
        status = read_answers(self, result, count, ret, err);
    PQclear(result);
    bytes_deinit(&keys);
    bytes_deinit(&nonces);
    return status;
}

/* One piece; *ret_number is 0 when nothing is left, or another server is at it. */
static enum status purge_piece(struct store_postgres *self, struct postgres_connection *connection,
                               uint64_t *ret_number, struct error *err)
{
    static const char doing[] = "dropping spent tokens";
    const struct postgres_value lock = postgres_number(PURGE_LOCK);
    PGresult *result = NULL;
    *ret_number = 0;
    enum status status =
        postgres_ask(self, connection, POSTGRES_LOCK_PURGE, &lock, 1, doing, &result, err);
    const bool is_ours = status == STATUS_OK && postgres_column_number(result, 0, 0) == 1;
    PQclear(result);
    result = NULL;
    if (!is_ours)
        return status;
    status =
        postgres_ask(self, connection, POSTGRES_SELECT_REMOVED_KEY, NULL, 0, doing, &result, err);
    if (status == STATUS_OK && postgres_rows(result) > 0)
        *ret_number = postgres_column_number(result, 0, 0);
    PQclear(result);
    result = NULL;
    if (status != STATUS_OK || *ret_number == 0)
        return status;
    const struct postgres_value values[] = {postgres_number(*ret_number),
                                            postgres_number(SPENT_PIECE)};
    status = postgres_ask(self, connection, POSTGRES_DELETE_SPENT, values, 2, doing, &result, err);
    if (status == STATUS_OK && postgres_changed(result) < SPENT_PIECE)
        status = postgres_ask(self, connection, POSTGRES_DELETE_REMOVED_KEY, values, 1, doing, NULL,
                              err);
    PQclear(result);
    return status;
}

enum status postgres_purge_spent(struct store_postgres *self, struct error *err)
{
    enum status status = STATUS_OK;
    uint64_t number = 1;
    for (int i = 0; i < SPENT_PIECES && status == STATUS_OK && number != 0; i++) {
        struct postgres_connection *connection = NULL;
        status = postgres_begin(self, &connection, err);
        if (status == STATUS_OK)
            status = purge_piece(self, connection, &number, err);
        status = postgres_end(self, connection, status, err);
    }
    return status;
}

/* ---- user tokens ---- */

static enum status add_token(struct store_postgres *self, struct postgres_connection *connection,
                             const struct store_user_token *token, size_t index, struct error *err)
{
    const struct postgres_value values[] = {
        postgres_text(token->app),          postgres_bytes(token->hash, sizeof token->hash),
        postgres_text(token->label),        postgres_number(token->made_at),
        postgres_number(token->expires_at), postgres_number(token->revoked_at),
        postgres_number(token->per_minute), postgres_number(token->per_day)};
    PGresult *result = NULL;
    enum status status = postgres_ask(self, connection, POSTGRES_INSERT_USER_TOKEN, values,
                                      ARRAY_COUNT(values), "adding a user token", &result, err);
    if (status == STATUS_OK && postgres_changed(result) == 0)
        status = error_set(err, STATUS_EXISTS, "%s: user token %zu is there already", self->name,
                           index + 1);
    PQclear(result);
    return status;
}

enum status postgres_add_user_tokens(struct store *store, const struct store_user_token *tokens,
                                     size_t count, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = postgres_begin(self, &connection, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_token(self, connection, &tokens[i], i, err);
    return postgres_end(self, connection, status, err);
}

static enum status read_token(const struct store_postgres *self, const PGresult *result, size_t row,
                              struct store_user_token *ret, struct error *err)
{
    enum status status =
        postgres_column_text_copy(self, result, row, 0, ret->app, sizeof ret->app, err);
    if (status == STATUS_OK)
        status = postgres_column_copy(self, result, row, 1, ret->hash, sizeof ret->hash, err);
    if (status == STATUS_OK)
        status =
            postgres_column_text_copy(self, result, row, 2, ret->label, sizeof ret->label, err);
    ret->made_at = postgres_column_number(result, row, 3);
    ret->expires_at = postgres_column_number(result, row, 4);
    ret->revoked_at = postgres_column_number(result, row, 5);
    ret->per_minute = (uint32_t)postgres_column_number(result, row, 6);
    ret->per_day = (uint32_t)postgres_column_number(result, row, 7);
    ret->issued = postgres_column_number(result, row, 8);
    return status;
}

enum status postgres_list_user_tokens(struct store *store,
                                      enum status (*visit)(void *context,
                                                           const struct store_user_token *token,
                                                           struct error *err),
                                      void *context, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    PGresult *result = NULL;
    enum status status = postgres_ask_alone(self, POSTGRES_SELECT_USER_TOKENS, NULL, 0,
                                            "listing user tokens", &result, err);
    for (size_t i = 0; status == STATUS_OK && i < postgres_rows(result); i++) {
        struct store_user_token token;
        status = read_token(self, result, i, &token, err);
        if (status == STATUS_OK)
            status = visit(context, &token, err);
    }
    PQclear(result);
    return status;
}

enum status postgres_revoke_user_token(struct store *store,
                                       const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                       struct error *err)
{
    const struct postgres_value values[] = {postgres_bytes(hash, STORE_TOKEN_HASH_BYTES),
                                            postgres_number(now_s > 0 ? now_s : 1)};
    return postgres_change_row(store, POSTGRES_REVOKE_USER_TOKEN, values, ARRAY_COUNT(values),
                               "user token", "revoking a user token", err);
}

enum status postgres_restore_user_token(struct store *store,
                                        const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                        struct error *err)
{
    const struct postgres_value which = postgres_bytes(hash, STORE_TOKEN_HASH_BYTES);
    return postgres_change_row(store, POSTGRES_RESTORE_USER_TOKEN, &which, 1, "user token",
                               "restoring a user token", err);
}

enum status postgres_check_user_token(struct store *store, const char *app,
                                      const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                      struct error *err)
{
    const struct postgres_value values[] = {postgres_bytes(hash, STORE_TOKEN_HASH_BYTES),
                                            postgres_text(app), postgres_number(now_s)};
    PGresult *result = NULL;
    enum status status =
        postgres_ask_alone(postgres_of(store), POSTGRES_CHECK_USER_TOKEN, values,
                           ARRAY_COUNT(values), "looking up a user token", &result, err);
    if (status == STATUS_OK && postgres_rows(result) == 0)
        status = error_set(err, STATUS_UNAUTHORIZED, "no such user token is in force");
    PQclear(result);
    return status;
}

/* ---- counting what is issued ---- */

struct issue_row {
    uint8_t hash[STORE_TOKEN_HASH_BYTES];
    char app[STORE_APP_MAX_BYTES + 1];
    uint64_t per_minute;
    uint64_t per_day;
    struct store_issue_counts counts;
    uint64_t more;
};

static int compare_rows(const void *a, const void *b)
{
    return memcmp(((const struct issue_row *)a)->hash, ((const struct issue_row *)b)->hash,
                  STORE_TOKEN_HASH_BYTES);
}

/* The rows of the user tokens in force, by hash, locked until the end of the transaction. */
static enum status select_rows(struct store_postgres *self, struct postgres_connection *connection,
                               const struct store_issue *issues, size_t count, uint64_t now_s,
                               struct issue_row *rows, size_t *ret_count, struct error *err)
{
    struct bytes hashes;
    PGresult *result = NULL;
    bytes_init(&hashes, INT32_MAX);
    postgres_array_begin(&hashes, POSTGRES_OID_BYTEA, count);
    for (size_t i = 0; i < count; i++)
        postgres_array_add(&hashes, issues[i].hash, sizeof issues[i].hash);
    enum status status = bytes_status(&hashes, "tokens to count", err);
    if (status == STATUS_OK) {
        const struct postgres_value values[] = {postgres_bytes(hashes.data, hashes.size),
                                                postgres_number(now_s)};
        status = postgres_ask(self, connection, POSTGRES_SELECT_ISSUE_COUNTS, values,
                              ARRAY_COUNT(values), "counting tokens", &result, err);
    }
    bytes_deinit(&hashes);
    const size_t found = status == STATUS_OK ? postgres_rows(result) : 0;
    for (size_t i = 0; i < found && status == STATUS_OK; i++) {
        struct issue_row *row = &rows[i];
        status = postgres_column_copy(self, result, i, 0, row->hash, sizeof row->hash, err);
        if (status == STATUS_OK)
            status = postgres_column_text_copy(self, result, i, 1, row->app, sizeof row->app, err);
        row->per_minute = postgres_column_number(result, i, 2);
        row->per_day = postgres_column_number(result, i, 3);
        row->counts = (struct store_issue_counts){.minute = postgres_column_number(result, i, 4),
                                                  .in_minute = postgres_column_number(result, i, 5),
                                                  .day = postgres_column_number(result, i, 6),
                                                  .in_day = postgres_column_number(result, i, 7)};
        row->more = 0;
    }
    PQclear(result);
    *ret_count = found;
    return status;
}

static enum status update_rows(struct store_postgres *self, struct postgres_connection *connection,
                               const struct issue_row *rows, size_t count, struct error *err)
{
    enum { HASH, MORE, MINUTE, IN_MINUTE, DAY, IN_DAY, COLUMNS };
    struct bytes columns[COLUMNS];
    struct postgres_value values[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        bytes_init(&columns[i], INT32_MAX);
        postgres_array_begin(&columns[i], i == HASH ? POSTGRES_OID_BYTEA : POSTGRES_OID_INT8,
                             count);
    }
    for (size_t i = 0; i < count; i++) {
        postgres_array_add(&columns[HASH], rows[i].hash, sizeof rows[i].hash);
        postgres_array_add_number(&columns[MORE], rows[i].more);
        postgres_array_add_number(&columns[MINUTE], rows[i].counts.minute);
        postgres_array_add_number(&columns[IN_MINUTE], rows[i].counts.in_minute);
        postgres_array_add_number(&columns[DAY], rows[i].counts.day);
        postgres_array_add_number(&columns[IN_DAY], rows[i].counts.in_day);
    }
    enum status status = STATUS_OK;
    for (int i = 0; i < COLUMNS; i++) {
        if (status == STATUS_OK)
            status = bytes_status(&columns[i], "tokens to count", err);
        values[i] = postgres_bytes(columns[i].data, columns[i].size);
    }
    if (status == STATUS_OK)
        status = postgres_ask(self, connection, POSTGRES_UPDATE_ISSUE_COUNTS, values, COLUMNS,
                              "counting tokens", NULL, err);
    for (int i = 0; i < COLUMNS; i++)
        bytes_deinit(&columns[i]);
    return status;
}

static struct store_issue_answer count_issue(struct issue_row *rows, size_t row_count,
                                             const struct store_issue *issue, uint64_t now_s)
{
    struct issue_row wanted;
    memcpy(wanted.hash, issue->hash, sizeof wanted.hash);
    struct issue_row *row = bsearch(&wanted, rows, row_count, sizeof *rows, compare_rows);
    if (row == NULL || strcmp(row->app, issue->app) != 0)
        return (struct store_issue_answer){.status = STATUS_UNAUTHORIZED};
    const struct store_issue_answer answer =
        store_count_issue(&row->counts, row->per_minute, row->per_day, issue, now_s);
    row->more += answer.status == STATUS_OK;
    return answer;
}

enum status postgres_count_issues(struct store *store, const struct store_issue *issues,
                                  size_t count, uint64_t now_s, struct store_issue_answer *ret,
                                  struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    size_t row_count = 0;
    struct issue_row *rows = mem_alloc(count, sizeof *rows);
    if (rows == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", self->name);
    enum status status = postgres_begin(self, &connection, err);
    if (status == STATUS_OK)
        status = select_rows(self, connection, issues, count, now_s, rows, &row_count, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        ret[i] = count_issue(rows, row_count, &issues[i], now_s);
    if (status == STATUS_OK && row_count > 0)
        status = update_rows(self, connection, rows, row_count, err);
    status = postgres_end(self, connection, status, err);
    mem_free(rows);
    return status;
}
