/* Keys through time. Days are counted from T0; no clock is read. */
#include "pir-server/ohttp/gateway_key_ring.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

#define T0  ((uint64_t)1800000000)
#define DAY KEY_TIMELINE_DAY_S

static struct error error;
static struct gateway_key_ring *ring;

static void set_up(void)
{
    const struct gateway_key_policy policy = gateway_key_policy_default();
    cr_assert_eq(gateway_key_policy_check(&policy, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(gateway_key_ring_new(&policy, NULL, 0, &ring, &error), STATUS_OK);
}

static void tear_down(void)
{
    gateway_key_ring_unref(ring);
}

TestSuite(gateway_key_ring, .init = set_up, .fini = tear_down);

/* The ring after the step. */
static void apply(const struct gateway_key_step *due)
{
    const struct gateway_key_policy policy = gateway_key_policy_default();
    const struct random_source random = random_system();
    struct gateway_key keys[GATEWAY_KEY_RING_MAX_KEYS];
    struct gateway_key_ring *next = NULL;
    struct hpke_key *made = NULL;
    size_t count = 0;
    for (size_t i = 0; i < gateway_key_ring_count(ring); i++) {
        struct gateway_key key = *gateway_key_ring_at(ring, i);
        const bool is_meant = due->kind != KEY_RING_MAKE && key.id == due->key_id;
        if (is_meant && due->kind == KEY_RING_MARK)
            key.retire_at_s = due->at_s;
        if (!is_meant || due->kind != KEY_RING_DROP)
            keys[count++] = key;
    }
    if (due->kind == KEY_RING_MAKE) {
        cr_assert_eq(hpke_key_generate(&random, &made, &error), STATUS_OK);
        keys[count++] =
            (struct gateway_key){.id = due->key_id, .key = made, .not_before_s = due->at_s};
    }
    cr_assert_eq(gateway_key_ring_new(&policy, keys, count, &next, &error), STATUS_OK, "%s",
                 error.message);
    hpke_key_unref(made);
    gateway_key_ring_unref(ring);
    ring = next;
}

/* Does the first thing that is due, and says what it was. */
static enum key_ring_step_kind step(uint64_t now_s)
{
    struct gateway_key_step due;
    gateway_key_ring_next_step(ring, now_s, &due);
    if (due.kind != KEY_RING_REST)
        apply(&due);
    return due.kind;
}

static size_t settle(uint64_t now_s)
{
    size_t steps = 0;
    while (step(now_s) != KEY_RING_REST)
        cr_assert_lt(++steps, 10, "no end of steps");
    return steps;
}

/* What a client that asks now is given. */
static struct ohttp_key_config published(uint64_t now_s)
{
    struct ohttp_keys keys;
    gateway_key_ring_publish(ring, now_s, &keys);
    cr_assert_eq(keys.count, 1);
    return keys.configs[0];
}

/* Does a request sealed for this configuration open? */
static bool opens(const struct ohttp_key_config *config, uint64_t now_s)
{
    const struct random_source random = random_system();
    struct bytes sealed = room();
    struct bytes opened = room();
    struct ohttp_request request;
    struct ohttp_exchange exchange;
    cr_assert_eq(ohttp_request_seal(config, config->aeads[0], span_of_text("hello"), &random,
                                    &sealed, &exchange, &error),
                 STATUS_OK);
    cr_assert_eq(ohttp_request_parse(bytes_view(&sealed), &request, &error), STATUS_OK);
    const struct hpke_key *key = gateway_key_ring_find(ring, request.key_id, now_s);
    const bool is_open =
        key != NULL && ohttp_request_open(&request, key, &opened, &exchange, &error) == STATUS_OK;
    bytes_deinit(&opened);
    bytes_deinit(&sealed);
    return is_open;
}

Test(gateway_key_ring, empty)
{
    struct ohttp_keys keys;
    gateway_key_ring_publish(ring, T0, &keys);
    cr_assert_eq(keys.count, 0);
    cr_assert(gateway_key_ring_find(ring, 1, T0) == NULL);
}

Test(gateway_key_ring, life_of_a_key)
{
    cr_assert_eq(step(T0), KEY_RING_MAKE);
    cr_assert_eq(step(T0), KEY_RING_REST);
    const struct ohttp_key_config first = published(T0);
    cr_assert_eq(first.key_id, 1);
    cr_assert(opens(&first, T0));

    /* Two days before its time the next one is staged: it opens, and is not published. */
    cr_assert_eq(step(T0 + 28 * DAY - 1), KEY_RING_REST);
    cr_assert_eq(step(T0 + 28 * DAY), KEY_RING_MAKE);
    const uint64_t change = T0 + 30 * DAY;
    cr_assert_eq(published(change - 1).key_id, first.key_id);
    const struct ohttp_key_config second = published(change);
    cr_assert_eq(second.key_id, 2);
    cr_assert(opens(&second, T0 + 28 * DAY), "by a server that found it in the store");

    /* The old one opens for 30 days more. */
    cr_assert_eq(step(change - 1), KEY_RING_REST);
    cr_assert_eq(step(change), KEY_RING_MARK);
    cr_assert_eq(step(change), KEY_RING_REST);
    const uint64_t end = change + 30 * DAY;
    settle(end - 1);
    cr_assert(opens(&first, end - 1));
    cr_assert(!opens(&first, end), "before it is dropped");
    settle(end);
    cr_assert(!opens(&first, end));
    cr_assert(opens(&second, end));
}

/* A look each day for two years: what was published opens for its 30 days, and each rotation has an
 * id of its own. */
Test(gateway_key_ring, two_years)
{
    struct ohttp_key_config held[30];
    uint8_t last_id = 0;
    size_t rotations = 0;
    for (size_t day = 0; day < 730; day++) {
        const uint64_t now_s = T0 + day * DAY;
        settle(now_s);
        for (size_t back = 1; back <= ARRAY_COUNT(held) && back <= day; back++)
            cr_assert(gateway_key_ring_find(ring, held[(day - back) % ARRAY_COUNT(held)].key_id,
                                            now_s) != NULL,
                      "published %zu days ago", back);
        if (day >= ARRAY_COUNT(held))
            cr_assert(opens(&held[day % ARRAY_COUNT(held)], now_s), "30 days later");
        held[day % ARRAY_COUNT(held)] = published(now_s);
        if (held[day % ARRAY_COUNT(held)].key_id != last_id) {
            cr_assert_eq(held[day % ARRAY_COUNT(held)].key_id, ++last_id);
            rotations++;
        }
        cr_assert_leq(gateway_key_ring_count(ring), 3);
    }
    cr_assert_eq(rotations, 25);
}

/* A clock that jumps a year ahead and comes back: what was published before opens, then and now. */
Test(gateway_key_ring, clock_ahead)
{
    settle(T0);
    const struct ohttp_key_config first = published(T0);
    const uint64_t wrong = T0 + 365 * DAY;
    settle(wrong);
    const struct ohttp_key_config from_the_future = published(wrong + 2 * DAY);
    cr_assert_neq(from_the_future.key_id, first.key_id);
    settle(wrong + 2 * DAY);
    cr_assert(opens(&first, wrong + 2 * DAY));
    const uint64_t now = T0 + DAY;
    settle(now);
    cr_assert_eq(published(now).key_id, first.key_id);
    cr_assert(opens(&first, now));
    cr_assert(opens(&from_the_future, now), "whoever asked meanwhile");
    cr_assert_eq(gateway_key_ring_at(ring, 0)->retire_at_s, 0, "in use again: the mark is gone");
    settle(T0 + 28 * DAY);
    cr_assert_eq(gateway_key_ring_at(ring, 1)->not_before_s, T0 + 30 * DAY, "rotation goes on");
    cr_assert_eq(gateway_key_ring_at(ring, 1)->id, 3, "past the id that is taken");
}

/* Ids begin again after 255, past those that are in the ring. */
Test(gateway_key_ring, ids_wrap)
{
    const struct gateway_key_policy policy = gateway_key_policy_default();
    const struct random_source random = random_system();
    struct gateway_key keys[4] = {{.id = 254, .not_before_s = T0},
                                  {.id = 0, .not_before_s = T0 - 1},
                                  {.id = 1, .not_before_s = T0 - 2},
                                  {.id = 255, .not_before_s = T0 + 1}};
    struct gateway_key_ring *next = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        cr_assert_eq(hpke_key_generate(&random, &keys[i].key, &error), STATUS_OK);
    cr_assert_eq(gateway_key_ring_new(&policy, keys, ARRAY_COUNT(keys), &next, &error), STATUS_OK);
    gateway_key_ring_unref(ring);
    ring = next;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        hpke_key_unref(keys[i].key);
    struct gateway_key_step due;
    do {
        gateway_key_ring_next_step(ring, T0 + 100 * DAY, &due);
        if (due.kind == KEY_RING_MARK)
            step(T0 + 100 * DAY);
    } while (due.kind == KEY_RING_MARK);
    cr_assert_eq(due.kind, KEY_RING_MAKE);
    cr_assert_eq(due.key_id, 2);
}

Test(gateway_key_ring, refuses)
{
    settle(T0);
    const struct gateway_key_policy policy = gateway_key_policy_default();
    struct gateway_key keys[GATEWAY_KEY_RING_MAX_KEYS + 1];
    struct gateway_key_ring *other = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        keys[i] = *gateway_key_ring_at(ring, 0);
    cr_assert_eq(gateway_key_ring_new(&policy, keys, 2, &other, &error), STATUS_EXISTS);
    cr_assert_eq(gateway_key_ring_new(&policy, keys, ARRAY_COUNT(keys), &other, &error),
                 STATUS_TOO_LARGE);
    mem_fail_nth(1);
    cr_assert_eq(gateway_key_ring_new(&policy, keys, 1, &other, &error), STATUS_NOMEM);
    mem_fail_nth(0);
    cr_assert(other == NULL);
}

/* A ring without room makes no more keys and publishes what it has. */
Test(gateway_key_ring, full)
{
    const struct gateway_key_policy policy = gateway_key_policy_default();
    struct gateway_key keys[GATEWAY_KEY_RING_MAX_KEYS];
    struct gateway_key_ring *next = NULL;
    settle(T0);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        keys[i] = *gateway_key_ring_at(ring, 0);
        keys[i].id = (uint8_t)(i + 1);
        keys[i].not_before_s = T0 + i;
        keys[i].retire_at_s = i + 1 < ARRAY_COUNT(keys) ? UINT64_MAX : 0;
    }
    cr_assert_eq(gateway_key_ring_new(&policy, keys, ARRAY_COUNT(keys), &next, &error), STATUS_OK);
    gateway_key_ring_unref(ring);
    ring = gateway_key_ring_ref(next);
    gateway_key_ring_unref(next);
    cr_assert_eq(settle(T0 + 300 * DAY), 0);
    cr_assert_eq(published(T0 + 300 * DAY).key_id, GATEWAY_KEY_RING_MAX_KEYS);
}

Test(gateway_key_ring, policies_that_would_lock_clients_out)
{
    static const struct {
        struct gateway_key_policy policy; /* rotate, stage, keep */
        const char *says;
    } wrong[] = {
        {{2 * DAY, 2 * DAY, 30 * DAY}, "is not less than"},
        {{0, 0, 30 * DAY}, "is not less than"},
        {{30 * DAY, 2 * DAY, DAY - 1}, "clients hold configurations for long"},
        {{DAY / 2, DAY / 4, 30 * DAY}, "more than 32 at once"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(gateway_key_policy_check(&wrong[i].policy, &error), STATUS_INVALID, "%zu", i);
        cr_assert(says(&error, wrong[i].says), "%s", error.message);
    }
}
