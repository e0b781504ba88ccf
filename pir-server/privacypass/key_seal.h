/* key_seal - encrypts what lies in the state file under a key that lies elsewhere.
 *
 * So that whoever copies the state, or a backup of it, has no issuer keys. The key is a file of 32
 * random bytes that only its owner can read (`head -c 32 /dev/urandom`).
 *
 * Form     "BLS1", nonce [12], ciphertext, tag [16]: AES-256-GCM (NIST SP 800-38D). What a text
 *          belongs to is authenticated with it, so that two sealed texts cannot change places.
 * Random   nonces are drawn; 2^32 texts under one key are the limit, some hundred are expected.
 * Threads  a struct key_seal never changes once it is read. */
#ifndef BLINDLIST_PRIVACYPASS_KEY_SEAL_H
#define BLINDLIST_PRIVACYPASS_KEY_SEAL_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_SEAL_KEY_BYTES      32
#define KEY_SEAL_OVERHEAD_BYTES (4 + 12 + 16)
#define KEY_SEAL_MAX_BYTES      ((size_t)65536)

/* Secret: key_seal_wipe(). */
struct key_seal {
    uint8_t key[KEY_SEAL_KEY_BYTES];
};

/* STATUS_INVALID when the file is not of 32 bytes, or others than its owner may read or write it; a
 * file of root's may be read by a group, too, unless this is root. */
enum status key_seal_read(const char *path, struct key_seal *ret, struct error *err) MUST_CHECK;
void key_seal_wipe(struct key_seal *seal);

/* Appends the sealed form of `plain`. */
enum status key_seal_encrypt(const struct key_seal *seal, struct span plain, struct span belongs_to,
                             const struct random_source *random, struct bytes *ret,
                             struct error *err) MUST_CHECK;
/* Does it begin like a sealed text? */
bool key_seal_is_sealed(struct span text);
/* Appends what was sealed; `ret` is secret from then on. STATUS_MALFORMED when it is no sealed
 * text; STATUS_MISMATCH when it does not open: another key, damaged, or it belongs to something
 * else. Nothing is appended then. */
enum status key_seal_decrypt(const struct key_seal *seal, struct span sealed,
                             struct span belongs_to, struct bytes *ret,
                             struct error *err) MUST_CHECK;

#endif
