/* pir_processing - from rows to processed shards.
 *
 *     pir_partition_new(&rows, shards, &sharding, pool, &partition, &err);
 *     pir_processing_init(&encryption, 1, &processing);
 *     pir_shape_wish_init(&wish);
 *     pir_processing_choose(partition, &wish, &processing, &err);  // equal shards with head room
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
#include "pir-server/pir/pir_shape.h"
#include "pir-server/pir/pir_shard.h"

struct pir_processing {
    struct bfv_parameters encryption;
    struct sharding sharding; /* as the partition's */
    /* NULL = not symmetric; else the public key [PIR_SYMMETRIC_KEY_BYTES] of the function that the
     * rows have gone through. Borrowed; without a meaning when there is a shape, which says it. */
    const uint8_t *symmetric_public_key;
    struct cuckoo_config table;
    /* Parameters of all shards, which the table agrees with; else each shard's follow from its
     * table as the reference's do. */
    bool has_shape;
    struct pir_parameters shape;
    /* Without a shape: */
    bool use_max_bucket_bytes; /* entry size = table.bucket_bytes although expansion is allowed */
    bool uneven_dimensions;
    enum pir_key_compression key_compression;
};

/* Defaults: SHA-256 sharding, uneven dimensions, no key compression, buckets of one whole
 * plaintext, fixed size. The bucket count is left 0. */
void pir_processing_init(const struct bfv_parameters *encryption, size_t hash_function_count,
                         struct pir_processing *ret);
/* Makes shards of this shape, which is valid. */
void pir_processing_set_shape(struct pir_processing *processing,
                              const struct pir_parameters *shape);
/* Sets the cheapest shape for the fullest shard with head room, the same for all shards. Nothing is
 * tried, which would cost a hash for each row: with rows that nobody made to collide one dataset in
 * PIR_SHAPE_OVERFLOW_ODDS does not fit. When pir_process_all() says STATUS_TOO_LARGE,
 * pir_processing_fit() finds a larger shape. */
enum status pir_processing_choose(const struct pir_partition *partition,
                                  const struct pir_shape_wish *wish,
                                  struct pir_processing *processing, struct error *err) MUST_CHECK;
/* Whether the rows of every shard fit the shape that is set: STATUS_TOO_LARGE when a bucket
 * overflows. Costs a hash for each row, and makes nothing. */
enum status pir_processing_try(const struct pir_partition *partition,
                               const struct pir_processing *processing, struct thread_pool *pool,
                               struct error *err) MUST_CHECK;
/* As pir_processing_choose(), then tries it on every shard and takes one for more rows while a
 * bucket overflows; STATUS_TOO_LARGE when even 64 times as many do not help. */
enum status pir_processing_fit(const struct pir_partition *partition, struct thread_pool *pool,
                               const struct pir_shape_wish *wish, struct pir_processing *processing,
                               struct error *err) MUST_CHECK;

/* The bytes of one plaintext in evaluation form; zeros alone are a nil one.
 *   payload       at most bfv_bytes_per_plaintext() bytes
 *   coefficients  [N], scratch
 *   ret           [L][N]; untouched when nil */
enum status pir_process_payload(const struct bfv_context *context, struct span payload,
                                uint32_t *coefficients, uint32_t *ret, bool *ret_is_nil,
                                struct error *err) MUST_CHECK;
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
