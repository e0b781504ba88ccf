/* token_header - the two HTTP header fields of Privacy Pass (RFC 9577 section 2).
 *
 *     Authorization: PrivateToken token=AAJ...          also token="AAJ..."
 *     WWW-Authenticate: PrivateToken challenge="AAI...", token-key="MII...", max-age=60
 *
 * Reading follows RFC 9110 section 11: the scheme and names in any case, values plain or quoted,
 * blanks around '=' and ',', parameters in any order; unknown ones are ignored, one given twice is
 * refused. Base64 as in base64url.h. Values are those of a field, without its name; of one that
 * holds several challenges, the first is read.
 *
 * Threads  any; nothing is allocated but by bytes.
 * Source   service.md section 1.5. */
#ifndef BLINDLIST_PRIVACYPASS_TOKEN_HEADER_H
#define BLINDLIST_PRIVACYPASS_TOKEN_HEADER_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/privacypass/token.h"
#include "pir-server/privacypass/token_verdict.h"

#include <stdbool.h>
#include <stdint.h>

/* What fits into one header field of most servers. A challenge that says more is refused. */
#define TOKEN_HEADER_CHALLENGE_MAX_BYTES 2048

/* TOKEN_GOOD, TOKEN_MISSING, TOKEN_UNREADABLE or TOKEN_WRONG_LENGTH. An empty value is a missing
 * one. `ret` is untouched unless the verdict is TOKEN_GOOD, which says nothing about its contents.
 */
enum token_verdict token_header_read_authorization(struct span value, struct token *ret);
/* Appends the value. */
void token_header_write_authorization(const struct token *token, struct bytes *ret);

struct token_header_challenge {
    uint8_t challenge[TOKEN_HEADER_CHALLENGE_MAX_BYTES]; /* a written token challenge */
    size_t challenge_size;
    uint8_t token_key[512]; /* SubjectPublicKeyInfo */
    size_t token_key_size;  /* 0 = not given */
    bool has_max_age;
    uint32_t max_age_s; /* how long the challenge may be answered */
};

/* STATUS_NOT_FOUND when the scheme is another; STATUS_MALFORMED, STATUS_TOO_LARGE. */
enum status token_header_read_challenge(struct span value, struct token_header_challenge *ret,
                                        struct error *err) MUST_CHECK;
/* Appends the value. */
void token_header_write_challenge(const struct token_header_challenge *challenge,
                                  struct bytes *ret);

#endif
