/* issuer_key_ring - the issuer's keys through time: which one signs, which are listed, which
 * verify. A key_ring.h of struct issuer_key; the id of a key is the SHA-256 of its public key.
 *
 *     made             not before         successor begins     + overlap            + keep
 *      |--- staged: ----|--- current: -----|--- still signs: ---|--- verifies: -----|
 *      | listed, signs  |  listed, signs   |  listed, signs     |  what it signed   | dropped, with
 *          stage              rotate             overlap               keep           its nonces
 *
 * - A key is listed `stage_s` before its not-before, in front of the one that it follows: clients
 *   take the first that has begun (issuer_directory.h), so all change over at the same moment,
 *   whenever they fetched the directory within that time.
 * - Its predecessor signs `overlap_s` longer, for directories that are cached without the new key.
 * - It verifies `keep_s` longer, a week and more: devices keep tokens for a week.
 *
 * State    the store refuses a nonce of a key that it has dropped, so that servers with different
 *          clocks cannot accept a token twice.
 * Threads  any. */
#ifndef BLINDLIST_PRIVACYPASS_ISSUER_KEY_RING_H
#define BLINDLIST_PRIVACYPASS_ISSUER_KEY_RING_H

#include "base/status.h"
#include "pir-server/privacypass/issuer_directory.h"
#include "pir-server/privacypass/issuer_key.h"
#include "pir-server/privacypass/key_ring.h"
#include "pir-server/privacypass/token_verdict.h"

#include <stdint.h>

#define ISSUER_KEY_RING_KEEP_MIN_S (7 * KEY_TIMELINE_DAY_S)

/* As usual: 14 days, staged 2 days, overlap 2 days, kept 8 days. Three keys at most are listed. */
extern const struct key_ring_kind issuer_key_ring_kind;

/* An entry for a ring, without a reference of its own. */
struct key_ring_key issuer_key_ring_entry(struct issuer_key *key, uint64_t not_before_s,
                                          uint64_t retire_at_s);
/* A new key whose truncated id no other key of the ring has. */
enum status issuer_key_ring_make_key(const struct key_ring *ring, struct issuer_key **ret,
                                     struct error *err) MUST_CHECK;

/* The key that tokens are asked for: the newest that has begun, or the first to begin when none
 * has. NULL for an empty ring. */
const struct issuer_key *issuer_key_ring_current(const struct key_ring *ring, uint64_t now_s);
/* The key that answers a token request; NULL when none that is listed now has this truncated id: a
 * staged one signs, too, since by its device's clock it may have begun. */
const struct issuer_key *issuer_key_ring_find_signing(const struct key_ring *ring,
                                                      uint8_t truncated_key_id, uint64_t now_s);
/* The listed keys, newest first. request_uri is left alone. Changes only when a key comes, begins
 * to be the oldest listed, or goes. */
void issuer_key_ring_list(const struct key_ring *ring, uint64_t now_s,
                          struct issuer_directory *ret);
/* Is it a token of ours? TOKEN_UNKNOWN_KEY, the verdicts of token_key_verify(), or TOKEN_GOOD,
 * which says nothing about whether it was spent: the key id and nonce are for the store. */
enum status issuer_key_ring_verify(const struct key_ring *ring, const struct token *token,
                                   uint64_t now_s, enum token_verdict *ret,
                                   struct error *err) MUST_CHECK;

#endif
