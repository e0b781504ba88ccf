/* gateway_keys - keys of a running server's Oblivious HTTP gateway: one ring, kept in the store.
 *
 * State    a key is in the store before anybody is told of it. gateway_keys_tend() reads them again
 *          and does what is due (gateway_key_ring.h): it makes, marks and removes keys, so it is
 *          called now and then, by one thread. Several servers over one store tend the same keys:
 *          a key is in the store, and opens requests, for days before it is published.
 * Clock    one that jumps ahead takes no keys early but those that were marked to go: whoever
 *          still holds one is told so (RFC 9458 section 5.3) and fetches the keys again.
 * Views    what holds since the last gateway_keys_tend(): an unchanging view that requests share.
 * Secret   private keys are stored sealed when there is a seal; keys that were stored without are
 *          still read then, and keys that were sealed cannot be read without.
 * Threads  gateway_keys_view() from any. */
#ifndef BLINDLIST_SERVICE_GATEWAY_KEYS_H
#define BLINDLIST_SERVICE_GATEWAY_KEYS_H

#include "base/log.h"
#include "pir-server/ohttp/gateway_key_ring.h"
#include "pir-server/privacypass/key_seal.h"
#include "pir-server/service/http_message.h"
#include "pir-server/store/store_gateway_keys.h"

struct gateway_keys_options {
    struct store *store;         /* borrowed */
    const struct key_seal *seal; /* borrowed; NULL = keys are stored as they are */
    struct gateway_key_policy policy;
    const struct log *log; /* borrowed */
};

struct gateway_keys;
/* Tends for the first time: makes a key when there is none. STATUS_MISMATCH when a stored key does
 * not open with the seal, STATUS_INVALID when there is none for a sealed one, or for a policy that
 * gateway_key_policy_check() refuses. */
enum status gateway_keys_new(const struct gateway_keys_options *options, uint64_t now_s,
                             struct gateway_keys **ret, struct error *err) MUST_CHECK;
void gateway_keys_free(struct gateway_keys *keys); /* takes NULL; no view is held any more */

/* On failure the view stays. */
enum status gateway_keys_tend(struct gateway_keys *keys, uint64_t now_s,
                              struct error *err) MUST_CHECK;

struct gateway_keys_view {
    const struct gateway_key_ring *ring;
    uint64_t tended_at_s;  /* the time for gateway_key_ring_find() */
    struct span published; /* application/ohttp-keys */
    char etag[HTTP_ETAG_BYTES];
};
const struct gateway_keys_view *gateway_keys_view(struct gateway_keys *keys); /* held */
void gateway_keys_view_release(const struct gateway_keys_view *view);

#endif
