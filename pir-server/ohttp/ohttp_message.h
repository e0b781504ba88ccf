/* ohttp_message - encapsulated requests and responses of Oblivious HTTP (RFC 9458 section 4), both
 * sides: the client's, who seals a request and opens the response, and the gateway's.
 *
 *     request    message/ohttp-req   key id u8, KEM u16, KDF u16, AEAD u16, enc [32], sealed
 *     response   message/ohttp-res   nonce [max(key, nonce bytes of the AEAD)], sealed
 *
 *     client                                  gateway
 *     ohttp_request_seal()    --request-->    ohttp_request_parse(), finds the key by its id,
 *                                             ohttp_request_open()
 *     ohttp_response_open()   <-response--    ohttp_response_seal()
 *
 * What is sealed are bytes, here of any kind: bhttp.h says what they are. A struct ohttp_exchange
 * carries on each side what the response needs, from the request to the response.
 * Privacy   who repeats a request has the same enc; nothing else in it names anybody.
 * Secret    an exchange, and what was opened (a token may be in it): the caller wipes both.
 * Threads   any; an exchange belongs to one at a time. */
#ifndef BLINDLIST_OHTTP_MESSAGE_H
#define BLINDLIST_OHTTP_MESSAGE_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/crypto/aead.h"
#include "pir-server/ohttp/hpke.h"
#include "pir-server/ohttp/ohttp_keys.h"

#include <stdint.h>

/* By how much an encapsulated message is longer than what it carries, at most. */
#define OHTTP_REQUEST_OVERHEAD_BYTES  (7 + HPKE_ENC_BYTES + AEAD_TAG_BYTES)
#define OHTTP_RESPONSE_OVERHEAD_BYTES (AEAD_KEY_MAX_BYTES + AEAD_TAG_BYTES)

struct ohttp_exchange {
    const struct aead *aead;
    uint8_t enc[HPKE_ENC_BYTES];
    uint8_t secret[AEAD_KEY_MAX_BYTES];
};
void ohttp_exchange_wipe(struct ohttp_exchange *exchange);

/* An encapsulated request as it came. */
struct ohttp_request {
    uint8_t key_id;
    const struct aead *aead;
    struct span enc;    /* [HPKE_ENC_BYTES], borrowed from the input */
    struct span sealed; /* borrowed */
};

/* ---- the client ---- */

/* Appends the encapsulated form of `plain`. STATUS_UNSUPPORTED when the configuration has no such
 * AEAD, STATUS_INVALID when its public key is of small order. */
enum status ohttp_request_seal(const struct ohttp_key_config *config, const struct aead *aead,
                               struct span plain, const struct random_source *random,
                               struct bytes *ret, struct ohttp_exchange *ret_exchange,
                               struct error *err) MUST_CHECK;
/* Appends what the gateway answered. STATUS_MALFORMED when it is too short for one,
 * STATUS_MISMATCH when it does not open: of another exchange, or damaged. */
enum status ohttp_response_open(const struct ohttp_exchange *exchange, struct span in,
                                struct bytes *ret, struct error *err) MUST_CHECK;

/* ---- the gateway ---- */

/* STATUS_MALFORMED when it is too short for one, STATUS_UNSUPPORTED for a KEM, KDF or AEAD that no
 * configuration of ours names. */
enum status ohttp_request_parse(struct span in, struct ohttp_request *ret,
                                struct error *err) MUST_CHECK;
/* Appends what it carries; `ret` is secret from then on. STATUS_MISMATCH when it does not open with
 * this key, or is damaged; STATUS_INVALID when enc is of small order. */
enum status ohttp_request_open(const struct ohttp_request *request, const struct hpke_key *key,
                               struct bytes *ret, struct ohttp_exchange *ret_exchange,
                               struct error *err) MUST_CHECK;
/* Appends the encapsulated form of `plain`. */
enum status ohttp_response_seal(const struct ohttp_exchange *exchange, struct span plain,
                                const struct random_source *random, struct bytes *ret,
                                struct error *err) MUST_CHECK;

#endif
