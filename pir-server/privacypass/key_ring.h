/* key_ring - the issuer's keys through time: which one signs, which are listed, which verify, and
 * what is to be done next. One ring for all users: a key of one's own would be a name.
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
 * Clocks   are passed in and believed only so far (key_timeline.h): one that jumped ahead and comes
 *          back finds all keys that were in use. A key made by a wrong clock, with a not-before
 *          more than rotate_s ahead, waits unlisted. A full ring makes no more keys and signs with
 *          what it has.
 * State    a ring never changes. key_ring_next_step() says what is due; whoever runs the ring
 *          stores it, then makes the next ring of what is stored, until there is nothing to do.
 *          A key is stored before anybody is told of it. The store refuses a nonce of a key that
 *          it has dropped, so that servers with different clocks cannot accept a token twice.
 * Threads  a ring may be used by any number of threads at once; references are counted. */
#ifndef BLINDLIST_PRIVACYPASS_KEY_RING_H
#define BLINDLIST_PRIVACYPASS_KEY_RING_H

#include "base/status.h"
#include "pir-server/privacypass/issuer_directory.h"
#include "pir-server/privacypass/issuer_key.h"
#include "pir-server/privacypass/key_timeline.h"
#include "pir-server/privacypass/token_verdict.h"

#include <stdint.h>

#define KEY_RING_DAY_S      KEY_TIMELINE_DAY_S
#define KEY_RING_MIN_KEEP_S (7 * KEY_RING_DAY_S)
#define KEY_RING_MAX_KEYS   KEY_TIMELINE_MAX_KEYS

struct key_ring_policy {
    uint64_t rotate_s;  /* from one key's not-before to the next one's */
    uint64_t stage_s;   /* listed before its not-before */
    uint64_t overlap_s; /* signs after its successor's not-before */
    uint64_t keep_s;    /* verifies after it stopped signing */
};
/* 14 days, 2 days, 2 days, 8 days. */
struct key_ring_policy key_ring_policy_default(void);
/* STATUS_INVALID unless stage + overlap < rotate (so that three keys at most are listed), keep >=
 * KEY_RING_MIN_KEEP_S, and the ring that follows has room. */
enum status key_ring_policy_check(const struct key_ring_policy *policy,
                                  struct error *err) MUST_CHECK;

struct key_ring_key {
    struct issuer_key *key;
    uint64_t not_before_s;
    uint64_t retire_at_s; /* may go then; 0 = not marked */
};

struct key_ring; /* opaque */

/* Of keys in any order; takes a reference to each. No two have one id. STATUS_TOO_LARGE for more
 * than KEY_RING_MAX_KEYS, STATUS_EXISTS for an id twice. */
enum status key_ring_new(const struct key_ring_policy *policy, const struct key_ring_key *keys,
                         size_t count, struct key_ring **ret, struct error *err) MUST_CHECK;
struct key_ring *key_ring_ref(struct key_ring *ring);
void key_ring_unref(struct key_ring *ring); /* takes NULL */

/* In the order of not-before; borrowed from the ring. */
size_t key_ring_count(const struct key_ring *ring);
const struct key_ring_key *key_ring_at(const struct key_ring *ring, size_t index);

/* ---- what holds at a time ---- */

/* The key that tokens are asked for: the newest that has begun, or the first to begin when none
 * has. NULL for an empty ring. */
const struct issuer_key *key_ring_current(const struct key_ring *ring, uint64_t now_s);
/* The key that answers a token request; NULL when none that is listed now has this truncated id: a
 * staged one signs, too, since by its device's clock it may have begun. */
const struct issuer_key *key_ring_find_signing(const struct key_ring *ring,
                                               uint8_t truncated_key_id, uint64_t now_s);
/* The listed keys, newest first. request_uri is left alone. Changes only when a key comes, begins
 * to be the oldest listed, or goes. */
void key_ring_list(const struct key_ring *ring, uint64_t now_s, struct issuer_directory *ret);
/* Is it a token of ours? TOKEN_UNKNOWN_KEY, the verdicts of token_key_verify(), or TOKEN_GOOD,
 * which says nothing about whether it was spent: the key id and nonce are for the store. */
enum status key_ring_verify(const struct key_ring *ring, const struct token *token, uint64_t now_s,
                            enum token_verdict *ret, struct error *err) MUST_CHECK;

/* ---- what is due ---- */

/* As key_timeline.h says; MAKE is done with key_ring_make_key() and store_add_issuer_key(), and
 * with a key its nonces are dropped. */
struct key_ring_step {
    enum key_ring_step_kind kind;
    uint64_t at_s;
    uint8_t key_id[TOKEN_KEY_ID_BYTES]; /* of MARK and DROP */
};

void key_ring_next_step(const struct key_ring *ring, uint64_t now_s, struct key_ring_step *ret);
/* A new key whose truncated id no other key of the ring has. */
enum status key_ring_make_key(const struct key_ring *ring, struct issuer_key **ret,
                              struct error *err) MUST_CHECK;

#endif
