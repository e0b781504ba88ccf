/* store_postgres_internal - the PostgreSQL store's connections and statements, for its own files.
 *
 * Pool       a call takes a connection, has it alone, and gives it back; one that was lost or hangs
 *            is thrown away and the next call makes another. After an attempt that failed, others
 *            fail at once for as long as it took, half a second at least.
 * Deadlines  the server ends a statement after the store's busy timeout; a second later we no
 *            longer wait for the server either.
 * Numbers    uint64_t is kept as the int8 of the same bits.
 * Texts      are bytea: bytes as they come, in bytewise order, whatever the database thinks of
 *            languages. */
#ifndef BLINDLIST_STORE_STORE_POSTGRES_INTERNAL_H
#define BLINDLIST_STORE_STORE_POSTGRES_INTERNAL_H

#include "base/bytes.h"
#include "pir-server/store/store_internal.h"

#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <stdbool.h>

#define POSTGRES_POOL_MAX   ((size_t)8)
#define POSTGRES_NAME_BYTES 256

enum postgres_statement {
    POSTGRES_BEGIN,
    POSTGRES_COMMIT,
    POSTGRES_ROLLBACK,
    /* store_postgres_keys.c */
    POSTGRES_LOCK_SUMS,
    POSTGRES_DELETE_EXPIRED,
    POSTGRES_DELETE_KEY,
    POSTGRES_INSERT_KEY,
    POSTGRES_SUM_OF_USER,
    POSTGRES_DELETE_OLDEST_OF_USER,
    POSTGRES_SUM_OF_ALL,
    POSTGRES_SELECT_KEY,
    POSTGRES_SELECT_KEY_TIME,
    /* store_postgres_ring_keys.c */
    POSTGRES_LOCK_ISSUER_KEYS,
    POSTGRES_COUNT_ISSUER_KEYS_NEAR,
    POSTGRES_INSERT_ISSUER_KEY,
    POSTGRES_SELECT_ISSUER_KEYS,
    POSTGRES_MARK_ISSUER_KEY,
    POSTGRES_REMOVE_ISSUER_KEY,
    POSTGRES_LOCK_GATEWAY_KEYS,
    POSTGRES_COUNT_GATEWAY_KEYS_NEAR,
    POSTGRES_INSERT_GATEWAY_KEY,
    POSTGRES_SELECT_GATEWAY_KEYS,
    POSTGRES_MARK_GATEWAY_KEY,
    POSTGRES_REMOVE_GATEWAY_KEY,
    POSTGRES_SELECT_TENDED,
    POSTGRES_SET_TENDED,
    /* store_postgres_tokens.c */
    POSTGRES_SPEND,
    POSTGRES_LOCK_PURGE,
    POSTGRES_SELECT_REMOVED_KEY,
    POSTGRES_DELETE_SPENT,
    POSTGRES_DELETE_REMOVED_KEY,
    POSTGRES_INSERT_USER_TOKEN,
    POSTGRES_SELECT_USER_TOKENS,
    POSTGRES_REVOKE_USER_TOKEN,
    POSTGRES_RESTORE_USER_TOKEN,
    POSTGRES_CHECK_USER_TOKEN,
    POSTGRES_SELECT_ISSUE_COUNTS,
    POSTGRES_UPDATE_ISSUE_COUNTS,
    POSTGRES_STATEMENT_COUNT
};

struct postgres_connection {
    PGconn *pg; /* NULL: none; changes under the pool's lock or while it is taken */
    bool is_taken;
    bool is_prepared[POSTGRES_STATEMENT_COUNT];
};

struct store_postgres {
    struct store store;
    char *conninfo;                 /* secret: it may hold a password */
    char name[POSTGRES_NAME_BYTES]; /* for messages; fixed once it is open */
    pthread_mutex_t lock;           /* guards what follows */
    pthread_cond_t given;
    uint64_t down_until_ms;
    uint64_t made_count; /* connections, ever */
    struct postgres_connection connections[POSTGRES_POOL_MAX];
};

static inline struct store_postgres *postgres_of(struct store *store)
{
    return (struct store_postgres *)store;
}

/* ---- store_postgres_pool.c ---- */

enum status postgres_pool_init(struct store_postgres *self, const char *conninfo,
                               struct error *err) MUST_CHECK;
void postgres_pool_deinit(struct store_postgres *self);
/* STATUS_BUSY when the server cannot be reached, or all connections stay taken. */
enum status postgres_take(struct store_postgres *self, struct postgres_connection **ret,
                          struct error *err) MUST_CHECK;
/* Takes NULL. A connection in the middle of something is closed. */
void postgres_give(struct store_postgres *self, struct postgres_connection *connection);
/* Closes what is taken: the next to take it makes another. */
void postgres_drop(struct postgres_connection *connection);

/* ---- store_postgres_query.c ---- */

/* What stands for $1, $2, ...: bytes are borrowed for the call. */
struct postgres_value {
    bool is_number;
    uint8_t number[8]; /* big endian */
    struct span bytes;
};
struct postgres_value postgres_number(uint64_t number);
static inline struct postgres_value postgres_bytes(const void *data, size_t size)
{
    return (struct postgres_value){.bytes = span_of(data, size)};
}
static inline struct postgres_value postgres_text(const char *text)
{
    return (struct postgres_value){.bytes = span_of_text(text)};
}

/* An array of bytea, of int8 when `size` says so, in the form in which it is sent; filled by
 * bytes_append_u32be(size) and the element's bytes. */
#define POSTGRES_OID_BYTEA 17
#define POSTGRES_OID_INT8  20
void postgres_array_begin(struct bytes *array, uint32_t element_oid, size_t count);
void postgres_array_add(struct bytes *array, const void *data, size_t size);
void postgres_array_add_number(struct bytes *array, uint64_t number);

/* Runs a statement. `doing` is for the message: "storing a key". ret may be NULL; the caller gives
 * the result back with PQclear(). */
enum status postgres_ask(struct store_postgres *self, struct postgres_connection *connection,
                         enum postgres_statement which, const struct postgres_value *values,
                         size_t count, const char *doing, PGresult **ret,
                         struct error *err) MUST_CHECK;
/* The same on a connection of its own: the statement is the transaction. */
enum status postgres_ask_alone(struct store_postgres *self, enum postgres_statement which,
                               const struct postgres_value *values, size_t count, const char *doing,
                               PGresult **ret, struct error *err) MUST_CHECK;
/* The same for a statement that changes one row; STATUS_NOT_FOUND when there is no such `what`. */
enum status postgres_change_row(struct store *store, enum postgres_statement which,
                                const struct postgres_value *values, size_t count, const char *what,
                                const char *doing, struct error *err) MUST_CHECK;
/* Takes a connection and begins. postgres_end() commits, or takes everything back when `status` or
 * the commit is a failure, and gives the connection, which may be NULL after a failure. */
enum status postgres_begin(struct store_postgres *self, struct postgres_connection **ret,
                           struct error *err) MUST_CHECK;
enum status postgres_end(struct store_postgres *self, struct postgres_connection *connection,
                         enum status status, struct error *err) MUST_CHECK;
/* Statements of which nothing comes back, or the last one's first column as a number (ret_number
 * may be NULL). wait_ms 0: as long as it takes. */
enum status postgres_execute(struct store_postgres *self, struct postgres_connection *connection,
                             const char *text, uint64_t wait_ms, uint64_t *ret_number,
                             const char *doing, struct error *err) MUST_CHECK;

size_t postgres_rows(const PGresult *result);
/* Rows that the statement changed. */
size_t postgres_changed(PGresult *result);
/* An int8, 0 for NULL. */
uint64_t postgres_column_number(const PGresult *result, size_t row, int at);
struct span postgres_column_span(const PGresult *result, size_t row, int at);
/* Exactly `size` bytes, or STATUS_MALFORMED. */
enum status postgres_column_copy(const struct store_postgres *self, const PGresult *result,
                                 size_t row, int at, void *ret, size_t size,
                                 struct error *err) MUST_CHECK;
/* At most size - 1 bytes, with a NUL, or STATUS_MALFORMED. */
enum status postgres_column_text_copy(const struct store_postgres *self, const PGresult *result,
                                      size_t row, int at, char *ret, size_t size,
                                      struct error *err) MUST_CHECK;

/* ---- struct store_operations ---- */

enum status postgres_put_keys(struct store *store, const struct store_user *user,
                              const struct store_key *keys, size_t count, uint64_t now_s,
                              struct error *err) MUST_CHECK;
enum status postgres_get_key(struct store *store, const struct store_user *user,
                             const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                             struct store_key_times *ret_times, struct bytes *ret,
                             struct error *err) MUST_CHECK;
enum status postgres_get_usage(struct store *store, struct store_usage *ret,
                               struct error *err) MUST_CHECK;
enum status postgres_purge_keys(struct store_postgres *self, uint64_t now_s, size_t *ret_removed,
                                struct error *err) MUST_CHECK;
enum status postgres_purge_spent(struct store_postgres *self, struct error *err) MUST_CHECK;
enum status postgres_add_ring_key(struct store *store, enum store_ring ring,
                                  const struct store_ring_key *key, uint64_t within_s,
                                  struct error *err) MUST_CHECK;
enum status postgres_list_ring_keys(struct store *store, enum store_ring ring,
                                    store_visit_ring_key *visit, void *context,
                                    struct error *err) MUST_CHECK;
enum status postgres_mark_ring_key(struct store *store, enum store_ring ring,
                                   const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                   struct error *err) MUST_CHECK;
enum status postgres_remove_ring_key(struct store *store, enum store_ring ring,
                                     const uint8_t id[STORE_RING_KEY_ID_BYTES],
                                     struct error *err) MUST_CHECK;
enum status postgres_get_tended(struct store *store, enum store_ring ring, const char *app,
                                uint64_t *ret_at, struct error *err) MUST_CHECK;
enum status postgres_set_tended(struct store *store, enum store_ring ring, const char *app,
                                uint64_t at, struct error *err) MUST_CHECK;
enum status postgres_spend_tokens(struct store *store, const struct store_spend *spends,
                                  size_t count, enum status *ret, struct error *err) MUST_CHECK;
enum status postgres_add_user_tokens(struct store *store, const struct store_user_token *tokens,
                                     size_t count, struct error *err) MUST_CHECK;
enum status postgres_list_user_tokens(struct store *store,
                                      enum status (*visit)(void *context,
                                                           const struct store_user_token *token,
                                                           struct error *err),
                                      void *context, struct error *err) MUST_CHECK;
enum status postgres_restore_user_token(struct store *store,
                                        const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                        struct error *err) MUST_CHECK;
enum status postgres_revoke_user_token(struct store *store,
                                       const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                       struct error *err) MUST_CHECK;
enum status postgres_check_user_token(struct store *store, const char *app,
                                      const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                      struct error *err) MUST_CHECK;
enum status postgres_count_issues(struct store *store, const struct store_issue *issues,
                                  size_t count, uint64_t now_s, struct store_issue_answer *ret,
                                  struct error *err) MUST_CHECK;

#endif
