/* dataset_part_rows - the rows of those shards that one worker of several makes.
 *
 * The whole text of rows.txt is read once, on all cores, and each row hashed to learn its shard;
 * kept are copies of the worker's own.
 *
 * Threads  the work is spread over the pool. */
#ifndef BLINDLIST_DATASET_PART_ROWS_H
#define BLINDLIST_DATASET_PART_ROWS_H

#include "pir-server/dataset/dataset.h"
#include "urls/row_set.h"

struct dataset_part_rows {
    uint64_t shard_count; /* by SHARDING_SHA256 */
    uint32_t parts;
    uint32_t index; /* wanted are the shards that are this modulo `parts` */
};

/* Reads `path`, whose SHA-256 is `digest`: STATUS_MISMATCH when it is another.
 *   pool  may be NULL
 *   ret   finished (row_set_free) */
enum status dataset_part_rows_read(const struct dataset_part_rows *wanted, const char *path,
                                   const uint8_t digest[DATASET_DIGEST_BYTES],
                                   struct thread_pool *pool, struct row_set **ret,
                                   struct error *err) MUST_CHECK;

#endif
