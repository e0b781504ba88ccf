/* gateway_key_ring - the gateway's keys through time: which one is published, which ones open
 * requests, and what is to be done next. One ring for all clients: a key of one's own would be a
 * name.
 *
 *     made             not before         successor begins        + keep
 *      |--- staged: ----|--- current: -----|--- old: --------------|
 *      |    opens       |  published,opens |  opens                | dropped
 *          stage              rotate                keep
 *
 * - A key opens requests from the moment it is made, `stage_s` before it is published: by then all
 *   servers over one store have it.
 * - The current key alone is published. A client knows no not-before, it takes what it was given.
 * - An old one opens for `keep_s` more: as long as clients, or a relay's cache, may hold it.
 * - Key ids are counted up, past those that are in the ring: an old configuration meets its own key
 *   or none (RFC 9458 section 6.4), and no other for 255 rotations.
 *
 * Clocks   are passed in and believed only so far, see key_timeline.h.
 * State    a ring never changes. gateway_key_ring_next_step() says what is due; whoever runs the
 *          ring stores it, then makes the next ring of what is stored, until there is nothing to
 *          do. A key is stored before it is published.
 * Threads  a ring may be used by any number of threads at once; references are counted. */
#ifndef BLINDLIST_OHTTP_GATEWAY_KEY_RING_H
#define BLINDLIST_OHTTP_GATEWAY_KEY_RING_H

#include "base/random.h"
#include "base/status.h"
#include "pir-server/ohttp/hpke.h"
#include "pir-server/ohttp/ohttp_keys.h"
#include "pir-server/privacypass/key_timeline.h"

#include <stdint.h>

#define GATEWAY_KEY_RING_MAX_KEYS   KEY_TIMELINE_MAX_KEYS
#define GATEWAY_KEY_RING_MIN_KEEP_S KEY_TIMELINE_DAY_S

struct gateway_key_policy {
    uint64_t rotate_s; /* from one key's not-before to the next one's */
    uint64_t stage_s;  /* opens before it is published */
    uint64_t keep_s;   /* opens after its successor was published */
};
/* 30 days, 2 days, 30 days: nobody knows how long the relay keeps a configuration. */
struct gateway_key_policy gateway_key_policy_default(void);
/* STATUS_INVALID unless stage < rotate, keep >= GATEWAY_KEY_RING_MIN_KEEP_S, and the ring that
 * follows has room. */
enum status gateway_key_policy_check(const struct gateway_key_policy *policy,
                                     struct error *err) MUST_CHECK;

struct gateway_key {
    uint8_t id; /* of its configuration */
    struct hpke_key *key;
    uint64_t not_before_s;
    uint64_t retire_at_s; /* may go then; 0 = not marked */
};

struct gateway_key_ring; /* opaque */

/* Of keys in any order; takes a reference to each. STATUS_TOO_LARGE for more than
 * GATEWAY_KEY_RING_MAX_KEYS, STATUS_EXISTS for an id twice. */
enum status gateway_key_ring_new(const struct gateway_key_policy *policy,
                                 const struct gateway_key *keys, size_t count,
                                 struct gateway_key_ring **ret, struct error *err) MUST_CHECK;
struct gateway_key_ring *gateway_key_ring_ref(struct gateway_key_ring *ring);
void gateway_key_ring_unref(struct gateway_key_ring *ring); /* takes NULL */

/* In the order of not-before; borrowed from the ring. */
size_t gateway_key_ring_count(const struct gateway_key_ring *ring);
const struct gateway_key *gateway_key_ring_at(const struct gateway_key_ring *ring, size_t index);

/* ---- what holds at a time ---- */

/* What application/ohttp-keys says: the newest key that has begun, or the first to begin when none
 * has; nothing for an empty ring. Changes only when a key begins. */
void gateway_key_ring_publish(const struct gateway_key_ring *ring, uint64_t now_s,
                              struct ohttp_keys *ret);
/* The key that opens requests with this id; NULL when there is none, or it is over. */
const struct hpke_key *gateway_key_ring_find(const struct gateway_key_ring *ring, uint8_t key_id,
                                             uint64_t now_s);

/* ---- what is due ---- */

struct gateway_key_step {
    enum key_ring_step_kind kind;
    uint64_t at_s;
    uint8_t key_id; /* of MARK and DROP; of MAKE: the id that the new key gets */
};

void gateway_key_ring_next_step(const struct gateway_key_ring *ring, uint64_t now_s,
                                struct gateway_key_step *ret);

#endif
