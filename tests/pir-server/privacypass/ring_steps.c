#include "tests/pir-server/privacypass/ring_steps.h"

#include <criterion/criterion.h>
#include <string.h>

/* Far more than any look can find due. */
#define STEPS_MAX 10

/* The ring after the step. */
static void apply(struct key_ring **ring, ring_steps_make *make, const struct key_ring_step *due)
{
    const struct key_ring_kind *kind = key_ring_kind_of(*ring);
    struct key_ring_key keys[KEY_RING_MAX_KEYS];
    struct key_ring *next = NULL;
    struct error error;
    void *made = NULL;
    size_t count = 0;
    for (size_t i = 0; i < key_ring_count(*ring); i++) {
        struct key_ring_key key = *key_ring_at(*ring, i);
        const bool is_meant = memcmp(key.id, due->key_id, sizeof key.id) == 0;
        if (is_meant && due->kind == KEY_RING_MARK)
            key.retire_at_s = due->at_s;
        if (!is_meant || due->kind != KEY_RING_DROP)
            keys[count++] = key;
    }
    if (due->kind == KEY_RING_MAKE) {
        keys[count] = make(*ring, due->at_s);
        made = keys[count++].key;
    }
    cr_assert_eq(key_ring_new(kind, &key_ring_timeline(*ring)->spans, keys, count, &next, &error),
                 STATUS_OK, "%s", error.message);
    if (made != NULL)
        kind->unref(made);
    key_ring_unref(*ring);
    *ring = next;
}

enum key_ring_step_kind ring_steps_one(struct key_ring **ring, ring_steps_make *make,
                                       uint64_t now_s)
{
    struct key_ring_step due;
    key_ring_next_step(*ring, now_s, &due);
    if (due.kind != KEY_RING_REST)
        apply(ring, make, &due);
    return due.kind;
}

size_t ring_steps_all(struct key_ring **ring, ring_steps_make *make, uint64_t now_s)
{
    size_t steps = 0;
    while (ring_steps_one(ring, make, now_s) != KEY_RING_REST)
        cr_assert_lt(++steps, STEPS_MAX, "no end of steps");
    return steps;
}
