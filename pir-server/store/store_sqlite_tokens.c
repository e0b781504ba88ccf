/* Spent tokens and user tokens in SQLite. */
#include "pir-server/store/store_sqlite_internal.h"

#include <inttypes.h>
#include <stdint.h>

/* Nonces of keys that are gone are removed so many at a time: writers wait for milliseconds. And so
 * many pieces in a purge, whose caller has other things to do: the rest goes with the next. */
#define SPENT_PIECE  10000
#define SPENT_PIECES 100

/* ---- spent tokens ---- */

static enum status spend(struct store_sqlite *self, const struct store_spend *spend,
                         enum status *ret, struct error *err)
{
    const struct sqlite_value key = sqlite_blob(spend->key_id, sizeof spend->key_id);
    uint64_t number = 0;
    size_t rows = 0;
    enum status status = sqlite_ask(self, &self->writer, STATEMENT_SELECT_ISSUER_KEY_NUMBER, &key,
                                    1, sqlite_take_number, &number, &rows, "spending a token", err);
    if (status != STATUS_OK)
        return status;
    *ret = STATUS_NOT_FOUND;
    if (rows == 0)
        return STATUS_OK;
    const struct sqlite_value values[] = {sqlite_number(number),
                                          sqlite_blob(spend->nonce, sizeof spend->nonce)};
    status = sqlite_run(self, &self->writer, STATEMENT_INSERT_SPENT, values, ARRAY_COUNT(values),
                        "spending a token", err);
    if (status == STATUS_OK)
        *ret = sqlite3_changes(self->writer.db) == 1 ? STATUS_OK : STATUS_EXISTS;
    return status;
}

enum status sqlite_spend_tokens(struct store *store, const struct store_spend *spends, size_t count,
                                enum status *ret, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    enum status status = sqlite_begin(self, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = spend(self, &spends[i], &ret[i], err);
    return sqlite_end(self, status, err);
}

/* One piece; *ret_number is 0 when nothing is left. */
static enum status purge_piece(struct store_sqlite *self, uint64_t *ret_number, struct error *err)
{
    struct sqlite_connection *writer = &self->writer;
    enum status status =
        sqlite_ask(self, writer, STATEMENT_SELECT_REMOVED_KEY, NULL, 0, sqlite_take_number,
                   ret_number, NULL, "dropping spent tokens", err);
    if (status != STATUS_OK || *ret_number == 0)
        return status;
    const struct sqlite_value values[] = {sqlite_number(*ret_number), sqlite_number(SPENT_PIECE)};
    status =
        sqlite_run(self, writer, STATEMENT_DELETE_SPENT, values, 2, "dropping spent tokens", err);
    if (status == STATUS_OK && sqlite3_changes(writer->db) < SPENT_PIECE)
        status = sqlite_run(self, writer, STATEMENT_DELETE_REMOVED_KEY, values, 1,
                            "dropping spent tokens", err);
    return status;
}

enum status sqlite_purge_spent(struct store_sqlite *self, struct error *err)
{
    enum status status = STATUS_OK;
    uint64_t number = 1;
    for (int i = 0; i < SPENT_PIECES && status == STATUS_OK && number != 0; i++) {
        number = 0;
        status = sqlite_begin(self, err);
        if (status == STATUS_OK)
            status = purge_piece(self, &number, err);
        status = sqlite_end(self, status, err);
    }
    return status;
}

/* ---- user tokens ---- */

/* One row by its id. */
static enum status change_row(struct store_sqlite *self, enum sqlite_statement which,
                              const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t number,
                              const char *what, const char *doing, struct error *err)
{
    const struct sqlite_value values[] = {sqlite_blob(hash, STORE_TOKEN_HASH_BYTES),
                                          sqlite_number(number)};
    return sqlite_change_row(self, which, values, ARRAY_COUNT(values), what, doing, err);
}

static enum status add_token(struct store_sqlite *self, const struct store_user_token *token,
                             size_t index, struct error *err)
{
    const struct sqlite_value values[] = {
        sqlite_text(token->app),          sqlite_blob(token->hash, sizeof token->hash),
        sqlite_text(token->label),        sqlite_number(token->made_at),
        sqlite_number(token->expires_at), sqlite_number(token->revoked_at),
        sqlite_number(token->per_minute), sqlite_number(token->per_day)};
    const enum status status = sqlite_run(self, &self->writer, STATEMENT_INSERT_USER_TOKEN, values,
                                          ARRAY_COUNT(values), "adding a user token", err);
    if (status == STATUS_OK && sqlite3_changes(self->writer.db) == 0)
        return error_set(err, STATUS_EXISTS, "state file %s: user token %zu is there already",
                         self->path, index + 1);
    return status;
}

enum status sqlite_add_user_tokens(struct store *store, const struct store_user_token *tokens,
                                   size_t count, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    enum status status = sqlite_begin(self, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_token(self, &tokens[i], i, err);
    return sqlite_end(self, status, err);
}

struct token_visit {
    enum status (*visit)(void *context, const struct store_user_token *token, struct error *err);
    void *context;
};

static enum status visit_token(void *context, sqlite3_stmt *columns, struct error *err)
{
    const struct token_visit *visit = context;
    struct store_user_token token;
    enum status status = sqlite_column_text_copy(columns, 0, token.app, sizeof token.app, err);
    if (status == STATUS_OK)
        status = sqlite_column_copy(columns, 1, token.hash, sizeof token.hash, err);
    if (status == STATUS_OK)
        status = sqlite_column_text_copy(columns, 2, token.label, sizeof token.label, err);
    if (status != STATUS_OK)
        return status;
    token.made_at = sqlite_column_number(columns, 3);
    token.expires_at = sqlite_column_number(columns, 4);
    token.revoked_at = sqlite_column_number(columns, 5);
    token.per_minute = (uint32_t)sqlite_column_number(columns, 6);
    token.per_day = (uint32_t)sqlite_column_number(columns, 7);
    token.issued = sqlite_column_number(columns, 8);
    return visit->visit(visit->context, &token, err);
}

enum status sqlite_list_user_tokens(struct store *store,
                                    enum status (*visit)(void *context,
                                                         const struct store_user_token *token,
                                                         struct error *err),
                                    void *context, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    struct token_visit visiting = {.visit = visit, .context = context};
    pthread_mutex_lock(&self->reader.lock);
    const enum status status =
        sqlite_ask(self, &self->reader, STATEMENT_SELECT_USER_TOKENS, NULL, 0, visit_token,
                   &visiting, NULL, "listing user tokens", err);
    pthread_mutex_unlock(&self->reader.lock);
    return status;
}

enum status sqlite_revoke_user_token(struct store *store,
                                     const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                     struct error *err)
{
    return change_row(sqlite_of(store), STATEMENT_REVOKE_USER_TOKEN, hash, now_s > 0 ? now_s : 1,
                      "user token", "revoking a user token", err);
}

enum status sqlite_restore_user_token(struct store *store,
                                      const uint8_t hash[STORE_TOKEN_HASH_BYTES], struct error *err)
{
    return change_row(sqlite_of(store), STATEMENT_RESTORE_USER_TOKEN, hash, 0, "user token",
                      "restoring a user token", err);
}

enum status sqlite_check_user_token(struct store *store, const char *app,
                                    const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                    struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    const struct sqlite_value values[] = {sqlite_blob(hash, STORE_TOKEN_HASH_BYTES),
                                          sqlite_text(app), sqlite_number(now_s)};
    size_t rows = 0;
    pthread_mutex_lock(&self->reader.lock);
    enum status status =
        sqlite_ask(self, &self->reader, STATEMENT_CHECK_USER_TOKEN, values, ARRAY_COUNT(values),
                   NULL, NULL, &rows, "looking up a user token", err);
    pthread_mutex_unlock(&self->reader.lock);
    if (status == STATUS_OK && rows == 0)
        status = error_set(err, STATUS_UNAUTHORIZED, "no such user token is in force");
    return status;
}

struct issue_row {
    uint64_t per_minute;
    uint64_t per_day;
    struct store_issue_counts counts;
};

static enum status take_issue_row(void *context, sqlite3_stmt *columns, struct error *err)
{
    (void)err;
    *(struct issue_row *)context =
        (struct issue_row){.per_minute = sqlite_column_number(columns, 0),
                           .per_day = sqlite_column_number(columns, 1),
                           .counts = {.minute = sqlite_column_number(columns, 2),
                                      .in_minute = sqlite_column_number(columns, 3),
                                      .day = sqlite_column_number(columns, 4),
                                      .in_day = sqlite_column_number(columns, 5)}};
    return STATUS_OK;
}

static enum status count_issue(struct store_sqlite *self, const struct store_issue *issue,
                               uint64_t now_s, struct store_issue_answer *ret, struct error *err)
{
    const struct sqlite_value hash = sqlite_blob(issue->hash, sizeof issue->hash);
    const struct sqlite_value where[] = {hash, sqlite_text(issue->app), sqlite_number(now_s)};
    struct issue_row row;
    size_t rows = 0;
    const enum status status =
        sqlite_ask(self, &self->writer, STATEMENT_SELECT_ISSUE_COUNTS, where, ARRAY_COUNT(where),
                   take_issue_row, &row, &rows, "counting a token", err);
    if (status != STATUS_OK)
        return status;
    *ret = (struct store_issue_answer){.status = STATUS_UNAUTHORIZED};
    if (rows == 0)
        return STATUS_OK;
    *ret = store_count_issue(&row.counts, row.per_minute, row.per_day, issue, now_s);
    if (ret->status != STATUS_OK)
        return STATUS_OK;
    const struct sqlite_value values[] = {
        hash, sqlite_number(row.counts.minute), sqlite_number(row.counts.in_minute),
        sqlite_number(row.counts.day), sqlite_number(row.counts.in_day)};
    return sqlite_run(self, &self->writer, STATEMENT_UPDATE_ISSUE_COUNTS, values,
                      ARRAY_COUNT(values), "counting a token", err);
}

enum status sqlite_count_issues(struct store *store, const struct store_issue *issues, size_t count,
                                uint64_t now_s, struct store_issue_answer *ret, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    enum status status = sqlite_begin(self, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = count_issue(self, &issues[i], now_s, &ret[i], err);
    return sqlite_end(self, status, err);
}
