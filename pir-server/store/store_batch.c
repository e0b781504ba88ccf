#include "pir-server/store/store_batch.h"

#include "base/mem.h"

#include <pthread.h>

/* Tickets of one transaction: some milliseconds of work for the disk's milliseconds. */
#define BATCH_MAX ((size_t)1024)

struct queue {
    struct store_ticket *first;
    struct store_ticket **end; /* where the next one is hung */
};

struct store_batch {
    struct store *store;
    uint64_t (*now_s)(void);
    size_t queue_limit;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct queue waiting;
    size_t waiting_count;
    bool is_ending;
    /* The thread's own. */
    size_t count;
    struct store_ticket *tickets[BATCH_MAX];
    struct store_spend spends[BATCH_MAX];
    struct store_issue issues[BATCH_MAX];
    enum status spend_answers[BATCH_MAX];
    struct store_issue_answer issue_answers[BATCH_MAX];
};

static void queue_clear(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

/* Takes what waits, of the kind of the first and as much as a transaction takes. What is of the
 * other kind stays, in its order. */
static void take(struct store_batch *batch)
{
    const int kind = (int)batch->waiting.first->kind;
    struct store_ticket **at = &batch->waiting.first;
    batch->count = 0;
    while (*at != NULL && batch->count < BATCH_MAX) {
        struct store_ticket *ticket = *at;
        if ((int)ticket->kind != kind) {
            at = &ticket->next;
            continue;
        }
        *at = ticket->next;
        batch->tickets[batch->count++] = ticket;
    }
    while (*at != NULL)
        at = &(*at)->next;
    batch->waiting.end = at;
    batch->waiting_count -= batch->count;
}

static void spend_all(struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->spends[i] = batch->tickets[i]->of.spend;
    struct error error;
    const enum status status =
        store_spend_tokens(batch->store, batch->spends, batch->count, batch->spend_answers, &error);
    const struct error *failure = status == STATUS_OK ? NULL : &error;
    for (size_t i = 0; i < batch->count; i++)
        batch->tickets[i]->done(batch->tickets[i]->context,
                                failure == NULL ? batch->spend_answers[i] : status, 0, failure);
}

static void issue_all(struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->issues[i] = batch->tickets[i]->of.issue;
    struct error error;
    const enum status status = store_count_issues(batch->store, batch->issues, batch->count,
                                                  batch->now_s(), batch->issue_answers, &error);
    const struct error *failure = status == STATUS_OK ? NULL : &error;
    for (size_t i = 0; i < batch->count; i++) {
        const struct store_issue_answer answer =
            failure == NULL ? batch->issue_answers[i]
                            : (struct store_issue_answer){.status = status};
        batch->tickets[i]->done(batch->tickets[i]->context, answer.status, answer.retry_after_s,
                                failure);
    }
}

static void *work(void *argument)
{
    struct store_batch *batch = argument;
    pthread_mutex_lock(&batch->lock);
    for (;;) {
        if (batch->waiting.first == NULL) {
            if (batch->is_ending)
                break;
            pthread_cond_wait(&batch->changed, &batch->lock);
            continue;
        }
        take(batch);
        pthread_mutex_unlock(&batch->lock);
        if (batch->tickets[0]->kind == STORE_TICKET_SPEND)
            spend_all(batch);
        else
            issue_all(batch);
        pthread_mutex_lock(&batch->lock);
    }
    pthread_mutex_unlock(&batch->lock);
    return NULL;
}

enum status store_batch_new(struct store *store, size_t queue_limit, uint64_t (*now_s)(void),
                            struct store_batch **ret, struct error *err)
{
    struct store_batch *batch = mem_alloc_zeroed(1, sizeof *batch);
    if (batch == NULL)
        return error_set(err, STATUS_NOMEM, "store batch: out of memory");
    batch->store = store;
    batch->now_s = now_s;
    batch->queue_limit = queue_limit;
    queue_clear(&batch->waiting);
    pthread_mutex_init(&batch->lock, NULL);
    pthread_cond_init(&batch->changed, NULL);
    const int failed = pthread_create(&batch->thread, NULL, work, batch);
    if (failed != 0) {
        store_batch_free(batch);
        return error_set_errno(err, failed, "store batch: cannot start a thread");
    }
    batch->is_started = true;
    *ret = batch;
    return STATUS_OK;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch == NULL)
        return;
    pthread_mutex_lock(&batch->lock);
    batch->is_ending = true;
    pthread_cond_signal(&batch->changed);
    pthread_mutex_unlock(&batch->lock);
    if (batch->is_started)
        pthread_join(batch->thread, NULL);
    pthread_cond_destroy(&batch->changed);
    pthread_mutex_destroy(&batch->lock);
    mem_free(batch);
}

enum status store_batch_submit(struct store_batch *batch, struct store_ticket *ticket,
                               struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&batch->lock);
    if (batch->waiting_count == batch->queue_limit) {
        status = error_set(err, STATUS_BUSY, "%zu tokens wait for the disk", batch->queue_limit);
    } else {
        ticket->next = NULL;
        *batch->waiting.end = ticket;
        batch->waiting.end = &ticket->next;
        batch->waiting_count++;
        pthread_cond_signal(&batch->changed);
    }
    pthread_mutex_unlock(&batch->lock);
    return status;
}
