/* store_sqlite_internal - the SQLite store's connections and statements, for its own files. */
#ifndef BLINDLIST_STORE_STORE_SQLITE_INTERNAL_H
#define BLINDLIST_STORE_STORE_SQLITE_INTERNAL_H

#include "pir-server/store/store_internal.h"

#include <pthread.h>
#include <sqlite3.h>

enum sqlite_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    /* store_sqlite_keys.c */
    STATEMENT_DELETE_EXPIRED,
    STATEMENT_DELETE_KEY,
    STATEMENT_INSERT_KEY,
    STATEMENT_SUM_OF_USER,
    STATEMENT_DELETE_OLDEST_OF_USER,
    STATEMENT_SUM_OF_ALL,
    STATEMENT_SELECT_KEY,
    STATEMENT_SELECT_KEY_TIME,
    /* store_sqlite_ring_keys.c */
    STATEMENT_COUNT_ISSUER_KEYS_NEAR,
    STATEMENT_INSERT_ISSUER_KEY,
    STATEMENT_SELECT_ISSUER_KEYS,
    STATEMENT_MARK_ISSUER_KEY,
    STATEMENT_INSERT_REMOVED_KEY,
    STATEMENT_DELETE_ISSUER_KEY,
    STATEMENT_COUNT_GATEWAY_KEYS_NEAR,
    STATEMENT_INSERT_GATEWAY_KEY,
    STATEMENT_SELECT_GATEWAY_KEYS,
    STATEMENT_MARK_GATEWAY_KEY,
    STATEMENT_DELETE_GATEWAY_KEY,
    STATEMENT_SELECT_TENDED,
    STATEMENT_SET_TENDED,
    /* store_sqlite_tokens.c */
    STATEMENT_SELECT_ISSUER_KEY_NUMBER,
    STATEMENT_INSERT_SPENT,
    STATEMENT_SELECT_REMOVED_KEY,
    STATEMENT_DELETE_SPENT,
    STATEMENT_DELETE_REMOVED_KEY,
    STATEMENT_INSERT_USER_TOKEN,
    STATEMENT_SELECT_USER_TOKENS,
    STATEMENT_REVOKE_USER_TOKEN,
    STATEMENT_RESTORE_USER_TOKEN,
    STATEMENT_CHECK_USER_TOKEN,
    STATEMENT_SELECT_ISSUE_COUNTS,
    STATEMENT_UPDATE_ISSUE_COUNTS,
    STATEMENT_COUNT
};

struct sqlite_connection {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared when first used */
};

struct store_sqlite {
    struct store store;
    char *path; /* for messages */
    struct sqlite_connection writer;
    struct sqlite_connection reader;
};

static inline struct store_sqlite *sqlite_of(struct store *store)
{
    return (struct store_sqlite *)store;
}

/* What is bound to ?1, ?2, ...: borrowed for the call. */
struct sqlite_value {
    enum { SQLITE_VALUE_NUMBER, SQLITE_VALUE_BLOB, SQLITE_VALUE_TEXT } kind;
    int64_t number;
    struct span bytes;
};
static inline struct sqlite_value sqlite_number(uint64_t number)
{
    return (struct sqlite_value){.kind = SQLITE_VALUE_NUMBER, .number = (int64_t)number};
}
static inline struct sqlite_value sqlite_blob(const void *data, size_t size)
{
    return (struct sqlite_value){.kind = SQLITE_VALUE_BLOB, .bytes = span_of(data, size)};
}
static inline struct sqlite_value sqlite_text(const char *text)
{
    return (struct sqlite_value){.kind = SQLITE_VALUE_TEXT, .bytes = span_of_text(text)};
}

/* The caller holds the connection's lock. `doing` is for the message: "storing a key". */
enum status sqlite_run(struct store_sqlite *self, struct sqlite_connection *connection,
                       enum sqlite_statement which, const struct sqlite_value *values, size_t count,
                       const char *doing, struct error *err) MUST_CHECK;
/* Runs a statement and calls `row` for each of its rows; a failure that it returns ends the
 * statement and is returned. ret_rows may be NULL. */
enum status sqlite_ask(struct store_sqlite *self, struct sqlite_connection *connection,
                       enum sqlite_statement which, const struct sqlite_value *values, size_t count,
                       enum status (*row)(void *context, sqlite3_stmt *columns, struct error *err),
                       void *context, size_t *ret_rows, const char *doing,
                       struct error *err) MUST_CHECK;
/* What sqlite_ask() calls for a row of one number: `context` is the uint64_t it goes to. */
enum status sqlite_take_number(void *context, sqlite3_stmt *columns, struct error *err);
/* Changes one row, in a transaction of its own; STATUS_NOT_FOUND when there is no such `what`. */
enum status sqlite_change_row(struct store_sqlite *self, enum sqlite_statement which,
                              const struct sqlite_value *values, size_t count, const char *what,
                              const char *doing, struct error *err) MUST_CHECK;
/* A transaction of the writer, whose lock is held from begin to end, also when begin fails.
 * sqlite_end() commits, or takes everything back when `status` or the commit is a failure. */
enum status sqlite_begin(struct store_sqlite *self, struct error *err) MUST_CHECK;
enum status sqlite_end(struct store_sqlite *self, enum status status, struct error *err) MUST_CHECK;

/* Column 0 and on. */
static inline uint64_t sqlite_column_number(sqlite3_stmt *columns, int at)
{
    return (uint64_t)sqlite3_column_int64(columns, at);
}
struct span sqlite_column_span(sqlite3_stmt *columns, int at);
/* A blob of exactly `size` bytes, or STATUS_MALFORMED. */
enum status sqlite_column_copy(sqlite3_stmt *columns, int at, void *ret, size_t size,
                               struct error *err) MUST_CHECK;
/* A text of at most size - 1 bytes, with its NUL, or STATUS_MALFORMED. */
enum status sqlite_column_text_copy(sqlite3_stmt *columns, int at, char *ret, size_t size,
                                    struct error *err) MUST_CHECK;

/* struct store_operations */
enum status sqlite_put_keys(struct store *store, const struct store_user *user,
                            const struct store_key *keys, size_t count, uint64_t now_s,
                            struct error *err) MUST_CHECK;
enum status sqlite_get_key(struct store *store, const struct store_user *user,
                           const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                           struct store_key_times *ret_times, struct bytes *ret,
                           struct error *err) MUST_CHECK;
enum status sqlite_get_usage(struct store *store, struct store_usage *ret,
                             struct error *err) MUST_CHECK;
enum status sqlite_purge_keys(struct store_sqlite *self, uint64_t now_s, size_t *ret_removed,
                              struct error *err) MUST_CHECK;
enum status sqlite_purge_spent(struct store_sqlite *self, struct error *err) MUST_CHECK;
enum status sqlite_add_ring_key(struct store *store, enum store_ring ring,
                                const struct store_ring_key *key, uint64_t within_s,
                                struct error *err) MUST_CHECK;
enum status sqlite_list_ring_keys(struct store *store, enum store_ring ring,
                                  store_visit_ring_key *visit, void *context,
                                  struct error *err) MUST_CHECK;
enum status sqlite_mark_ring_key(struct store *store, enum store_ring ring,
                                 const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                 struct error *err) MUST_CHECK;
enum status sqlite_remove_ring_key(struct store *store, enum store_ring ring,
                                   const uint8_t id[STORE_RING_KEY_ID_BYTES],
                                   struct error *err) MUST_CHECK;
enum status sqlite_get_tended(struct store *store, enum store_ring ring, const char *app,
                              uint64_t *ret_at, struct error *err) MUST_CHECK;
enum status sqlite_set_tended(struct store *store, enum store_ring ring, const char *app,
                              uint64_t at, struct error *err) MUST_CHECK;
enum status sqlite_spend_tokens(struct store *store, const struct store_spend *spends, size_t count,
                                enum status *ret, struct error *err) MUST_CHECK;
enum status sqlite_add_user_tokens(struct store *store, const struct store_user_token *tokens,
                                   size_t count, struct error *err) MUST_CHECK;
enum status sqlite_list_user_tokens(struct store *store,
                                    enum status (*visit)(void *context,
                                                         const struct store_user_token *token,
                                                         struct error *err),
                                    void *context, struct error *err) MUST_CHECK;
enum status sqlite_restore_user_token(struct store *store,
                                      const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                      struct error *err) MUST_CHECK;
enum status sqlite_revoke_user_token(struct store *store,
                                     const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                     struct error *err) MUST_CHECK;
enum status sqlite_check_user_token(struct store *store, const char *app,
                                    const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                    struct error *err) MUST_CHECK;
enum status sqlite_count_issues(struct store *store, const struct store_issue *issues, size_t count,
                                uint64_t now_s, struct store_issue_answer *ret,
                                struct error *err) MUST_CHECK;

#endif
