#define OPENSSL_SUPPRESS_DEPRECATED
#include "pir-server/pir/sha256.h"

#include <assert.h>

static_assert(SHA256_BYTES == SHA256_DIGEST_LENGTH, "a SHA-256 digest has 32 bytes");

void sha256_init(struct sha256 *hash)
{
    SHA256_Init(&hash->state);
}

void sha256_add(struct sha256 *hash, struct span more)
{
    if (more.size > 0)
        SHA256_Update(&hash->state, more.data, more.size);
}

void sha256_add_u64le(struct sha256 *hash, uint64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    sha256_add(hash, span_of(bytes, sizeof bytes));
}

void sha256_finish(struct sha256 *hash, uint8_t ret_digest[SHA256_BYTES])
{
    SHA256_Final(ret_digest, &hash->state);
}
