/* cost_measure - what the work of a query costs on this machine: the constants of pir_cost.
 *
 * Method   shards of several shapes are made up and asked, one after the other and round by round,
 *          so that noise meets all alike; the fastest round of each counts. The constants are those
 *          that tell these times best by least squares of relative errors. One that would be
 *          negative is 0. Times are processor time of the thread (cpu_thread_ns()).
 * Memory   about 250 MB while measuring: the largest shards do not fit a cache.
 * Threads  one; nothing else should run. */
#ifndef BLINDLIST_DATASET_COST_MEASURE_H
#define BLINDLIST_DATASET_COST_MEASURE_H

#include "base/progress.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/pir/pir_cost.h"

struct cost_measure {
    const struct bfv_context *context; /* borrowed; its kernels compute */
    size_t rounds;                     /* at least 1 */
    struct progress *progress;         /* one unit a round; NULL = none */
};

/* STATUS_NOMEM, STATUS_IO (no random bytes). */
enum status cost_measure_constants(const struct cost_measure *measure,
                                   struct pir_cost_constants *ret, struct error *err) MUST_CHECK;
/* The fastest query on a full shard of each of `count` shapes, measured in the same way. Also fails
 * as pir_layout_init() does. */
enum status cost_measure_queries(const struct cost_measure *measure,
                                 const struct pir_parameters *parameters, size_t count,
                                 uint64_t *ret_ns, struct error *err) MUST_CHECK;

#endif
