/* Keys through time. Days are counted from T0; no clock is read. */
#include "pir-server/privacypass/issuer_key_ring.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "pir-server/privacypass/stored_issuer_key.h"
#include "tests/pir-server/privacypass/issued_token.h"
#include "tests/pir-server/privacypass/ring_steps.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

#define T0   ((uint64_t)1800000000)
#define HOUR ((uint64_t)3600)
#define DAY  KEY_TIMELINE_DAY_S

static struct error error;
static struct key_ring *ring;

static void set_up(void)
{
    const struct key_ring_kind *kind = &issuer_key_ring_kind;
    cr_assert_eq(key_ring_check_spans(kind, &kind->usual, &error), STATUS_OK);
    cr_assert_eq(key_ring_new(kind, &kind->usual, NULL, 0, &ring, &error), STATUS_OK);
}

static void tear_down(void)
{
    key_ring_unref(ring);
}

TestSuite(issuer_key_ring, .init = set_up, .fini = tear_down);

static struct key_ring_key make(const struct key_ring *of, uint64_t not_before_s)
{
    struct issuer_key *key = NULL;
    cr_assert_eq(issuer_key_ring_make_key(of, &key, &error), STATUS_OK, "%s", error.message);
    return issuer_key_ring_entry(key, not_before_s, 0);
}

static enum key_ring_step_kind step(uint64_t now_s)
{
    return ring_steps_one(&ring, make, now_s);
}

static size_t settle(uint64_t now_s)
{
    return ring_steps_all(&ring, make, now_s);
}

static size_t listed_count(uint64_t now_s)
{
    struct issuer_directory directory;
    issuer_key_ring_list(ring, now_s, &directory);
    return directory.key_count;
}

/* What a 27.3 device does: the first key of the directory that has begun, by its own clock. */
static struct issuer_key *chosen(uint64_t listed_at_s, uint64_t device_now_s)
{
    struct issuer_directory directory;
    issuer_key_ring_list(ring, listed_at_s, &directory);
    const struct issuer_directory_key *choice = issuer_directory_choose(&directory, device_now_s);
    cr_assert(choice != NULL, "no key for a device");
    struct issuer_key *found = NULL;
    for (size_t i = 0; i < key_ring_count(ring); i++) {
        struct issuer_key *key = key_ring_at(ring, i)->key;
        if (memcmp(token_key_spki(issuer_key_public(key)), choice->spki, sizeof choice->spki) == 0)
            found = key;
    }
    cr_assert(found != NULL, "a listed key is not in the ring");
    return found;
}

static bool signs(const struct issuer_key *key, uint64_t now_s)
{
    return issuer_key_ring_find_signing(ring, token_key_truncated_id(issuer_key_public(key)),
                                        now_s) == key;
}

static enum token_verdict verdict_of(const struct token *token, uint64_t now_s)
{
    enum token_verdict verdict = TOKEN_VERDICT_COUNT;
    cr_assert_eq(issuer_key_ring_verify(ring, token, now_s, &verdict, &error), STATUS_OK);
    return verdict;
}

Test(issuer_key_ring, empty)
{
    struct token token = {.type = TOKEN_TYPE_BLIND_RSA};
    cr_assert_eq(issuer_key_ring_current(ring, T0), NULL);
    cr_assert_eq(issuer_key_ring_find_signing(ring, 0, T0), NULL);
    cr_assert_eq(listed_count(T0), 0);
    cr_assert_eq(verdict_of(&token, T0), TOKEN_UNKNOWN_KEY);
}

Test(issuer_key_ring, life_of_a_key)
{
    cr_assert_eq(step(T0), KEY_RING_MAKE);
    cr_assert_eq(step(T0), KEY_RING_REST);
    struct issuer_key *first = issuer_key_ref(key_ring_at(ring, 0)->key);
    cr_assert_eq(issuer_key_ring_current(ring, T0), first);
    cr_assert_eq(chosen(T0, 0), first, "the only key is for every clock");
    const struct token token = issued_token(first);

    /* Twelve days later the next one is staged: listed first, signing not yet. */
    cr_assert_eq(step(T0 + 12 * DAY - 1), KEY_RING_REST);
    cr_assert_eq(step(T0 + 12 * DAY), KEY_RING_MAKE);
    cr_assert_eq(step(T0 + 12 * DAY), KEY_RING_REST);
    struct issuer_key *second = issuer_key_ref(key_ring_at(ring, 1)->key);
    cr_assert_eq(key_ring_at(ring, 1)->not_before_s, T0 + 14 * DAY);
    const uint64_t change = T0 + 14 * DAY;
    struct issuer_directory directory;
    issuer_key_ring_list(ring, T0 + 12 * DAY, &directory);
    cr_assert_eq(directory.key_count, 2);
    cr_assert(directory.keys[0].has_not_before && !directory.keys[1].has_not_before);
    cr_assert_eq(directory.keys[0].not_before_s, change);
    cr_assert(signs(first, change - DAY));
    cr_assert(signs(second, change - DAY), "for devices whose clocks are ahead of ours");
    cr_assert_eq(issuer_key_ring_current(ring, change - 1), first);

    /* All change over together, whenever they fetched the directory. */
    cr_assert_eq(issuer_key_ring_current(ring, change), second);
    cr_assert_eq(chosen(T0 + 12 * DAY, change - 1), first);
    cr_assert_eq(chosen(T0 + 12 * DAY, change), second);
    cr_assert_eq(chosen(change + DAY, change + DAY), second);
    cr_assert(signs(first, change + 2 * DAY - 1) && signs(second, change));
    cr_assert_eq(listed_count(change + 2 * DAY - 1), 2);

    /* The first one signs no more: marked, kept, dropped. */
    const uint64_t stop = change + 2 * DAY;
    cr_assert(!signs(first, stop));
    cr_assert_eq(listed_count(stop), 1);
    cr_assert_eq(chosen(stop, 0), second);
    cr_assert_eq(step(stop - 1), KEY_RING_REST);
    cr_assert_eq(step(stop), KEY_RING_MARK);
    cr_assert_eq(step(stop), KEY_RING_REST);
    cr_assert_eq(verdict_of(&token, stop + 8 * DAY - 1), TOKEN_GOOD);
    cr_assert_eq(step(stop + 8 * DAY - 1), KEY_RING_REST);
    cr_assert_eq(verdict_of(&token, stop + 8 * DAY), TOKEN_UNKNOWN_KEY, "before it is dropped");
    cr_assert_eq(step(stop + 8 * DAY), KEY_RING_DROP);
    cr_assert_eq(verdict_of(&token, stop), TOKEN_UNKNOWN_KEY);
    cr_assert_eq(key_ring_count(ring), 1);
    issuer_key_unref(second);
    issuer_key_unref(first);
}

/* A look every hour; a token made every second day is good for all of its week. */
Test(issuer_key_ring, four_weeks)
{
    struct {
        struct token token;
        uint64_t made_at_s;
    } tokens[28];
    size_t count = 0;
    size_t steps = 0;
    for (uint64_t now_s = T0; now_s < T0 + 28 * DAY; now_s += HOUR) {
        steps += settle(now_s);
        struct issuer_key *key = chosen(now_s, now_s);
        cr_assert(signs(key, now_s));
        cr_assert_eq(key, issuer_key_ring_current(ring, now_s));
        if ((now_s - T0) % (2 * DAY) == 0) {
            tokens[count].token = issued_token(key);
            tokens[count++].made_at_s = now_s;
        }
        for (size_t i = 0; i < count && (now_s - T0) % (6 * HOUR) == 0; i++) {
            if (now_s - tokens[i].made_at_s <= 7 * DAY)
                cr_assert_eq(verdict_of(&tokens[i].token, now_s), TOKEN_GOOD);
        }
        cr_assert_leq(key_ring_count(ring), 3);
    }
    /* Made on days 0, 12 and 26; the first marked on day 16 and dropped on day 24. */
    cr_assert_eq(steps, 5);
    cr_assert_eq(key_ring_count(ring), 2);
}

/* A clock that jumps a year ahead, for a moment or for a month, and comes back. */
Test(issuer_key_ring, clock_ahead)
{
    settle(T0);
    settle(T0 + 12 * DAY);
    const struct token first = issued_token(key_ring_at(ring, 0)->key);
    const struct token second = issued_token(key_ring_at(ring, 1)->key);
    const uint64_t wrong = T0 + 365 * DAY;
    settle(wrong);
    cr_assert_eq(verdict_of(&first, wrong), TOKEN_GOOD);
    cr_assert_eq(verdict_of(&second, wrong), TOKEN_GOOD);

    /* Back: as if nothing had been, but for a key that waits for its year, unlisted. */
    const uint64_t now = T0 + 13 * DAY;
    settle(now);
    cr_assert_eq(key_ring_count(ring), 3);
    cr_assert_eq(key_ring_at(ring, 0)->retire_at_s, 0, "in use again: the mark is gone");
    cr_assert_eq(listed_count(now), 2);
    cr_assert_eq(issuer_key_ring_current(ring, now), key_ring_at(ring, 0)->key);
    cr_assert_eq(verdict_of(&first, now), TOKEN_GOOD);
    cr_assert_eq(verdict_of(&second, now), TOKEN_GOOD);
    /* Rotation goes on: the next key is not the one that waits. */
    settle(T0 + 26 * DAY);
    cr_assert_eq(key_ring_count(ring), 4);
    cr_assert_eq(key_ring_at(ring, 2)->not_before_s, T0 + 28 * DAY);
    cr_assert_eq(key_ring_at(ring, 3)->not_before_s, wrong + 2 * DAY);
    cr_assert_eq(listed_count(T0 + 26 * DAY), 2);
}

/* A clock behind all keys: one is made that begins at once, and nothing is lost. */
Test(issuer_key_ring, clock_behind)
{
    settle(T0);
    const struct token token = issued_token(key_ring_at(ring, 0)->key);
    for (uint64_t now = 0; now < T0; now += T0 / 3) {
        cr_assert_gt(settle(now), 0);
        cr_assert_eq(verdict_of(&token, now), TOKEN_GOOD);
        cr_assert_eq(chosen(now, now), issuer_key_ring_current(ring, now));
        cr_assert(signs(chosen(now, now), now));
    }
    settle(T0);
    cr_assert_eq(verdict_of(&token, T0), TOKEN_GOOD);
    cr_assert(signs(chosen(T0, T0), T0));
}

/* A clock that is set back a little after a key was staged does not stage another. */
Test(issuer_key_ring, clock_set_back_a_little)
{
    settle(T0);
    settle(T0 + 12 * DAY);
    cr_assert_eq(settle(T0 + 12 * DAY - 1), 0);
    cr_assert_eq(settle(T0 + 5 * DAY), 0);
    cr_assert_eq(issuer_key_ring_current(ring, T0 + 5 * DAY), key_ring_at(ring, 0)->key);
    cr_assert_eq(settle(T0 + 12 * DAY + 1), 0);
    cr_assert_eq(listed_count(T0 + 12 * DAY + 1), 2);
}

/* A server that was off for long: the old key signs until the new one has been listed. */
Test(issuer_key_ring, after_a_long_sleep)
{
    settle(T0);
    struct issuer_key *old = key_ring_at(ring, 0)->key;
    const uint64_t now = T0 + 100 * DAY;
    settle(now);
    cr_assert_eq(key_ring_count(ring), 2);
    cr_assert_eq(issuer_key_ring_current(ring, now), old);
    cr_assert(signs(old, now + 4 * DAY - 1) && !signs(old, now + 4 * DAY));
    /* The new key was due for long: a clock that is set back a little must not stage another. */
    cr_assert_eq(settle(now - 1), 0);
    cr_assert_eq(settle(now - 10 * DAY), 0);
}

/* Times from a damaged state cannot make sums that wrap. */
Test(issuer_key_ring, times_at_their_ends)
{
    settle(T0);
    const struct key_ring_key keys[] = {
        issuer_key_ring_entry(key_ring_at(ring, 0)->key, UINT64_MAX, UINT64_MAX)};
    struct key_ring *other = NULL;
    cr_assert_eq(
        key_ring_new(&issuer_key_ring_kind, &issuer_key_ring_kind.usual, keys, 1, &other, &error),
        STATUS_OK);
    key_ring_unref(ring);
    ring = other;
    static const uint64_t times[] = {0, 1, T0, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct key_ring_step due;
        key_ring_next_step(ring, times[i], &due);
        cr_assert(due.kind != KEY_RING_DROP);
        cr_assert(signs(keys[0].key, times[i]));
        cr_assert_eq(listed_count(times[i]), 1);
    }
}

Test(issuer_key_ring, verdicts)
{
    settle(T0);
    struct token token = issued_token(key_ring_at(ring, 0)->key);
    cr_assert_eq(verdict_of(&token, T0), TOKEN_GOOD);
    token.key_id[0] ^= 1;
    cr_assert_eq(verdict_of(&token, T0), TOKEN_WRONG_KEY_ID);
    token.key_id[31] ^= 1;
    cr_assert_eq(verdict_of(&token, T0), TOKEN_UNKNOWN_KEY);
    token.key_id[31] ^= 1;
    token.key_id[0] ^= 1;
    token.type = 1;
    cr_assert_eq(verdict_of(&token, T0), TOKEN_WRONG_TYPE);
    token.type = TOKEN_TYPE_BLIND_RSA;
    token.nonce[0] ^= 1;
    cr_assert_eq(verdict_of(&token, T0), TOKEN_WRONG_SIGNATURE);
}

Test(issuer_key_ring, spans_that_would_lock_devices_out)
{
    static const struct {
        struct key_spans spans; /* rotate, stage, overlap, keep */
        const char *says;
    } wrong[] = {
        {{4 * DAY, 2 * DAY, 2 * DAY, 8 * DAY}, "is not less than"},
        {{UINT64_MAX, UINT64_MAX, 2 * DAY, 8 * DAY}, "is not less than"},
        {{14 * DAY, 2 * DAY, 2 * DAY, 7 * DAY - 1}, "devices keep tokens for a week"},
        {{4 * HOUR, HOUR, HOUR, 8 * DAY}, "more than 32 at once"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(key_ring_check_spans(&issuer_key_ring_kind, &wrong[i].spans, &error),
                     STATUS_INVALID, "%zu", i);
        cr_assert(says(&error, wrong[i].says), "%s", error.message);
    }
}
