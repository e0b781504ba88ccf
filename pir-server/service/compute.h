/* compute - the threads that answer queries, each with its workspaces, behind a bounded queue.
 *
 * A workspace belongs to one thread and one set of encryption parameters. It is made at the start,
 * or by the thread itself when a reload brought new parameters or a larger shape.
 *
 * Teams    a query whose thread finds others idle shares its work with them
 *          (pir_answer_together()); when all are busy each query is one thread's, which costs least
 *          in all.
 * Threads  compute_submit() from any; compute_answer() inside of a job only. */
#ifndef BLINDLIST_SERVICE_COMPUTE_H
#define BLINDLIST_SERVICE_COMPUTE_H

#include "base/thread_pool.h"
#include "pir-server/pir/pir_answer.h"

struct compute;

enum status compute_new(size_t threads, size_t queue_limit, struct compute **ret,
                        struct error *err) MUST_CHECK;
/* Runs what is queued, then ends. Takes NULL. */
void compute_free(struct compute *compute);

/* Makes every thread's workspace for this shape; before the first job is submitted. */
enum status compute_prepare(struct compute *compute, const struct bfv_context *context,
                            const struct pir_layout *layout, struct error *err) MUST_CHECK;

/* STATUS_BUSY when the queue is full. */
enum status compute_submit(struct compute *compute, thread_pool_job *job, void *context,
                           struct error *err) MUST_CHECK;
/* As thread_pool_reserve() and what goes with it.
 *   spare  places of the queue that are left to others */
enum status compute_reserve(struct compute *compute, size_t spare, struct error *err) MUST_CHECK;
void compute_submit_reserved(struct compute *compute, thread_pool_job *job, void *context);
void compute_give_back(struct compute *compute);
/* Jobs that no thread has taken yet. */
size_t compute_waiting_count(const struct compute *compute);
size_t compute_thread_count(const struct compute *compute);

/* Inside of a job: answers with the workspace of this thread, and with threads that are idle.
 *   ret  borrowed until this thread's next answer */
enum status compute_answer(struct compute *compute, size_t worker,
                           const struct bfv_context *context, const struct pir_shard *shard,
                           const struct bfv_evaluation_key *key, const struct pir_query *query,
                           struct pir_response *ret, struct error *err) MUST_CHECK;

#endif
