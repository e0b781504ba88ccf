/* sha256 - SHA-256 in pieces, without allocation.
 *
 * OpenSSL 3 fetches an algorithm and allocates for every EVP digest. Its older block functions do
 * neither and run the same code (SHA-NI where there is one); only this module calls them.
 *
 * Memory   the state is plain storage of the caller. Errors  none. Threads  a state belongs to one.
 * Source   FIPS 180-4. */
#ifndef BLINDLIST_PIR_SHA256_H
#define BLINDLIST_PIR_SHA256_H

#include "base/span.h"

#include <openssl/sha.h>

#define SHA256_BYTES ((size_t)32)

struct sha256 {
    SHA256_CTX state;
};

void sha256_init(struct sha256 *hash);
void sha256_add(struct sha256 *hash, struct span more);
void sha256_add_u64le(struct sha256 *hash, uint64_t value);
/* Ends the hash; sha256_init() begins another. */
void sha256_finish(struct sha256 *hash, uint8_t ret_digest[SHA256_BYTES]);

#endif
