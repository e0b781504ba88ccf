/* The reference's own files (vectors/pir): same bytes in both directions. */
#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_shard_bin.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_parameters.h"
#include "pir-server/wire/wire_query.h"
#include "tests/patience.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const SETS[] = {
    "small",           "sharded",     "fixed-buckets", "even-dimensions", "hybrid-compression",
    "max-compression", "large-values"};

static void path_of(char path[512], const char *set, const char *name)
{
    const char *root = getenv("BLINDLIST_VECTORS");
    snprintf(path, 512, "%s/pir/%s/%s", root != NULL ? root : "../shared/vectors", set, name);
}

static void need_vectors(void)
{
    char path[512];
    path_of(path, "small", "expected.json");
    if (access(path, R_OK) != 0)
        cr_skip_test("the reference's vectors are not here");
}

static void read_whole(const char *set, const char *name, struct bytes *ret)
{
    char path[512];
    struct error error;
    path_of(path, set, name);
    bytes_init(ret, (size_t)64 << 20);
    cr_assert_eq(file_read(path, ret, &error), STATUS_OK, "%s", error.message);
}

static json_t *expected_of(const char *set)
{
    char path[512];
    path_of(path, set, "expected.json");
    json_t *expected = json_load_file(path, 0, NULL);
    cr_assert_not_null(expected);
    cr_assert_eq(json_array_size(expected), 5);
    return expected;
}

/* Shard `number` of a set, imported, and its context. */
static struct pir_shard *load_shard(const char *set, int number, const char *kernel,
                                    struct bfv_context **ret_context)
{
    struct pir_parameters parameters;
    struct pir_shard *shard = NULL;
    struct error error;
    char name[64];
    char path[512];
    snprintf(name, sizeof name, "shard-%d.params.txtpb", number);
    path_of(path, set, name);
    cr_assert_eq(wire_parameters_read_file(path, &parameters, &error), STATUS_OK, "%s",
                 error.message);
    snprintf(name, sizeof name, "shard-%d.bin", number);
    path_of(path, set, name);
    cr_assert_eq(pir_shard_load_bin(path, &parameters, 0, &shard, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(bfv_context_new(&parameters.encryption, 0, kernel, ret_context, NULL), STATUS_OK);
    return shard;
}

static void check_result(const char *set, const json_t *expected, const struct pir_result *result)
{
    const char *value = json_string_value(json_object_get(expected, "value"));
    cr_assert_eq(result->found, value != NULL, "%s", set);
    if (value != NULL)
        cr_assert(span_equal(bytes_view(&result->value), span_of_text(value)), "%s", set);
    const double budget = json_number_value(json_object_get(expected, "noise_budget_bits"));
    cr_assert(fabs(result->noise_budget_bits - budget) < 1e-6, "%s: budget %.9f, theirs %.9f", set,
              result->noise_budget_bits, budget);
}

static void check_query(const char *set, const char *kernel, const json_t *expected)
{
    struct bfv_context *context = NULL;
    const int number = (int)json_integer_value(json_object_get(expected, "shard"));
    const struct span keyword =
        span_of_text(json_string_value(json_object_get(expected, "keyword")));
    struct pir_shard *shard = load_shard(set, number, kernel, &context);
    const struct pir_layout *layout = pir_shard_layout(shard);
    struct bytes file;
    struct bytes ours;
    struct error error = {0};

    /* Keys and query are theirs. */
    struct bfv_evaluation_key *key = NULL;
    struct bfv_secret_key *secret = NULL;
    struct wire_query *query = NULL;
    read_whole(set, "evaluation_key.bin", &file);
    cr_assert_eq(wire_evaluation_key_read(context, &pir_shard_parameters(shard)->evaluation_key,
                                          bytes_view(&file), &key, &error),
                 STATUS_OK, "%s: %s", set, error.message);
    bytes_deinit(&file);
    read_whole(set, "secret_key.bin", &file);
    cr_assert_eq(wire_secret_key_read(context, bytes_view(&file), &secret, &error), STATUS_OK,
                 "%s: %s", set, error.message);
    bytes_deinit(&file);
    read_whole(set, json_string_value(json_object_get(expected, "query")), &file);
    cr_assert_eq(wire_query_read(bytes_view(&file), &query, &error), STATUS_OK, "%s: %s", set,
                 error.message);
    bytes_deinit(&file);

    /* Our answer is theirs. */
    struct pir_workspace *workspace = NULL;
    struct pir_response response;
    read_whole(set, json_string_value(json_object_get(expected, "response")), &file);
    cr_assert_eq(pir_workspace_new(context, layout, &workspace, NULL), STATUS_OK);
    cr_assert_eq(pir_answer(workspace, shard, key, wire_query_get(query), &response, &error),
                 STATUS_OK, "%s: %s", set, error.message);
    bytes_init(&ours, (size_t)1 << 20);
    cr_assert_eq(wire_response_write(&response, &ours, &error), STATUS_OK, "%s", error.message);
    cr_assert(span_equal(bytes_view(&ours), bytes_view(&file)),
              "%s: the answer of kernel %s is not the reference's", set, kernel);

    /* Their response, read by us. */
    struct wire_response *theirs = NULL;
    struct pir_result result;
    pir_result_init(&result);
    cr_assert_eq(wire_response_read(bytes_view(&file), &theirs, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(pir_client_read_response(context, layout, secret, keyword,
                                          wire_response_get(theirs), &result, &error),
                 STATUS_OK, "%s: %s", set, error.message);
    check_result(set, expected, &result);

    /* Our query for their key and shard. */
    struct random_seeded random = fixture_random(5);
    const struct random_source source = fixture_source(&random);
    struct pir_client_query *made = NULL;
    cr_assert_eq(pir_client_query_new(context, layout, secret, keyword, &source, &made, NULL),
                 STATUS_OK);
    cr_assert_eq(pir_answer(workspace, shard, key, pir_client_query_message(made), &response, NULL),
                 STATUS_OK);
    cr_assert_eq(
        pir_client_read_response(context, layout, secret, keyword, &response, &result, &error),
        STATUS_OK, "%s: %s", set, error.message);
    cr_assert_eq(result.found, json_is_string(json_object_get(expected, "value")));

    pir_client_query_free(made);
    pir_result_deinit(&result);
    wire_response_free(theirs);
    pir_workspace_free(workspace);
    wire_query_free(query);
    bfv_secret_key_free(secret);
    bfv_evaluation_key_free(key);
    bytes_deinit(&file);
    bytes_deinit(&ours);
    pir_shard_free(shard);
    bfv_context_free(context);
}

/* With every kernel that runs here (test_row.c counts those that do not). */
static void check_set(const char *set)
{
    need_vectors();
    const struct cpu cpu = cpu_detect();
    const struct ntt_kernel *runs;
    size_t count = 0;
    json_t *expected = expected_of(set);
    for (size_t k = 0; ntt_kernel_list(k) != NULL; k++) {
        if (ntt_kernel_choose(&cpu, ntt_kernel_list(k), 4096, &runs, NULL) != STATUS_OK)
            continue;
        count++;
        for (size_t i = 0; i < 5; i++)
            check_query(set, ntt_kernel_list(k), json_array_get(expected, i));
    }
    cr_assert_gt(count, 0);
    json_decref(expected);
}

Test(pir_answer_reference, small, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("small");
}
Test(pir_answer_reference, sharded, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("sharded");
}
Test(pir_answer_reference, fixed_buckets, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("fixed-buckets");
}
Test(pir_answer_reference, even_dimensions, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("even-dimensions");
}
Test(pir_answer_reference, hybrid_compression, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("hybrid-compression");
}
Test(pir_answer_reference, max_compression, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("max-compression");
}
Test(pir_answer_reference, large_values, .timeout = PATIENCE_OF_TEST_S)
{
    check_set("large-values");
}

Test(pir_answer_reference, shards_exported_again_are_identical, .timeout = PATIENCE_OF_TEST_S)
{
    need_vectors();
    char folder[] = "/tmp/blindlist-pir-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char *path = path_join(folder, "out.bin");
    for (size_t i = 0; i < ARRAY_COUNT(SETS); i++) {
        struct bfv_context *context = NULL;
        struct pir_shard *shard = load_shard(SETS[i], 0, NULL, &context);
        struct bytes theirs;
        struct bytes ours;
        bytes_init(&ours, (size_t)64 << 20);
        read_whole(SETS[i], "shard-0.bin", &theirs);
        cr_assert_eq(pir_shard_verify(shard, NULL), STATUS_OK);
        cr_assert_eq(pir_shard_export_bin(shard, 0, path, NULL), STATUS_OK);
        cr_assert_eq(file_read(path, &ours, NULL), STATUS_OK);
        cr_assert(span_equal(bytes_view(&ours), bytes_view(&theirs)), "%s", SETS[i]);
        bytes_deinit(&ours);
        bytes_deinit(&theirs);
        pir_shard_free(shard);
        bfv_context_free(context);
    }
    mem_free(path);
    folder_remove(folder);
}
