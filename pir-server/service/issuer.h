/* issuer - the issuer and verifier of a running server: one app's ring of keys, kept in the store.
 *
 * State    all keys are in the store before anybody is told of them. issuer_tend() reads them again
 *          and does what is due (key_ring.h): it makes, marks and removes keys, so it is called now
 *          and then, by one thread. Several servers over one store tend the same keys.
 * Clock    of a jump ahead between two tendings only ISSUER_STEP_MAX_S count for keys that wait to
 *          be removed: they verify for as long as devices keep tokens, by time that went by while a
 *          server ran. The store remembers the last tending, so that this holds from a start on.
 * Views    what holds since the last issuer_tend(): an unchanging view that requests share.
 * Secret   private keys are stored sealed when there is a seal; keys that were stored without are
 *          still read then, and keys that were sealed cannot be read without.
 * Threads  issuer_view() from any. */
#ifndef BLINDLIST_SERVICE_ISSUER_H
#define BLINDLIST_SERVICE_ISSUER_H

#include "base/log.h"
#include "pir-server/privacypass/key_ring.h"
#include "pir-server/privacypass/key_seal.h"
#include "pir-server/service/http_message.h"
#include "pir-server/store/store_tokens.h"

#define ISSUER_REQUEST_URI "/issue"
#define ISSUER_STEP_MAX_S  ((uint64_t)6 * 3600)
#define ISSUER_REMEMBER_S  ((uint64_t)3600) /* the remembered tending is this old at most */

struct issuer_options {
    struct store *store; /* borrowed */
    const char *app;     /* of the store's keys and user tokens; at most STORE_APP_MAX_BYTES */
    const struct key_seal *seal; /* copied; NULL = keys are stored as they are */
    struct key_ring_policy policy;
    const struct log *log; /* borrowed */
};

struct issuer;
/* Tends for the first time: makes a key when there is none. STATUS_MISMATCH when a stored key does
 * not open with the seal, STATUS_INVALID when there is none for a sealed one. */
enum status issuer_new(const struct issuer_options *options, uint64_t now_s, struct issuer **ret,
                       struct error *err) MUST_CHECK;
void issuer_free(struct issuer *issuer); /* takes NULL; no view is held any more */

/* On failure the view stays. */
enum status issuer_tend(struct issuer *issuer, uint64_t now_s, struct error *err) MUST_CHECK;

struct issuer_view {
    const struct key_ring *ring;
    uint64_t tended_at_s;  /* the time for key_ring_verify() */
    struct span directory; /* JSON */
    char etag[HTTP_ETAG_BYTES];
};
const struct issuer_view *issuer_view(struct issuer *issuer); /* held: issuer_view_release() */
void issuer_view_release(const struct issuer_view *view);
/* When the newest key that has begun did; 0 when none has. */
uint64_t issuer_view_begun_s(const struct issuer_view *view, uint64_t now_s);

#endif
