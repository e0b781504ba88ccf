#include "pir-server/store/store.h"

#include "pir-server/store/store_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define SECONDS_A_MINUTE ((uint64_t)60)
#define SECONDS_A_DAY    ((uint64_t)86400)
/* Clocks of several servers, and of one that is set right, differ by less. */
#define CLOCK_SKEW_MAX_S ((uint64_t)600)

struct store_limits store_limits_default(void)
{
    return (struct store_limits){
        .key_ttl_s = STORE_KEY_TTL_S,
        .keys_per_user = STORE_KEYS_PER_USER,
        .key_bytes_per_user = STORE_KEY_BYTES_PER_USER,
        .keys_in_all = STORE_KEYS_IN_ALL,
        .key_bytes_in_all = STORE_KEY_BYTES_IN_ALL,
        .busy_timeout_ms = STORE_BUSY_TIMEOUT_MS,
    };
}

static void hash_of(struct span text, uint8_t ret[SHA256_DIGEST_LENGTH])
{
    SHA256(text.data != NULL ? text.data : (const uint8_t *)"", text.size, ret);
}

struct store_user store_user_of(const char *app, const char *identifier)
{
    struct store_user user;
    uint8_t both[1 + STORE_APP_MAX_BYTES + STORE_USER_HASH_BYTES] = {0};
    const size_t size = strlen(app);
    assert(size <= STORE_APP_MAX_BYTES);
    hash_of(span_of_text(identifier), user.hash);
    if (size == 0)
        return user;
    memcpy(both + 1, app, size);
    memcpy(both + 1 + size, user.hash, sizeof user.hash);
    hash_of(span_of(both, 1 + size + sizeof user.hash), user.hash);
    return user;
}

void store_token_hash(struct span token, uint8_t ret[STORE_TOKEN_HASH_BYTES])
{
    hash_of(token, ret);
}

enum status store_open(const char *name, const struct store_limits *limits,
                       enum store_presence presence, struct store **ret, struct error *err)
{
    return store_is_postgres(name) ? store_open_postgres(name, limits, presence, ret, err)
                                   : store_open_sqlite(name, limits, presence, ret, err);
}

bool store_is_file(const char *name)
{
    return !store_is_postgres(name);
}

void store_close(struct store *store)
{
    if (store != NULL)
        store->operations->close(store);
}

/* ---- what is counted ---- */

const char *store_call_name(enum store_call call)
{
    static const char *const names[STORE_CALL_COUNT] = {
        [STORE_CALL_PUT_KEYS] = "put_keys",
        [STORE_CALL_GET_KEY] = "get_key",
        [STORE_CALL_PURGE] = "purge",
        [STORE_CALL_SPEND_TOKENS] = "spend_tokens",
        [STORE_CALL_COUNT_ISSUES] = "count_issues",
        [STORE_CALL_CHECK_USER_TOKEN] = "check_user_token",
        [STORE_CALL_PROBE] = "probe",
    };
    return names[call];
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_failure(enum status status)
{
    return status == STATUS_NOMEM || status == STATUS_IO || status == STATUS_MALFORMED ||
           status == STATUS_BUSY || status == STATUS_INTERNAL;
}

/* Of a call that began then and ended now. */
static enum status note(struct store *store, enum store_call call, int64_t start_us,
                        enum status status)
{
    histogram_observe(&store->calls[call].times, (uint64_t)(now_us() - start_us));
    if (is_failure(status))
        atomic_fetch_add_explicit(&store->calls[call].failures, 1, memory_order_relaxed);
    return status;
}

void store_look(const struct store *store, enum store_call call, struct store_call_figures *ret)
{
    histogram_look(&store->calls[call].times, &ret->times);
    ret->failures = atomic_load_explicit(&store->calls[call].failures, memory_order_relaxed);
}

/* ---- calls ---- */

enum status store_put_keys(struct store *store, const struct store_user *user,
                           const struct store_key *keys, size_t count, uint64_t now_s,
                           struct error *err)
{
    const uint64_t most = store->limits.key_bytes_per_user;
    for (size_t i = 0; i < count; i++) {
        const size_t size = keys[i].serialized.size;
        if (size > most || size > STORE_EVALUATION_KEY_MAX_BYTES)
            return error_set(err, STATUS_TOO_LARGE,
                             "evaluation key of %zu bytes, at most %" PRIu64 " for one user", size,
                             most);
    }
    if (count == 0)
        return STATUS_OK;
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_PUT_KEYS, start_us,
                store->operations->put_keys(store, user, keys, count, now_s, err));
}

enum status store_get_key(struct store *store, const struct store_user *user,
                          const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                          struct store_key_times *ret_times, struct bytes *ret, struct error *err)
{
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_GET_KEY, start_us,
                store->operations->get_key(store, user, id, now_s, ret_times, ret, err));
}

enum status store_get_key_time(struct store *store, const struct store_user *user,
                               const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                               uint64_t *ret_made_at, struct error *err)
{
    struct store_key_times times;
    const int64_t start_us = now_us();
    const enum status status =
        note(store, STORE_CALL_GET_KEY, start_us,
             store->operations->get_key(store, user, id, now_s, &times, NULL, err));
    if (status == STATUS_OK)
        *ret_made_at = times.made_at;
    return status;
}

const struct store_limits *store_get_limits(const struct store *store)
{
    return &store->limits;
}

enum status store_get_usage(struct store *store, struct store_usage *ret, struct error *err)
{
    return store->operations->get_usage(store, ret, err);
}

enum status store_purge(struct store *store, uint64_t now_s, size_t *ret_removed, struct error *err)
{
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_PURGE, start_us,
                store->operations->purge(store, now_s, ret_removed, err));
}

enum status store_probe(struct store *store, struct error *err)
{
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_PROBE, start_us, store->operations->probe(store, err));
}

enum status store_check(struct store *store, struct error *err)
{
    return store->operations->check(store, err);
}

enum status store_backup(struct store *store, const char *path, struct error *err)
{
    return store->operations->backup(store, path, err);
}

enum status store_vacuum(struct store *store, struct error *err)
{
    return store->operations->vacuum(store, err);
}

struct store_key_times store_times_of_key(const struct store_limits *limits, uint64_t made_at,
                                          uint64_t stored_at)
{
    const bool is_endless = stored_at > UINT64_MAX - limits->key_ttl_s;
    return (struct store_key_times){
        .made_at = made_at, .expires_at = is_endless ? UINT64_MAX : stored_at + limits->key_ttl_s};
}

enum status store_check_quota(const struct store_limits *limits, const struct store_usage *usage,
                              const char *name, struct error *err)
{
    if (usage->key_count <= limits->keys_in_all && usage->key_bytes <= limits->key_bytes_in_all)
        return STATUS_OK;
    return error_set(err, STATUS_BUSY,
                     "%s: full, %" PRIu64 " keys of %" PRIu64 ", %" PRIu64 " bytes of %" PRIu64,
                     name, usage->key_count, limits->keys_in_all, usage->key_bytes,
                     limits->key_bytes_in_all);
}

/* ---- keys of issuers and gateway ---- */

enum status store_add_ring_key(struct store *store, enum store_ring ring,
                               const struct store_ring_key *key, uint64_t within_s,
                               struct error *err)
{
    return store->operations->add_ring_key(store, ring, key, within_s, err);
}

enum status store_list_ring_keys(struct store *store, enum store_ring ring,
                                 store_visit_ring_key *visit, void *context, struct error *err)
{
    return store->operations->list_ring_keys(store, ring, visit, context, err);
}

enum status store_mark_ring_key(struct store *store, enum store_ring ring,
                                const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                struct error *err)
{
    return store->operations->mark_ring_key(store, ring, id, retire_at, err);
}

enum status store_remove_ring_key(struct store *store, enum store_ring ring,
                                  const uint8_t id[STORE_RING_KEY_ID_BYTES], struct error *err)
{
    return store->operations->remove_ring_key(store, ring, id, err);
}

/* No app has a '/' in its name. */
const char *store_tended_name(enum store_ring ring, const char *app)
{
    return ring == STORE_GATEWAY_KEYS ? "/gateway" : app;
}

enum status store_get_tended(struct store *store, enum store_ring ring, const char *app,
                             uint64_t *ret_at, struct error *err)
{
    return store->operations->get_tended(store, ring, app, ret_at, err);
}

enum status store_set_tended(struct store *store, enum store_ring ring, const char *app,
                             uint64_t at, struct error *err)
{
    return store->operations->set_tended(store, ring, app, at, err);
}

/* ---- Privacy Pass ---- */

enum status store_spend_tokens(struct store *store, const struct store_spend *spends, size_t count,
                               enum status *ret, struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_SPEND_TOKENS, start_us,
                store->operations->spend_tokens(store, spends, count, ret, err));
}

enum status store_add_user_tokens(struct store *store, const struct store_user_token *tokens,
                                  size_t count, struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    return store->operations->add_user_tokens(store, tokens, count, err);
}

enum status store_list_user_tokens(struct store *store,
                                   enum status (*visit)(void *context,
                                                        const struct store_user_token *token,
                                                        struct error *err),
                                   void *context, struct error *err)
{
    return store->operations->list_user_tokens(store, visit, context, err);
}

enum status store_revoke_user_token(struct store *store, const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                    uint64_t now_s, struct error *err)
{
    return store->operations->revoke_user_token(store, hash, now_s, err);
}

enum status store_restore_user_token(struct store *store,
                                     const uint8_t hash[STORE_TOKEN_HASH_BYTES], struct error *err)
{
    return store->operations->restore_user_token(store, hash, err);
}

enum status store_check_user_token(struct store *store, const char *app,
                                   const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                   struct error *err)
{
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_CHECK_USER_TOKEN, start_us,
                store->operations->check_user_token(store, app, hash, now_s, err));
}

enum status store_count_issues(struct store *store, const struct store_issue *issues, size_t count,
                               uint64_t now_s, struct store_issue_answer *ret, struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    const int64_t start_us = now_us();
    return note(store, STORE_CALL_COUNT_ISSUES, start_us,
                store->operations->count_issues(store, issues, count, now_s, ret, err));
}

/* ---- counting ---- */

/* Begins a new window when the clock is in one. A clock that went back a little stays in the one it
 * was in; one that is far ahead was entered by a clock that was wrong, and nobody waits for it. */
static void enter_window(uint64_t now_s, uint64_t seconds, uint64_t *window, uint64_t *count)
{
    if (now_s / seconds > *window || *window > (now_s + CLOCK_SKEW_MAX_S) / seconds) {
        *window = now_s / seconds;
        *count = 0;
    }
}

static uint32_t seconds_left(uint64_t window, uint64_t seconds, uint64_t now_s)
{
    const uint64_t left = (window + 1) * seconds - now_s;
    return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

struct store_issue_answer store_count_issue(struct store_issue_counts *counts, uint64_t per_minute,
                                            uint64_t per_day, const struct store_issue *issue,
                                            uint64_t now_s)
{
    per_minute = per_minute != 0 ? per_minute : issue->per_minute;
    per_day = per_day != 0 ? per_day : issue->per_day;
    enter_window(now_s, SECONDS_A_MINUTE, &counts->minute, &counts->in_minute);
    enter_window(now_s, SECONDS_A_DAY, &counts->day, &counts->in_day);
    if (per_day != 0 && counts->in_day >= per_day)
        return (struct store_issue_answer){.status = STATUS_BUSY,
                                           .retry_after_s =
                                               seconds_left(counts->day, SECONDS_A_DAY, now_s)};
    if (per_minute != 0 && counts->in_minute >= per_minute)
        return (struct store_issue_answer){
            .status = STATUS_BUSY,
            .retry_after_s = seconds_left(counts->minute, SECONDS_A_MINUTE, now_s)};
    counts->in_minute++;
    counts->in_day++;
    return (struct store_issue_answer){.status = STATUS_OK};
}
