/* ohttp_keys - key configurations of a gateway: what a client must know to seal a request for it
 * (RFC 9458 section 3, media type application/ohttp-keys).
 *
 *     key configuration   key id u8, KEM u16, public key [32], length u16, algorithms...
 *     algorithms          KDF u16, AEAD u16: four bytes each, one at least
 *     list                (length u16, key configuration)...
 *
 * All numbers big-endian. A list names the configuration that the gateway likes best first.
 * Reading   what is well-formed but not for us is passed over: other KEMs (devices know X25519
 *           only, and only its length of public key), other KDFs and AEADs.
 * Threads   any; these are plain values. */
#ifndef BLINDLIST_OHTTP_KEYS_H
#define BLINDLIST_OHTTP_KEYS_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/ohttp/hpke.h"

#include <stdbool.h>
#include <stdint.h>

#define OHTTP_KEYS_MAX_CONFIGS ((size_t)16)
#define OHTTP_KEYS_MAX_AEADS   ((size_t)2) /* as many as aead.h has */
/* What a client should take in: more than any gateway has reason to send. */
#define OHTTP_KEYS_MAX_BYTES ((size_t)16384)

struct ohttp_key_config {
    uint8_t key_id;
    uint8_t public_key[HPKE_PUBLIC_KEY_BYTES];
    size_t aead_count;
    const struct aead *aeads[OHTTP_KEYS_MAX_AEADS]; /* each once; the KDF is HKDF-SHA256 */
};

struct ohttp_keys {
    size_t count;
    struct ohttp_key_config configs[OHTTP_KEYS_MAX_CONFIGS];
};

/* The configuration of a key with all algorithms that we have, AES-128-GCM first. */
void ohttp_key_config_of(uint8_t key_id, const struct hpke_key *key, struct ohttp_key_config *ret);
/* Is this one of its algorithms? */
bool ohttp_key_config_has(const struct ohttp_key_config *config, const struct aead *aead);

/* One configuration without length prefix, and nothing behind it. STATUS_MALFORMED when it is not
 * one, STATUS_UNSUPPORTED when its KEM or all of its algorithms are unknown. */
enum status ohttp_key_config_parse(struct span in, struct ohttp_key_config *ret,
                                   struct error *err) MUST_CHECK;
/* Appends one configuration, without length prefix; it has an algorithm at least. */
void ohttp_key_config_write(const struct ohttp_key_config *config, struct bytes *ret);

/* A list. STATUS_MALFORMED when any part is not well-formed, STATUS_UNSUPPORTED when nothing in it
 * is for us, STATUS_TOO_LARGE for more than OHTTP_KEYS_MAX_CONFIGS that are. */
enum status ohttp_keys_parse(struct span in, struct ohttp_keys *ret, struct error *err) MUST_CHECK;
/* Appends. */
enum status ohttp_keys_write(const struct ohttp_keys *keys, struct bytes *ret,
                             struct error *err) MUST_CHECK;

#endif
