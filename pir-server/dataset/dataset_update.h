/* dataset_update - the shards of a new version made from those of the version in force.
 *
 * Shards whose rows are the same are linked, of the others only the plaintexts that changed are
 * made again (pir_update.h). The result is what processing all rows in the same shape gives, byte
 * for byte, as long as the shards before are what their digests say: dataset_update_check() tells,
 * and belongs between the update and its publication, where it costs no time while the disk works.
 *
 * Threads  the work is spread over the pool. */
#ifndef BLINDLIST_DATASET_UPDATE_H
#define BLINDLIST_DATASET_UPDATE_H

#include "base/progress.h"
#include "base/thread_pool.h"
#include "pir-server/dataset/dataset.h"
#include "urls/row_set.h"

struct dataset_update {
    const struct dataset *before;
    const struct row_set *rows; /* finished */
    struct span value;          /* of every row */
    const char *folder;         /* for the new files */
    struct thread_pool *pool;   /* may be NULL */
    const char *progress;       /* what a terminal shows; NULL = nothing */
};

struct dataset_update_summary {
    uint64_t rows_added;
    uint64_t rows_removed;
    uint64_t plaintexts; /* made again */
    uint64_t shards_linked;
};

/* Writes shard-<i>.pir and shard-<i>.params.txtpb of all shards.
 *   ret_shard_rows  [shard_count]: rows of each shard
 *   ret_is_done     false: all rows must be processed, and err's message says why */
enum status dataset_update_shards(const struct dataset_update *update, uint64_t *ret_shard_rows,
                                  struct dataset_update_summary *ret, bool *ret_is_done,
                                  struct error *err) MUST_CHECK;
/* Compares all shards of the version before with their digests.
 *   ret_is_whole  false: nothing of it may be taken over, and err's message says why */
enum status dataset_update_check(const struct dataset_update *update, bool *ret_is_whole,
                                 struct error *err) MUST_CHECK;

#endif
