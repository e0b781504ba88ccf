/* ring_steps - a ring of keys whose steps are taken, as whoever runs one takes them. */
#ifndef BLINDLIST_TESTS_RING_STEPS_H
#define BLINDLIST_TESTS_RING_STEPS_H

#include "pir-server/privacypass/key_ring.h"

/* An entry with a new key for the ring, which has a reference of its own. */
typedef struct key_ring_key ring_steps_make(const struct key_ring *ring, uint64_t not_before_s);

/* Does the first thing that is due, and says what it was; the ring is replaced. */
enum key_ring_step_kind ring_steps_one(struct key_ring **ring, ring_steps_make *make,
                                       uint64_t now_s);
/* Does all that is due, and says how many steps that were. */
size_t ring_steps_all(struct key_ring **ring, ring_steps_make *make, uint64_t now_s);

#endif
