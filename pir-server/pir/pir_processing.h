/* pir_processing - from rows to processed shards.
 *
 *     pir_partition_new(&rows, shards, &sharding, pool, &partition, &err);
 *     pir_processing_init(&encryption, 1, &processing);            // defaults for URL filters
 *     pir_processing_fit(partition, pool, &processing, &err);      // equal shards with head room
 *     pir_process_all(context, partition, &processing, ...);       // one file a shard
 *
 * Result   depends on rows and settings only, not on row order or threads. A shard without rows is
 *          a valid shard. Overflow is STATUS_TOO_LARGE, never a lost row.
 * Memory   a shard in work takes its placement and the image of its file; as many shards are in
 *          work as the pool has threads.
 * Source   spec/keyword-pir.md sections 3, 4 and 8. */
#ifndef BLINDLIST_PIR_PIR_PROCESSING_H
#define BLINDLIST_PIR_PIR_PROCESSING_H

#include "base/progress.h"
#include "pir-server/pir/cuckoo_table.h"
#include "pir-server/pir/pir_rows.h"
#include "pir-server/pir/pir_shard.h"

struct pir_processing {
    struct bfv_parameters encryption;
    struct sharding sharding; /* as the partition's */
    struct cuckoo_config table;
    bool use_max_bucket_bytes; /* entry size = table.bucket_bytes although expansion is allowed */
    bool uneven_dimensions;
    enum pir_key_compression key_compression;
    size_t galois_pairs; /* of pir_galois_elements_pair(); 0 = none */
};

/* Defaults: SHA-256 sharding, uneven dimensions, no key compression, two pairs of levels with
 * composite Galois elements, buckets of one whole plaintext, fixed size. The bucket count is left 0
 * for pir_processing_fit(). */
void pir_processing_init(const struct bfv_parameters *encryption, size_t hash_function_count,
                         struct pir_processing *ret);
/* A fixed shape for the fullest shard with head room, the same for all shards: buckets are filled
 * to about 60 % (fewer when a bucket takes few rows; two hash functions: 80 %), the size of a
 * bucket is a whole number of plaintexts that takes the longest value. Nothing is tried, which
 * would cost a hash for each row: with rows that nobody made to collide a bucket overflows once in
 * 10^10 (one hash function). When pir_process_all() says STATUS_TOO_LARGE, pir_processing_fit()
 * finds a larger shape. */
enum status pir_processing_guess(const struct pir_partition *partition,
                                 struct pir_processing *processing, struct error *err) MUST_CHECK;
/* The same, then tries it on every shard and takes more buckets while one overflows;
 * STATUS_TOO_LARGE when even 64 times as many do not help. */
enum status pir_processing_fit(const struct pir_partition *partition, struct thread_pool *pool,
                               struct pir_processing *processing, struct error *err) MUST_CHECK;
/* Buckets of all tables that pir_processing_fit() begins with, for `rows` in the fullest shard. */
uint64_t pir_processing_bucket_count(size_t rows, size_t longest_value, size_t bucket_bytes,
                                     size_t hash_function_count);

/* One shard in memory, not yet in a file. pir_shard_parameters() and pir_shard_layout() tell its
 * shape. STATUS_TOO_LARGE: its rows do not fit. */
enum status pir_process_shard(const struct bfv_context *context,
                              const struct pir_partition *partition, uint64_t shard,
                              const struct pir_processing *processing, unsigned bfv_flags,
                              struct pir_shard **ret, struct error *err) MUST_CHECK;

/* All shards, spread over the pool (may be NULL). Each goes to `finish` in the thread that made
 * it, which writes it wherever it belongs (pir_shard_save(), pir_bin_write()) and may be called for
 * several shards at once; the shard is freed afterwards.
 *   progress  one unit a shard; NULL = none */
typedef enum status pir_shard_finish(void *finish_context, uint64_t shard,
                                     const struct pir_shard *processed, struct error *err);
enum status pir_process_all(const struct bfv_context *context,
                            const struct pir_partition *partition,
                            const struct pir_processing *processing, unsigned bfv_flags,
                            struct thread_pool *pool, struct progress *progress,
                            pir_shard_finish *finish, void *finish_context,
                            struct error *err) MUST_CHECK;

#endif
