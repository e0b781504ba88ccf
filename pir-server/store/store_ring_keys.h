/* store_ring_keys - the keys that a restart must not lose: the issuers', under which devices hold
 * tokens for a week, and the Oblivious HTTP gateway's, whose configurations they hold for longer.
 * Part of the store (store.h), whose rules on time, durability, errors and threads hold here too.
 *
 * App      issuer keys belong to an app, a short name that the configuration gives it; the gateway
 *          is all apps', and its keys have the name "".
 * Secrets  the private half is a string of bytes to the store, sealed or not as the caller likes;
 *          it is handed out to visitors only and shows up in no message.
 * Several  servers over one state: whoever adds a key first has it, the others are told so.
 * Source   RFC 9578 section 6, RFC 9458 section 3. */
#ifndef BLINDLIST_STORE_STORE_RING_KEYS_H
#define BLINDLIST_STORE_STORE_RING_KEYS_H

#include "pir-server/store/store.h"

#define STORE_APP_MAX_BYTES         ((size_t)64)
#define STORE_RING_KEY_ID_BYTES     32
#define STORE_RING_SECRET_MAX_BYTES ((size_t)8192)

enum store_ring { STORE_ISSUER_KEYS, STORE_GATEWAY_KEYS, STORE_RING_COUNT };

struct store_ring_key {
    char app[STORE_APP_MAX_BYTES + 1];
    /* Of an issuer key the SHA-256 of its public key; of a gateway key the id of its configuration,
     * then zeros. */
    uint8_t id[STORE_RING_KEY_ID_BYTES];
    uint64_t made_at;
    uint64_t not_before; /* from this second on it is the one that is used */
    uint64_t retire_at;  /* from this second on it may be removed; 0 = not marked */
    struct span secret;  /* borrowed; its private half as the caller wrote it */
};

/* Adds a key. STATUS_EXISTS when there is one of that id, or the app has one whose not_before is
 * less than `within_s` away: so of several servers that find it is time for a new key, one makes
 * it; 0 adds in any case. */
enum status store_add_ring_key(struct store *store, enum store_ring ring,
                               const struct store_ring_key *key, uint64_t within_s,
                               struct error *err) MUST_CHECK;

/* A failure that it returns ends the list and is returned. The key is its own for the call only. */
typedef enum status store_visit_ring_key(void *context, const struct store_ring_key *key,
                                         struct error *err);
/* All keys of all apps, by app, not_before and id. */
enum status store_list_ring_keys(struct store *store, enum store_ring ring,
                                 store_visit_ring_key *visit, void *context,
                                 struct error *err) MUST_CHECK;
/* Sets retire_at. STATUS_NOT_FOUND when there is no such key. */
enum status store_mark_ring_key(struct store *store, enum store_ring ring,
                                const uint8_t id[STORE_RING_KEY_ID_BYTES], uint64_t retire_at,
                                struct error *err) MUST_CHECK;
/* Removes a key; STATUS_NOT_FOUND when there is none. Tokens of an issuer key cannot be spent from
 * now on; the nonces spent under it go with store_purge(). */
enum status store_remove_ring_key(struct store *store, enum store_ring ring,
                                  const uint8_t id[STORE_RING_KEY_ID_BYTES],
                                  struct error *err) MUST_CHECK;

/* When the keys of an app were last looked after, as it was set; 0 = never. */
enum status store_get_tended(struct store *store, enum store_ring ring, const char *app,
                             uint64_t *ret_at, struct error *err) MUST_CHECK;
enum status store_set_tended(struct store *store, enum store_ring ring, const char *app,
                             uint64_t at, struct error *err) MUST_CHECK;

#endif
