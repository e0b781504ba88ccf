/* keyword_hash - from a keyword to its hash, its shard and its buckets.
 *
 * Everything later works on the 64-bit key hash: buckets store it, look-ups compare it, the shard
 * and the bucket positions follow from it. The keyword itself is not needed again.
 *
 * Errors   none; SHA-256 runs on the stack without allocation. The functions for many keys take a
 *          kernel of sha256_many.
 * Threads  any. Time  depends on the keyword's length only, except that a bucket index which
 * repeats an earlier one costs one more hash.
 * Source   spec/keyword-pir.md sections 1.4 and 3.1. */
#ifndef BLINDLIST_PIR_KEYWORD_HASH_H
#define BLINDLIST_PIR_KEYWORD_HASH_H

#include "base/span.h"
#include "pir-server/pir/sha256_many/sha256_many.h"

#include <stddef.h>
#include <stdint.h>

/* Key hash: the first 8 bytes of SHA-256(keyword) as a little-endian number. */
uint64_t keyword_hash(struct span keyword);
/* ret[i] = keyword_hash(keywords[i]), several at a time. */
void keyword_hash_many(const struct sha256_many_kernel *kernel, const struct span *keywords,
                       size_t count, uint64_t *ret);

/* How a key hash selects a shard. */
enum sharding_function {
    SHARDING_SHA256 = 0, /* hash mod shards */
    SHARDING_DOUBLE_MOD  /* (hash mod other shard count) mod shards */
};
struct sharding {
    enum sharding_function function;
    uint32_t other_shard_count; /* SHARDING_DOUBLE_MOD only, >= 1 */
};
/* Shard of a key hash, in [0, shard_count); shard_count >= 1. */
uint64_t sharding_shard_of(const struct sharding *sharding, uint64_t hash, uint64_t shard_count);

/* A retry counter ends here: then a repeated index is accepted. */
#define KEYWORD_INDEX_RETRIES 10
/* Most hash functions (cuckoo tables) of a shard. */
#define KEYWORD_HASH_FUNCTIONS_MAX 64

/* Bucket of the key in each table: ret[i] in [0, bucket_count) is its index inside table i.
 *   bucket_count    buckets of one table, >= 1
 *   function_count  1..KEYWORD_HASH_FUNCTIONS_MAX; ret holds as many */
void keyword_bucket_indices(uint64_t hash, uint64_t bucket_count, size_t function_count,
                            uint64_t *ret);
/* The same for several keys: ret[i * function_count + j] is the bucket of hashes[i] in table j. The
 * counts are as above, and the buckets of one table are fewer than 2^32. */
void keyword_bucket_indices_many(const struct sha256_many_kernel *kernel, const uint64_t *hashes,
                                 size_t count, uint64_t bucket_count, size_t function_count,
                                 uint32_t *ret);

#endif
