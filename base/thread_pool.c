/* One mutex, one condition for "there is work", one for "a batch is done". Tasks are milliseconds
 * long (a shard, a query), so a lock for each hand-out costs nothing that can be measured. */
#include "base/thread_pool.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

struct job {
    thread_pool_job *run;
    void *context;
};

struct batch {
    thread_pool_task *task;
    void *context;
    size_t count;
    size_t next;
    size_t running;
    enum status status;
    size_t failed_index;
    struct error error;
};

struct thread_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t batch_done;
    bool ending;
    struct batch *batch; /* the one in work, NULL = none */
    struct job *queue;   /* ring of queue_limit */
    size_t queue_limit;
    size_t queue_first;
    size_t queue_count;
    size_t reserved_count; /* places kept for jobs to come */
    size_t idle_count;     /* threads that wait */
    size_t worker_count;   /* started */
    struct worker *workers;
};

struct worker {
    struct thread_pool *pool;
    size_t index;
    pthread_t thread;
};

/* Takes and runs tasks of the batch until none is left. Called with the lock held; holds it again
 * on return. */
static void batch_work(struct thread_pool *pool, struct batch *batch, size_t worker)
{
    while (batch->next < batch->count && batch->status == STATUS_OK) {
        const size_t index = batch->next++;
        batch->running++;
        pthread_mutex_unlock(&pool->lock);

        struct error error = {0};
        const enum status status = batch->task(batch->context, index, worker, &error);

        pthread_mutex_lock(&pool->lock);
        batch->running--;
        if (status != STATUS_OK && (batch->status == STATUS_OK || index < batch->failed_index)) {
            batch->status = status;
            batch->failed_index = index;
            batch->error = error;
            batch->error.status = status;
        }
    }
    if (batch->running == 0)
        pthread_cond_broadcast(&pool->batch_done);
}

static bool batch_has_work(const struct batch *batch)
{
    return batch != NULL && batch->next < batch->count && batch->status == STATUS_OK;
}

static void *worker_main(void *argument)
{
    const struct worker *self = argument;
    struct thread_pool *pool = self->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        if (batch_has_work(pool->batch)) {
            batch_work(pool, pool->batch, self->index);
        } else if (pool->queue_count > 0) {
            const struct job job = pool->queue[pool->queue_first];
            pool->queue_first = (pool->queue_first + 1) % pool->queue_limit;
            pool->queue_count--;
            pthread_mutex_unlock(&pool->lock);
            job.run(job.context, self->index);
            pthread_mutex_lock(&pool->lock);
        } else if (pool->ending) {
            break;
        } else {
            pool->idle_count++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->idle_count--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

enum status thread_pool_new(size_t workers, size_t queue_limit, struct thread_pool **ret,
                            struct error *err)
{
    struct thread_pool *pool = mem_alloc_zeroed(1, sizeof *pool);
    if (pool == NULL)
        return error_set(err, STATUS_NOMEM, "thread pool: out of memory");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->batch_done, NULL);
    enum status status = STATUS_OK;
    pool->queue_limit = queue_limit;
    pool->queue = mem_alloc_zeroed(queue_limit, sizeof *pool->queue);
    pool->workers = mem_alloc_zeroed(workers, sizeof *pool->workers);
    if (pool->queue == NULL || pool->workers == NULL) {
        status = error_set(err, STATUS_NOMEM, "thread pool: out of memory");
        goto done;
    }
    for (size_t i = 0; i < workers; i++) {
        pool->workers[i] = (struct worker){.pool = pool, .index = i};
        const int failed =
            pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]);
        if (failed != 0) {
            status = error_set_errno(err, failed, "thread pool: cannot start thread %zu", i);
            goto done;
        }
        pool->worker_count++;
    }
    *ret = pool;
    pool = NULL;
done:
    thread_pool_free(pool);
    return status;
}

void thread_pool_free(struct thread_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->worker_count; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->batch_done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool->workers);
    mem_free(pool->queue);
    mem_free(pool);
}

size_t thread_pool_worker_count(const struct thread_pool *pool)
{
    return pool == NULL ? 0 : pool->worker_count;
}

enum status thread_pool_for(struct thread_pool *pool, size_t count, thread_pool_task *task,
                            void *context, struct error *err)
{
    if (pool == NULL) {
        for (size_t i = 0; i < count; i++) {
            const enum status status = task(context, i, 0, err);
            if (status != STATUS_OK)
                return status;
        }
        return STATUS_OK;
    }
    struct batch batch = {.task = task, .context = context, .count = count};
    pthread_mutex_lock(&pool->lock);
    assert(pool->batch == NULL); /* one batch at a time, and none from inside a task */
    pool->batch = &batch;
    pthread_cond_broadcast(&pool->work);
    batch_work(pool, &batch, pool->worker_count);
    while (batch.running > 0)
        pthread_cond_wait(&pool->batch_done, &pool->lock);
    pool->batch = NULL;
    pthread_mutex_unlock(&pool->lock);
    if (batch.status != STATUS_OK && err != NULL)
        *err = batch.error;
    return batch.status;
}

/* Is there a place, beside `spare` ones? The lock is held. */
static enum status check_room(const struct thread_pool *pool, size_t spare, struct error *err)
{
    if (pool->ending || pool->worker_count == 0)
        return error_set(err, STATUS_CANCELLED, "thread pool: no longer takes work");
    const size_t taken = pool->queue_count + pool->reserved_count;
    if (pool->queue_limit - taken <= spare)
        return error_set(err, STATUS_BUSY, "thread pool: %zu jobs are waiting already", taken);
    return STATUS_OK;
}

/* The lock is held, and there is room. */
static void append(struct thread_pool *pool, thread_pool_job *job, void *context)
{
    const size_t last = (pool->queue_first + pool->queue_count) % pool->queue_limit;
    pool->queue[last] = (struct job){.run = job, .context = context};
    pool->queue_count++;
    pthread_cond_signal(&pool->work);
}

enum status thread_pool_submit(struct thread_pool *pool, thread_pool_job *job, void *context,
                               struct error *err)
{
    pthread_mutex_lock(&pool->lock);
    const enum status status = check_room(pool, 0, err);
    if (status == STATUS_OK)
        append(pool, job, context);
    pthread_mutex_unlock(&pool->lock);
    return status;
}

enum status thread_pool_reserve(struct thread_pool *pool, size_t spare, struct error *err)
{
    pthread_mutex_lock(&pool->lock);
    const enum status status = check_room(pool, spare, err);
    if (status == STATUS_OK)
        pool->reserved_count++;
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void thread_pool_submit_reserved(struct thread_pool *pool, thread_pool_job *job, void *context)
{
    pthread_mutex_lock(&pool->lock);
    pool->reserved_count--;
    append(pool, job, context);
    pthread_mutex_unlock(&pool->lock);
}

void thread_pool_give_back(struct thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->reserved_count--;
    pthread_mutex_unlock(&pool->lock);
}

size_t thread_pool_idle_count(struct thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    const size_t count =
        pool->idle_count > pool->queue_count ? pool->idle_count - pool->queue_count : 0;
    pthread_mutex_unlock(&pool->lock);
    return count;
}

size_t thread_pool_waiting_count(struct thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    const size_t count = pool->queue_count;
    pthread_mutex_unlock(&pool->lock);
    return count;
}
