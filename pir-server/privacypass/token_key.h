/* token_key - an issuer's public key, and the check of tokens that it made.
 *
 * Form     SubjectPublicKeyInfo, always these 342 bytes (service.md section 7.2, RFC 9578 section
 *          8.2.2): RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes, hash
 *          identifiers without parameters, no trailer field, modulus of 2048 bits, exponent 65537.
 *          OpenSSL would write NULL parameters (346 bytes), and so another key id: this form is
 *          built and read by hand, and no other is taken.
 * Ids      the token key id is SHA-256 of these bytes, the truncated id its last byte.
 * Threads  a key never changes and may be used by any number of threads at once. */
#ifndef BLINDLIST_PRIVACYPASS_TOKEN_KEY_H
#define BLINDLIST_PRIVACYPASS_TOKEN_KEY_H

#include "base/span.h"
#include "base/status.h"
#include "pir-server/privacypass/token.h"
#include "pir-server/privacypass/token_verdict.h"

#define TOKEN_KEY_SPKI_BYTES    342
#define TOKEN_KEY_MODULUS_BYTES 256
#define TOKEN_KEY_EXPONENT      65537u
#define TOKEN_KEY_SALT_BYTES    48

struct token_key; /* opaque */

/* STATUS_MALFORMED for anything but the form above. */
enum status token_key_parse(struct span spki, struct token_key **ret, struct error *err) MUST_CHECK;
/* Of a modulus, big-endian: STATUS_INVALID unless it has exactly 2048 bits and is odd. */
enum status token_key_new(const uint8_t modulus[TOKEN_KEY_MODULUS_BYTES], struct token_key **ret,
                          struct error *err) MUST_CHECK;
void token_key_free(struct token_key *key); /* takes NULL */

/* All three borrowed from the key: [TOKEN_KEY_SPKI_BYTES], [TOKEN_KEY_ID_BYTES],
 * [TOKEN_KEY_MODULUS_BYTES]. */
const uint8_t *token_key_spki(const struct token_key *key);
const uint8_t *token_key_id(const struct token_key *key);
const uint8_t *token_key_modulus(const struct token_key *key);
uint8_t token_key_truncated_id(const struct token_key *key);

/* Did this key make the token? TOKEN_WRONG_TYPE, TOKEN_WRONG_KEY_ID, TOKEN_WRONG_SIGNATURE,
 * TOKEN_WRONG_SALT_LENGTH or TOKEN_GOOD, which says nothing about whether it was spent. Fails only
 * for lack of memory. */
enum status token_key_verify(const struct token_key *key, const struct token *token,
                             enum token_verdict *ret, struct error *err) MUST_CHECK;

/* value^65537 mod the modulus; both big-endian. STATUS_INVALID for a value that is not below the
 * modulus. The steps depend on the exponent, which is public, not on the value. */
enum status token_key_apply(const struct token_key *key,
                            const uint8_t value[TOKEN_KEY_MODULUS_BYTES],
                            uint8_t ret[TOKEN_KEY_MODULUS_BYTES], struct error *err) MUST_CHECK;

#endif
