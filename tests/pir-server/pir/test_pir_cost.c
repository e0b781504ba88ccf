#include "pir-server/pir/pir_cost.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct pir_prediction prediction_of(const struct pir_parameters *parameters)
{
    struct pir_prediction prediction;
    struct error error;
    cr_assert_eq(pir_cost_predict(parameters, 0, NULL, &prediction, &error), STATUS_OK, "%s",
                 error.message);
    return prediction;
}

static uint64_t priced(const uint64_t counts[PIR_COST_TERM_COUNT])
{
    uint64_t ns = 0;
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        ns += counts[i] * pir_cost_shipped()->ns[i];
    return ns;
}

/* The reference's shape for 62,500 rows: two tables of 24 x 8 plaintexts, buckets of half of one.
 */
static struct pir_parameters known_shape(void)
{
    struct pir_parameters p = usual_parameters();
    p.entry_count = 384;
    p.dimensions[0] = 24;
    p.dimensions[1] = 8;
    pir_galois_elements(4096, 64, PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    return p;
}

/* The sizes are those that the reference's tools print for such messages. */
Test(pir_cost, work_and_bytes_of_a_known_shape)
{
    const struct pir_parameters p = known_shape();
    const struct pir_prediction made = prediction_of(&p);
    static const uint64_t counts[PIR_COST_TERM_COUNT] = {1, 63, 63, 384, 16, 16, 2, 2};
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        cr_expect_eq(made.counts.count[i], counts[i], "%s",
                     pir_cost_term_name((enum pir_cost_term)i));
    cr_expect_eq(made.query_ns, priced(counts));
    cr_expect_eq(made.shard_bytes, (uint64_t)384 * 32768);
    cr_expect_eq(made.query_bytes, 28160 + 4 + 34 + 4 + 4 + 2);
    cr_expect(made.evaluation_key_bytes > 7 * 85056 && made.evaluation_key_bytes < 7 * 85100);
}

/* Six levels in pairs: 1, 4 and 16 nodes with three automorphisms each. */
Test(pir_cost, pairs_of_levels_share_their_decompositions)
{
    struct pir_parameters p = known_shape();
    static const uint64_t decompositions[] = {63, 31, 23, 21};
    for (size_t pairs = 0; pairs <= 3; pairs++) {
        struct pir_parameters paired = p;
        pir_galois_elements_pair(4096, 64, pairs, paired.evaluation_key.galois_elements,
                                 &paired.evaluation_key.galois_element_count);
        const struct pir_prediction made = prediction_of(&paired);
        cr_expect_eq(made.counts.count[PIR_COST_DECOMPOSITION], decompositions[pairs]);
        cr_expect_eq(made.counts.count[PIR_COST_AUTOMORPHISM], 63);
    }
    /* 50 selectors: the last level lacks 14 partners, for which only the level before is done. */
    p.dimensions[0] = 24;
    p.dimensions[1] = 26;
    p.entry_count = (uint64_t)24 * 26;
    p.entry_bytes = 2048;
    p.hash_function_count = p.batch_size = 1;
    pir_galois_elements_pair(4096, 50, 1, p.evaluation_key.galois_elements,
                             &p.evaluation_key.galois_element_count);
    const struct pir_prediction made = prediction_of(&p);
    cr_expect_eq(made.counts.count[PIR_COST_DECOMPOSITION], 15 + 16);
    cr_expect_eq(made.counts.count[PIR_COST_AUTOMORPHISM], 15 + 16 + 2 * 16);
    /* The portable kernel makes nothing of composite elements. */
    struct pir_cost_constants plain = *pir_cost_shipped();
    struct pir_prediction plainly;
    plain.pairs_levels = false;
    cr_assert_eq(pir_cost_predict(&p, 0, &plain, &plainly, NULL), STATUS_OK);
    cr_expect_eq(plainly.counts.count[PIR_COST_DECOMPOSITION], 49);
    cr_expect_eq(plainly.counts.count[PIR_COST_AUTOMORPHISM], 49);
}

/* Compressed keys are applied again and again. */
Test(pir_cost, a_missing_element_is_made_up_for_by_repetition)
{
    struct pir_parameters p = known_shape();
    pir_galois_elements(4096, 64, PIR_KEY_COMPRESSION_MAX, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    const struct pir_prediction made = prediction_of(&p);
    cr_expect_eq(p.evaluation_key.galois_element_count, 1);
    /* 129 for 4097, 2049, .. 129: 32, 16, .. 1 times at 1, 2, .. 32 nodes. */
    cr_expect_eq(made.counts.count[PIR_COST_DECOMPOSITION], 6 * 32);
    cr_expect_eq(made.counts.count[PIR_COST_AUTOMORPHISM], 6 * 32);
}

Test(pir_cost, more_selectors_than_a_ciphertext_holds)
{
    struct pir_parameters p = known_shape();
    p.dimensions[0] = 4096;
    p.dimensions[1] = 2;
    p.hash_function_count = p.batch_size = 1;
    p.entry_count = 4096 * 2;
    pir_galois_elements(4096, 4098, PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    const struct pir_prediction made = prediction_of(&p);
    cr_expect_eq(made.counts.count[PIR_COST_QUERY], 2);
    cr_expect_eq(made.counts.count[PIR_COST_DECOMPOSITION], 4095 + 1);
}
