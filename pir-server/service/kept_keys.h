/* kept_keys - the keys of a running server that its store keeps: one ring (key_ring.h), an app's
 * issuer keys (issuer.h) or the gateway's (gateway_keys.h).
 *
 * State    a key is in the store before anybody is told of it. kept_keys_tend() reads all again and
 *          does what is due: it makes, marks and removes keys, so it is called now and then, by one
 *          thread. Several servers over one store tend the same keys.
 * Clock    of a jump ahead between two tendings only KEPT_KEYS_STEP_MAX_S count for keys that wait
 *          to be removed: they are kept for as long as devices need them, by time that went by
 *          while a server ran. The store remembers the last tending, so that this holds from a
 *          start on.
 * Views    what holds since the last kept_keys_tend(): an unchanging view that requests share.
 * Secret   private keys are stored sealed when there is a seal; keys that were stored without are
 *          still read then, and keys that were sealed cannot be read without.
 * Threads  kept_keys_view() from any. */
#ifndef BLINDLIST_SERVICE_KEPT_KEYS_H
#define BLINDLIST_SERVICE_KEPT_KEYS_H

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "pir-server/privacypass/key_ring.h"
#include "pir-server/privacypass/key_seal.h"
#include "pir-server/service/http_message.h"
#include "pir-server/store/store_ring_keys.h"

#define KEPT_KEYS_STEP_MAX_S ((uint64_t)6 * 3600)
#define KEPT_KEYS_REMEMBER_S ((uint64_t)3600) /* the remembered tending is this old at most */

/* What sets the keys of one kind apart. */
struct kept_keys_kind {
    const struct key_ring_kind *ring;
    enum store_ring stored_as;
    const char *name;           /* of a key: "issuer key" */
    bool is_of_app;             /* else of all of them */
    size_t published_max_bytes; /* of what publish() appends */
    /* The key of what lies in the store: a reference, for the ring's kind. */
    enum status (*read)(struct span stored, const uint8_t id[KEY_RING_ID_BYTES],
                        const struct key_seal *seal, void **ret, struct error *err);
    /* A new key for the ring: its id, and what is to lie in the store, which is appended. */
    enum status (*make)(const struct key_ring *ring, const struct key_seal *seal,
                        const struct random_source *random, uint8_t ret_id[KEY_RING_ID_BYTES],
                        struct bytes *ret_stored, struct error *err);
    /* Appends what everybody is told of the ring. */
    enum status (*publish)(const struct key_ring *ring, uint64_t now_s, struct bytes *ret,
                           struct error *err);
};

struct kept_keys_options {
    const struct kept_keys_kind *kind; /* borrowed, static */
    struct store *store;               /* borrowed */
    const char *app;             /* copied; of the keys in the store; "" when they are of none */
    const struct key_seal *seal; /* copied; NULL = keys are stored as they are */
    struct key_spans spans;
    const struct log *log; /* borrowed */
};

struct kept_keys;
/* Tends for the first time: makes a key when there is none. STATUS_MISMATCH when a stored key does
 * not open with the seal, STATUS_INVALID when there is none for a sealed one, or for spans that
 * key_ring_check_spans() refuses. */
enum status kept_keys_new(const struct kept_keys_options *options, uint64_t now_s,
                          struct kept_keys **ret, struct error *err) MUST_CHECK;
void kept_keys_free(struct kept_keys *keys); /* takes NULL; no view is held any more */

/* On failure the view stays. */
enum status kept_keys_tend(struct kept_keys *keys, uint64_t now_s, struct error *err) MUST_CHECK;

/* Makes a key that begins now, for running servers to find when they tend; of what an app has, and
 * never the first: STATUS_NOT_FOUND.
 *   drops_others   all others are removed at once: what was made with them is void */
enum status kept_keys_renew(const struct kept_keys_options *options, uint64_t now_s,
                            bool drops_others, size_t *ret_dropped, struct error *err) MUST_CHECK;

struct kept_keys_view {
    const struct key_ring *ring;
    uint64_t tended_at_s;  /* the time for what the ring is asked */
    struct span published; /* what the kind's publish() wrote */
    char etag[HTTP_ETAG_BYTES];
};
const struct kept_keys_view *kept_keys_view(struct kept_keys *keys); /* held */
void kept_keys_view_release(const struct kept_keys_view *view);      /* takes NULL */
/* When the newest key that has begun did; 0 when none has. */
uint64_t kept_keys_view_begun_s(const struct kept_keys_view *view, uint64_t now_s);

#endif
