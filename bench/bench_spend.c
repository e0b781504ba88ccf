/* Tokens redeemed durably: checked and spent by threads that, like a server, do not wait for the
 * disk with one token before they take the next; beside what the processor and the disk allow. */
#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "bench/bench.h"
#include "pir-server/privacypass/issuer_key_ring.h"
#include "pir-server/privacypass/token_client.h"
#include "pir-server/store/store_batch.h"
#include "tests/pir-server/store/postgres_server.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW          1800000000
#define SECONDS      3
#define OUTSTANDING  ((size_t)512) /* of a thread: requests under way */
#define THREADS_MOST ((size_t)64)
#define FLUSHES      200
#define PAGE_BYTES   4096

struct state {
    char folder[64];
    struct key_ring *ring;
    struct token token;
    struct store *store;
    struct store_batch *batch;
    bool spends;
    atomic_bool is_over;
    atomic_size_t redeemed;
};

struct worker {
    struct state *state;
    size_t number;
    pthread_t thread;
    struct store_ticket tickets[OUTSTANDING];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t free_count;
    struct store_ticket *free[OUTSTANDING];
    atomic_size_t checked;
};

static void require(bool holds, const char *what)
{
    if (!holds)
        bench_fail("%s failed", what);
}

static uint64_t now_s(void)
{
    return NOW;
}

struct ticket_context {
    struct worker *worker;
    struct store_ticket *ticket;
};
/* The answer to a ticket, which is free again. */
static void release(void *context, enum status status, uint32_t retry_after_s,
                    const struct error *failure)
{
    struct ticket_context *of = context;
    struct worker *worker = of->worker;
    (void)retry_after_s;
    (void)failure;
    require(status == STATUS_OK, "spending a token");
    atomic_fetch_add(&worker->state->redeemed, 1);
    pthread_mutex_lock(&worker->lock);
    worker->free[worker->free_count++] = of->ticket;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static struct store_ticket *take_ticket(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->free_count == 0)
        pthread_cond_wait(&worker->changed, &worker->lock);
    struct store_ticket *ticket = worker->free[--worker->free_count];
    pthread_mutex_unlock(&worker->lock);
    return ticket;
}

static void check(const struct state *state)
{
    enum token_verdict verdict = TOKEN_VERDICT_COUNT;
    require(issuer_key_ring_verify(state->ring, &state->token, NOW, &verdict, NULL) == STATUS_OK &&
                verdict == TOKEN_GOOD,
            "checking a token");
}

/* The signature is the same each time, the nonce another: that is what the two steps cost. */
static void *work(void *context)
{
    struct worker *worker = context;
    struct state *state = worker->state;
    struct random_seeded random;
    uint8_t seed[RANDOM_SEED_BYTES] = {(uint8_t)worker->number};
    const struct random_source source = random_seeded_init(&random, seed);
    while (!atomic_load(&state->is_over)) {
        check(state);
        atomic_fetch_add(&worker->checked, 1);
        if (!state->spends)
            continue;
        struct store_ticket *ticket = take_ticket(worker);
        require(random_fill(&source, ticket->of.spend.nonce, STORE_NONCE_BYTES, NULL) ==
                        STATUS_OK &&
                    store_batch_submit(state->batch, ticket, NULL) == STATUS_OK,
                "handing in a token");
    }
    return NULL;
}

/* What all threads do in a second. */
static double run(struct state *state, bool spends)
{
    static struct worker workers[THREADS_MOST];
    static struct ticket_context contexts[THREADS_MOST][OUTSTANDING];
    const size_t cores = cpu_core_count();
    const size_t threads = cores < THREADS_MOST ? cores : THREADS_MOST;
    size_t checked = 0;
    state->spends = spends;
    atomic_store(&state->is_over, false);
    atomic_store(&state->redeemed, 0);
    const uint64_t start = bench_now_ns();
    for (size_t i = 0; i < threads; i++) {
        struct worker *worker = &workers[i];
        *worker = (struct worker){.state = state, .number = i};
        pthread_mutex_init(&worker->lock, NULL);
        pthread_cond_init(&worker->changed, NULL);
        for (size_t k = 0; k < OUTSTANDING; k++) {
            contexts[i][k] =
                (struct ticket_context){.worker = worker, .ticket = &worker->tickets[k]};
            worker->tickets[k] = (struct store_ticket){
                .kind = STORE_TICKET_SPEND, .done = release, .context = &contexts[i][k]};
            memcpy(worker->tickets[k].of.spend.key_id, state->token.key_id, TOKEN_KEY_ID_BYTES);
            worker->free[worker->free_count++] = &worker->tickets[k];
        }
        require(pthread_create(&worker->thread, NULL, work, worker) == 0, "starting a thread");
    }
    sleep(SECONDS);
    atomic_store(&state->is_over, true);
    const size_t redeemed = atomic_load(&state->redeemed);
    const double seconds = (double)(bench_now_ns() - start) / 1e9;
    for (size_t i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        checked += atomic_load(&workers[i].checked);
    }
    return (double)(spends ? redeemed : checked) / seconds;
}

/* A page appended and flushed, in a second. */
static double flush_rate(const struct state *state)
{
    char path[128];
    char page[PAGE_BYTES] = {1};
    snprintf(path, sizeof path, "%s/flushed", state->folder);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE_SECRET);
    require(fd >= 0, "opening a file");
    const uint64_t start = bench_now_ns();
    for (int i = 0; i < FLUSHES; i++)
        require(write(fd, page, sizeof page) == sizeof page && fdatasync(fd) == 0, "a flush");
    const double rate = FLUSHES * 1e9 / (double)(bench_now_ns() - start);
    close(fd);
    return rate;
}

static void make_token(struct state *state, struct issuer_key *key)
{
    static const uint8_t digest[TOKEN_DIGEST_BYTES];
    const struct random_source random = random_system();
    struct token_pending pending;
    uint8_t request[TOKEN_REQUEST_BYTES];
    uint8_t response[TOKEN_RESPONSE_BYTES];
    struct token_request parsed;
    require(token_client_begin(issuer_key_public(key), digest, &random, &pending, request, NULL) ==
                    STATUS_OK &&
                token_request_parse(span_of(request, sizeof request), &parsed, NULL) == STATUS_OK &&
                issuer_key_sign(key, parsed.blinded, response, NULL) == STATUS_OK &&
                token_client_finish(issuer_key_public(key), &pending,
                                    span_of(response, sizeof response), &state->token,
                                    NULL) == STATUS_OK,
            "making a token");
}

/* A token, and a ring that checks it. */
static void set_up(struct state *state)
{
    const struct key_ring_kind *kind = &issuer_key_ring_kind;
    struct issuer_key *key = NULL;
    require(mkdtemp(state->folder) != NULL, "a folder");
    require(issuer_key_new(&key, NULL) == STATUS_OK, "a key");
    const struct key_ring_key ring_key = issuer_key_ring_entry(key, NOW, 0);
    require(key_ring_new(kind, &kind->usual, &ring_key, 1, &state->ring, NULL) == STATUS_OK,
            "a key ring");
    make_token(state, key);
    issuer_key_unref(key);
}

static double redeem(struct state *state, const char *name)
{
    const struct store_limits limits = store_limits_default();
    struct store_ring_key stored = {.made_at = NOW, .not_before = NOW, .secret = span_of("x", 1)};
    memcpy(stored.id, state->token.key_id, sizeof stored.id);
    require(
        store_open(name, &limits, STORE_MAY_BE_NEW, &state->store, NULL) == STATUS_OK &&
            store_add_ring_key(state->store, STORE_ISSUER_KEYS, &stored, 0, NULL) == STATUS_OK &&
            store_batch_new(state->store, THREADS_MOST * OUTSTANDING, now_s, &state->batch, NULL) ==
                STATUS_OK,
        "a store");
    const double rate = run(state, true);
    store_batch_free(state->batch);
    store_close(state->store);
    return rate;
}

static void report(const char *figure, double redeemed, double checks, double flushes)
{
    printf("%s threads=%zu outstanding=%zu per_s=%.0f check_per_s=%.0f flush_per_s=%.0f\n", figure,
           cpu_core_count(), cpu_core_count() * OUTSTANDING, redeemed, checks, flushes);
    fflush(stdout);
}

int main(void)
{
    static struct state state = {.folder = "/tmp/bench_spend.XXXXXX"};
    char path[128];
    char server[POSTGRES_SERVER_NAME_BYTES];
    set_up(&state);
    snprintf(path, sizeof path, "%s/state", state.folder);
    const double checks = run(&state, false);
    const double flushes = flush_rate(&state);
    report("token_redeem store=sqlite", redeem(&state, path), checks, flushes);
    postgres_server_start("/tmp", server);
    if (strncmp(server, "skip ", 5) == 0)
        printf("# token_redeem_postgresql is skipped: %s\n", server + 5);
    else
        report("token_redeem_postgresql", redeem(&state, server), checks, flushes);
    key_ring_unref(state.ring);
    folder_remove(state.folder);
    return 0;
}
