#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_cost.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>

static struct pir_cost_request request_of(uint64_t rows)
{
    return (struct pir_cost_request){.encryption = fixture_encryption(FIXTURE_SET),
                                     .rows = rows,
                                     .longest_value = 1,
                                     .hash_function_count = 1,
                                     .sharding = {.function = SHARDING_SHA256}};
}

static struct pir_prediction prediction_of(const struct pir_parameters *parameters)
{
    struct pir_prediction prediction;
    struct error error;
    cr_assert_eq(pir_cost_predict(parameters, 0, NULL, &prediction, &error), STATUS_OK, "%s",
                 error.message);
    return prediction;
}

/* The reference's shape for 62,500 rows: two tables of 24 x 8 plaintexts, buckets of half of one.
 * The sizes are those that its tools print for such messages. */
Test(pir_cost, work_and_bytes_of_a_known_shape)
{
    struct pir_parameters p = {.encryption = fixture_encryption(FIXTURE_SET),
                               .entry_count = 384,
                               .entry_bytes = 1024,
                               .dimensions = {24, 8},
                               .dimension_count = 2,
                               .has_keyword_parameters = true,
                               .hash_function_count = 2,
                               .has_sharding_function = true,
                               .sharding = {.function = SHARDING_SHA256},
                               .algorithm = PIR_ALGORITHM_MUL_PIR,
                               .batch_size = 2,
                               .evaluation_key = {.has_relin_key = true}};
    p.evaluation_key.encryption = p.encryption;
    pir_galois_elements(4096, 64, PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    const struct pir_prediction made = prediction_of(&p);
    static const uint64_t counts[PIR_COST_TERM_COUNT] = {1, 63, 384, 16, 16, 2, 2};
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        cr_expect_eq(made.counts.count[i], counts[i], "%s",
                     pir_cost_term_name((enum pir_cost_term)i));
    uint64_t ns = 0;
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        ns += counts[i] * pir_cost_shipped()->ns[i];
    cr_expect_eq(made.query_ns, ns);
    cr_expect_eq(made.shard_bytes, (uint64_t)384 * 32768);
    cr_expect_eq(made.query_bytes, 28160 + 4 + 34 + 4 + 4 + 2);
    cr_expect(made.evaluation_key_bytes > 7 * 85056 && made.evaluation_key_bytes < 7 * 85100);
}

Test(pir_cost, the_choice_holds_the_rows_and_is_no_dearer_than_the_references)
{
    for (uint64_t rows = 0; rows <= 600000; rows += 1 + rows * 3) {
        for (size_t functions = 1; functions <= 3; functions++) {
            struct pir_cost_request request = request_of(rows);
            struct pir_parameters p;
            struct error error;
            request.hash_function_count = functions;
            cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_OK, "%s", error.message);
            cr_assert_geq(p.entry_count * functions,
                          pir_cost_bucket_count(rows, 1, (size_t)p.entry_bytes, functions, 0));
            /* No cell of the grid is left empty. */
            const uint64_t cells = p.dimensions[0] * p.dimensions[1];
            const uint64_t each = p.entry_bytes <= 2048 ? 2048 / p.entry_bytes : 1;
            cr_assert_eq(p.entry_count, cells * each);

            struct pir_parameters theirs = p;
            pir_dimensions(
                pir_plaintexts_needed(
                    pir_cost_bucket_count(rows, 1, (size_t)p.entry_bytes, functions, 0) / functions,
                    p.entry_bytes, 2048),
                functions, true, theirs.dimensions);
            theirs.entry_count = theirs.dimensions[0] * theirs.dimensions[1] * each;
            pir_galois_elements(4096, functions * (theirs.dimensions[0] + theirs.dimensions[1]),
                                PIR_KEY_COMPRESSION_NONE, theirs.evaluation_key.galois_elements,
                                &theirs.evaluation_key.galois_element_count);
            cr_assert_leq(prediction_of(&p).query_ns, prediction_of(&theirs).query_ns);
        }
    }
}

Test(pir_cost, limits_are_kept_or_the_least_is_named)
{
    struct pir_cost_request request = request_of(62500);
    struct pir_parameters free_choice;
    struct pir_parameters p;
    struct error error;
    cr_assert_eq(pir_cost_choose(&request, &free_choice, &error), STATUS_OK);
    const struct pir_prediction before = prediction_of(&free_choice);

    request.max_evaluation_key_bytes = before.evaluation_key_bytes - 1;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_OK, "%s", error.message);
    cr_assert_lt(prediction_of(&p).evaluation_key_bytes, before.evaluation_key_bytes);
    cr_assert_gt(prediction_of(&p).query_ns, before.query_ns);
    request.max_evaluation_key_bytes = 85000;
    p = free_choice;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "an evaluation key takes at least"), "%s",
                       error.message);
    cr_assert(pir_parameters_equal(&p, &free_choice), "left alone on failure");

    request = request_of(62500);
    request.max_shard_bytes = before.shard_bytes;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_OK);
    cr_assert_leq(prediction_of(&p).shard_bytes, before.shard_bytes);
    request.max_shard_bytes = 1000000;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "a shard takes at least"), "%s", error.message);

    request = request_of(62500);
    request.max_response_bytes = 10000;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "a response takes at least"), "%s", error.message);
}

Test(pir_cost, requests_out_of_range)
{
    struct pir_parameters p;
    struct error error;
    struct pir_cost_request request = request_of(100);
    request.hash_function_count = 0;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_INVALID);
    request = request_of(100);
    request.fill_percent = 101;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_INVALID);
    request = request_of(100);
    request.longest_value = HASH_BUCKET_VALUE_MAX + 1;
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_TOO_LARGE);
    request = request_of((uint64_t)1 << 40);
    cr_assert_eq(pir_cost_choose(&request, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "fit no shape"), "%s", error.message);
}

Test(pir_cost, fill_and_value_size_decide_about_buckets)
{
    cr_assert_eq(pir_cost_bucket_count(62500, 1, 2048, 1, 0), 561);
    cr_assert_gt(pir_cost_bucket_count(62500, 1, 2048, 1, 30), 1100);
    /* More than the spread of the fill allows is not given. */
    cr_assert_eq(pir_cost_bucket_count(62500, 1, 2048, 1, 90),
                 pir_cost_bucket_count(62500, 1, 2048, 1, 70));
    struct pir_cost_request request = request_of(1000);
    request.longest_value = 5000;
    struct pir_parameters p;
    cr_assert_eq(pir_cost_choose(&request, &p, NULL), STATUS_OK);
    cr_assert_geq(p.entry_bytes, HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES + 5000);
}
