/* queries through HTTP on the loopback, on shards of 62,500 rows, server and clients on one
 * machine.
 *
 * The ceiling is what as many threads compute without a server around them, each on the next shard
 * in turn; the difference to the closed loop is what HTTP, parsing, queueing and the clients cost.
 * It is also measured on fewer shards and threads: how much of a query's time memory takes, and
 * what another core adds. */
#include "bench/bench.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "bench/http_load.h"
#include "bench/load_device.h"
#include "bench/server_process.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_query.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define USE_CASE       "bench.service"
#define SHARDS         ((size_t)16)
#define ROWS_PER_SHARD ((size_t)62500)
#define DEVICES        ((size_t)4)
#define BATCH          ((size_t)32)
#define CONNECTIONS    ((size_t)128)
#define SECONDS        5.0 /* of a line through HTTP */
#define CEILING_NS     UINT64_C(2000000000)
#define REQUEST_BYTES  ((size_t)16 << 20)

struct state {
    char folder[64];
    struct server_process server;
    struct http_load *load; /* one connection */
    struct load_device *devices[DEVICES];
    struct load_device_work work; /* of the first device */
    const char *kernel;
    struct bytes single[DEVICES * SHARDS]; /* a request each, all shards in turn */
    struct span single_view[DEVICES * SHARDS];
    struct bytes one_shard; /* a batch */
    struct bytes all_shards;
};

/* ---- set-up ---- */

/* The first row at or behind `from` that lies in the shard; any with shard == SIZE_MAX. */
static size_t row_in(const struct load_device *device, size_t shard, size_t from)
{
    while (shard != SIZE_MAX && load_device_shard(device, from) != shard)
        from++;
    return from;
}

static void make_batch(struct state *state, size_t only_shard, struct bytes *ret)
{
    struct load_device *device = state->devices[0];
    struct bytes body;
    size_t rows[BATCH];
    size_t from = 1000;
    for (size_t i = 0; i < BATCH; i++) {
        rows[i] = row_in(device, only_shard == SIZE_MAX ? i % SHARDS : only_shard, from);
        from = rows[i] + 1;
    }
    bytes_init(ret, REQUEST_BYTES);
    load_device_ask(device, rows, BATCH, ret);
    bytes_init(&body, REQUEST_BYTES);
    http_load_ask(state->load, bytes_view(ret), &body);
    for (size_t i = 0; i < BATCH; i++) {
        if (!load_device_found(device, bytes_view(&body), i, rows[i]))
            bench_fail("a row was not found");
    }
    bytes_deinit(&body);
}

static void make_single(struct state *state, size_t i)
{
    struct load_device *device = state->devices[i % DEVICES];
    const size_t row = row_in(device, i / DEVICES % SHARDS, 100 * i);
    struct bytes body;
    bytes_init(&state->single[i], REQUEST_BYTES);
    load_device_ask(device, &row, 1, &state->single[i]);
    state->single_view[i] = bytes_view(&state->single[i]);
    bytes_init(&body, REQUEST_BYTES);
    http_load_ask(state->load, state->single_view[i], &body);
    if (!load_device_found(device, bytes_view(&body), 0, row))
        bench_fail("a row was not found"); /* a figure for a wrong answer is no figure */
    bytes_deinit(&body);
}

static void set_up(struct state *state, const char *program)
{
    static const char *const users[DEVICES] = {"user-0", "user-1", "user-2", "user-3"};
    snprintf(state->folder, sizeof state->folder, "/tmp/bench_service.XXXXXX");
    if (mkdtemp(state->folder) == NULL)
        bench_fail("%s: cannot be made", state->folder);
    load_device_compile(state->folder, USE_CASE, SHARDS * ROWS_PER_SHARD, SHARDS);
    server_process_start(program, state->folder, NULL, &state->server);
    state->load = http_load_new(state->server.address, 1);
    for (size_t i = 0; i < DEVICES; i++)
        state->devices[i] = load_device_new(state->load, USE_CASE, users[i]);
    for (size_t i = 0; i < DEVICES * SHARDS; i++)
        make_single(state, i);
    load_device_work_init(state->devices[0], 0, &state->work);
    state->kernel = bfv_context_kernel_name(state->work.context);
    make_batch(state, 0, &state->one_shard);
    make_batch(state, SIZE_MAX, &state->all_shards);
}

static void tear_down(struct state *state)
{
    http_load_free(state->load);
    server_process_stop(&state->server);
    load_device_work_deinit(&state->work);
    for (size_t i = 0; i < DEVICES; i++)
        load_device_free(state->devices[i]);
    for (size_t i = 0; i < DEVICES * SHARDS; i++)
        bytes_deinit(&state->single[i]);
    bytes_deinit(&state->one_shard);
    bytes_deinit(&state->all_shards);
    folder_remove(state->folder);
}

/* ---- the ceiling: the same work without a server ---- */

struct computer {
    pthread_t thread;
    const struct dataset *dataset;
    const struct bfv_context *context;
    const struct bfv_evaluation_key *key;
    const struct pir_query *query;
    uint64_t end_ns;
    size_t shards;
    size_t first_shard;
    size_t answers;
};

static void *compute(void *argument)
{
    struct computer *computer = argument;
    struct pir_workspace *workspace = NULL;
    struct pir_response response;
    struct error error;
    if (pir_workspace_new(computer->context, pir_shard_layout(dataset_shard(computer->dataset, 0)),
                          &workspace, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    for (size_t i = computer->first_shard; bench_now_ns() < computer->end_ns; i++) {
        if (pir_answer(workspace, dataset_shard(computer->dataset, i % computer->shards),
                       computer->key, computer->query, &response, &error) != STATUS_OK)
            bench_fail("%s", error.message);
        computer->answers++;
    }
    pir_workspace_free(workspace);
    return NULL;
}

static void print_ceiling(const struct state *state, size_t shards, size_t threads)
{
    struct dataset *dataset = NULL;
    struct computer *computers = mem_alloc_zeroed(threads, sizeof *computers);
    struct error error;
    size_t answers = 0;
    if (computers == NULL ||
        dataset_open(state->folder, USE_CASE, 0, &dataset, &error) != STATUS_OK)
        bench_fail("no dataset to compute with");
    const uint64_t start_ns = bench_now_ns();
    for (size_t i = 0; i < threads; i++) {
        computers[i] = (struct computer){.dataset = dataset,
                                         .context = state->work.context,
                                         .key = state->work.key,
                                         .query = wire_query_get(state->work.query),
                                         .end_ns = start_ns + CEILING_NS,
                                         .shards = shards,
                                         .first_shard = i * shards / threads};
        if (pthread_create(&computers[i].thread, NULL, compute, &computers[i]) != 0)
            bench_fail("no thread to compute with");
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(computers[i].thread, NULL);
        answers += computers[i].answers;
    }
    const double took_s = (double)(bench_now_ns() - start_ns) / 1e9;
    printf("query_ceiling kernel=%s rows=%zu shards=%zu threads=%zu per_s=%.1f\n", state->kernel,
           ROWS_PER_SHARD, shards, threads, (double)answers / took_s);
    fflush(stdout);
    dataset_free(dataset);
    mem_free(computers);
}

/* ---- lines ---- */

/* queries: of one request. */
static double print_load(struct state *state, const char *label, const struct span *requests,
                         size_t count, size_t clients, double per_second, size_t queries)
{
    struct http_load *load =
        http_load_new(state->server.address, per_second > 0 ? CONNECTIONS : clients);
    const uint64_t before_ns = server_process_cpu_ns(&state->server);
    const struct http_load_figures figures =
        per_second > 0 ? http_load_poisson(load, requests, count, per_second, SECONDS)
                       : http_load_closed(load, requests, count, clients, SECONDS);
    const uint64_t server_ns = server_process_cpu_ns(&state->server) - before_ns;
    const double answers = (double)(figures.answers > 0 ? figures.answers : 1);
    printf("%s per_s=%.1f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f server_cpu_us=%.0f "
           "client_cpu_us=%.0f client_cores=%.3f refused=%zu seconds=%.0f kernel=%s\n",
           label, figures.per_second * (double)queries, (double)figures.p50_ns / 1e6,
           (double)figures.p99_ns / 1e6, (double)figures.max_ns / 1e6,
           (double)server_ns / 1e3 / answers / (double)queries,
           (double)figures.client_cpu_ns / 1e3 / answers / (double)queries,
           (double)figures.client_cpu_ns / 1e9 / SECONDS, figures.refused, SECONDS, state->kernel);
    fflush(stdout);
    http_load_free(load);
    return figures.per_second * (double)queries;
}

static void print_ceilings(const struct state *state, size_t cores)
{
    size_t threads = 1;
    for (size_t last = 0; threads != last; threads = 2 * threads < cores ? 2 * threads : cores) {
        for (size_t shards = 1; shards <= SHARDS; shards *= 2)
            print_ceiling(state, shards, threads);
        last = threads;
    }
}

static void print_queries(struct state *state, size_t cores)
{
    static const unsigned load_percent[] = {10, 30, 50, 70, 90};
    char label[128];
    (void)print_load(state, "http_query rows=62500 shards=16 clients=1", state->single_view,
                     DEVICES * SHARDS, 1, 0, 1);
    snprintf(label, sizeof label, "http_query rows=62500 shards=16 clients=%zu", 4 * cores);
    const double most =
        print_load(state, label, state->single_view, DEVICES * SHARDS, 4 * cores, 0, 1);
    for (size_t i = 0; i < ARRAY_COUNT(load_percent); i++) {
        snprintf(label, sizeof label, "http_query rows=62500 shards=16 arrivals=poisson load=%u%%",
                 load_percent[i]);
        (void)print_load(state, label, state->single_view, DEVICES * SHARDS, 0,
                         most * load_percent[i] / 100, 1);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    struct state state = {.folder = ""};
    struct bytes health;
    const size_t cores = cpu_core_count();
    set_up(&state, argv[0]);

    bytes_init(&health, REQUEST_BYTES);
    http_load_request("GET", "/healthz", "user-0", span_of(NULL, 0), &health);
    const struct span health_view = bytes_view(&health);
    (void)print_load(&state, "http_healthz clients=4", &health_view, 1, 4, 0, 1);
    print_ceilings(&state, cores);
    print_queries(&state, cores);

    const struct span one = bytes_view(&state.one_shard);
    const struct span all = bytes_view(&state.all_shards);
    (void)print_load(&state, "http_batch queries=32 rows=62500 shards=1 clients=1", &one, 1, 1, 0,
                     BATCH);
    (void)print_load(&state, "http_batch queries=32 rows=62500 shards=16 clients=1", &all, 1, 1, 0,
                     BATCH);
    bytes_deinit(&health);
    tear_down(&state);
    return 0;
}
