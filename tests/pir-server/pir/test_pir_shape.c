#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_shape.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <math.h>

static struct pir_shape_load load_of(uint64_t rows)
{
    return (struct pir_shape_load){.encryption = fixture_encryption(FIXTURE_SET),
                                   .sharding = {.function = SHARDING_SHA256},
                                   .shard_count = 1,
                                   .rows = rows,
                                   .longest_value = 1};
}

static struct pir_shape_wish wish_of(size_t functions)
{
    struct pir_shape_wish wish;
    pir_shape_wish_init(&wish);
    wish.hash_function_count = functions;
    return wish;
}

static struct pir_parameters chosen(const struct pir_shape_load *load,
                                    const struct pir_shape_wish *wish)
{
    struct pir_parameters p;
    struct error error;
    cr_assert_eq(pir_shape_choose(load, wish, &p, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(pir_parameters_validate(&p, &error), STATUS_OK, "%s", error.message);
    return p;
}

static struct pir_prediction prediction_of(const struct pir_parameters *parameters)
{
    struct pir_prediction prediction;
    struct error error;
    cr_assert_eq(pir_cost_predict(parameters, 0, NULL, &prediction, &error), STATUS_OK, "%s",
                 error.message);
    return prediction;
}

Test(pir_shape, the_choice_holds_the_rows_and_is_no_dearer_than_the_references)
{
    for (uint64_t rows = 0; rows <= 600000; rows += 1 + rows * 3) {
        for (size_t functions = 1; functions <= 3; functions++) {
            const struct pir_shape_load load = load_of(rows);
            const struct pir_shape_wish wish = wish_of(functions);
            const struct pir_parameters p = chosen(&load, &wish);
            const uint64_t buckets = pir_shape_bucket_count(&load, &wish, (size_t)p.entry_bytes);
            cr_assert_geq(p.entry_count * functions, buckets);
            /* No cell of the grid is left empty. */
            const uint64_t cells = p.dimensions[0] * p.dimensions[1];
            const uint64_t each = p.entry_bytes <= 2048 ? 2048 / p.entry_bytes : 1;
            cr_assert_eq(p.entry_count, cells * each);

            struct pir_parameters theirs = p;
            pir_dimensions(pir_plaintexts_needed(buckets / functions, p.entry_bytes, 2048),
                           functions, true, theirs.dimensions);
            theirs.entry_count = theirs.dimensions[0] * theirs.dimensions[1] * each;
            pir_galois_elements(4096, functions * (theirs.dimensions[0] + theirs.dimensions[1]),
                                PIR_KEY_COMPRESSION_NONE, theirs.evaluation_key.galois_elements,
                                &theirs.evaluation_key.galois_element_count);
            cr_assert_leq(prediction_of(&p).query_ns, prediction_of(&theirs).query_ns);
        }
    }
}

Test(pir_shape, limits_are_kept_or_the_least_is_named)
{
    const struct pir_shape_load load = load_of(62500);
    struct pir_shape_wish wish = wish_of(1);
    const struct pir_parameters free_choice = chosen(&load, &wish);
    const struct pir_prediction before = prediction_of(&free_choice);
    struct pir_parameters p;
    struct error error;

    wish.max_key_bytes = before.evaluation_key_bytes - 1;
    p = chosen(&load, &wish);
    cr_assert_lt(prediction_of(&p).evaluation_key_bytes, before.evaluation_key_bytes);
    cr_assert_gt(prediction_of(&p).query_ns, before.query_ns);
    wish.max_key_bytes = 85000;
    p = free_choice;
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "an evaluation key takes at least"), "%s",
                       error.message);
    cr_assert(pir_parameters_equal(&p, &free_choice), "left alone on failure");

    wish = wish_of(1);
    wish.max_shard_bytes = before.shard_bytes;
    p = chosen(&load, &wish);
    cr_assert_leq(prediction_of(&p).shard_bytes, before.shard_bytes);
    wish.max_shard_bytes = 1000000;
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "a shard takes at least"), "%s", error.message);

    wish = wish_of(1);
    wish.max_response_bytes = 10000;
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "a response takes at least"), "%s", error.message);
}

/* Each pair of levels saves time and costs a key: without a limit all are taken. */
Test(pir_shape, pairs_of_levels_are_chosen_as_the_limit_on_keys_allows)
{
    const struct pir_shape_load load = load_of(62500);
    struct pir_shape_wish wish = wish_of(1);
    uint64_t last_ns = 0;
    for (uint64_t keys = 10; keys >= 7; keys--) {
        wish.max_key_bytes = keys * 85200;
        const struct pir_parameters p = chosen(&load, &wish);
        const uint64_t ns = prediction_of(&p).query_ns;
        cr_assert_leq(p.evaluation_key.galois_element_count + 1, keys);
        cr_assert_geq(ns, last_ns);
        last_ns = ns;
    }
    /* Nothing is paid for what the kernel makes no use of. */
    struct pir_cost_constants plain = *pir_cost_shipped();
    plain.pairs_levels = false;
    wish = wish_of(1);
    wish.constants = &plain;
    const struct pir_parameters p = chosen(&load, &wish);
    for (size_t i = 0; i < p.evaluation_key.galois_element_count; i++) {
        const uint32_t below = p.evaluation_key.galois_elements[i] - 1;
        cr_assert_eq(below & (below - 1), 0, "a composite element");
    }
}

Test(pir_shape, keys_that_devices_have_can_be_asked_for)
{
    const struct pir_shape_load small = load_of(62500);
    const struct pir_shape_load large = load_of(75000);
    struct pir_shape_wish wish = wish_of(1);
    const struct pir_parameters had = chosen(&small, &wish);
    wish.key = &had.evaluation_key;
    const struct pir_parameters p = chosen(&large, &wish);
    cr_assert(pir_evaluation_key_config_equal(&p.evaluation_key, &had.evaluation_key));
    cr_assert_geq(p.entry_count, pir_shape_bucket_count(&large, &wish, (size_t)p.entry_bytes));

    struct pir_evaluation_key_config few = had.evaluation_key;
    few.galois_elements[0] = 4097;
    few.galois_element_count = 1;
    wish.key = &few;
    struct pir_parameters unused;
    struct error error;
    cr_assert_eq(pir_shape_choose(&large, &wish, &unused, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "with these keys"), "%s", error.message);
}

Test(pir_shape, a_size_of_buckets_can_be_asked_for)
{
    struct pir_shape_load load = load_of(62500);
    struct pir_shape_wish wish = wish_of(1);
    const struct pir_parameters any = chosen(&load, &wish);
    static const size_t sizes[] = {100, 1000, 1024, 2047, 2048, 2049, 4096};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        wish.bucket_bytes = sizes[i];
        const struct pir_parameters p = chosen(&load, &wish);
        cr_assert_eq(p.entry_bytes, sizes[i]);
        cr_assert_geq(prediction_of(&p).query_ns, prediction_of(&any).query_ns);
    }
    struct pir_parameters unused;
    wish.bucket_bytes = 11; /* a row takes 12 */
    cr_assert_eq(pir_shape_choose(&load, &wish, &unused, NULL), STATUS_INVALID);
    wish.bucket_bytes = HASH_BUCKET_BYTES_MAX + 1;
    cr_assert_eq(pir_shape_choose(&load, &wish, &unused, NULL), STATUS_INVALID);
}

/* Measured constants of another machine may choose otherwise. */
Test(pir_shape, constants_decide)
{
    const struct pir_shape_load load = load_of(62500);
    struct pir_shape_wish wish = wish_of(1);
    struct pir_cost_constants constants = *pir_cost_shipped();
    const struct pir_parameters usual = chosen(&load, &wish);
    wish.constants = &constants;
    constants.ns[PIR_COST_COLUMN] *= 20;
    const struct pir_parameters p = chosen(&load, &wish);
    cr_assert_lt(p.dimensions[1], usual.dimensions[1]);
}

Test(pir_shape, requests_out_of_range)
{
    struct pir_parameters p;
    struct error error;
    struct pir_shape_load load = load_of(100);
    struct pir_shape_wish wish = wish_of(0);
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_INVALID);
    wish = wish_of(1);
    wish.growth_percent = PIR_SHAPE_GROWTH_PERCENT_MAX + 1;
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_INVALID);
    wish = wish_of(1);
    load.longest_value = HASH_BUCKET_VALUE_MAX + 1;
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_TOO_LARGE);
    for (uint64_t rows = (uint64_t)1 << 40; rows != 0; rows <<= 8) {
        load = load_of(rows);
        cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_TOO_LARGE);
        cr_assert_not_null(strstr(error.message, "fit no shape"), "%s", error.message);
    }
}

Test(pir_shape, answers_keep_a_noise_budget)
{
    struct pir_parameters p;
    struct error error;
    struct pir_shape_load load = load_of(10000000);
    const struct pir_shape_wish wish = wish_of(1);
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_OK, "%s", error.message);
    load.encryption = fixture_encryption("n_4096_logq_27_28_28_logt_6");
    p = (struct pir_parameters){0};
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "10000000 rows in a shard would leave too little "
                                             "noise budget with a plaintext modulus of 37"),
                       "%s", error.message);
    cr_assert_eq(p.entry_count, 0, "left alone on failure");
    load.rows = 2500000;
    cr_assert_eq(pir_shape_choose(&load, &wish, &p, &error), STATUS_OK, "%s", error.message);
}

/* P(more than `top` of a Poisson variable), by the textbook. */
static double poisson_above(double mean, uint64_t top)
{
    double sum = 0;
    for (uint64_t k = top + 1; k < top + 2000; k++)
        sum += exp((double)k * log(mean) - mean - lgamma((double)k + 1));
    return sum;
}

/* The least number of buckets for which one in the dataset overflows with a chance of 1e-4 after
 * the growth. */
Test(pir_shape, head_room_of_one_hash_function)
{
    static const struct {
        uint64_t rows, shards;
        uint32_t growth;
        size_t bucket_bytes;
        size_t value;
    } cases[] = {{62500, 16, 10, 2048, 1}, {62500, 16, 0, 2048, 1},   {62500, 16, 100, 2048, 1},
                 {1000, 1, 10, 2048, 1},   {500000, 1, 10, 2048, 1},  {62500, 16, 10, 1024, 1},
                 {3000, 4, 10, 2048, 100}, {62500, 1024, 10, 4096, 1}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct pir_shape_load load = load_of(cases[i].rows);
        struct pir_shape_wish wish = wish_of(1);
        load.shard_count = cases[i].shards;
        load.longest_value = cases[i].value;
        wish.growth_percent = cases[i].growth;
        const uint64_t count = pir_shape_bucket_count(&load, &wish, cases[i].bucket_bytes);
        const uint64_t slots = pir_shape_slots(cases[i].bucket_bytes, cases[i].value);
        const double grown = (double)cases[i].rows * (1 + cases[i].growth / 100.0);
        for (uint64_t few = 0; few < 2; few++) {
            const double buckets = (double)(count - few);
            const double chance =
                (double)cases[i].shards * buckets * poisson_above(grown / buckets, slots);
            cr_expect_eq(chance <= 1e-4, few == 0, "case %zu: %llu buckets, chance %g", i,
                         (unsigned long long)(count - few), chance);
        }
    }
}

Test(pir_shape, buckets_of_few_rows_and_of_more_hash_functions)
{
    struct pir_shape_load load = load_of(62500);
    struct pir_shape_wish wish = wish_of(2);
    cr_assert_eq(pir_shape_bucket_count(&load, &wish, 2048), 422);
    load.rows = 0;
    cr_assert_eq(pir_shape_bucket_count(&load, &wish, 2048), 2);
    wish.hash_function_count = 1;
    cr_assert_eq(pir_shape_bucket_count(&load, &wish, 2048), 1);
    /* Few rows fit a bucket: many more buckets, for their fill varies more. */
    load.rows = 1000;
    load.longest_value = 500;
    cr_assert_gt(pir_shape_bucket_count(&load, &wish, 2048), 1000);
    /* A count has 8 bits. */
    cr_assert_eq(pir_shape_slots(4096, 1), 255);
    cr_assert_eq(pir_shape_slots(2048, 1), 186);
    cr_assert_eq(pir_shape_slots(2048, 3000), 1);
    load.longest_value = 5000;
    for (size_t functions = 1; functions <= 2; functions++) {
        wish.hash_function_count = functions;
        const struct pir_parameters p = chosen(&load, &wish);
        cr_assert_geq(p.entry_bytes, HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES + 5000);
    }
}
