/* stored_gateway_key - a gateway's key as it lies in the state: private and public key, plain or
 * sealed (key_seal.h).
 *
 * Form     private key [32], public key [32]; the sealed form of these. The two sizes tell them
 *          apart. A sealed key belongs to its key id, and to being a gateway's.
 * Threads  any. */
#ifndef BLINDLIST_OHTTP_STORED_GATEWAY_KEY_H
#define BLINDLIST_OHTTP_STORED_GATEWAY_KEY_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/ohttp/hpke.h"
#include "pir-server/privacypass/key_seal.h"

#define STORED_GATEWAY_KEY_PLAIN_BYTES (HPKE_PRIVATE_KEY_BYTES + HPKE_PUBLIC_KEY_BYTES)
#define STORED_GATEWAY_KEY_MAX_BYTES   (STORED_GATEWAY_KEY_PLAIN_BYTES + KEY_SEAL_OVERHEAD_BYTES)

/* Appends; seal == NULL stores it plain, and `ret` is secret then. `random` is for the seal. */
enum status stored_gateway_key_write(const struct hpke_key *key, uint8_t key_id,
                                     const struct key_seal *seal,
                                     const struct random_source *random, struct bytes *ret,
                                     struct error *err) MUST_CHECK;
/* The key of that id. A plain one is read with or without a seal, so that sealing can begin at any
 * time. STATUS_MALFORMED when it is neither form, STATUS_INVALID when it is sealed and seal ==
 * NULL, STATUS_MISMATCH when the seal does not open it or private and public key do not belong
 * together. */
enum status stored_gateway_key_read(struct span stored, uint8_t key_id, const struct key_seal *seal,
                                    struct hpke_key **ret, struct error *err) MUST_CHECK;

#endif
