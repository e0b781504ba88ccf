/* thread_pool - worker threads that share out numbered tasks, and a bounded queue of jobs.
 *
 * thread_pool_for() runs task(0..count-1) and returns when all are done: the way batch work
 * (shards, filters) is spread. thread_pool_submit() hands over one job and returns at once: the way
 * a server queues queries; a full queue is STATUS_BUSY, never a wait.
 *
 * Each running task knows its worker index in [0, workers], where [0, workers) are the pool's
 * threads and `workers` is the thread that called thread_pool_for() and helps; scratch is an array
 * of thread_pool_worker_count() + 1 workspaces.
 *
 * Threads  thread_pool_submit() from any; thread_pool_for() from one thread at a time and never
 * from inside a task. The workers inherit the signal mask of the thread that makes the pool. */
#ifndef BLINDLIST_BASE_THREAD_POOL_H
#define BLINDLIST_BASE_THREAD_POOL_H

#include "base/status.h"

#include <stddef.h>

struct thread_pool;

/* `workers` threads (0: everything runs in the caller of thread_pool_for(), and submit is refused)
 * and a queue of at most `queue_limit` waiting jobs. */
enum status thread_pool_new(size_t workers, size_t queue_limit, struct thread_pool **ret,
                            struct error *err) MUST_CHECK;
/* Runs what is queued, then ends the threads. Takes NULL. */
void thread_pool_free(struct thread_pool *pool);
size_t thread_pool_worker_count(const struct thread_pool *pool);

/* One numbered task; `err` is this task's own. */
typedef enum status thread_pool_task(void *context, size_t index, size_t worker, struct error *err);
/* Runs all tasks; when one fails no further ones are started, and the failure with the smallest
 * index among those that ran is returned. pool may be NULL: all in this thread, worker index 0. */
enum status thread_pool_for(struct thread_pool *pool, size_t count, thread_pool_task *task,
                            void *context, struct error *err) MUST_CHECK;

typedef void thread_pool_job(void *context, size_t worker);
/* STATUS_BUSY when the queue is full, STATUS_CANCELLED when the pool is ending. */
enum status thread_pool_submit(struct thread_pool *pool, thread_pool_job *job, void *context,
                               struct error *err) MUST_CHECK;
/* Keeps a place in the queue for a job that is not certain yet, so that it will not be refused
 * later: as thread_pool_submit() without a job. The place is used or given back, before the pool is
 * freed.
 *   spare  STATUS_BUSY unless so many places are left for others then */
enum status thread_pool_reserve(struct thread_pool *pool, size_t spare,
                                struct error *err) MUST_CHECK;
void thread_pool_submit_reserved(struct thread_pool *pool, thread_pool_job *job, void *context);
void thread_pool_give_back(struct thread_pool *pool);
/* Jobs in the queue that no thread has taken yet. */
size_t thread_pool_waiting_count(struct thread_pool *pool);
/* Threads that wait and find no job in the queue: as of now, for those who would lend them work. */
size_t thread_pool_idle_count(struct thread_pool *pool);

#endif
