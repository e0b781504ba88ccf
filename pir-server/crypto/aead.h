/* aead - authenticated encryption: the two algorithms of the gateway, that of symmetric PIR, and
 * that of sealed keys (RFC 5116, RFC 8439).
 *
 *     id      algorithm          key   nonce   tag
 *     0x0001  AES-128-GCM         16      12    16
 *     0x0003  ChaCha20-Poly1305   32      12    16
 *     none    AES-192-GCM         24      12    16
 *     none    AES-256-GCM         32      12    16
 *
 * The ids are those of HPKE (RFC 9180 section 7.3). A sealed text is ciphertext, then tag.
 * Secret   keys, and what was opened: the caller wipes both.
 * Threads  any. */
#ifndef BLINDLIST_CRYPTO_AEAD_H
#define BLINDLIST_CRYPTO_AEAD_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define AEAD_AES_128_GCM       ((uint16_t)0x0001)
#define AEAD_CHACHA20_POLY1305 ((uint16_t)0x0003)
#define AEAD_KEY_MAX_BYTES     32
#define AEAD_NONCE_BYTES       12
#define AEAD_TAG_BYTES         16
/* Of one text: what OpenSSL takes in one call. */
#define AEAD_MAX_BYTES ((size_t)1 << 30)

struct aead; /* opaque, static */

/* NULL for an id that is not in the table. */
const struct aead *aead_find(uint16_t id);
/* Have no id, so that no message can ask for them. */
const struct aead *aead_aes_192_gcm(void);
const struct aead *aead_aes_256_gcm(void);
uint16_t aead_id(const struct aead *aead);
size_t aead_key_bytes(const struct aead *aead);

/* Appends the sealed form of `plain`, which is no part of `ret`. One key and nonce seal one text.
 *   key    [aead_key_bytes()]
 *   aad    authenticated with it, may be empty
 * STATUS_TOO_LARGE beyond AEAD_MAX_BYTES or what `ret` may hold. */
enum status aead_seal(const struct aead *aead, const uint8_t *key,
                      const uint8_t nonce[AEAD_NONCE_BYTES], struct span aad, struct span plain,
                      struct bytes *ret, struct error *err) MUST_CHECK;
/* Appends what was sealed; `ret` is secret from then on. STATUS_MISMATCH when it does not open:
 * another key, nonce or aad, damaged, or shorter than a tag. Nothing is appended then. */
enum status aead_open(const struct aead *aead, const uint8_t *key,
                      const uint8_t nonce[AEAD_NONCE_BYTES], struct span aad, struct span sealed,
                      struct bytes *ret, struct error *err) MUST_CHECK;

#endif
