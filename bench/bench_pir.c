/* bench_pir - one query, and several, on one shard, one thread.
 *
 *   query_compute  rows of value "1", one hash function, buckets of a whole plaintext, the shape
 *                  that blindlist compile chooses; expansion, both dimensions, serialization
 *   query_batch    `queries` of them in one pass over the shard, all answers together */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_processing.h"
#include "pir-server/wire/wire_keys.h"

#include <stdio.h>
#include <string.h>

#define QUERY_RUNS 15
#define BATCH_ROWS 62500

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
    struct pir_shard *shard;
    struct pir_job jobs[PIR_BATCH_MAX];
    size_t count;
};

static void answer(void *context)
{
    struct query_work *work = context;
    pir_answer_batch(work->shard, work->jobs, work->count);
    for (size_t i = 0; i < work->count; i++)
        must(work->jobs[i].status, &work->jobs[i].error);
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

/* One query, then batches up to `most`. */
static void measure_query(size_t row_count, const char *kernel, size_t most)
{
    const struct bfv_parameters encryption =
        bfv_named_parameters_find(DATASET_RLWE_PARAMETERS)->parameters;
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
    struct bfv_evaluation_key *key =
        make_key(context, secret, &pir_shard_parameters(work.shard)->evaluation_key);
    must(pir_client_query_new(context, layout, secret, span_of_text(names.text[row_count / 2]),
                              &random, &query, &err),
         &err);
    for (size_t i = 0; i < most; i++) {
        work.jobs[i] = (struct pir_job){.key = key, .query = pir_client_query_message(query)};
        must(pir_workspace_new(context, layout, &work.jobs[i].workspace, &err), &err);
    }

    static const size_t COUNTS[] = {1, 4, 8, PIR_BATCH_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(COUNTS) && COUNTS[i] <= most; i++) {
        work.count = COUNTS[i];
        const int end = snprintf(label, sizeof label, "%s kernel=%s rows=%zu dimensions=%zux%zu",
                                 work.count == 1 ? "query_compute" : "query_batch",
                                 bfv_context_kernel_name(context), row_count, layout->dimensions[0],
                                 layout->dimensions[1]);
        if (work.count > 1)
            snprintf(label + end, sizeof label - (size_t)end, " queries=%zu", work.count);
        (void)bench_time(label, QUERY_RUNS, answer, &work);
    }

    /* A figure for a wrong answer is no figure. */
    for (size_t i = 0; i < most; i++) {
        struct pir_result result;
        pir_result_init(&result);
        must(pir_client_read_response(context, layout, secret,
                                      span_of_text(names.text[row_count / 2]),
                                      &work.jobs[i].response, &result, &err),
             &err);
        if (!result.found)
            bench_fail("the row was not found");
        pir_result_deinit(&result);
        pir_workspace_free(work.jobs[i].workspace);
    }
    pir_client_query_free(query);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(secret);
    pir_shard_free(work.shard);
    pir_partition_free(partition);
    mem_free(names.text);
    bfv_context_free(context);
}

int main(void)
{
    static const size_t ROWS[] = {1000, 10000, BATCH_ROWS, 100000, 500000};
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        measure_query(ROWS[i], "ref", 1);
        measure_query(ROWS[i], NULL, ROWS[i] == BATCH_ROWS ? PIR_BATCH_MAX : 1);
    }
    return 0;
}
