#include "pir-server/pir/keyword_hash.h"

#include "pir-server/pir/sha256.h"

#include <stdbool.h>

static uint64_t load_u64le(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* First 8 digest bytes, little-endian. */
static uint64_t hash_bytes(struct span data)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, data);
    sha256_finish(&hash, digest);
    return load_u64le(digest);
}

uint64_t keyword_hash(struct span keyword)
{
    return hash_bytes(keyword);
}

uint64_t sharding_shard_of(const struct sharding *sharding, uint64_t hash, uint64_t shard_count)
{
    if (sharding->function == SHARDING_DOUBLE_MOD)
        hash %= sharding->other_shard_count;
    return hash % shard_count;
}

/* g(c): SHA-256 over the hash, big-endian this time, and the counter byte. */
static uint64_t counter_hash(uint64_t hash, unsigned counter)
{
    uint8_t input[9];
    for (size_t i = 0; i < 8; i++)
        input[i] = (uint8_t)(hash >> (56 - 8 * i));
    input[8] = (uint8_t)counter;
    return hash_bytes(span_of(input, sizeof input));
}

static bool contains(const uint64_t *list, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

void keyword_bucket_indices(uint64_t hash, uint64_t bucket_count, size_t function_count,
                            uint64_t *ret)
{
    /* The counter restarts at 0 for every function, so the same few values are met again. */
    uint64_t known[KEYWORD_INDEX_RETRIES + 1];
    unsigned known_count = 0;
    for (size_t i = 0; i < function_count; i++) {
        for (unsigned counter = 0;; counter++) {
            if (counter == known_count)
                known[known_count++] = counter_hash(hash, counter) % bucket_count;
            ret[i] = known[counter];
            if (counter == KEYWORD_INDEX_RETRIES || !contains(ret, i, ret[i]))
                break;
        }
    }
}
