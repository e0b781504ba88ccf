#include "pir-server/bfv/bfv_expand.h"
#include "pir-server/pir/pir_parameters.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>

/* spec/keyword-pir.md section 4.2, and the parameter files of vectors/pir. */
struct dimension_case {
    uint64_t plaintexts;
    uint64_t batch;
    uint64_t even[2];
    uint64_t uneven[2];
};
static const struct dimension_case DIMENSIONS[] = {
    {2, 2, {2, 1}, {2, 1}},      {16, 2, {4, 4}, {4, 4}},       {50, 2, {8, 7}, {10, 5}},
    {196, 2, {14, 14}, {22, 9}}, {1000, 2, {32, 32}, {36, 28}}, {5000, 1, {71, 71}, {228, 22}},
    {15, 2, {4, 4}, {5, 3}},     {32, 2, {6, 6}, {11, 3}},      {19, 2, {5, 4}, {10, 2}},
    {7, 2, {3, 3}, {7, 1}},
};

Test(pir_parameters, dimensions_are_the_references)
{
    for (size_t i = 0; i < ARRAY_COUNT(DIMENSIONS); i++) {
        const struct dimension_case *c = &DIMENSIONS[i];
        uint64_t d[2];
        pir_dimensions(c->plaintexts, c->batch, false, d);
        cr_expect(d[0] == c->even[0] && d[1] == c->even[1], "even %lu: %lu x %lu",
                  (unsigned long)c->plaintexts, (unsigned long)d[0], (unsigned long)d[1]);
        pir_dimensions(c->plaintexts, c->batch, true, d);
        cr_expect(d[0] == c->uneven[0] && d[1] == c->uneven[1], "uneven %lu: %lu x %lu",
                  (unsigned long)c->plaintexts, (unsigned long)d[0], (unsigned long)d[1]);
    }
}

Test(pir_parameters, dimensions_hold_all_plaintexts)
{
    for (uint64_t p = 1; p < 20000; p += 1 + p / 50)
        for (uint64_t batch = 1; batch <= 3; batch++)
            for (int uneven = 0; uneven < 2; uneven++) {
                uint64_t d[2];
                pir_dimensions(p, batch, uneven != 0, d);
                cr_assert_geq(d[0] * d[1], p);
                cr_assert_geq(d[1], 1);
            }
    uint64_t d[2];
    pir_dimensions(PIR_PLAINTEXTS_MAX, KEYWORD_HASH_FUNCTIONS_MAX, true, d);
    cr_assert_geq(d[0] * d[1], PIR_PLAINTEXTS_MAX);
}

struct galois_case {
    uint64_t degree;
    uint64_t selectors;
    enum pir_key_compression compression;
    uint32_t elements[10]; /* up to a zero */
};
/* spec/keyword-pir.md section 8 and spec/bfv.md section 7.4. */
static const struct galois_case GALOIS[] = {
    {4096, 4, PIR_KEY_COMPRESSION_NONE, {2049, 4097}},
    {4096, 4, PIR_KEY_COMPRESSION_HYBRID, {2049, 4097}},
    {4096, 4, PIR_KEY_COMPRESSION_MAX, {2049}},
    {4096, 16, PIR_KEY_COMPRESSION_NONE, {513, 1025, 2049, 4097}},
    {4096, 16, PIR_KEY_COMPRESSION_HYBRID, {513, 2049}},
    {4096, 16, PIR_KEY_COMPRESSION_MAX, {513}},
    {4096, 62, PIR_KEY_COMPRESSION_NONE, {129, 257, 513, 1025, 2049, 4097}},
    {4096, 62, PIR_KEY_COMPRESSION_HYBRID, {129, 1025}},
    {4096, 62, PIR_KEY_COMPRESSION_MAX, {129}},
    {4096, 250, PIR_KEY_COMPRESSION_NONE, {33, 65, 129, 257, 513, 1025, 2049, 4097}},
    {4096, 250, PIR_KEY_COMPRESSION_HYBRID, {33, 65, 129, 1025}},
    {4096, 250, PIR_KEY_COMPRESSION_MAX, {33, 65, 129}},
    {4096, 32, PIR_KEY_COMPRESSION_HYBRID, {257, 1025}},
    {4096, 1024, PIR_KEY_COMPRESSION_HYBRID, {9, 17, 33, 65, 129, 1025}},
};

Test(pir_parameters, galois_elements_are_the_references)
{
    for (size_t i = 0; i < ARRAY_COUNT(GALOIS); i++) {
        const struct galois_case *c = &GALOIS[i];
        uint32_t elements[PIR_GALOIS_ELEMENTS_MAX];
        size_t count;
        size_t expected = 0;
        while (c->elements[expected] != 0)
            expected++;
        pir_galois_elements(c->degree, c->selectors, c->compression, elements, &count);
        cr_assert_eq(count, expected, "case %zu has %zu elements", i, count);
        for (size_t k = 0; k < count; k++)
            cr_expect_eq(elements[k], c->elements[k], "case %zu, element %zu", i, k);
    }
}

/* One for each pair of levels from the last on, as far as its parts are listed. */
Test(pir_parameters, composite_elements_of_pairs)
{
    uint32_t elements[PIR_GALOIS_ELEMENTS_MAX];
    size_t count;
    static const uint32_t one[] = {129, 257, 385, 513, 1025, 2049, 4097};
    static const uint32_t two[] = {129, 257, 385, 513, 1025, 1537, 2049, 4097};
    static const uint32_t three[] = {129, 257, 385, 513, 1025, 1537, 2049, 4097, 6145};
    for (size_t pairs = 0; pairs <= 9; pairs++) {
        pir_galois_elements(4096, 62, PIR_KEY_COMPRESSION_NONE, elements, &count);
        pir_galois_elements_pair(4096, 62, pairs, elements, &count);
        const uint32_t *expected = pairs == 1 ? one : pairs == 2 ? two : three;
        cr_assert_eq(count, pairs < 3 ? 6 + pairs : 9, "%zu pairs: %zu", pairs, count);
        for (size_t k = 0; k < count && pairs > 0; k++)
            cr_assert_eq(elements[k], expected[k], "%zu pairs: %u", pairs, elements[k]);
    }
    pir_galois_elements(4096, 62, PIR_KEY_COMPRESSION_MAX, elements, &count);
    pir_galois_elements_pair(4096, 62, 3, elements, &count);
    cr_assert_eq(count, 1, "the other parts are not listed");
}

Test(pir_parameters, chosen_elements_always_pass_the_check)
{
    for (uint64_t buckets = 1; buckets < 100000; buckets += 1 + buckets / 3)
        for (uint64_t tables = 1; tables <= 3; tables++)
            for (enum pir_key_compression c = PIR_KEY_COMPRESSION_NONE;
                 c <= PIR_KEY_COMPRESSION_HYBRID; c++) {
                struct pir_parameters p = fixture_parameters(buckets);
                struct pir_layout layout;
                struct error error = {0};
                p.hash_function_count = p.batch_size = tables;
                pir_dimensions(buckets, tables, true, p.dimensions);
                pir_galois_elements(4096, (p.dimensions[0] + p.dimensions[1]) * tables, c,
                                    p.evaluation_key.galois_elements,
                                    &p.evaluation_key.galois_element_count);
                cr_assert_eq(pir_layout_init(&p, 0, &layout, &error), STATUS_OK, "%s",
                             error.message);
            }
}

/* The parameters' check and the expansion's own must never disagree: any elements, any count. */
Test(pir_parameters, elements_are_judged_as_the_expansion_judges_them)
{
    struct random_seeded random = fixture_random(4);
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    struct bfv_context *context = NULL;
    size_t accepted = 0;
    cr_assert_eq(bfv_context_new(&encryption, 0, NULL, &context, NULL), STATUS_OK);
    for (int round = 0; round < 3000; round++) {
        struct pir_parameters p = fixture_parameters(1 + random_seeded_below(&random, 3000));
        struct pir_evaluation_key_config *config = &p.evaluation_key;
        struct pir_layout layout;
        config->galois_element_count = 0;
        for (uint32_t k = 12; k >= 1; k--)
            if (random_seeded_below(&random, 3) > 0)
                config->galois_elements[config->galois_element_count++] = ((uint32_t)1 << k) + 1;
        if (random_seeded_below(&random, 2) == 0)
            config->galois_elements[config->galois_element_count++] = 6145;
        const enum status ours = pir_layout_init(&p, 0, &layout, NULL);
        const size_t selectors = (size_t)(p.dimensions[0] + p.dimensions[1]);
        const enum status theirs = bfv_expand_check_elements(
            context, config->galois_elements, config->galois_element_count, selectors, NULL);
        cr_assert_eq(ours == STATUS_OK, theirs == STATUS_OK, "round %d: %zu selectors", round,
                     selectors);
        accepted += ours == STATUS_OK;
    }
    cr_assert(accepted > 100 && accepted < 2900, "%zu", accepted);
    bfv_context_free(context);
}

Test(pir_parameters, key_configurations_merge_in_order)
{
    struct pir_evaluation_key_config all = {0};
    struct pir_evaluation_key_config more = fixture_parameters(10).evaluation_key;
    cr_assert_eq(pir_evaluation_key_config_merge(&all, &more, NULL), STATUS_OK);
    more.galois_elements[0] = 3;
    more.galois_elements[1] = 6145;
    more.galois_element_count = 2;
    cr_assert_eq(pir_evaluation_key_config_merge(&all, &more, NULL), STATUS_OK);
    cr_assert_eq(pir_evaluation_key_config_merge(&all, &more, NULL), STATUS_OK);
    for (size_t i = 1; i < all.galois_element_count; i++)
        cr_assert_lt(all.galois_elements[i - 1], all.galois_elements[i]);
    cr_assert_eq(all.galois_elements[0], 3);
    cr_assert_eq(all.galois_elements[all.galois_element_count - 1], 6145);
    cr_assert(all.has_relin_key);
    for (uint32_t i = 0; i < PIR_GALOIS_ELEMENTS_MAX; i++)
        more.galois_elements[i] = 8 * i + 7;
    more.galois_element_count = PIR_GALOIS_ELEMENTS_MAX;
    const size_t before = all.galois_element_count;
    cr_assert_eq(pir_evaluation_key_config_merge(&all, &more, NULL), STATUS_TOO_LARGE);
    cr_assert_eq(all.galois_element_count, before, "a failure leaves it as it was");
}

Test(pir_parameters, layout_of_packed_and_of_chunked_entries)
{
    struct pir_parameters p = fixture_parameters(37);
    struct pir_layout layout;
    struct error error = {0};
    p.entry_bytes = 1000; /* two in a plaintext of 2,048 */
    p.hash_function_count = p.batch_size = 2;
    p.dimensions[0] = 10;
    p.dimensions[1] = 2;
    p.evaluation_key.galois_elements[0] = 257;
    p.evaluation_key.galois_element_count = 1;
    cr_assert_eq(pir_layout_init(&p, 0, &layout, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(layout.entries_per_plaintext, 2);
    cr_assert_eq(layout.chunk_count, 1);
    cr_assert_eq(layout.used_plaintext_count, 19);
    cr_assert_eq(layout.plaintext_count, 40);
    cr_assert_eq(layout.selector_count, 24);
    cr_assert_eq(layout.query_ciphertext_count, 1);
    /* Stored order of p for [3, 2]: 0 2 4 1 3 5. */
    layout.dimensions[0] = 3;
    static const size_t ORDER[] = {0, 2, 4, 1, 3, 5};
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(pir_layout_position(&layout, 0, 0, ORDER[i]), i);

    p.entry_bytes = 5084;
    p.dimensions[0] = 20;
    p.evaluation_key.galois_elements[0] = 129;
    cr_assert_eq(pir_layout_init(&p, 0, &layout, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(layout.chunk_count, 3);
    cr_assert_eq(layout.entries_per_plaintext, 1);
    cr_assert_eq(layout.plaintext_count, 2 * 3 * 40);
}

/* What a hostile file may hold. Each change alone must be refused. */
Test(pir_parameters, refuses_what_does_not_fit_together)
{
    struct pir_layout layout;
    struct error error = {0};
    struct pir_parameters p = fixture_parameters(192);
    cr_assert_eq(pir_layout_init(&p, 0, &layout, &error), STATUS_OK, "%s", error.message);
#define REFUSED(expected, change)                                                                  \
    do {                                                                                           \
        p = fixture_parameters(192);                                                               \
        change;                                                                                    \
        cr_expect_eq(pir_layout_init(&p, 0, &layout, &error), expected, #change);                  \
        cr_expect_eq(pir_parameters_validate(&p, NULL), expected, #change);                        \
    } while (0)
    REFUSED(STATUS_UNSUPPORTED, p.algorithm = PIR_ALGORITHM_ACLS);
    REFUSED(STATUS_UNSUPPORTED, p.algorithm = 7);
    REFUSED(STATUS_UNSUPPORTED, p.has_keyword_parameters = false);
    REFUSED(STATUS_UNSUPPORTED, p.encoding_entry_size = true);
    REFUSED(STATUS_INVALID, p.entry_count = 0);
    REFUSED(STATUS_INVALID, p.entry_count = UINT64_MAX);
    REFUSED(STATUS_INVALID, p.entry_count = p.dimensions[0] * p.dimensions[1] + 1);
    REFUSED(STATUS_INVALID, p.entry_bytes = 0);
    REFUSED(STATUS_INVALID, p.entry_bytes = UINT64_MAX);
    REFUSED(STATUS_INVALID, p.entry_bytes = (uint64_t)1 << 32);
    REFUSED(STATUS_INVALID, p.hash_function_count = 0);
    REFUSED(STATUS_INVALID, p.hash_function_count = UINT64_MAX);
    REFUSED(STATUS_INVALID, p.hash_function_count = 2);
    REFUSED(STATUS_INVALID, p.batch_size = 2);
    REFUSED(STATUS_INVALID, p.batch_size = UINT64_MAX);
    REFUSED(STATUS_INVALID, p.dimension_count = 0);
    REFUSED(STATUS_INVALID, p.dimension_count = 3);
    REFUSED(STATUS_INVALID, p.dimensions[0] = 0);
    REFUSED(STATUS_INVALID, p.dimensions[1] = 0);
    REFUSED(STATUS_INVALID, p.dimensions[1] = 1);
    REFUSED(STATUS_INVALID, p.dimensions[0] = UINT64_MAX);
    REFUSED(STATUS_INVALID, p.dimensions[0] = p.dimensions[1] = (uint64_t)1 << 32);
    REFUSED(STATUS_INVALID, p.dimensions[0] = PIR_SELECTORS_MAX);
    REFUSED(STATUS_INVALID, p.dimensions[1] = 1025);
    REFUSED(STATUS_INVALID, p.sharding.function = (enum sharding_function)9);
    REFUSED(STATUS_INVALID, p.sharding.function = SHARDING_DOUBLE_MOD);
    REFUSED(STATUS_INVALID, p.evaluation_key.has_relin_key = false);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_element_count = 0);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_element_count = 1000);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_elements[0] = 0);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_elements[0] = 1);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_elements[0] = 258);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_elements[0] = 8193);
    REFUSED(STATUS_INVALID, p.evaluation_key.galois_elements[0] = 4097);
    REFUSED(STATUS_INVALID, p.evaluation_key.encryption.plaintext_modulus = 11);
    /* A single small element does not compose to all levels. */
    REFUSED(STATUS_INVALID,
            (p.evaluation_key.galois_elements[0] = 17, p.evaluation_key.galois_element_count = 1));
    REFUSED(STATUS_UNSUPPORTED,
            (p.encryption.moduli_count = 1, p.evaluation_key.encryption.moduli_count = 1));
    REFUSED(STATUS_INVALID,
            (p.encryption.degree = 4095, p.evaluation_key.encryption.degree = 4095));
    REFUSED(STATUS_INVALID, (p.encryption.degree = 0, p.evaluation_key.encryption.degree = 0));
#undef REFUSED
    p = fixture_parameters(192);
    p.evaluation_key.galois_elements[p.evaluation_key.galois_element_count++] = 6145;
    cr_expect_eq(pir_layout_init(&p, 0, &layout, &error), STATUS_OK,
                 "a composite element more is welcome");
}

Test(pir_parameters, equality_sees_every_field_that_counts)
{
    const struct pir_parameters a = fixture_parameters(64);
    struct pir_parameters b = fixture_parameters(64);
    cr_assert(pir_parameters_equal(&a, &b));
    b.key_compression = 1;
    b.has_sharding_function = false;
    b.sharding.other_shard_count = 3;
    cr_assert(pir_parameters_equal(&a, &b), "these mean nothing here");
#define DIFFERS(change)                                                                            \
    do {                                                                                           \
        b = fixture_parameters(64);                                                                \
        change;                                                                                    \
        cr_expect_not(pir_parameters_equal(&a, &b), #change);                                      \
    } while (0)
    DIFFERS(b.entry_count++);
    DIFFERS(b.entry_bytes--);
    DIFFERS(b.dimensions[1]++);
    DIFFERS(b.dimension_count = 1);
    DIFFERS(b.is_symmetric = true);
    DIFFERS(b.symmetric_public_key[PIR_SYMMETRIC_KEY_BYTES - 1] ^= 1);
    DIFFERS(b.hash_function_count++);
    DIFFERS(b.batch_size++);
    DIFFERS(b.sharding.function = SHARDING_DOUBLE_MOD);
    DIFFERS(b.encryption.plaintext_modulus = 11);
    DIFFERS(b.evaluation_key.galois_elements[0] = 3);
    DIFFERS(b.evaluation_key.galois_element_count--);
    DIFFERS(b.evaluation_key.has_relin_key = false);
#undef DIFFERS
}
