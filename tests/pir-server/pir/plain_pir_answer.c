/* Threads: shards made on a pool, then one shard and one key asked from several threads at once. */
#include "base/mem.h"
#include "base/thread_pool.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_processing.h"
#include "tests/pir-server/pir/pir_fixture.h"
#include "tests/tap.h"

#include <stdlib.h>

#define THREADS ((size_t)3)
#define SHARDS  ((size_t)6)
#define ANSWERS ((size_t)6)

static struct bfv_context *context;
static struct pir_shard *shard;
static struct fixture_keys keys;
static struct pir_workspace *workspaces[THREADS + 1];
static struct bytes answers[ANSWERS];
static uint8_t digests[2][SHARDS][SHA256_BYTES];

static enum status keep_digest(void *to, uint64_t number, const struct pir_shard *processed,
                               struct error *err)
{
    uint8_t(*list)[SHA256_BYTES] = to;
    (void)err;
    memcpy(list[number], pir_shard_digest(processed), SHA256_BYTES);
    return STATUS_OK;
}

static enum status answer_one(void *query, size_t index, size_t worker, struct error *err)
{
    struct pir_response response;
    const enum status st =
        pir_answer(workspaces[worker], shard, keys.evaluation, query, &response, err);
    if (st == STATUS_OK)
        bytes_append(&answers[index], response.replies[0].ciphertexts[0].polys);
    return st;
}

/* A team of the pool's threads; the leader is the thread that calls. */
static size_t team_size(void *pool)
{
    (void)pool;
    return THREADS + 1;
}

struct run {
    pir_team_part *part;
    void *argument;
};

static enum status run_part(void *of, size_t index, size_t worker, struct error *err)
{
    const struct run *run = of;
    (void)err;
    run->part(run->argument, index, THREADS - worker, workspaces[worker]);
    return STATUS_OK;
}

static void team_run(void *pool, size_t parts, pir_team_part *part, void (*gather)(void *argument),
                     void *argument)
{
    struct run run = {.part = part, .argument = argument};
    if (thread_pool_for(pool, parts, run_part, &run, NULL) != STATUS_OK)
        abort();
    if (gather != NULL)
        gather(argument);
}

static void test_team(struct thread_pool *pool, const struct pir_query *query)
{
    const struct pir_team team = {.context = pool, .size = team_size, .run = team_run};
    struct pir_response response;
    bool is_same = true;
    for (size_t i = 0; i < ANSWERS && is_same; i++)
        is_same = pir_answer_together(workspaces[THREADS], &team, shard, keys.evaluation, query,
                                      &response, NULL) == STATUS_OK &&
                  span_equal(response.replies[0].ciphertexts[0].polys, bytes_view(&answers[0]));
    TAP_CHECK(is_same, "threads that share a query's work give the same answer");
}

int main(void)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    struct random_seeded random = fixture_random(1);
    const struct random_source source = fixture_source(&random);
    struct fixture_rows rows = fixture_rows_new(2000, 1, 1, 1);
    struct pir_partition *partition = fixture_partition(&rows, SHARDS);
    struct pir_processing processing;
    struct thread_pool *pool = NULL;
    struct pir_client_query *query = NULL;
    struct error error = {0};

    TAP_CHECK(thread_pool_new(THREADS, 8, &pool, &error) == STATUS_OK, "a pool");
    TAP_CHECK(bfv_context_new(&encryption, 0, NULL, &context, &error) == STATUS_OK, "a context");
    struct pir_shape_wish wish;
    pir_shape_wish_init(&wish);
    wish.hash_function_count = 2;
    pir_processing_init(&encryption, 2, &processing);
    TAP_CHECK(pir_processing_fit(partition, pool, &wish, &processing, &error) == STATUS_OK,
              "a shape");
    TAP_CHECK(pir_process_all(context, partition, &processing, 0, pool, NULL, keep_digest,
                              digests[0], &error) == STATUS_OK,
              "shards made by several threads");
    TAP_CHECK(pir_process_all(context, partition, &processing, 0, NULL, NULL, keep_digest,
                              digests[1], &error) == STATUS_OK,
              "shards made by one");
    TAP_CHECK(memcmp(digests[0], digests[1], sizeof digests[0]) == 0, "they are the same");

    TAP_CHECK(pir_process_shard(context, partition, 0, &processing, 0, &shard, &error) == STATUS_OK,
              "a shard");
    keys = fixture_keys_new(context, &pir_shard_parameters(shard)->evaluation_key, &random);
    for (size_t i = 0; i <= THREADS; i++)
        TAP_CHECK(pir_workspace_new(context, pir_shard_layout(shard), &workspaces[i], &error) ==
                      STATUS_OK,
                  "workspace %zu", i);
    TAP_CHECK(pir_client_query_new(context, pir_shard_layout(shard), keys.secret,
                                   span_of_text("row1.example/"), &source, &query,
                                   &error) == STATUS_OK,
              "a query");
    for (size_t i = 0; i < ANSWERS; i++)
        bytes_init(&answers[i], 1u << 20);
    struct pir_query message = *pir_client_query_message(query);
    TAP_CHECK(thread_pool_for(pool, ANSWERS, answer_one, &message, &error) == STATUS_OK,
              "answered by several threads");
    bool same = answers[0].size > 0;
    for (size_t i = 1; i < ANSWERS; i++)
        same = same && span_equal(bytes_view(&answers[i]), bytes_view(&answers[0]));
    TAP_CHECK(same, "all answers are the same");
    test_team(pool, &message);

    for (size_t i = 0; i < ANSWERS; i++)
        bytes_deinit(&answers[i]);
    pir_client_query_free(query);
    for (size_t i = 0; i <= THREADS; i++)
        pir_workspace_free(workspaces[i]);
    fixture_keys_free(&keys);
    pir_shard_free(shard);
    bfv_context_free(context);
    thread_pool_free(pool);
    pir_partition_free(partition);
    fixture_rows_free(&rows);
    return tap_finish();
}
