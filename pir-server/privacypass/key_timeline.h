/* key_timeline - when keys that follow one another begin, end and may go: what the rings of token
 * keys and of gateway keys (key_ring.h) are made of.
 *
 *     made             not before         successor begins     + overlap            + keep
 *      |--- staged -----|--- current ------|--- in use still ---|--- kept -----------| dropped
 *
 * Keys lie in the order of not-before, so a key's successor is the next one, and all that holds at
 * a time follows from where that time falls between their not-befores.
 *
 * Clocks   are passed in and believed only so far: no single look at a wrong clock loses a key. A
 *          key that is past is first marked with the second at which it may go, and dropped when
 *          that has come; one that is in use again loses its mark. A key whose not-before is more
 *          than rotate_s ahead, made by a wrong clock, holds up nothing: where there are only such
 *          keys, one is made that begins at once.
 * Numbers  times are any 64-bit numbers (a state may hold anything): sums stop at the largest.
 * Threads  any; these are plain values. */
#ifndef BLINDLIST_PRIVACYPASS_KEY_TIMELINE_H
#define BLINDLIST_PRIVACYPASS_KEY_TIMELINE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_TIMELINE_DAY_S    ((uint64_t)86400)
#define KEY_TIMELINE_MAX_KEYS ((size_t)64)

struct key_spans {
    uint64_t rotate_s;  /* from one key's not-before to the next one's */
    uint64_t stage_s;   /* made before its not-before */
    uint64_t overlap_s; /* in use after its successor's not-before */
    uint64_t keep_s;    /* kept after that */
};
/* STATUS_INVALID unless stage + overlap < rotate, and keys find room; `what` they are begins the
 * message. */
enum status key_spans_check(const struct key_spans *spans, const char *what,
                            struct error *err) MUST_CHECK;

struct key_times {
    uint64_t not_before_s;
    uint64_t retire_at_s; /* may go then; 0 = not marked */
};

struct key_timeline {
    struct key_spans spans;
    size_t count;
    struct key_times keys[KEY_TIMELINE_MAX_KEYS]; /* in the order of not-before */
};

/* a + b, or the largest number. */
uint64_t key_time_later(uint64_t time_s, uint64_t by_s);

/* The index of the newest key that has begun by `time_s`, or 0 when none has. */
size_t key_timeline_newest_begun(const struct key_timeline *timeline, uint64_t time_s);
/* Is the key at `index` begun, or will be within `ahead_s`, and not past? */
bool key_timeline_is_in_use(const struct key_timeline *timeline, size_t index, uint64_t now_s,
                            uint64_t ahead_s);
/* May it go, and has that time come? */
bool key_timeline_is_over(const struct key_timeline *timeline, size_t index, uint64_t now_s);

/* What is due in a ring of keys. */
enum key_ring_step_kind {
    KEY_RING_REST, /* nothing */
    KEY_RING_MAKE, /* a key, stored with not-before `at_s`; of several servers that find it due at
                      once, the store lets one */
    KEY_RING_MARK, /* the key may go at `at_s`; 0 takes the mark away */
    KEY_RING_DROP  /* the key is removed */
};
struct key_timeline_step {
    enum key_ring_step_kind kind;
    uint64_t at_s;
    size_t index; /* of MARK and DROP */
};
void key_timeline_next_step(const struct key_timeline *timeline, uint64_t now_s,
                            struct key_timeline_step *ret);

#endif
