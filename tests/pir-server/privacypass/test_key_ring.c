/* A ring of any kind: here keys are numbers of references. */
#include "pir-server/privacypass/key_ring.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/pir-server/privacypass/ring_steps.h"

#include <criterion/criterion.h>
#include <string.h>

#define T0  ((uint64_t)1800000000)
#define DAY KEY_TIMELINE_DAY_S

static struct error error;
static size_t references[KEY_RING_MAX_KEYS + 1];

static void *ref(void *key)
{
    ++*(size_t *)key;
    return key;
}

static void unref(void *key)
{
    --*(size_t *)key;
}

static const struct key_ring_kind numbers = {
    .name = "numbers",
    .usual = {.rotate_s = 10 * DAY, .stage_s = DAY, .overlap_s = DAY, .keep_s = 5 * DAY},
    .keep_min_s = 2 * DAY,
    .keep_reason = "they are liked",
    .ref = ref,
    .unref = unref};

static struct key_ring_key entry_of(size_t number, uint64_t not_before_s)
{
    return (struct key_ring_key){
        .id = {(uint8_t)number}, .key = &references[number], .not_before_s = not_before_s};
}

/* Numbers are counted up. */
static struct key_ring_key make(const struct key_ring *ring, uint64_t not_before_s)
{
    size_t number = 0;
    for (size_t i = 0; i < key_ring_count(ring); i++) {
        if (key_ring_at(ring, i)->id[0] >= number)
            number = (size_t)key_ring_at(ring, i)->id[0] + 1;
    }
    references[number]++;
    return entry_of(number, not_before_s);
}

static struct key_ring *ring_of(const struct key_ring_key *keys, size_t count)
{
    struct key_ring *ring = NULL;
    cr_assert_eq(key_ring_new(&numbers, &numbers.usual, keys, count, &ring, &error), STATUS_OK,
                 "%s", error.message);
    return ring;
}

Test(key_ring, keys_lie_in_order_and_are_held)
{
    const struct key_ring_key keys[] = {entry_of(3, T0), entry_of(1, T0 + 1), entry_of(2, T0)};
    struct key_ring *ring = ring_of(keys, ARRAY_COUNT(keys));
    cr_assert_eq(key_ring_kind_of(ring), &numbers);
    cr_assert_eq(key_ring_at(ring, 0)->key, &references[2], "of two as new the smaller id");
    cr_assert_eq(key_ring_at(ring, 1)->key, &references[3]);
    cr_assert_eq(key_ring_at(ring, 2)->key, &references[1]);
    cr_assert_eq(key_ring_newest_begun(ring, T0), key_ring_at(ring, 1));
    cr_assert_eq(key_ring_newest_begun(ring, T0 + 1), key_ring_at(ring, 2));
    cr_assert_eq(key_ring_newest_begun(ring, 0), key_ring_at(ring, 0));
    struct key_ring *again = key_ring_ref(ring);
    key_ring_unref(ring);
    cr_assert_eq(references[1] + references[2] + references[3], 3);
    key_ring_unref(again);
    cr_assert_eq(references[1] + references[2] + references[3], 0);
}

Test(key_ring, keys_come_and_go)
{
    struct key_ring *ring = ring_of(NULL, 0);
    cr_assert_eq(key_ring_newest_begun(ring, T0), NULL);
    cr_assert_eq(ring_steps_one(&ring, make, T0), KEY_RING_MAKE);
    cr_assert_eq(ring_steps_one(&ring, make, T0), KEY_RING_REST);
    cr_assert_eq(ring_steps_one(&ring, make, T0 + 9 * DAY), KEY_RING_MAKE);
    cr_assert_eq(key_ring_newest_begun(ring, T0 + 10 * DAY)->id[0], 1);
    cr_assert_eq(ring_steps_one(&ring, make, T0 + 11 * DAY), KEY_RING_MARK);
    cr_assert_eq(key_ring_at(ring, 0)->retire_at_s, T0 + 16 * DAY);
    cr_assert_eq(ring_steps_one(&ring, make, T0 + 16 * DAY), KEY_RING_DROP);
    cr_assert_eq(key_ring_count(ring), 1);
    cr_assert_eq(references[0], 0, "the ring let go of it");
    key_ring_unref(ring);
}

/* A ring without room makes no more keys. */
Test(key_ring, full)
{
    struct key_ring_key keys[KEY_RING_MAX_KEYS];
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        keys[i] = entry_of(i, T0 + i);
        keys[i].retire_at_s = i + 1 < ARRAY_COUNT(keys) ? UINT64_MAX : 0;
    }
    struct key_ring *ring = ring_of(keys, ARRAY_COUNT(keys));
    cr_assert_eq(ring_steps_all(&ring, make, T0 + 300 * DAY), 0);
    cr_assert_eq(key_ring_newest_begun(ring, T0 + 300 * DAY)->id[0], KEY_RING_MAX_KEYS - 1);
    key_ring_unref(ring);
}

Test(key_ring, refuses)
{
    struct key_ring_key keys[KEY_RING_MAX_KEYS + 1];
    struct key_ring *ring = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        keys[i] = entry_of(1, T0 + i);
    cr_assert_eq(key_ring_new(&numbers, &numbers.usual, keys, 2, &ring, &error), STATUS_EXISTS);
    cr_assert_eq(key_ring_new(&numbers, &numbers.usual, keys, ARRAY_COUNT(keys), &ring, &error),
                 STATUS_TOO_LARGE);
    mem_fail_nth(1);
    cr_assert_eq(key_ring_new(&numbers, &numbers.usual, keys, 1, &ring, &error), STATUS_NOMEM);
    mem_fail_nth(0);
    cr_assert_eq(ring, NULL);
    cr_assert_eq(references[1], 0);
}

Test(key_ring, spans_that_are_too_short)
{
    struct key_spans spans = numbers.usual;
    cr_assert_eq(key_ring_check_spans(&numbers, &spans, &error), STATUS_OK);
    spans.keep_s = 2 * DAY - 1;
    cr_assert_eq(key_ring_check_spans(&numbers, &spans, &error), STATUS_INVALID);
    cr_assert(strstr(error.message, "they are liked") != NULL, "%s", error.message);
    spans = (struct key_spans){.rotate_s = DAY, .stage_s = DAY, .keep_s = 2 * DAY};
    cr_assert_eq(key_ring_check_spans(&numbers, &spans, &error), STATUS_INVALID);
}
