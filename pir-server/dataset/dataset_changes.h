/* dataset_changes - which rows came and which left between two versions, by shard.
 *
 * Both are sorted, so they are merged once, in pieces on all cores; only rows that differ are
 * hashed.
 *
 * Threads  the work is spread over the pool. */
#ifndef BLINDLIST_DATASET_CHANGES_H
#define BLINDLIST_DATASET_CHANGES_H

#include "base/thread_pool.h"
#include "pir-server/pir/pir_update.h"
#include "urls/row_set.h"

struct dataset_changes {
    struct pir_change *list; /* grouped by shard; owned */
    size_t *starts;          /* [shards + 1], owned: shard i has list[starts[i]..starts[i + 1]) */
    uint64_t added;
    uint64_t removed;
};

/* From the text of rows.txt to the finished `rows`, over shards by SHARDING_SHA256.
 *   before_digest  SHA-256 of `before`: STATUS_MISMATCH when it has another
 *   pool           may be NULL */
enum status dataset_changes_find(struct span before, const uint8_t *before_digest,
                                 const struct row_set *rows, uint64_t shard_count,
                                 struct thread_pool *pool, struct dataset_changes *ret,
                                 struct error *err) MUST_CHECK;
void dataset_changes_deinit(struct dataset_changes *changes);

#endif
