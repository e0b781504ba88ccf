/* key_ring - keys that follow one another through time, of one kind: the issuer's
 * (issuer_key_ring.h) or the gateway's (gateway_key_ring.h), which say what holds for theirs.
 *
 * One ring for all users: a key of one's own would be a name.
 *
 * Clocks   are passed in and believed only so far (key_timeline.h): one that jumped ahead and comes
 *          back finds all keys that were in use. A key made by a wrong clock, with a not-before
 *          more than rotate_s ahead, waits unused. A full ring makes no more keys and goes on with
 *          what it has.
 * State    a ring never changes. key_ring_next_step() says what is due; whoever runs the ring
 *          stores it, then makes the next ring of what is stored, until there is nothing to do.
 *          A key is stored before anybody is told of it.
 * Threads  a ring may be used by any number of threads at once; references are counted. */
#ifndef BLINDLIST_PRIVACYPASS_KEY_RING_H
#define BLINDLIST_PRIVACYPASS_KEY_RING_H

#include "base/status.h"
#include "pir-server/privacypass/key_timeline.h"

#include <stdint.h>

#define KEY_RING_ID_BYTES 32
#define KEY_RING_MAX_KEYS KEY_TIMELINE_MAX_KEYS

/* What sets the keys of one kind apart. */
struct key_ring_kind {
    const char *name;         /* "token keys": begins messages */
    struct key_spans usual;   /* unless an operator says otherwise */
    uint64_t keep_min_s;      /* of keep_s */
    const char *keep_reason;  /* why, for the message */
    void *(*ref)(void *key);  /* another reference, returned */
    void (*unref)(void *key); /* gives one back */
};

/* STATUS_INVALID unless key_spans_check() is content, and keep_s is long enough for the kind. */
enum status key_ring_check_spans(const struct key_ring_kind *kind, const struct key_spans *spans,
                                 struct error *err) MUST_CHECK;

struct key_ring_key {
    uint8_t id[KEY_RING_ID_BYTES]; /* as the kind says */
    void *key;                     /* of the kind's type */
    uint64_t not_before_s;
    uint64_t retire_at_s; /* may go then; 0 = not marked */
};

struct key_ring; /* opaque */

/* Of keys in any order; takes a reference to each. STATUS_TOO_LARGE for more than
 * KEY_RING_MAX_KEYS, STATUS_EXISTS for an id twice.
 *   kind   borrowed, static */
enum status key_ring_new(const struct key_ring_kind *kind, const struct key_spans *spans,
                         const struct key_ring_key *keys, size_t count, struct key_ring **ret,
                         struct error *err) MUST_CHECK;
struct key_ring *key_ring_ref(struct key_ring *ring);
void key_ring_unref(struct key_ring *ring); /* takes NULL */

const struct key_ring_kind *key_ring_kind_of(const struct key_ring *ring);
/* Of the same keys, in the same order. */
const struct key_timeline *key_ring_timeline(const struct key_ring *ring);

/* In the order of not-before; borrowed from the ring. */
size_t key_ring_count(const struct key_ring *ring);
const struct key_ring_key *key_ring_at(const struct key_ring *ring, size_t index);
/* The newest that has begun, or the first to begin when none has; NULL for an empty ring. */
const struct key_ring_key *key_ring_newest_begun(const struct key_ring *ring, uint64_t now_s);

/* What is due, as key_timeline.h says. */
struct key_ring_step {
    enum key_ring_step_kind kind;
    uint64_t at_s;
    uint8_t key_id[KEY_RING_ID_BYTES]; /* of MARK and DROP */
};
void key_ring_next_step(const struct key_ring *ring, uint64_t now_s, struct key_ring_step *ret);

#endif
