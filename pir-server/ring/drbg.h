/* drbg - the AES-128 CTR_DRBG stream that seeds of ciphertexts are expanded with.
 *
 * NIST SP 800-90A section 10.2.1 without derivation function, personalization, additional input or
 * reseeding; output is the concatenation of requests of 4,096 bytes (spec/bfv.md section 4.1), so
 * reading in pieces of any size gives the same stream; whole requests are the fastest.
 *
 * Memory   drbg_deinit() wipes key and buffer.
 * Threads  one at a time. */
#ifndef BLINDLIST_RING_DRBG_H
#define BLINDLIST_RING_DRBG_H

#include "base/random.h"
#include "base/status.h"

#define DRBG_SEED_BYTES    32
#define DRBG_REQUEST_BYTES 4096

struct evp_cipher_ctx_st; /* OpenSSL's EVP_CIPHER_CTX */

struct drbg {
    struct evp_cipher_ctx_st *cipher;
    uint8_t key[16];
    uint8_t counter[16]; /* V, big-endian */
    uint8_t buffer[DRBG_REQUEST_BYTES];
    size_t used; /* of the buffer */
};

/* STATUS_NOMEM or STATUS_INTERNAL (OpenSSL without AES) on failure. */
enum status drbg_init(struct drbg *drbg, const uint8_t seed[DRBG_SEED_BYTES],
                      struct error *err) MUST_CHECK;
void drbg_deinit(struct drbg *drbg); /* takes a zeroed struct too */
/* The next `size` bytes of the stream. */
enum status drbg_read(struct drbg *drbg, uint8_t *ret, size_t size, struct error *err) MUST_CHECK;
/* The stream as a source; borrows drbg. */
struct random_source drbg_source(struct drbg *drbg);

#endif
