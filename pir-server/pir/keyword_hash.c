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

/* Keys that go through SHA-256 together. */
#define KEYS_AT_ONCE ((size_t)64)

void keyword_hash_many(const struct sha256_many_kernel *kernel, const struct span *keywords,
                       size_t count, uint64_t *ret)
{
    uint8_t digests[KEYS_AT_ONCE][SHA256_MANY_BYTES];
    for (size_t first = 0; first < count; first += KEYS_AT_ONCE) {
        const size_t now = count - first < KEYS_AT_ONCE ? count - first : KEYS_AT_ONCE;
        sha256_many(kernel, keywords + first, now, digests);
        for (size_t i = 0; i < now; i++)
            ret[first + i] = load_u64le(digests[i]);
    }
}

/* ---- buckets ---- */

/* What g(c) is the hash of: the key hash, big-endian this time, and the counter byte. */
#define COUNTER_INPUT_BYTES ((size_t)9)

static void counter_input(uint64_t hash, unsigned counter, uint8_t ret[COUNTER_INPUT_BYTES])
{
    for (size_t i = 0; i < 8; i++)
        ret[i] = (uint8_t)(hash >> (56 - 8 * i));
    ret[8] = (uint8_t)counter;
}

static uint64_t counter_hash(uint64_t hash, unsigned counter)
{
    uint8_t input[COUNTER_INPUT_BYTES];
    counter_input(hash, counter, input);
    return hash_bytes(span_of(input, sizeof input));
}

static bool contains(const uint64_t *list, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

/* The counter restarts at 0 for every function, so the same few values are met again.
 *   known  [KEYWORD_INDEX_RETRIES + 1]: g(c) mod bucket_count, the first `known_count` given */
static void choose_indices(uint64_t hash, uint64_t bucket_count, size_t function_count,
                           uint64_t *known, unsigned known_count, uint64_t *ret)
{
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

void keyword_bucket_indices(uint64_t hash, uint64_t bucket_count, size_t function_count,
                            uint64_t *ret)
{
    uint64_t known[KEYWORD_INDEX_RETRIES + 1];
    choose_indices(hash, bucket_count, function_count, known, 0, ret);
}

/* Of each key the value that its first table needs for certain, at once: with one function that is
 * all, with two the half of nearly all. */
void keyword_bucket_indices_many(const struct sha256_many_kernel *kernel, const uint64_t *hashes,
                                 size_t count, uint64_t bucket_count, size_t function_count,
                                 uint32_t *ret)
{
    uint8_t inputs[KEYS_AT_ONCE][COUNTER_INPUT_BYTES];
    struct span spans[KEYS_AT_ONCE];
    uint64_t firsts[KEYS_AT_ONCE];
    for (size_t first = 0; first < count; first += KEYS_AT_ONCE) {
        const size_t now = count - first < KEYS_AT_ONCE ? count - first : KEYS_AT_ONCE;
        for (size_t i = 0; i < now; i++) {
            counter_input(hashes[first + i], 0, inputs[i]);
            spans[i] = span_of(inputs[i], sizeof inputs[i]);
        }
        keyword_hash_many(kernel, spans, now, firsts);
        for (size_t i = 0; i < now; i++) {
            uint64_t known[KEYWORD_INDEX_RETRIES + 1] = {firsts[i] % bucket_count};
            uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
            choose_indices(hashes[first + i], bucket_count, function_count, known, 1, indices);
            for (size_t function = 0; function < function_count; function++)
                ret[(first + i) * function_count + function] = (uint32_t)indices[function];
        }
    }
}
