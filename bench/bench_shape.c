/* bench_shape - the cost model against the clock: one query on one shard, one thread.
 *
 *     shape_constant     nanoseconds of each kind of work, found from queries on several shapes
 *     shape_query        a shape that blindlist compile would choose: predicted with these
 *                        constants, and measured on a shard that is full
 *     shape_alternative  likewise, with one thing wanted otherwise
 *     shape_part         what a query consists of by the model
 *
 * No shape that is compared is among those that the constants are found with. */
#include "bench/bench.h"
#include "pir-server/dataset/cost_measure.h"
#include "pir-server/dataset/dataset_write.h"

#include <assert.h>
#include <stdio.h>

#define ROUNDS 21
/* Prediction and measurement may differ by so much. */
#define TOLERANCE 0.25

static void must(enum status st, const struct error *err)
{
    if (st != STATUS_OK)
        bench_fail("%s", err->message);
}

static struct pir_cost_constants measure_constants(const struct cost_measure *measure)
{
    struct pir_cost_constants constants;
    struct error err;
    must(cost_measure_constants(measure, &constants, &err), &err);
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        printf("shape_constant kernel=%s term=%s ns=%llu shipped_ns=%llu\n",
               bfv_context_kernel_name(measure->context), pir_cost_term_name((enum pir_cost_term)i),
               (unsigned long long)constants.ns[i], (unsigned long long)pir_cost_shipped()->ns[i]);
    fflush(stdout);
    return constants;
}

/* What differs from the defaults of blindlist compile; 0 = nothing. */
struct wanted {
    const char *what;
    uint64_t rows;
    uint32_t growth_percent;
    size_t hash_functions;
    size_t bucket_halves; /* of a plaintext */
    uint64_t max_key_bytes;
};
static const struct wanted USUAL[] = {
    {.rows = 1000},   {.rows = 10000},  {.rows = 62500},
    {.rows = 100000}, {.rows = 250000}, {.rows = 500000},
};
/* Of one of 16 shards of a million rows: what each property is worth. */
#define ALTERNATIVE_ROWS 62500
#define NO_GROWTH        UINT32_MAX
static const struct wanted ALTERNATIVES[] = {
    {.what = "usual"},
    {.what = "no_pairs", .max_key_bytes = 600000},
    {.what = "one_pair", .max_key_bytes = 690000},
    {.what = "three_pairs", .max_key_bytes = 900000},
    {.what = "no_growth", .growth_percent = NO_GROWTH},
    {.what = "growth_25", .growth_percent = 25},
    {.what = "growth_100", .growth_percent = 100},
    {.what = "half_plaintext", .bucket_halves = 1},
    {.what = "two_plaintexts", .bucket_halves = 4},
    {.what = "two_functions", .hash_functions = 2},
    {.what = "two_functions_half", .hash_functions = 2, .bucket_halves = 1},
};

static struct pir_parameters choose(const struct bfv_parameters *encryption,
                                    const struct wanted *wanted)
{
    const bool alone = wanted->rows != 0;
    const struct pir_shape_load load = {.encryption = *encryption,
                                        .sharding = {.function = SHARDING_SHA256},
                                        .shard_count = alone ? 1 : 16,
                                        .rows = alone ? wanted->rows : ALTERNATIVE_ROWS,
                                        .longest_value = 1};
    struct dataset_settings settings;
    struct pir_parameters chosen;
    struct error err;
    dataset_settings_init(&settings);
    struct pir_shape_wish *wish = &settings.wish;
    wish->hash_function_count = wanted->hash_functions != 0 ? wanted->hash_functions : 1;
    wish->bucket_bytes = wanted->bucket_halves * bfv_bytes_per_plaintext(encryption) / 2;
    if (wanted->growth_percent != 0)
        wish->growth_percent = wanted->growth_percent == NO_GROWTH ? 0 : wanted->growth_percent;
    if (wanted->max_key_bytes != 0)
        wish->max_key_bytes = wanted->max_key_bytes;
    must(pir_shape_choose(&load, wish, &chosen, &err), &err);
    return chosen;
}

static void print_comparison(const char *kernel, const struct wanted *wanted,
                             const struct pir_parameters *p,
                             const struct pir_prediction *prediction, uint64_t measured_ns)
{
    const double quotient = (double)prediction->query_ns / (double)measured_ns;
    if (wanted->what == NULL)
        printf("shape_query kernel=%s rows=%llu ", kernel, (unsigned long long)wanted->rows);
    else
        printf("shape_alternative kernel=%s what=%s rows=%d ", kernel, wanted->what,
               ALTERNATIVE_ROWS);
    printf("t=%llu tables=%llu buckets=%llu bucket_bytes=%llu dimensions=%llux%llu galois_keys=%zu "
           "predicted_us=%.1f measured_us=%.1f quotient=%.2f agrees=%s response_bytes=%llu "
           "key_bytes=%llu shard_bytes=%llu\n",
           (unsigned long long)p->encryption.plaintext_modulus,
           (unsigned long long)p->hash_function_count, (unsigned long long)p->entry_count,
           (unsigned long long)p->entry_bytes, (unsigned long long)p->dimensions[0],
           (unsigned long long)p->dimensions[1], p->evaluation_key.galois_element_count,
           (double)prediction->query_ns / 1e3, (double)measured_ns / 1e3, quotient,
           quotient >= 1 - TOLERANCE && quotient <= 1 + TOLERANCE ? "yes" : "no",
           (unsigned long long)prediction->response_bytes,
           (unsigned long long)prediction->evaluation_key_bytes,
           (unsigned long long)prediction->shard_bytes);
    fflush(stdout);
}

#define SHAPES_MAX 16
static_assert(ARRAY_COUNT(USUAL) <= SHAPES_MAX && ARRAY_COUNT(ALTERNATIVES) <= SHAPES_MAX,
              "room for all shapes");

static void compare(const struct cost_measure *measure, const struct pir_cost_constants *constants,
                    const struct wanted *wanted, size_t count)
{
    struct pir_parameters shapes[SHAPES_MAX];
    uint64_t measured[SHAPES_MAX];
    struct error err;
    for (size_t i = 0; i < count; i++)
        shapes[i] = choose(bfv_context_parameters(measure->context), &wanted[i]);
    must(cost_measure_queries(measure, shapes, count, measured, &err), &err);
    for (size_t i = 0; i < count; i++) {
        struct pir_prediction prediction;
        must(pir_cost_predict(&shapes[i], 0, constants, &prediction, &err), &err);
        print_comparison(bfv_context_kernel_name(measure->context), &wanted[i], &shapes[i],
                         &prediction, measured[i]);
    }
}

/* What the usual queries consist of. */
static void print_parts(const struct cost_measure *measure,
                        const struct pir_cost_constants *constants)
{
    for (size_t i = 0; i < ARRAY_COUNT(USUAL); i++) {
        const struct pir_parameters p = choose(bfv_context_parameters(measure->context), &USUAL[i]);
        struct pir_prediction prediction;
        struct error err;
        must(pir_cost_predict(&p, 0, constants, &prediction, &err), &err);
        for (size_t k = 0; k < PIR_COST_TERM_COUNT; k++)
            printf("shape_part kernel=%s rows=%llu term=%s count=%llu each_us=%.1f "
                   "together_us=%.1f\n",
                   bfv_context_kernel_name(measure->context), (unsigned long long)USUAL[i].rows,
                   pir_cost_term_name((enum pir_cost_term)k),
                   (unsigned long long)prediction.counts.count[k], (double)constants->ns[k] / 1e3,
                   (double)(prediction.counts.count[k] * constants->ns[k]) / 1e3);
    }
    fflush(stdout);
}

static struct bfv_context *context_of(const char *encryption)
{
    struct bfv_context *context = NULL;
    struct error err;
    must(bfv_context_new(&bfv_named_parameters_find(encryption)->parameters, 0, NULL, &context,
                         &err),
         &err);
    return context;
}

int main(void)
{
    static const char *const SETS[] = {DATASET_RLWE_PARAMETERS, DATASET_RLWE_PARAMETERS_ROOMY,
                                       "n_4096_logq_27_28_28_logt_4"};
    struct pir_cost_constants constants;
    for (size_t i = 0; i < ARRAY_COUNT(SETS); i++) {
        struct bfv_context *context = context_of(SETS[i]);
        const struct cost_measure measure = {.context = context, .rounds = ROUNDS};
        if (i == 0)
            constants = measure_constants(&measure);
        compare(&measure, &constants, USUAL, ARRAY_COUNT(USUAL));
        if (i == 0) {
            compare(&measure, &constants, ALTERNATIVES, ARRAY_COUNT(ALTERNATIVES));
            print_parts(&measure, &constants);
        }
        bfv_context_free(context);
    }
    return 0;
}
