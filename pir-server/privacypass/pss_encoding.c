#include "pir-server/privacypass/pss_encoding.h"

#include "base/mem.h"

#include <assert.h>
#include <openssl/sha.h>

/* encoded = masked block || H || 0xbc; block = 00... || 01 || salt */
#define HASH_BYTES  ((size_t)SHA384_DIGEST_LENGTH)
#define BLOCK_BYTES (TOKEN_KEY_MODULUS_BYTES - HASH_BYTES - 1)
#define SALT_AT     (BLOCK_BYTES - TOKEN_KEY_SALT_BYTES)

static_assert(BLOCK_BYTES > TOKEN_KEY_SALT_BYTES + 1, "room for zeros and the 01 before the salt");

/* H = SHA-384(eight zeros || SHA-384(message) || salt) */
static void hash_salted(struct span message, const uint8_t salt[TOKEN_KEY_SALT_BYTES],
                        uint8_t ret[HASH_BYTES])
{
    uint8_t input[8 + HASH_BYTES + TOKEN_KEY_SALT_BYTES] = {0};
    SHA384(message.data, message.size, input + 8);
    memcpy(input + 8 + HASH_BYTES, salt, TOKEN_KEY_SALT_BYTES);
    SHA384(input, sizeof input, ret);
    mem_wipe(input, sizeof input);
}

/* block ^= MGF1(seed): SHA-384(seed || counter) for counter 0, 1, ... */
static void mask(uint8_t block[BLOCK_BYTES], const uint8_t seed[HASH_BYTES])
{
    uint8_t input[HASH_BYTES + 4] = {0};
    uint8_t stream[HASH_BYTES];
    memcpy(input, seed, HASH_BYTES);
    for (size_t at = 0; at < BLOCK_BYTES; at++) {
        if (at % HASH_BYTES == 0) {
            input[HASH_BYTES + 3] = (uint8_t)(at / HASH_BYTES);
            SHA384(input, sizeof input, stream);
        }
        block[at] ^= stream[at % HASH_BYTES];
    }
    mem_wipe(stream, sizeof stream);
}

void pss_encode(struct span message, const uint8_t salt[TOKEN_KEY_SALT_BYTES],
                uint8_t ret[TOKEN_KEY_MODULUS_BYTES])
{
    uint8_t *hash = ret + BLOCK_BYTES;
    hash_salted(message, salt, hash);
    memset(ret, 0, BLOCK_BYTES);
    ret[SALT_AT - 1] = 0x01;
    memcpy(ret + SALT_AT, salt, TOKEN_KEY_SALT_BYTES);
    mask(ret, hash);
    ret[0] &= 0x7f; /* 2047 bits */
    ret[TOKEN_KEY_MODULUS_BYTES - 1] = 0xbc;
}
