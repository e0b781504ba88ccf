/* issuer_directory - the JSON document in which an issuer names its token keys (RFC 9578 section 4;
 * service.md section 7.3).
 *
 *     {"issuer-request-uri":"/issue","token-keys":[{"token-type":2,"token-key":"MIIB...",
 *      "not-before":1800000000},{"token-type":2,"token-key":"MIIB..."}]}
 *
 * The order of the keys is the issuer's preference: a client takes the first one that has no
 * not-before, or one that is past. So a key that is to take over is named first, long before.
 * Everybody must be given the same bytes, or keys would tell users apart.
 *
 * Reading  unknown members are ignored, and keys of other token types; a key of type 2 must be one
 *          that token_key_parse() takes.
 * Threads  any. */
#ifndef BLINDLIST_PRIVACYPASS_ISSUER_DIRECTORY_H
#define BLINDLIST_PRIVACYPASS_ISSUER_DIRECTORY_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/privacypass/token_key.h"

#include <stdbool.h>
#include <stdint.h>

#define ISSUER_DIRECTORY_MAX_KEYS      ((size_t)16)
#define ISSUER_DIRECTORY_MAX_BYTES     ((size_t)65536)
#define ISSUER_DIRECTORY_MAX_URI_BYTES ((size_t)512)
#define ISSUER_DIRECTORY_PATH          "/.well-known/private-token-issuer-directory"
#define ISSUER_DIRECTORY_CONTENT_TYPE  "application/private-token-issuer-directory"

struct issuer_directory_key {
    uint8_t spki[TOKEN_KEY_SPKI_BYTES];
    bool has_not_before;
    uint64_t not_before_s; /* seconds since 1970 */
};

struct issuer_directory {
    char request_uri[ISSUER_DIRECTORY_MAX_URI_BYTES]; /* absolute, or relative to the directory's */
    size_t key_count;
    struct issuer_directory_key keys[ISSUER_DIRECTORY_MAX_KEYS];
};

/* Appends; the same directory gives the same bytes. The request URI is one that needs no escapes:
 * printable ASCII without quotes and backslashes. */
enum status issuer_directory_write(const struct issuer_directory *directory, struct bytes *ret,
                                   struct error *err) MUST_CHECK;
/* STATUS_MALFORMED with the JSON path of what is wrong; STATUS_TOO_LARGE. */
enum status issuer_directory_parse(struct span json, struct issuer_directory *ret,
                                   struct error *err) MUST_CHECK;
/* The key that a client takes at that time; NULL when there is none yet. */
const struct issuer_directory_key *issuer_directory_choose(const struct issuer_directory *directory,
                                                           uint64_t now_s);

#endif
