/* process_run - does what a processing configuration says: database in, shards and parameters out.
 *
 * Files    each appears whole or not at all; parameters after their shard. An outputDatabase whose
 *          name ends in `.pir` is written in our mappable format, any other in the reference's.
 *          A shard without rows is written too: a valid one that finds nothing. (The reference
 *          leaves it out, and its service cannot load the rest then.)
 * Trials   every shard is proved by trialsPerShard look-ups before its files are written.
 * Memory   the rows, and one shard for each thread.
 * Threads  shards are spread over the pool. Source  spec/keyword-pir.md section 2. */
#ifndef BLINDLIST_PIR_SERVER_DATASET_PROCESS_RUN_H
#define BLINDLIST_PIR_SERVER_DATASET_PROCESS_RUN_H

#include "base/thread_pool.h"
#include "pir-server/dataset/process_config.h"
#include "pir-server/dataset/process_trial.h"

struct process_shard_report {
    size_t row_count;
    uint64_t buckets_per_table;
    uint64_t bucket_bytes;
    uint64_t dimensions[PIR_DIMENSIONS_MAX];
    struct process_trial trial; /* count 0: none was made */
};

struct process_report {
    size_t row_count;
    size_t merged_count; /* rows left out: another has their key hash and value */
    size_t table_count;
    uint64_t shard_count;
    struct process_shard_report *shards;
    struct pir_evaluation_key_config evaluation_key; /* serves all shards */
};
void process_report_deinit(struct process_report *report); /* takes a zeroed struct too */

/* `pool` may be NULL. */
enum status process_run(const struct process_config *config, struct thread_pool *pool,
                        bool show_progress, struct process_report *ret,
                        struct error *err) MUST_CHECK;

#endif
