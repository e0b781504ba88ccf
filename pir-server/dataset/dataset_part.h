/* dataset_part - one worker's part of a dataset version that several make together.
 *
 * Folder   DATA/<use case>/parts, on a volume that all workers share (flock() works there):
 *          plan/ has the plan (dataset_plan.h), rows, prefilter and report; part-<i>/ the shards
 *          that part i made, those whose number is i modulo the number of parts.
 * Course   the first worker makes the plan, and the others wait for it. Each makes the shards of
 *          its part that are not there yet. Who finds all parts done joins them: the files are
 *          linked into a folder that becomes a version as any other does, and `parts` is emptied.
 *          The bytes are those that one worker gives with `is_full`.
 * Failures a worker that ends early, however, leaves whole files; its part starts again from them.
 *          Nothing is in force before all parts are there. Two workers on one part, another job
 *          that is still at work, and lists or settings that are not the plan's are refused.
 * Memory   the planner's is that of dataset_write() without shards; then the rows of the part,
 *          twice, and one shard for each thread.
 * Threads  the work is spread over the pool. */
#ifndef BLINDLIST_DATASET_PART_H
#define BLINDLIST_DATASET_PART_H

#include "base/thread_pool.h"
#include "pir-server/dataset/dataset_plan.h"

struct dataset_part {
    const char *data;
    const char *use_case;
    struct dataset_plan_job job;
    uint32_t index; /* in [0, job.parts) */
    bool show_progress;
    /* Makes the plan with dataset_write(), or finds that the version is in force already, whose
     * name is then the result. */
    enum status (*plan)(void *context, bool *ret_is_unchanged,
                        char ret_version[DATASET_VERSION_BYTES + 1], struct error *err);
    /* Compares the lists with a plan that another worker made: dataset_plan_check_source(). */
    enum status (*check)(void *context, const struct dataset_plan *plan, struct error *err);
    void *context;
};

struct dataset_part_summary {
    char version[DATASET_VERSION_BYTES + 1];
    bool is_unchanged; /* it was in force already: nothing was made, and below is 0 */
    bool is_planner;   /* this worker made the plan */
    bool is_joined;    /* all parts are done, and the version is in force */
    uint64_t row_count;
    uint64_t shard_count;   /* of the version */
    uint64_t shards_made;   /* of this part, by this run */
    uint64_t shards_reused; /* of this part, by one before */
    uint32_t *missing;      /* [missing_count]: the parts that are not done; owned */
    size_t missing_count;
};
void dataset_part_summary_deinit(struct dataset_part_summary *summary); /* takes a zeroed one */

/* STATUS_BUSY: another process makes this part, or another job is at work. STATUS_MISMATCH: lists
 * or settings are not those of the plan. */
enum status dataset_part_make(const struct dataset_part *part, struct thread_pool *pool,
                              struct dataset_part_summary *ret, struct error *err) MUST_CHECK;

#endif
