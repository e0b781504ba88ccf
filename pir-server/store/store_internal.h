/* store_internal - what an implementation of the store provides. */
#ifndef BLINDLIST_STORE_STORE_INTERNAL_H
#define BLINDLIST_STORE_STORE_INTERNAL_H

#include "pir-server/store/store.h"
#include "pir-server/store/store_ring_keys.h"
#include "pir-server/store/store_tokens.h"

#include <stdbool.h>

/* The contracts are those of the functions of the same names in store.h, store_tokens.h and
 * store_ring_keys.h. */
struct store_operations {
    void (*close)(struct store *store);
    enum status (*put_keys)(struct store *store, const struct store_user *user,
                            const struct store_key *keys, size_t count, uint64_t now_s,
                            struct error *err);
    /* ret may be NULL: only the times are wanted. */
    enum status (*get_key)(struct store *store, const struct store_user *user,
                           const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                           struct store_key_times *ret_times, struct bytes *ret, struct error *err);
    enum status (*get_usage)(struct store *store, struct store_usage *ret, struct error *err);
    enum status (*purge)(struct store *store, uint64_t now_s, size_t *ret_removed,
                         struct error *err);
    enum status (*probe)(struct store *store, struct error *err);
    enum status (*check)(struct store *store, struct error *err);
    enum status (*backup)(struct store *store, const char *path, struct error *err);
    enum status (*vacuum)(struct store *store, struct error *err);

    enum status (*add_ring_key)(struct store *store, enum store_ring ring,
                                const struct store_ring_key *key, uint64_t within_s,
                                struct error *err);
    enum status (*list_ring_keys)(struct store *store, enum store_ring ring,
                                  store_visit_ring_key *visit, void *context, struct error *err);
    enum status (*mark_ring_key)(struct store *store, enum store_ring ring,
                                 const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                 struct error *err);
    enum status (*remove_ring_key)(struct store *store, enum store_ring ring,
                                   const uint8_t id[STORE_RING_KEY_ID_BYTES], struct error *err);
    enum status (*get_tended)(struct store *store, enum store_ring ring, const char *app,
                              uint64_t *ret_at, struct error *err);
    enum status (*set_tended)(struct store *store, enum store_ring ring, const char *app,
                              uint64_t at, struct error *err);

    enum status (*spend_tokens)(struct store *store, const struct store_spend *spends, size_t count,
                                enum status *ret, struct error *err);
    enum status (*add_user_tokens)(struct store *store, const struct store_user_token *tokens,
                                   size_t count, struct error *err);
    enum status (*list_user_tokens)(struct store *store,
                                    enum status (*visit)(void *context,
                                                         const struct store_user_token *token,
                                                         struct error *err),
                                    void *context, struct error *err);
    enum status (*revoke_user_token)(struct store *store,
                                     const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                     struct error *err);
    enum status (*restore_user_token)(struct store *store,
                                      const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                      struct error *err);
    enum status (*check_user_token)(struct store *store, const char *app,
                                    const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                    struct error *err);
    enum status (*count_issues)(struct store *store, const struct store_issue *issues, size_t count,
                                uint64_t now_s, struct store_issue_answer *ret, struct error *err);
};

/* Expired evaluation keys that one transaction removes: a put is one, a purge has so many. */
#define STORE_EXPIRED_PIECE  ((uint64_t)100)
#define STORE_EXPIRED_PIECES 100

/* First member of every implementation's struct. */
struct store {
    const struct store_operations *operations;
    struct store_limits limits;
    struct {
        struct histogram times;
        _Atomic uint64_t failures;
    } calls[STORE_CALL_COUNT];
};

/* store_open() of each, and which it is. */
bool store_is_postgres(const char *name);
enum status store_open_sqlite(const char *path, const struct store_limits *limits,
                              enum store_presence presence, struct store **ret,
                              struct error *err) MUST_CHECK;

enum status store_open_postgres(const char *conninfo, const struct store_limits *limits,
                                enum store_presence presence, struct store **ret,
                                struct error *err) MUST_CHECK;

/* The name under which "tended" has the keys of an app, or the gateway's: static or `app`. */
const char *store_tended_name(enum store_ring ring, const char *app);

/* Is there room for what all users have? `name` of the state is for the message: STATUS_BUSY. */
enum status store_check_quota(const struct store_limits *limits, const struct store_usage *usage,
                              const char *name, struct error *err) MUST_CHECK;

struct store_key_times store_times_of_key(const struct store_limits *limits, uint64_t made_at,
                                          uint64_t stored_at);

/* What the store remembers of a user token to hold it to its limits: how many tokens were issued in
 * the last minute and day in which one was. */
struct store_issue_counts {
    uint64_t minute; /* since 1970 */
    uint64_t in_minute;
    uint64_t day;
    uint64_t in_day;
};
/* Counts one more, unless a limit (0 = none: that of the issue) is reached: then the answer is
 * STATUS_BUSY and the counts stay. */
struct store_issue_answer store_count_issue(struct store_issue_counts *counts, uint64_t per_minute,
                                            uint64_t per_day, const struct store_issue *issue,
                                            uint64_t now_s);

#endif
