/* issuer_key - an issuer's private key: made, stored, and used to sign what devices have blinded.
 *
 * Signing  RSABSSA-SHA384-PSS-Deterministic (RFC 9474 section 4.3) with 2048 bits: the raw private
 *          key operation on a number that somebody else chose, so
 *          - OpenSSL blinds the base with a random number and its exponentiation takes the same
 *            steps for every exponent: the time tells nothing about key or message;
 *          - the signature is raised to the public exponent and compared before it leaves: one
 *            wrong bit in the computation would otherwise give the factors away;
 *          - numbers that are not below the modulus, and 0 and 1, whose signatures everybody knows,
 *            are refused.
 * Random   keys and base blinding draw from OpenSSL's generator, which the system seeds.
 * Secret   what is stored is the key itself (key_seal.h encrypts it); wiped when freed.
 * Threads  a key never changes and may be used by any number of threads at once. */
#ifndef BLINDLIST_PRIVACYPASS_ISSUER_KEY_H
#define BLINDLIST_PRIVACYPASS_ISSUER_KEY_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/privacypass/token.h"
#include "pir-server/privacypass/token_key.h"

/* A stored key of 2048 bits has about 1,220 bytes. */
#define ISSUER_KEY_MAX_BYTES ((size_t)2048)

struct issuer_key; /* opaque */

/* A new key; takes some tens of milliseconds, now and then a second. */
enum status issuer_key_new(struct issuer_key **ret, struct error *err) MUST_CHECK;
/* Of PKCS#8 in DER, and nothing behind it. STATUS_MALFORMED when it is not that, STATUS_UNSUPPORTED
 * for another kind, size or exponent of key, STATUS_MISMATCH when its numbers do not fit each
 * other: it is tried out. */
enum status issuer_key_parse(struct span der, struct issuer_key **ret,
                             struct error *err) MUST_CHECK;
/* Appends PKCS#8 in DER. `ret` is secret from then on: bytes_deinit_secret(). */
enum status issuer_key_write(const struct issuer_key *key, struct bytes *ret,
                             struct error *err) MUST_CHECK;
/* Shared: each holder has a reference, the last one to give it back frees the key. */
struct issuer_key *issuer_key_ref(struct issuer_key *key);
void issuer_key_unref(struct issuer_key *key); /* takes NULL */

/* Borrowed from the key. */
const struct token_key *issuer_key_public(const struct issuer_key *key);

/* The blind signature of a blinded message; a token response is these bytes. STATUS_INVALID for a
 * message that is not in [2, modulus); STATUS_INTERNAL when the result was not its signature (then
 * it is wiped, and the machine is to be doubted). */
enum status issuer_key_sign(const struct issuer_key *key,
                            const uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES],
                            uint8_t ret[TOKEN_RESPONSE_BYTES], struct error *err) MUST_CHECK;

#endif
