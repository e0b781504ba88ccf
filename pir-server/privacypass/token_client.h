/* token_client - a device's side of issuance: blinds a new token, and unblinds what came back
 * (RFC 9578 section 6.1, RFC 9474 sections 4.2 and 4.4).
 *
 *     begin     nonce, salt and blind are drawn; the request goes to the issuer, which learns
 *               nothing of the token from it
 *     finish    the response becomes a token, which is checked as a server will check it
 *
 * Random   drawn in this order: nonce [32], salt [48], blind [256], the last again while it is not
 *          in [1, modulus).
 * Secret   a struct token_pending links request and token: token_pending_wipe() when done.
 * Threads  any; requests of one key can be made side by side. */
#ifndef BLINDLIST_PRIVACYPASS_TOKEN_CLIENT_H
#define BLINDLIST_PRIVACYPASS_TOKEN_CLIENT_H

#include "base/random.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/privacypass/token.h"
#include "pir-server/privacypass/token_key.h"

struct token_pending {
    struct token token;                          /* all but its authenticator */
    uint8_t unblinding[TOKEN_KEY_MODULUS_BYTES]; /* inverse of the blind, big-endian */
};

enum status token_client_begin(const struct token_key *key,
                               const uint8_t challenge_digest[TOKEN_DIGEST_BYTES],
                               const struct random_source *random, struct token_pending *ret,
                               uint8_t ret_request[TOKEN_REQUEST_BYTES],
                               struct error *err) MUST_CHECK;
/* STATUS_MALFORMED for a response of the wrong length, STATUS_MISMATCH when it is not the key's
 * signature of the request: the issuer signed with another key, or something else. */
enum status token_client_finish(const struct token_key *key, const struct token_pending *pending,
                                struct span response, struct token *ret,
                                struct error *err) MUST_CHECK;
void token_pending_wipe(struct token_pending *pending);

#endif
