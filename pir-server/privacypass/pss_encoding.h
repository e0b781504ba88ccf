/* pss_encoding - EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) as tokens need it: SHA-384, MGF1 with
 * SHA-384, a salt of 48 bytes, for a modulus of 2048 bits (2047 bits of encoding).
 *
 * OpenSSL pads only together with a private key operation; a client that blinds needs the padded
 * message itself. Cannot fail.
 * Threads  any. */
#ifndef BLINDLIST_PRIVACYPASS_PSS_ENCODING_H
#define BLINDLIST_PRIVACYPASS_PSS_ENCODING_H

#include "base/span.h"
#include "pir-server/privacypass/token_key.h"

void pss_encode(struct span message, const uint8_t salt[TOKEN_KEY_SALT_BYTES],
                uint8_t ret[TOKEN_KEY_MODULUS_BYTES]);

#endif
