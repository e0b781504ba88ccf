/* The thread pool under load: every task and job runs exactly once, on a worker index of its own.
 */
#include "base/thread_pool.h"

#include "base/mem.h"
#include "tests/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { WORKERS = 4, TASKS = 2000 };

struct counts {
    unsigned ran[TASKS];             /* not atomic on purpose: each task owns its element */
    unsigned by_worker[WORKERS + 1]; /* likewise each worker */
    atomic_uint total;
    size_t fail_from; /* tasks from here on fail */
};

static enum status count_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct counts *counts = context;
    counts->ran[index]++;
    counts->by_worker[worker]++;
    atomic_fetch_add(&counts->total, 1);
    if (index >= counts->fail_from)
        return error_set(err, STATUS_MISMATCH, "task %zu", index);
    return STATUS_OK;
}

static void test_for(struct thread_pool *pool, const char *which)
{
    bool each_once = true;
    unsigned by_workers = 0;
    enum status status = STATUS_OK;
    struct counts *counts = mem_alloc_zeroed(1, sizeof *counts);
    counts->fail_from = TASKS;
    for (int round = 1; round <= 20 && status == STATUS_OK; round++)
        status = thread_pool_for(pool, TASKS, count_task, counts, NULL);
    for (size_t i = 0; i < TASKS; i++)
        each_once &= counts->ran[i] == 20;
    for (size_t i = 0; i <= WORKERS; i++)
        by_workers += counts->by_worker[i];
    TAP_CHECK(status == STATUS_OK, "%s: twenty batches succeed", which);
    TAP_CHECK(each_once, "%s: every task ran once a batch", which);
    TAP_CHECK(by_workers == 20 * TASKS, "%s: worker indexes are in range", which);
    TAP_CHECK(thread_pool_for(pool, 0, count_task, counts, NULL) == STATUS_OK,
              "%s: an empty batch is fine", which);
    mem_free(counts);
}

static void test_failure(struct thread_pool *pool, const char *which)
{
    struct counts *counts = mem_alloc_zeroed(1, sizeof *counts);
    struct error error = {0};
    counts->fail_from = 700;
    const enum status status = thread_pool_for(pool, TASKS, count_task, counts, &error);
    TAP_CHECK(status == STATUS_MISMATCH && error.status == STATUS_MISMATCH,
              "%s: a failing task fails the batch", which);
    /* Tasks are handed out in order, so number 700 ran, and it is the smallest that fails. */
    TAP_CHECK(strcmp(error.message, "task 700") == 0, "%s: the first failure is told: %s", which,
              error.message);
    TAP_CHECK(atomic_load(&counts->total) <= 701 + WORKERS, "%s: no task is started afterwards",
              which);
    TAP_CHECK(thread_pool_for(pool, TASKS, count_task, counts, NULL) == STATUS_MISMATCH,
              "%s: err may be NULL", which);
    counts->fail_from = TASKS;
    TAP_CHECK(thread_pool_for(pool, TASKS, count_task, counts, &error) == STATUS_OK,
              "%s: the next batch starts afresh", which);
    mem_free(counts);
}

/* ---- jobs ---- */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool is_open;
    atomic_uint entered;
    atomic_uint left;
};

static void wait_at_gate(void *context, size_t worker)
{
    struct gate *gate = context;
    (void)worker;
    atomic_fetch_add(&gate->entered, 1);
    pthread_mutex_lock(&gate->lock);
    while (!gate->is_open)
        pthread_cond_wait(&gate->opened, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    atomic_fetch_add(&gate->left, 1);
}

static void open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}

static void test_queue_limit(void)
{
    struct thread_pool *pool = NULL;
    struct error error = {0};
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    const struct timespec moment = {.tv_nsec = 1000000};
    TAP_CHECK(thread_pool_new(2, 3, &pool, NULL) == STATUS_OK, "a pool with a queue of three");
    for (int i = 0; i < 2; i++)
        TAP_CHECK(thread_pool_submit(pool, wait_at_gate, &gate, NULL) == STATUS_OK, "job %d", i);
    while (atomic_load(&gate.entered) < 2)
        nanosleep(&moment, NULL);
    for (int i = 2; i < 5; i++)
        TAP_CHECK(thread_pool_submit(pool, wait_at_gate, &gate, NULL) == STATUS_OK, "job %d", i);
    TAP_CHECK(thread_pool_submit(pool, wait_at_gate, &gate, &error) == STATUS_BUSY,
              "a full queue is busy: %s", error.message);
    open_gate(&gate);
    thread_pool_free(pool);
    TAP_CHECK(atomic_load(&gate.left) == 5, "ending runs what is queued");
}

static void test_reservation(void)
{
    struct thread_pool *pool = NULL;
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    const struct timespec moment = {.tv_nsec = 1000000};
    TAP_CHECK(thread_pool_new(1, 2, &pool, NULL) == STATUS_OK, "a pool with a queue of two");
    TAP_CHECK(thread_pool_submit(pool, wait_at_gate, &gate, NULL) == STATUS_OK, "one job runs");
    while (atomic_load(&gate.entered) < 1)
        nanosleep(&moment, NULL);
    TAP_CHECK(thread_pool_reserve(pool, 2, NULL) == STATUS_BUSY, "two to spare are all there are");
    TAP_CHECK(thread_pool_reserve(pool, 1, NULL) == STATUS_OK &&
                  thread_pool_reserve(pool, 1, NULL) == STATUS_BUSY,
              "one to spare leaves one");
    TAP_CHECK(thread_pool_reserve(pool, 0, NULL) == STATUS_OK, "which is kept, too");
    TAP_CHECK(thread_pool_reserve(pool, 0, NULL) == STATUS_BUSY &&
                  thread_pool_submit(pool, wait_at_gate, &gate, NULL) == STATUS_BUSY,
              "and nobody else gets one");
    thread_pool_give_back(pool);
    TAP_CHECK(thread_pool_submit(pool, wait_at_gate, &gate, NULL) == STATUS_OK,
              "but for one that is given back");
    thread_pool_submit_reserved(pool, wait_at_gate, &gate);
    open_gate(&gate);
    thread_pool_free(pool);
    TAP_CHECK(atomic_load(&gate.left) == 3, "what had a place ran");
}

struct submitter {
    struct thread_pool *pool;
    atomic_uint *ran;
    unsigned accepted;
    pthread_t thread;
};

static void count_job(void *context, size_t worker)
{
    (void)worker;
    atomic_fetch_add((atomic_uint *)context, 1);
}

static void *submit_many(void *argument)
{
    struct submitter *self = argument;
    for (int i = 0; i < 3000; i++)
        self->accepted += thread_pool_submit(self->pool, count_job, self->ran, NULL) == STATUS_OK;
    return NULL;
}

/* Jobs from several threads while batches run on the same pool. */
static void test_mixture(void)
{
    struct thread_pool *pool = NULL;
    struct submitter submitters[3];
    atomic_uint ran = 0;
    unsigned accepted = 0;
    TAP_CHECK(thread_pool_new(WORKERS, 64, &pool, NULL) == STATUS_OK, "a pool");
    for (size_t i = 0; i < ARRAY_COUNT(submitters); i++) {
        submitters[i] = (struct submitter){.pool = pool, .ran = &ran};
        pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]);
    }
    test_for(pool, "beside jobs");
    for (size_t i = 0; i < ARRAY_COUNT(submitters); i++) {
        pthread_join(submitters[i].thread, NULL);
        accepted += submitters[i].accepted;
    }
    thread_pool_free(pool);
    TAP_CHECK(accepted > 0 && atomic_load(&ran) == accepted, "all %u accepted jobs ran once",
              accepted);
}

static void test_edges(void)
{
    struct thread_pool *pool = NULL;
    struct error error = {0};
    atomic_uint ran = 0;
    TAP_CHECK(thread_pool_new(0, 8, &pool, NULL) == STATUS_OK, "a pool without threads");
    TAP_CHECK(thread_pool_worker_count(pool) == 0, "has none");
    test_for(pool, "no threads");
    TAP_CHECK(thread_pool_submit(pool, count_job, &ran, &error) == STATUS_CANCELLED,
              "and takes no jobs");
    thread_pool_free(pool);

    TAP_CHECK(thread_pool_new(1, 0, &pool, NULL) == STATUS_OK, "a pool without queue");
    TAP_CHECK(thread_pool_submit(pool, count_job, &ran, &error) == STATUS_BUSY, "is always busy");
    thread_pool_free(pool);
    thread_pool_free(NULL);
    TAP_CHECK(thread_pool_worker_count(NULL) == 0, "NULL has no workers");
}

static void test_failing_allocations(void)
{
    size_t nth = 1;
    bool all_told = true;
    for (;; nth++) {
        struct thread_pool *pool = NULL;
        struct error error = {0};
        mem_fail_nth(nth);
        const enum status status = thread_pool_new(2, 2, &pool, &error);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        all_told &= status == (was_reached ? STATUS_NOMEM : STATUS_OK);
        all_told &= (pool == NULL) == was_reached;
        thread_pool_free(pool);
        if (!was_reached)
            break;
    }
    TAP_CHECK(nth == 4 && all_told, "each of the %zu allocations may fail", nth - 1);
}

int main(void)
{
    struct thread_pool *pool = NULL;
    TAP_CHECK(thread_pool_new(WORKERS, 8, &pool, NULL) == STATUS_OK, "a pool of four");
    TAP_CHECK(thread_pool_worker_count(pool) == WORKERS, "has four workers");
    test_for(pool, "four threads");
    test_failure(pool, "four threads");
    thread_pool_free(pool);
    test_for(NULL, "no pool");
    test_failure(NULL, "no pool");
    test_queue_limit();
    test_reservation();
    test_mixture();
    test_edges();
    test_failing_allocations();
    return tap_finish();
}
