/* gateway_key_ring - the gateway's keys through time: which one is published, which ones open
 * requests. A key_ring.h of struct hpke_key; the id of a key is that of its configuration, then
 * zeros.
 *
 *     made             not before         successor begins        + keep
 *      |--- staged: ----|--- current: -----|--- old: --------------|
 *      |    opens       |  published,opens |  opens                | dropped
 *          stage              rotate                keep
 *
 * - A key opens requests from the moment it is made, `stage_s` before it is published: by then all
 *   servers over one store have it.
 * - The current key alone is published, so nothing overlaps. A client knows no not-before, it takes
 *   what it was given.
 * - An old one opens for `keep_s` more: as long as clients, or a relay's cache, may hold it.
 * - Key ids are counted up, past those that are in the ring: an old configuration meets its own key
 *   or none (RFC 9458 section 6.4), and no other for 255 rotations.
 *
 * Threads  any. */
#ifndef BLINDLIST_OHTTP_GATEWAY_KEY_RING_H
#define BLINDLIST_OHTTP_GATEWAY_KEY_RING_H

#include "base/status.h"
#include "pir-server/ohttp/hpke.h"
#include "pir-server/ohttp/ohttp_keys.h"
#include "pir-server/privacypass/key_ring.h"

#include <stdint.h>

#define GATEWAY_KEY_RING_KEEP_MIN_S KEY_TIMELINE_DAY_S

/* As usual: 30 days, staged 2 days, kept 30 days: nobody knows how long the relay keeps a
 * configuration. */
extern const struct key_ring_kind gateway_key_ring_kind;

/* An entry for a ring, without a reference of its own. */
struct key_ring_key gateway_key_ring_entry(uint8_t key_id, struct hpke_key *key,
                                           uint64_t not_before_s, uint64_t retire_at_s);
/* The key id of an entry. */
uint8_t gateway_key_ring_id(const struct key_ring_key *key);
/* The id for a new key: the one after that of the newest, past those that are taken. */
uint8_t gateway_key_ring_next_id(const struct key_ring *ring);

/* What application/ohttp-keys says: the newest key that has begun, or the first to begin when none
 * has; nothing for an empty ring. Changes only when a key begins. */
void gateway_key_ring_publish(const struct key_ring *ring, uint64_t now_s, struct ohttp_keys *ret);
/* The key that opens requests with this id; NULL when there is none, or it is over. */
const struct hpke_key *gateway_key_ring_find(const struct key_ring *ring, uint8_t key_id,
                                             uint64_t now_s);

#endif
