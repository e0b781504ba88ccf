/* hpke - hybrid public key encryption (RFC 9180) in base mode: whoever has the public key can seal,
 * whoever has the private key can open, and both can export further secrets.
 *
 *     KEM   0x0020  DHKEM(X25519, HKDF-SHA256)
 *     KDF   0x0001  HKDF-SHA256
 *     AEAD  those of aead.h
 *
 * Time     OpenSSL's X25519 takes the same steps for every key; nothing here branches on a secret.
 *          Whether a text opens is no secret.
 * Secret   keys, contexts, exports. A key is wiped with its last reference, a context by its owner.
 * Random   passed in: the private key of each message is drawn from it (RFC 9180 allows any 32
 *          bytes, section 7.1.2), so a fixed source gives the RFC's vectors.
 * Threads  a key never changes and may be used by any number of threads at once; a context belongs
 *          to one. */
#ifndef BLINDLIST_OHTTP_HPKE_H
#define BLINDLIST_OHTTP_HPKE_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/crypto/aead.h"
#include "pir-server/ohttp/hkdf.h"

#include <stdint.h>

#define HPKE_KEM_X25519_SHA256 ((uint16_t)0x0020)
#define HPKE_KDF_SHA256        ((uint16_t)0x0001)
#define HPKE_PRIVATE_KEY_BYTES 32
#define HPKE_PUBLIC_KEY_BYTES  32 /* Npk */
#define HPKE_ENC_BYTES         32 /* Nenc: the public key of one message */
#define HPKE_INFO_MAX_BYTES    ((size_t)256)

/* ---- keys ---- */

struct hpke_key; /* opaque: a private key and its public key */

/* A new key. */
enum status hpke_key_generate(const struct random_source *random, struct hpke_key **ret,
                              struct error *err) MUST_CHECK;
/* Of these bytes; every value is a key. */
enum status hpke_key_new(const uint8_t private_key[HPKE_PRIVATE_KEY_BYTES], struct hpke_key **ret,
                         struct error *err) MUST_CHECK;
/* Shared: each holder has a reference, the last one to give it back frees the key. */
struct hpke_key *hpke_key_ref(struct hpke_key *key);
void hpke_key_unref(struct hpke_key *key); /* takes NULL */

/* [HPKE_PUBLIC_KEY_BYTES], borrowed from the key. */
const uint8_t *hpke_key_public(const struct hpke_key *key);
/* [HPKE_PRIVATE_KEY_BYTES], for storage; borrowed from the key. Secret. */
const uint8_t *hpke_key_private(const struct hpke_key *key);

/* ---- contexts ---- */

struct hpke_context {
    const struct aead *aead;
    uint8_t key[AEAD_KEY_MAX_BYTES];
    uint8_t base_nonce[AEAD_NONCE_BYTES];
    uint8_t exporter[HKDF_PRK_BYTES];
    uint64_t sequence; /* messages sealed, or opened, so far: each has a nonce of its own */
};
void hpke_context_wipe(struct hpke_context *context);

/* The sender's context; `enc` goes to the receiver with the first message.
 *   info   what both sides bind the context to, at most HPKE_INFO_MAX_BYTES: STATUS_TOO_LARGE
 * STATUS_INVALID for a public key of small order (RFC 9180 section 7.1.4). */
enum status hpke_setup_sender(const uint8_t public_key[HPKE_PUBLIC_KEY_BYTES],
                              const struct aead *aead, struct span info,
                              const struct random_source *random, uint8_t ret_enc[HPKE_ENC_BYTES],
                              struct hpke_context *ret, struct error *err) MUST_CHECK;
/* The receiver's; it fails for the same reasons. That `enc` belongs to this key, and `info` is the
 * same, is seen when the first message opens. */
enum status hpke_setup_receiver(const struct hpke_key *key, const uint8_t enc[HPKE_ENC_BYTES],
                                const struct aead *aead, struct span info, struct hpke_context *ret,
                                struct error *err) MUST_CHECK;

/* The next message; as aead_seal() and aead_open(). One that does not open is not counted. */
enum status hpke_seal(struct hpke_context *context, struct span aad, struct span plain,
                      struct bytes *ret, struct error *err) MUST_CHECK;
enum status hpke_open(struct hpke_context *context, struct span aad, struct span sealed,
                      struct bytes *ret, struct error *err) MUST_CHECK;
/* A secret of `size` bytes, as hkdf_expand(); `label` is RFC 9180's exporter_context, at most
 * HPKE_INFO_MAX_BYTES. */
enum status hpke_export(const struct hpke_context *context, struct span label, uint8_t *ret,
                        size_t size, struct error *err) MUST_CHECK;

#endif
