#include "pir-server/dataset/cost_measure.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "tests/patience.h"

#include <criterion/criterion.h>

static struct bfv_context *context_with(const char *kernel)
{
    const struct bfv_named_parameters *set =
        bfv_named_parameters_find("n_4096_logq_27_28_28_logt_5");
    struct bfv_context *context = NULL;
    cr_assert_eq(bfv_context_new(&set->parameters, 0, kernel, &context, NULL), STATUS_OK);
    return context;
}

static struct pir_parameters small_shape(const struct bfv_context *context)
{
    const struct bfv_parameters *encryption = bfv_context_parameters(context);
    struct pir_parameters p = {
        .encryption = *encryption,
        .entry_count = 12,
        .entry_bytes = 2048,
        .dimensions = {6, 2},
        .dimension_count = 2,
        .has_keyword_parameters = true,
        .hash_function_count = 1,
        .has_sharding_function = true,
        .sharding = {.function = SHARDING_SHA256},
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = 1,
        .evaluation_key = {.encryption = *encryption, .has_relin_key = true}};
    pir_galois_elements(encryption->degree, 8, PIR_KEY_COMPRESSION_NONE,
                        p.evaluation_key.galois_elements, &p.evaluation_key.galois_element_count);
    return p;
}

/* Measures constants, and a query that they have not seen; both outputs are of that query. */
static void predict_and_measure(struct bfv_context *context, uint64_t *ret_predicted_ns,
                                uint64_t *ret_measured_ns)
{
    struct progress progress;
    const struct cost_measure measure = {.context = context, .rounds = 2, .progress = &progress};
    struct pir_cost_constants constants;
    struct pir_prediction prediction;
    struct error error;
    uint64_t measured[2];
    progress_begin(&progress, NULL, 2);
    cr_assert_eq(cost_measure_constants(&measure, &constants, &error), STATUS_OK, "%s",
                 error.message);
    progress_end(&progress);
    cr_assert_eq(atomic_load(&progress.done), 2);
    cr_assert_eq(constants.degree, 4096);
    cr_assert_eq(constants.moduli_count, 3);
    cr_assert_eq(constants.pairs_levels, strcmp(bfv_context_kernel_name(context), "ref") != 0);
    const struct pir_parameters shapes[2] = {small_shape(context), small_shape(context)};
    cr_assert_eq(cost_measure_queries(&measure, shapes, 2, measured, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(pir_cost_predict(&shapes[0], 0, &constants, &prediction, NULL), STATUS_OK);
    *ret_predicted_ns = prediction.query_ns;
    *ret_measured_ns = measured[0];
}

/* Of figures nothing more can be said on a machine with other work to do, and that only of one of
 * several measurements: another program may have had caches and memory to itself in one half. */
#define MEASUREMENTS_MAX 10

Test(cost_measure, constants_predict_in_the_order_of_what_is_measured,
     .timeout = PATIENCE_OF_TEST_S)
{
    static const char *const kernels[] = {NULL, "ref"};
    for (size_t i = 0; i < ARRAY_COUNT(kernels); i++) {
        struct bfv_context *context = context_with(kernels[i]);
        uint64_t predicted = 0;
        uint64_t measured = 0;
        bool is_near = false;
        for (size_t k = 0; k < MEASUREMENTS_MAX && !is_near; k++) {
            predict_and_measure(context, &predicted, &measured);
            is_near = predicted > measured / 4 && predicted < measured * 4;
        }
        cr_assert(is_near, "%llu ns predicted, %llu ns measured", (unsigned long long)predicted,
                  (unsigned long long)measured);
        bfv_context_free(context);
    }
}

Test(cost_measure, a_shape_that_cannot_be_is_refused)
{
    struct bfv_context *context = context_with(NULL);
    const struct cost_measure measure = {.context = context, .rounds = 1};
    struct pir_parameters p = small_shape(context);
    uint64_t measured = 77;
    p.evaluation_key.galois_element_count = 0;
    cr_assert_eq(cost_measure_queries(&measure, &p, 1, &measured, NULL), STATUS_INVALID);
    cr_assert_eq(measured, 77);
    bfv_context_free(context);
}

Test(cost_measure, failed_allocations_are_reported, .timeout = PATIENCE_OF_TEST_S)
{
    struct bfv_context *context = context_with(NULL);
    const struct cost_measure measure = {.context = context, .rounds = 1};
    const struct pir_parameters p = small_shape(context);
    uint64_t measured;
    size_t n = 1;
    for (;; n++) {
        mem_fail_nth(n);
        const enum status status = cost_measure_queries(&measure, &p, 1, &measured, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM, "allocation %zu", n);
    }
    cr_assert_gt(n, 15);
    for (size_t k = 1; k <= 256; k *= 2) {
        struct pir_cost_constants constants;
        mem_fail_nth(k);
        const enum status status = cost_measure_constants(&measure, &constants, NULL);
        mem_fail_nth(0);
        cr_assert_eq(status, STATUS_NOMEM, "allocation %zu", k);
    }
    bfv_context_free(context);
}

Test(cost_measure, the_clock_of_a_thread_runs_on)
{
    const uint64_t start = cpu_thread_ns();
    for (volatile int i = 0; i < 1000000; i++)
        ;
    cr_assert_gt(cpu_thread_ns(), start);
}
