/* Keys through time. Days are counted from T0; no clock is read. */
#include "pir-server/ohttp/gateway_key_ring.h"

#include "base/compiler.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/privacypass/ring_steps.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

#define T0  ((uint64_t)1800000000)
#define DAY KEY_TIMELINE_DAY_S

static struct error error;
static struct key_ring *ring;

static void set_up(void)
{
    const struct key_ring_kind *kind = &gateway_key_ring_kind;
    cr_assert_eq(key_ring_check_spans(kind, &kind->usual, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(key_ring_new(kind, &kind->usual, NULL, 0, &ring, &error), STATUS_OK);
}

static void tear_down(void)
{
    key_ring_unref(ring);
}

TestSuite(gateway_key_ring, .init = set_up, .fini = tear_down);

static struct key_ring_key make(const struct key_ring *of, uint64_t not_before_s)
{
    const struct random_source random = random_system();
    struct hpke_key *key = NULL;
    cr_assert_eq(hpke_key_generate(&random, &key, &error), STATUS_OK);
    return gateway_key_ring_entry(gateway_key_ring_next_id(of), key, not_before_s, 0);
}

static enum key_ring_step_kind step(uint64_t now_s)
{
    return ring_steps_one(&ring, make, now_s);
}

static size_t settle(uint64_t now_s)
{
    return ring_steps_all(&ring, make, now_s);
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
        cr_assert_leq(key_ring_count(ring), 3);
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
    cr_assert_eq(key_ring_at(ring, 0)->retire_at_s, 0, "in use again: the mark is gone");
    settle(T0 + 28 * DAY);
    cr_assert_eq(key_ring_at(ring, 1)->not_before_s, T0 + 30 * DAY, "rotation goes on");
    cr_assert_eq(gateway_key_ring_id(key_ring_at(ring, 1)), 3, "past the id that is taken");
}

/* Ids begin again after 255, past those that are in the ring. */
Test(gateway_key_ring, ids_wrap)
{
    static const uint8_t ids[] = {1, 0, 254, 255}; /* in the order of their not-before */
    struct key_ring_key keys[ARRAY_COUNT(ids)];
    key_ring_unref(ring);
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        const struct random_source random = random_system();
        struct hpke_key *key = NULL;
        cr_assert_eq(hpke_key_generate(&random, &key, &error), STATUS_OK);
        keys[i] = gateway_key_ring_entry(ids[i], key, T0 + i, 0);
    }
    cr_assert_eq(key_ring_new(&gateway_key_ring_kind, &gateway_key_ring_kind.usual, keys,
                              ARRAY_COUNT(keys), &ring, &error),
                 STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        hpke_key_unref(keys[i].key);
    cr_assert_eq(gateway_key_ring_next_id(ring), 2);
    settle(T0 + 100 * DAY);
    cr_assert_eq(gateway_key_ring_id(key_ring_at(ring, ARRAY_COUNT(ids))), 2);
}

Test(gateway_key_ring, spans_that_would_lock_clients_out)
{
    static const struct {
        struct key_spans spans; /* rotate, stage, overlap, keep */
        const char *says;
    } wrong[] = {
        {{2 * DAY, 2 * DAY, 0, 30 * DAY}, "is not less than"},
        {{0, 0, 0, 30 * DAY}, "is not less than"},
        {{30 * DAY, 2 * DAY, 0, DAY - 1}, "clients hold configurations for long"},
        {{DAY / 2, DAY / 4, 0, 30 * DAY}, "more than 32 at once"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(key_ring_check_spans(&gateway_key_ring_kind, &wrong[i].spans, &error),
                     STATUS_INVALID, "%zu", i);
        cr_assert(says(&error, wrong[i].says), "%s", error.message);
    }
}
