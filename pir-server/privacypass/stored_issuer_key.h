/* stored_issuer_key - an issuer key as it lies in the state: PKCS#8, plain or sealed (key_seal.h).
 *
 * A sealed key belongs to its token key id.
 * Threads  any. */
#ifndef BLINDLIST_PRIVACYPASS_STORED_ISSUER_KEY_H
#define BLINDLIST_PRIVACYPASS_STORED_ISSUER_KEY_H

#include "pir-server/privacypass/issuer_key.h"
#include "pir-server/privacypass/key_seal.h"

#define STORED_ISSUER_KEY_MAX_BYTES (ISSUER_KEY_MAX_BYTES + KEY_SEAL_OVERHEAD_BYTES)

/* Appends; seal == NULL stores it plain, and `ret` is secret then. `random` is for the seal. */
enum status stored_issuer_key_write(const struct issuer_key *key, const struct key_seal *seal,
                                    const struct random_source *random, struct bytes *ret,
                                    struct error *err) MUST_CHECK;
/* The key of that id. A plain one is read with or without a seal, so that sealing can begin at any
 * time. STATUS_INVALID when it is sealed and seal == NULL; STATUS_MISMATCH when the seal does not
 * open it or it is another key; otherwise as issuer_key_parse(). */
enum status stored_issuer_key_read(struct span stored, const uint8_t id[TOKEN_KEY_ID_BYTES],
                                   const struct key_seal *seal, struct issuer_key **ret,
                                   struct error *err) MUST_CHECK;

#endif
