/* bench_pir - one query on one shard, one thread.
 *
 *   query_compute  rows of value "1", one hash function, buckets of a whole plaintext, the shape
 *                  that blindlist compile chooses; expansion, both dimensions, serialization */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_processing.h"
#include "pir-server/wire/wire_keys.h"

#include <stdio.h>
#include <string.h>

#define SET        "n_4096_logq_27_28_28_logt_5"
#define QUERY_RUNS 15

static void must(enum status st, const struct error *err)
{
    if (st != STATUS_OK)
        bench_fail("%s", err->message);
}

/* ---- rows: "host<number>.example/", made when asked for ---- */

#define KEYWORD_BYTES ((size_t)40)

struct names {
    char (*text)[KEYWORD_BYTES];
};

static struct span name_of(const void *context, size_t row)
{
    const struct names *names = context;
    return span_of_text(names->text[row]);
}

static struct names names_new(size_t count)
{
    struct names names = {.text = mem_alloc(count, KEYWORD_BYTES)};
    if (names.text == NULL)
        bench_fail("no memory for %zu rows", count);
    for (size_t i = 0; i < count; i++)
        snprintf(names.text[i], KEYWORD_BYTES, "host%zu.example/", i);
    return names;
}

static struct pir_partition *partition_new(const struct names *names, size_t count, uint64_t shards,
                                           struct thread_pool *pool)
{
    const struct pir_rows rows = {
        .count = count, .context = names, .keyword = name_of, .constant_value = span_of("1", 1)};
    const struct sharding sharding = {.function = SHARDING_SHA256};
    struct pir_partition *partition = NULL;
    struct error err;
    must(pir_partition_new(&rows, shards, &sharding, pool, &partition, &err), &err);
    return partition;
}

/* ---- a query ---- */

struct query_work {
    struct pir_workspace *workspace;
    struct pir_shard *shard;
    struct bfv_evaluation_key *key;
    const struct pir_query *query;
};

static void answer(void *context)
{
    struct query_work *work = context;
    struct pir_response response;
    struct error err;
    must(pir_answer(work->workspace, work->shard, work->key, work->query, &response, &err), &err);
}

/* A device's keys, as they come out of a message. */
static struct bfv_evaluation_key *make_key(const struct bfv_context *context,
                                           const struct bfv_secret_key *secret,
                                           const struct pir_evaluation_key_config *config)
{
    const struct random_source random = random_system();
    struct bfv_evaluation_key *key = NULL;
    struct bytes message;
    struct error err;
    bytes_init(&message, SIZE_MAX);
    must(wire_evaluation_key_make(context, config, secret, &random, &message, &err), &err);
    must(wire_evaluation_key_read(context, config, bytes_view(&message), &key, &err), &err);
    bytes_deinit(&message);
    return key;
}

static void measure_query(size_t row_count, const char *kernel)
{
    const struct bfv_parameters encryption = bfv_named_parameters_find(SET)->parameters;
    const struct random_source random = random_system();
    struct bfv_context *context = NULL;
    struct bfv_secret_key *secret = NULL;
    struct pir_client_query *query = NULL;
    struct query_work work = {0};
    struct pir_processing processing;
    struct pir_shape_wish wish;
    struct error err;
    char label[256];

    must(bfv_context_new(&encryption, 0, kernel, &context, &err), &err);
    struct names names = names_new(row_count);
    struct pir_partition *partition = partition_new(&names, row_count, 1, NULL);
    pir_shape_wish_init(&wish);
    wish.max_key_bytes = DATASET_MAX_KEY_BYTES;
    pir_processing_init(&encryption, 1, &processing);
    must(pir_processing_choose(partition, &wish, &processing, &err), &err);
    must(pir_process_shard(context, partition, 0, &processing, 0, &work.shard, &err), &err);
    const struct pir_layout *layout = pir_shard_layout(work.shard);
    must(bfv_secret_key_new(context, &random, &secret, &err), &err);
    work.key = make_key(context, secret, &pir_shard_parameters(work.shard)->evaluation_key);
    must(pir_workspace_new(context, layout, &work.workspace, &err), &err);
    must(pir_client_query_new(context, layout, secret, span_of_text(names.text[row_count / 2]),
                              &random, &query, &err),
         &err);
    work.query = pir_client_query_message(query);

    snprintf(label, sizeof label, "query_compute kernel=%s rows=%zu dimensions=%zux%zu",
             bfv_context_kernel_name(context), row_count, layout->dimensions[0],
             layout->dimensions[1]);
    (void)bench_time(label, QUERY_RUNS, answer, &work);

    /* A figure for a wrong answer is no figure. */
    struct pir_response response;
    struct pir_result result;
    pir_result_init(&result);
    must(pir_answer(work.workspace, work.shard, work.key, work.query, &response, &err), &err);
    must(pir_client_read_response(context, layout, secret, span_of_text(names.text[row_count / 2]),
                                  &response, &result, &err),
         &err);
    if (!result.found)
        bench_fail("the row was not found");
    pir_result_deinit(&result);
    pir_client_query_free(query);
    pir_workspace_free(work.workspace);
    bfv_evaluation_key_free(work.key);
    bfv_secret_key_free(secret);
    pir_shard_free(work.shard);
    pir_partition_free(partition);
    mem_free(names.text);
    bfv_context_free(context);
}

int main(void)
{
    static const size_t ROWS[] = {10000, 62500, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        measure_query(ROWS[i], "ref");
        measure_query(ROWS[i], NULL);
    }
    return 0;
}
