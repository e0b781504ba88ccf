/* Group commit: everybody gets the answer to what he asked, and few transactions answer many. */
#include "pir-server/store/store_batch.h"
#include "pir-server/store/store_internal.h"
#include "tests/patience.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#define TICKETS 3000
#define NOW     ((uint64_t)1800000000)

/* A store whose disk waits until the test lets it go on. It takes an even nonce as fresh and an odd
 * one as spent, and counts what it is asked. */
static struct {
    struct store store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    enum status status;
    size_t calls;
    size_t largest;
} slow;

static void wait_for_the_disk(size_t count)
{
    pthread_mutex_lock(&slow.lock);
    slow.calls++;
    if (count > slow.largest)
        slow.largest = count;
    while (!slow.is_open)
        pthread_cond_wait(&slow.changed, &slow.lock);
    pthread_mutex_unlock(&slow.lock);
}

static enum status slow_spend(struct store *store, const struct store_spend *spends, size_t count,
                              enum status *ret, struct error *err)
{
    (void)store;
    wait_for_the_disk(count);
    for (size_t i = 0; i < count; i++)
        ret[i] = spends[i].nonce[0] % 2 == 0 ? STATUS_OK : STATUS_EXISTS;
    return slow.status == STATUS_OK ? STATUS_OK : error_set(err, slow.status, "as told");
}

static enum status slow_issue(struct store *store, const struct store_issue *issues, size_t count,
                              uint64_t now_s, struct store_issue_answer *ret, struct error *err)
{
    (void)store;
    (void)err;
    cr_expect_eq(now_s, NOW);
    wait_for_the_disk(count);
    for (size_t i = 0; i < count; i++)
        ret[i] = issues[i].hash[0] % 2 == 0
                     ? (struct store_issue_answer){.status = STATUS_OK}
                     : (struct store_issue_answer){.status = STATUS_BUSY, .retry_after_s = 7};
    return STATUS_OK;
}

static const struct store_operations slow_operations = {.spend_tokens = slow_spend,
                                                        .count_issues = slow_issue};

static void open_disk(bool is_open)
{
    pthread_mutex_lock(&slow.lock);
    slow.is_open = is_open;
    pthread_cond_broadcast(&slow.changed);
    pthread_mutex_unlock(&slow.lock);
}

static bool is_asked(void)
{
    pthread_mutex_lock(&slow.lock);
    const bool is_so = slow.calls > 0;
    pthread_mutex_unlock(&slow.lock);
    return is_so;
}

static uint64_t now(void)
{
    return NOW;
}

static struct answer {
    enum status status;
    uint32_t retry_after_s;
    unsigned calls;
} answers[TICKETS];
static struct store_ticket tickets[TICKETS];
static struct store_batch *batch;
static struct error error;

static void take_answer(void *context, enum status status, uint32_t retry_after_s,
                        const struct error *failure)
{
    struct answer *answer = context;
    *answer = (struct answer){
        .status = status, .retry_after_s = retry_after_s, .calls = answer->calls + 1};
    cr_expect(slow.status == STATUS_OK ? failure == NULL
                                       : strcmp(failure->message, "as told") == 0);
}

static void set_up(void)
{
    slow.store.operations = &slow_operations;
    pthread_mutex_init(&slow.lock, NULL);
    pthread_cond_init(&slow.changed, NULL);
    cr_assert_eq(store_batch_new(&slow.store, TICKETS, now, &batch, &error), STATUS_OK);
}

TestSuite(store_batch, .init = set_up);

/* Ticket i is about the byte i; every third is an issue. */
static enum status submit(size_t i)
{
    tickets[i] = (struct store_ticket){.done = take_answer, .context = &answers[i]};
    if (i % 3 == 0) {
        tickets[i].kind = STORE_TICKET_ISSUE;
        tickets[i].of.issue.hash[0] = (uint8_t)i;
    } else {
        tickets[i].kind = STORE_TICKET_SPEND;
        tickets[i].of.spend.nonce[0] = (uint8_t)i;
    }
    return store_batch_submit(batch, &tickets[i], &error);
}

Test(store_batch, each_ticket_gets_its_own_answer_and_few_transactions_do)
{
    for (size_t i = 0; i < TICKETS; i++)
        cr_assert_eq(submit(i), STATUS_OK);
    open_disk(true);
    store_batch_free(batch);
    for (size_t i = 0; i < TICKETS; i++) {
        const bool is_even = (uint8_t)i % 2 == 0;
        cr_assert_eq(answers[i].calls, 1, "%zu", i);
        if (i % 3 == 0) {
            cr_assert_eq(answers[i].status, is_even ? STATUS_OK : STATUS_BUSY);
            cr_assert_eq(answers[i].retry_after_s, is_even ? 0 : 7);
        } else {
            cr_assert_eq(answers[i].status, is_even ? STATUS_OK : STATUS_EXISTS);
        }
    }
    cr_assert_leq(slow.calls, 8, "%zu transactions", slow.calls);
    cr_assert_geq(slow.largest, 1000);
}

Test(store_batch, a_full_queue_refuses)
{
    size_t taken = submit(0) == STATUS_OK;
    for (const struct patience patience = patience_begin(); !is_asked();)
        cr_assert(patience_lasts(&patience), "the thread takes the first");
    for (size_t i = 1; i < TICKETS; i++)
        taken += submit(i) == STATUS_OK;
    static struct store_ticket more[TICKETS];
    static struct answer unasked;
    size_t more_taken = 0;
    for (size_t i = 0; i < TICKETS; i++) {
        more[i] = (struct store_ticket){
            .kind = STORE_TICKET_SPEND, .done = take_answer, .context = &unasked};
        more_taken += store_batch_submit(batch, &more[i], &error) == STATUS_OK;
    }
    /* What the thread took before does not wait any more. */
    cr_assert_eq(taken, TICKETS);
    cr_assert_eq(more_taken, 1);
    cr_assert_eq(store_batch_submit(batch, &more[TICKETS - 1], &error), STATUS_BUSY);
    open_disk(true);
    store_batch_free(batch);
    cr_assert_eq(unasked.calls, more_taken);
}

Test(store_batch, a_failing_store_answers_all_with_its_failure)
{
    slow.status = STATUS_IO;
    for (size_t i = 1; i < 30; i += 3)
        cr_assert_eq(submit(i), STATUS_OK);
    open_disk(true);
    store_batch_free(batch);
    for (size_t i = 1; i < 30; i += 3) {
        cr_assert_eq(answers[i].calls, 1);
        cr_assert_eq(answers[i].status, STATUS_IO);
    }
}

static void *submit_from_thread(void *context)
{
    const size_t first = *(const size_t *)context;
    for (size_t i = first; i < TICKETS; i += 4)
        cr_expect_eq(submit(i), STATUS_OK);
    return NULL;
}

Test(store_batch, tickets_come_from_any_thread)
{
    pthread_t threads[4];
    size_t firsts[4];
    open_disk(true);
    for (size_t i = 0; i < 4; i++) {
        firsts[i] = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, submit_from_thread, &firsts[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    store_batch_free(batch);
    for (size_t i = 0; i < TICKETS; i++)
        cr_assert_eq(answers[i].calls, 1);
}
