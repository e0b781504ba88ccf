/* bench_shape - the cost model against the clock: one query on one shard, one thread.
 *
 *   shape_constant  nanoseconds of each kind of work, found from queries on shards of several
 * shapes shape_query     a shape that blindlist compile would choose: predicted with these
 * constants, and measured on a shard that is full The shapes of the second kind are not among those
 * that the constants are found with. */
#include "bench/bench.h"
#include "pir-server/dataset/cost_measure.h"
#include "pir-server/dataset/dataset_write.h"

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

struct wanted {
    uint64_t rows;
    size_t hash_functions;
};

static struct pir_parameters choose(const struct bfv_parameters *encryption,
                                    const struct wanted *wanted)
{
    const struct pir_shape_load load = {.encryption = *encryption,
                                        .sharding = {.function = SHARDING_SHA256},
                                        .shard_count = 1,
                                        .rows = wanted->rows,
                                        .longest_value = 1};
    struct dataset_settings settings;
    struct pir_parameters chosen;
    struct error err;
    dataset_settings_init(&settings);
    settings.wish.hash_function_count = wanted->hash_functions;
    must(pir_shape_choose(&load, &settings.wish, &chosen, &err), &err);
    return chosen;
}

static void compare(const struct cost_measure *measure, const struct pir_cost_constants *constants)
{
    static const struct wanted WANTED[] = {{1000, 1},   {10000, 1},  {62500, 1}, {100000, 1},
                                           {250000, 1}, {500000, 1}, {62500, 2}};
    struct pir_parameters shapes[ARRAY_COUNT(WANTED)];
    uint64_t measured[ARRAY_COUNT(WANTED)];
    struct error err;
    for (size_t i = 0; i < ARRAY_COUNT(WANTED); i++)
        shapes[i] = choose(bfv_context_parameters(measure->context), &WANTED[i]);
    must(cost_measure_queries(measure, shapes, ARRAY_COUNT(WANTED), measured, &err), &err);
    for (size_t i = 0; i < ARRAY_COUNT(WANTED); i++) {
        const struct pir_parameters *p = &shapes[i];
        struct pir_prediction prediction;
        must(pir_cost_predict(p, 0, constants, &prediction, &err), &err);
        const double quotient = (double)prediction.query_ns / (double)measured[i];
        printf("shape_query kernel=%s t=%llu rows=%llu tables=%llu buckets=%llu "
               "dimensions=%llux%llu galois_keys=%zu predicted_us=%.1f measured_us=%.1f "
               "quotient=%.2f agrees=%s\n",
               bfv_context_kernel_name(measure->context),
               (unsigned long long)p->encryption.plaintext_modulus,
               (unsigned long long)WANTED[i].rows, (unsigned long long)p->hash_function_count,
               (unsigned long long)p->entry_count, (unsigned long long)p->dimensions[0],
               (unsigned long long)p->dimensions[1], p->evaluation_key.galois_element_count,
               (double)prediction.query_ns / 1e3, (double)measured[i] / 1e3, quotient,
               quotient >= 1 - TOLERANCE && quotient <= 1 + TOLERANCE ? "yes" : "no");
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
    static const char *const SETS[] = {DATASET_RLWE_PARAMETERS, "n_4096_logq_27_28_28_logt_6"};
    struct pir_cost_constants constants;
    for (size_t i = 0; i < ARRAY_COUNT(SETS); i++) {
        struct bfv_context *context = context_of(SETS[i]);
        const struct cost_measure measure = {.context = context, .rounds = ROUNDS};
        if (i == 0)
            constants = measure_constants(&measure);
        compare(&measure, &constants);
        bfv_context_free(context);
    }
    return 0;
}
