#include "tests/pir-server/store/store_cases.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define NOW     ((uint64_t)1800000000) /* a full minute and a full hour */
#define MINUTE  ((uint64_t)60)
#define DAY     ((uint64_t)86400)
#define MANY    25000 /* more nonces than are removed at once */
#define THREADS 8

typedef struct store *reopen_fn(struct store *store);

static struct error error;

static void expect_ok(enum status status)
{
    cr_assert_eq(status, STATUS_OK, "%s", error.message);
}

/* ---- issuer keys ---- */

static struct store_ring_key key_of(const char *app, uint8_t id, uint64_t not_before,
                                    const char *secret)
{
    struct store_ring_key key = {.made_at = NOW, .not_before = not_before};
    snprintf(key.app, sizeof key.app, "%s", app);
    memset(key.id, id, sizeof key.id);
    key.secret = span_of_text(secret);
    return key;
}

static void add_key(struct store *store, const char *app, uint8_t id, uint64_t not_before)
{
    const struct store_ring_key key = key_of(app, id, not_before, "secret");
    expect_ok(store_add_ring_key(store, STORE_ISSUER_KEYS, &key, 0, &error));
}

struct listing {
    char text[1024];
    size_t size;
};

static enum status list_key(void *context, const struct store_ring_key *key, struct error *err)
{
    struct listing *listing = context;
    (void)err;
    listing->size += (size_t)snprintf(
        listing->text + listing->size, sizeof listing->text - listing->size,
        "%s %u %llu %llu %.*s\n", key->app, key->id[31],
        (unsigned long long)(key->not_before - NOW), (unsigned long long)key->retire_at,
        (int)key->secret.size, (const char *)key->secret.data);
    return STATUS_OK;
}

static void expect_keys(struct store *store, const char *expected)
{
    struct listing listing = {.size = 0};
    expect_ok(store_list_ring_keys(store, STORE_ISSUER_KEYS, list_key, &listing, &error));
    cr_assert_str_eq(listing.text, expected);
}

static void issuer_keys_are_there_after_reopening(struct store *store, reopen_fn *reopen,
                                                  struct store **ret_store)
{
    expect_keys(store, "");
    const struct store_ring_key keys[] = {key_of("b", 3, NOW + 5, "three"),
                                          key_of("a", 2, NOW + 9, "two"),
                                          key_of("a", 1, NOW + 9, ""), key_of("", 4, NOW, "x")};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        expect_ok(store_add_ring_key(store, STORE_ISSUER_KEYS, &keys[i], 0, &error));
    store = *ret_store = reopen(store);
    expect_keys(store, " 4 0 0 x\na 1 9 0 \na 2 9 0 two\nb 3 5 0 three\n");
    expect_ok(store_mark_ring_key(store, STORE_ISSUER_KEYS, keys[0].id, 77, &error));
    expect_ok(store_remove_ring_key(store, STORE_ISSUER_KEYS, keys[1].id, &error));
    cr_assert_eq(store_remove_ring_key(store, STORE_ISSUER_KEYS, keys[1].id, &error),
                 STATUS_NOT_FOUND);
    cr_assert_eq(store_mark_ring_key(store, STORE_ISSUER_KEYS, keys[1].id, 1, &error),
                 STATUS_NOT_FOUND);
    expect_keys(store, " 4 0 0 x\na 1 9 0 \nb 3 5 77 three\n");
}

static void expect_tended(struct store *store, enum store_ring ring, const char *app, uint64_t at)
{
    uint64_t found = 1;
    expect_ok(store_get_tended(store, ring, app, &found, &error));
    cr_assert_eq(found, at, "%d %s: %llu", (int)ring, app, (unsigned long long)found);
}

static void when_keys_were_tended_is_there_after_reopening(struct store *store, reopen_fn *reopen,
                                                           struct store **ret_store)
{
    expect_tended(store, STORE_ISSUER_KEYS, "", 0);
    expect_ok(store_set_tended(store, STORE_ISSUER_KEYS, "", NOW + 1000, &error));
    expect_ok(store_set_tended(store, STORE_ISSUER_KEYS, "b", UINT64_MAX, &error));
    expect_tended(store, STORE_GATEWAY_KEYS, "", 0);
    expect_ok(store_set_tended(store, STORE_GATEWAY_KEYS, "", NOW + 7, &error));
    expect_ok(store_set_tended(store, STORE_ISSUER_KEYS, "", NOW, &error));
    *ret_store = store = reopen(store);
    expect_tended(store, STORE_ISSUER_KEYS, "", NOW);
    expect_tended(store, STORE_ISSUER_KEYS, "b", UINT64_MAX);
    expect_tended(store, STORE_ISSUER_KEYS, "c", 0);
    expect_tended(store, STORE_GATEWAY_KEYS, "", NOW + 7);
}

static void of_servers_that_make_a_key_at_once_one_does(struct store *store, reopen_fn *reopen,
                                                        struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    const struct store_ring_key first = key_of("a", 1, NOW + 100, "first");
    const struct store_ring_key second = key_of("a", 2, NOW + 101, "second");
    const struct store_ring_key other = key_of("b", 3, NOW + 101, "third");
    expect_ok(store_add_ring_key(store, STORE_ISSUER_KEYS, &first, 50, &error));
    cr_assert_eq(store_add_ring_key(store, STORE_ISSUER_KEYS, &second, 50, &error), STATUS_EXISTS);
    cr_assert_eq(store_add_ring_key(store, STORE_ISSUER_KEYS, &second, 2, &error), STATUS_EXISTS);
    cr_assert_eq(store_add_ring_key(store, STORE_ISSUER_KEYS, &second, UINT64_MAX, &error),
                 STATUS_EXISTS);
    cr_assert(strstr(error.message, "second") == NULL);
    expect_ok(store_add_ring_key(store, STORE_ISSUER_KEYS, &other, 50, &error));
    expect_ok(store_add_ring_key(store, STORE_ISSUER_KEYS, &second, 1, &error));
    cr_assert_eq(store_add_ring_key(store, STORE_ISSUER_KEYS, &second, 0, &error), STATUS_EXISTS);
    expect_keys(store, "a 1 100 0 first\na 2 101 0 second\nb 3 101 0 third\n");
}

static enum status stop_listing(void *context, const struct store_ring_key *key, struct error *err)
{
    ++*(int *)context;
    (void)key;
    return error_set(err, STATUS_CANCELLED, "enough");
}

static void a_visitor_ends_the_list(struct store *store, reopen_fn *reopen,
                                    struct store **ret_store)
{
    int calls = 0;
    (void)reopen;
    (void)ret_store;
    add_key(store, "a", 1, NOW);
    add_key(store, "a", 2, NOW);
    cr_assert_eq(store_list_ring_keys(store, STORE_ISSUER_KEYS, stop_listing, &calls, &error),
                 STATUS_CANCELLED);
    cr_assert_eq(calls, 1);
    add_key(store, "a", 3, NOW);
}

/* ---- spent tokens ---- */

static struct store_spend spend_of(uint8_t key, uint32_t nonce)
{
    struct store_spend spend = {0};
    memset(spend.key_id, key, sizeof spend.key_id);
    memcpy(spend.nonce, &nonce, sizeof nonce);
    return spend;
}

static enum status spend(struct store *store, uint8_t key, uint32_t nonce)
{
    const struct store_spend one = spend_of(key, nonce);
    enum status result = STATUS_INTERNAL;
    expect_ok(store_spend_tokens(store, &one, 1, &result, &error));
    return result;
}

static void a_token_is_spent_once(struct store *store, reopen_fn *reopen, struct store **ret_store)
{
    add_key(store, "a", 1, NOW);
    add_key(store, "b", 2, NOW);
    cr_assert_eq(spend(store, 1, 7), STATUS_OK);
    cr_assert_eq(spend(store, 1, 7), STATUS_EXISTS);
    cr_assert_eq(spend(store, 2, 7), STATUS_OK, "another key's token");
    cr_assert_eq(spend(store, 3, 7), STATUS_NOT_FOUND);
    const struct store_spend batch[] = {spend_of(1, 8), spend_of(1, 7), spend_of(1, 8),
                                        spend_of(3, 8), spend_of(2, 8)};
    const enum status expected[] = {STATUS_OK, STATUS_EXISTS, STATUS_EXISTS, STATUS_NOT_FOUND,
                                    STATUS_OK};
    enum status results[ARRAY_COUNT(batch)];
    expect_ok(store_spend_tokens(store, batch, ARRAY_COUNT(batch), results, &error));
    for (size_t i = 0; i < ARRAY_COUNT(batch); i++)
        cr_assert_eq(results[i], expected[i], "%zu: %s", i, status_name(results[i]));
    store = *ret_store = reopen(store);
    cr_assert_eq(spend(store, 1, 8), STATUS_EXISTS);
    cr_assert_eq(spend(store, 1, 9), STATUS_OK);
}

struct race {
    struct store *store;
    atomic_uint won;
};

static void *race_for_tokens(void *context)
{
    struct race *race = context;
    for (uint32_t nonce = 0; nonce < 50; nonce++) {
        const struct store_spend one = spend_of(1, nonce);
        enum status result = STATUS_INTERNAL;
        if (store_spend_tokens(race->store, &one, 1, &result, NULL) == STATUS_OK &&
            result == STATUS_OK)
            atomic_fetch_add(&race->won, 1);
    }
    return NULL;
}

static void of_parallel_spends_one_wins(struct store *store, reopen_fn *reopen,
                                        struct store **ret_store)
{
    struct race race = {.store = store};
    pthread_t threads[THREADS];
    (void)reopen;
    (void)ret_store;
    add_key(store, "a", 1, NOW);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, race_for_tokens, &race), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(atomic_load(&race.won), 50);
}

static void nonces_go_with_their_key(struct store *store, reopen_fn *reopen,
                                     struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    add_key(store, "a", 1, NOW);
    add_key(store, "a", 2, NOW);
    struct store_spend *spends = mem_alloc(MANY, sizeof *spends);
    enum status *results = mem_alloc(MANY, sizeof *results);
    cr_assert(spends != NULL && results != NULL);
    for (uint32_t i = 0; i < MANY; i++)
        spends[i] = spend_of(1, i);
    expect_ok(store_spend_tokens(store, spends, MANY, results, &error));
    cr_assert_eq(spend(store, 2, 5), STATUS_OK);
    expect_ok(store_remove_ring_key(store, STORE_ISSUER_KEYS, spends[0].key_id, &error));
    cr_assert_eq(spend(store, 1, MANY), STATUS_NOT_FOUND);
    size_t removed = 0;
    expect_ok(store_purge(store, NOW, &removed, &error));
    cr_assert_eq(spend(store, 2, 5), STATUS_EXISTS, "the other key's stay");
    add_key(store, "a", 1, NOW); /* no key comes back in life; it shows that nothing is left */
    expect_ok(store_spend_tokens(store, spends, MANY, results, &error));
    for (uint32_t i = 0; i < MANY; i++)
        cr_assert_eq(results[i], STATUS_OK);
    mem_free(spends);
    mem_free(results);
}

/* ---- user tokens ---- */

static struct store_user_token token_of(const char *app, const char *text)
{
    struct store_user_token token = {.made_at = NOW};
    snprintf(token.app, sizeof token.app, "%s", app);
    snprintf(token.label, sizeof token.label, "label of %s", text);
    store_token_hash(span_of_text(text), token.hash);
    return token;
}

static enum status check(struct store *store, const char *app, const char *text, uint64_t now)
{
    uint8_t hash[STORE_TOKEN_HASH_BYTES];
    store_token_hash(span_of_text(text), hash);
    return store_check_user_token(store, app, hash, now, &error);
}

static enum status list_token(void *context, const struct store_user_token *token,
                              struct error *err)
{
    struct listing *listing = context;
    (void)err;
    listing->size +=
        (size_t)snprintf(listing->text + listing->size, sizeof listing->text - listing->size,
                         "%s|%s|%llu %llu %llu|%u %u|%llu\n", token->app, token->label,
                         (unsigned long long)token->made_at, (unsigned long long)token->expires_at,
                         (unsigned long long)token->revoked_at, token->per_minute, token->per_day,
                         (unsigned long long)token->issued);
    return STATUS_OK;
}

static void user_tokens_open_their_own_app_only(struct store *store, reopen_fn *reopen,
                                                struct store **ret_store)
{
    struct store_user_token tokens[] = {token_of("a", "one"), token_of("b", "two")};
    tokens[1].expires_at = NOW + 10;
    expect_ok(store_add_user_tokens(store, tokens, ARRAY_COUNT(tokens), &error));
    store = *ret_store = reopen(store);
    expect_ok(check(store, "a", "one", NOW));
    cr_assert_eq(check(store, "b", "one", NOW), STATUS_UNAUTHORIZED);
    cr_assert_eq(check(store, "a", "two", NOW), STATUS_UNAUTHORIZED);
    cr_assert_eq(check(store, "a", "", NOW), STATUS_UNAUTHORIZED);
    expect_ok(check(store, "b", "two", NOW + 9));
    cr_assert_eq(check(store, "b", "two", NOW + 10), STATUS_UNAUTHORIZED, "expired");
    expect_ok(store_revoke_user_token(store, tokens[0].hash, NOW + 1, &error));
    expect_ok(store_revoke_user_token(store, tokens[0].hash, NOW + 2, &error));
    cr_assert_eq(check(store, "a", "one", NOW), STATUS_UNAUTHORIZED, "revoked");
    tokens[0].hash[0] ^= 1;
    cr_assert_eq(store_revoke_user_token(store, tokens[0].hash, NOW, &error), STATUS_NOT_FOUND);
    cr_assert_eq(store_restore_user_token(store, tokens[0].hash, &error), STATUS_NOT_FOUND);
    tokens[0].hash[0] ^= 1;
    expect_ok(store_restore_user_token(store, tokens[0].hash, &error));
    expect_ok(check(store, "a", "one", NOW));
    expect_ok(store_revoke_user_token(store, tokens[0].hash, NOW + 1, &error));
    struct listing listing = {.size = 0};
    expect_ok(store_list_user_tokens(store, list_token, &listing, &error));
    cr_assert_str_eq(listing.text, "a|label of one|1800000000 0 1800000001|0 0|0\n"
                                   "b|label of two|1800000000 1800000010 0|0 0|0\n");
}

static void user_tokens_are_added_together_or_not_at_all(struct store *store, reopen_fn *reopen,
                                                         struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    const struct store_user_token first = token_of("a", "one");
    expect_ok(store_add_user_tokens(store, &first, 1, &error));
    const struct store_user_token more[] = {token_of("a", "two"), token_of("b", "one")};
    cr_assert_eq(store_add_user_tokens(store, more, 2, &error), STATUS_EXISTS);
    cr_assert(strstr(error.message, "user token 2 ") != NULL, "%s", error.message);
    cr_assert_eq(check(store, "a", "two", NOW), STATUS_UNAUTHORIZED);
    expect_ok(check(store, "a", "one", NOW));
}

static struct store_issue_answer issue(struct store *store, const char *app, const char *text,
                                       uint64_t now)
{
    struct store_issue one = {0};
    struct store_issue_answer answer = {.status = STATUS_INTERNAL};
    snprintf(one.app, sizeof one.app, "%s", app);
    store_token_hash(span_of_text(text), one.hash);
    expect_ok(store_count_issues(store, &one, 1, now, &answer, &error));
    return answer;
}

static void issuing_is_limited_by_minute_and_day(struct store *store, reopen_fn *reopen,
                                                 struct store **ret_store)
{
    struct store_user_token tokens[] = {token_of("a", "limited"), token_of("a", "free")};
    tokens[0].per_minute = 2;
    tokens[0].per_day = 3;
    const uint64_t midnight = NOW - NOW % DAY + DAY;
    expect_ok(store_add_user_tokens(store, tokens, ARRAY_COUNT(tokens), &error));
    cr_assert_eq(issue(store, "a", "limited", NOW).status, STATUS_OK);
    cr_assert_eq(issue(store, "a", "limited", NOW + 1).status, STATUS_OK);
    struct store_issue_answer answer = issue(store, "a", "limited", NOW + 20);
    cr_assert_eq(answer.status, STATUS_BUSY);
    cr_assert_eq(answer.retry_after_s, MINUTE - 20);
    cr_assert_eq(issue(store, "a", "limited", NOW - 5 * MINUTE).status, STATUS_BUSY,
                 "a clock that goes back a little opens nothing");
    store = *ret_store = reopen(store);
    cr_assert_eq(issue(store, "a", "limited", NOW + MINUTE).status, STATUS_OK);
    answer = issue(store, "a", "limited", NOW + 2 * MINUTE);
    cr_assert_eq(answer.status, STATUS_BUSY);
    cr_assert_eq(answer.retry_after_s, midnight - NOW - 2 * MINUTE);
    cr_assert_eq(issue(store, "a", "limited", midnight).status, STATUS_OK);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(issue(store, "a", "free", NOW).status, STATUS_OK);
    cr_assert_eq(issue(store, "b", "free", NOW).status, STATUS_UNAUTHORIZED);
    cr_assert_eq(issue(store, "a", "unknown", NOW).status, STATUS_UNAUTHORIZED);
    struct listing listing = {.size = 0};
    expect_ok(store_list_user_tokens(store, list_token, &listing, &error));
    cr_assert(strstr(listing.text, "label of limited|1800000000 0 0|2 3|4\n") != NULL);
    cr_assert(strstr(listing.text, "label of free|1800000000 0 0|0 0|10\n") != NULL);
}

/* Whoever used up his day by a clock that was a year ahead does not wait for that day. */
static void a_wrong_clock_uses_up_no_more_than_its_own_day(struct store *store, reopen_fn *reopen,
                                                           struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    static const uint64_t ahead[] = {20 * MINUTE, DAY, 366 * DAY};
    struct store_user_token token = token_of("a", "limited");
    token.per_minute = 1;
    token.per_day = 1;
    expect_ok(store_add_user_tokens(store, &token, 1, &error));
    for (size_t i = 0; i < ARRAY_COUNT(ahead); i++) {
        const uint64_t right = NOW - NOW % DAY + 2 * i * DAY + DAY - 10 * MINUTE;
        cr_assert_eq(issue(store, "a", "limited", right + ahead[i]).status, STATUS_OK);
        cr_assert_eq(issue(store, "a", "limited", right + ahead[i]).status, STATUS_BUSY);
        cr_assert_eq(issue(store, "a", "limited", right - 1).status, STATUS_OK, "ahead %zu", i);
        const struct store_issue_answer answer = issue(store, "a", "limited", right);
        cr_assert_eq(answer.status, STATUS_BUSY);
        cr_assert_eq(answer.retry_after_s, 10 * MINUTE);
    }
}

static void issues_of_a_batch_count_one_after_the_other(struct store *store, reopen_fn *reopen,
                                                        struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    struct store_user_token token = token_of("a", "limited");
    token.per_minute = 2;
    expect_ok(store_add_user_tokens(store, &token, 1, &error));
    struct store_issue issues[4];
    struct store_issue_answer answers[4];
    for (size_t i = 0; i < 4; i++) {
        issues[i] = (struct store_issue){.app = "a"};
        memcpy(issues[i].hash, token.hash, sizeof token.hash);
    }
    issues[1].hash[0] ^= 1;
    expect_ok(store_count_issues(store, issues, 4, NOW, answers, &error));
    cr_assert_eq(answers[0].status, STATUS_OK);
    cr_assert_eq(answers[1].status, STATUS_UNAUTHORIZED);
    cr_assert_eq(answers[2].status, STATUS_OK);
    cr_assert_eq(answers[3].status, STATUS_BUSY);
}

/* ---- for operators ---- */

static void a_whole_store_passes_its_check(struct store *store, reopen_fn *reopen,
                                           struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    add_key(store, "a", 1, NOW);
    cr_assert_eq(spend(store, 1, 1), STATUS_OK);
    const struct store_user user = store_user_of("", "u");
    const struct store_key key = {.made_at = 1, .serialized = span_of_text("key")};
    expect_ok(store_put_keys(store, &user, &key, 1, NOW, &error));
    expect_ok(store_check(store, &error));
    expect_ok(store_vacuum(store, &error));
    cr_assert_eq(spend(store, 1, 1), STATUS_EXISTS);
}

static void calls_are_counted_and_answers_are_no_failures(struct store *store, reopen_fn *reopen,
                                                          struct store **ret_store)
{
    struct store_call_figures figures;
    const struct store_user user = store_user_of("", "u");
    const uint8_t id[STORE_KEY_ID_BYTES] = {1};
    uint64_t made_at = 0;
    (void)reopen;
    (void)ret_store;
    for (size_t i = 0; i < STORE_CALL_COUNT; i++) {
        store_look(store, (enum store_call)i, &figures);
        cr_assert_eq(figures.times.count, 0, "%s", store_call_name((enum store_call)i));
    }
    expect_ok(store_probe(store, &error));
    expect_ok(store_probe(store, &error));
    cr_assert_eq(store_get_key_time(store, &user, id, NOW, &made_at, &error), STATUS_NO_KEY);
    store_look(store, STORE_CALL_PROBE, &figures);
    cr_assert_eq(figures.times.count, 2);
    cr_assert_eq(figures.failures, 0);
    store_look(store, STORE_CALL_GET_KEY, &figures);
    cr_assert_eq(figures.times.count, 1);
    cr_assert_eq(figures.failures, 0);
}

/* ---- evaluation keys and clocks ---- */

static struct store_user numbered_user(unsigned number)
{
    char name[16];
    snprintf(name, sizeof name, "%u", number);
    return store_user_of("", name);
}

static void put_key(struct store *store, unsigned user, uint8_t id, uint64_t now)
{
    const struct store_user who = numbered_user(user);
    struct store_key key = {.made_at = 1, .serialized = span_of("key", 3)};
    memset(key.id, id, sizeof key.id);
    expect_ok(store_put_keys(store, &who, &key, 1, now, &error));
}

static bool has_key(struct store *store, unsigned user, uint8_t id, uint64_t now)
{
    const struct store_user who = numbered_user(user);
    uint8_t key_id[STORE_KEY_ID_BYTES];
    uint64_t made_at = 0;
    memset(key_id, id, sizeof key_id);
    return store_get_key_time(store, &who, key_id, now, &made_at, NULL) == STATUS_OK;
}

static void a_clock_that_is_ahead_for_a_moment_costs_few_keys(struct store *store,
                                                              reopen_fn *reopen,
                                                              struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    const uint64_t ahead = NOW + 2 * STORE_KEY_TTL_S;
    struct store_usage usage;
    size_t removed = 0;
    for (unsigned user = 0; user < 250; user++)
        put_key(store, user, 1, NOW);
    put_key(store, 250, 1, ahead);
    expect_ok(store_get_usage(store, &usage, &error));
    cr_assert_eq(usage.key_count, 151);
    cr_assert(has_key(store, 249, 1, NOW + 1));
    cr_assert(!has_key(store, 249, 1, ahead));
    expect_ok(store_purge(store, ahead, &removed, &error));
    cr_assert_eq(removed, 150);
}

static void a_key_just_stored_outlives_older_ones_when_the_clock_went_back(struct store *store,
                                                                           reopen_fn *reopen,
                                                                           struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    for (uint8_t id = 0; id < STORE_KEYS_PER_USER; id++)
        put_key(store, 1, id, NOW + DAY);
    put_key(store, 1, STORE_KEYS_PER_USER, NOW);
    cr_assert(!has_key(store, 1, 0, NOW));
    cr_assert(has_key(store, 1, 1, NOW));
    cr_assert(has_key(store, 1, STORE_KEYS_PER_USER, NOW));
}

/* ---- gateway keys ---- */

static enum status add_gateway_key(struct store *store, uint8_t id, uint64_t not_before,
                                   const char *secret, uint64_t within_s)
{
    const struct store_ring_key key = {
        .id = {id}, .made_at = NOW, .not_before = not_before, .secret = span_of_text(secret)};
    return store_add_ring_key(store, STORE_GATEWAY_KEYS, &key, within_s, &error);
}

static enum status list_gateway_key(void *context, const struct store_ring_key *key,
                                    struct error *err)
{
    struct listing *listing = context;
    (void)err;
    listing->size += (size_t)snprintf(
        listing->text + listing->size, sizeof listing->text - listing->size, "%u %llu %llu %.*s\n",
        key->id[0], (unsigned long long)(key->not_before - NOW), (unsigned long long)key->retire_at,
        (int)key->secret.size, (const char *)key->secret.data);
    return STATUS_OK;
}

static void expect_gateway_keys(struct store *store, const char *expected)
{
    struct listing listing = {.size = 0};
    expect_ok(store_list_ring_keys(store, STORE_GATEWAY_KEYS, list_gateway_key, &listing, &error));
    cr_assert_str_eq(listing.text, expected);
}

static void gateway_keys_are_there_after_reopening(struct store *store, reopen_fn *reopen,
                                                   struct store **ret_store)
{
    static const uint8_t seven[STORE_RING_KEY_ID_BYTES] = {7};
    static const uint8_t last[STORE_RING_KEY_ID_BYTES] = {255};
    const enum store_ring ring = STORE_GATEWAY_KEYS;
    expect_gateway_keys(store, "");
    expect_ok(add_gateway_key(store, 255, NOW + 9, "two", 0));
    expect_ok(add_gateway_key(store, 0, NOW + 9, "", 0));
    expect_ok(add_gateway_key(store, 7, NOW, "one", 0));
    store = *ret_store = reopen(store);
    expect_gateway_keys(store, "7 0 0 one\n0 9 0 \n255 9 0 two\n");
    expect_ok(store_mark_ring_key(store, ring, last, 77, &error));
    expect_ok(store_remove_ring_key(store, ring, seven, &error));
    cr_assert_eq(store_remove_ring_key(store, ring, seven, &error), STATUS_NOT_FOUND);
    cr_assert_eq(store_mark_ring_key(store, ring, seven, 1, &error), STATUS_NOT_FOUND);
    expect_gateway_keys(store, "0 9 0 \n255 9 77 two\n");
    expect_ok(store_check(store, &error));
}

static void of_servers_that_make_a_gateway_key_at_once_one_does(struct store *store,
                                                                reopen_fn *reopen,
                                                                struct store **ret_store)
{
    (void)reopen;
    (void)ret_store;
    expect_ok(add_gateway_key(store, 1, NOW + 100, "first", 50));
    cr_assert_eq(add_gateway_key(store, 2, NOW + 101, "second", 50), STATUS_EXISTS);
    cr_assert_eq(add_gateway_key(store, 2, NOW + 101, "second", UINT64_MAX), STATUS_EXISTS);
    cr_assert(strstr(error.message, "second") == NULL);
    cr_assert_eq(add_gateway_key(store, 1, NOW + 1000, "second", 50), STATUS_EXISTS);
    expect_ok(add_gateway_key(store, 2, NOW + 150, "second", 50));
    expect_gateway_keys(store, "1 100 0 first\n2 150 0 second\n");
}

#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
const struct store_case store_cases[] = {
    CASE(issuer_keys_are_there_after_reopening),
    CASE(when_keys_were_tended_is_there_after_reopening),
    CASE(of_servers_that_make_a_key_at_once_one_does),
    CASE(a_visitor_ends_the_list),
    CASE(a_token_is_spent_once),
    CASE(of_parallel_spends_one_wins),
    CASE(nonces_go_with_their_key),
    CASE(user_tokens_open_their_own_app_only),
    CASE(user_tokens_are_added_together_or_not_at_all),
    CASE(issuing_is_limited_by_minute_and_day),
    CASE(a_wrong_clock_uses_up_no_more_than_its_own_day),
    CASE(issues_of_a_batch_count_one_after_the_other),
    CASE(a_clock_that_is_ahead_for_a_moment_costs_few_keys),
    CASE(a_key_just_stored_outlives_older_ones_when_the_clock_went_back),
    CASE(a_whole_store_passes_its_check),
    CASE(calls_are_counted_and_answers_are_no_failures),
    CASE(gateway_keys_are_there_after_reopening),
    CASE(of_servers_that_make_a_gateway_key_at_once_one_does),
};
const size_t store_case_count = ARRAY_COUNT(store_cases);
