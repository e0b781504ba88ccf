#include "pir-server/pir/pir_noise.h"

#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <math.h>

static double bits_with(const char *set, uint64_t rows, uint64_t columns, uint64_t tables,
                        enum pir_key_compression compression)
{
    const struct bfv_parameters encryption = fixture_encryption(set);
    const struct pir_cost_grid grid = {
        .tables = tables, .chunks = 1, .rows = rows, .columns = columns};
    struct pir_evaluation_key_config key = {.encryption = encryption, .has_relin_key = true};
    pir_galois_elements(encryption.degree, tables * (rows + columns), compression,
                        key.galois_elements, &key.galois_element_count);
    return pir_noise_budget_bits(&encryption, &grid, &key);
}

static double bits_of(const char *set, uint64_t rows, uint64_t columns, uint64_t tables)
{
    return bits_with(set, rows, columns, tables, PIR_KEY_COMPRESSION_NONE);
}

/* Means of 40 look-ups with the kernel "ref", keys of one element a level, value "1"; the last of
 * each set of 12. test_pir_answer_budget.c measures some of them anew. */
Test(pir_noise, what_was_measured)
{
    static const struct {
        const char *set;
        uint64_t rows, columns;
        double bits;
    } measured[] = {
        {"n_4096_logq_27_28_28_logt_5", 29, 3, 13.6},
        {"n_4096_logq_27_28_28_logt_5", 50, 11, 11.6},
        {"n_4096_logq_27_28_28_logt_5", 107, 21, 10.1},
        {"n_4096_logq_27_28_28_logt_5", 176, 52, 8.4},
        {"n_4096_logq_27_28_28_logt_6", 11, 6, 9.6},
        {"n_4096_logq_27_28_28_logt_6", 53, 8, 8.3},
        {"n_4096_logq_27_28_28_logt_6", 107, 16, 6.7},
        {"n_4096_logq_27_28_28_logt_6", 155, 45, 4.8},
    };
    for (size_t i = 0; i < ARRAY_COUNT(measured); i++) {
        const double bits = bits_of(measured[i].set, measured[i].rows, measured[i].columns, 1);
        cr_expect(fabs(bits - measured[i].bits) < 1, "%s, %d x %d: %f bits, measured %f",
                  measured[i].set, (int)measured[i].rows, (int)measured[i].columns, bits,
                  measured[i].bits);
    }
}

/* Three look-ups on 4,000,000 rows. */
Test(pir_noise, compressed_keys_take_some)
{
    const double bits =
        bits_with("n_4096_logq_27_28_28_logt_6", 305, 93, 1, PIR_KEY_COMPRESSION_HYBRID);
    cr_expect(fabs(bits - 2.7) < 0.5, "%f bits, measured 2.7", bits);
    cr_expect_gt(bits,
                 bits_with("n_4096_logq_27_28_28_logt_6", 305, 93, 1, PIR_KEY_COMPRESSION_MAX));
    cr_expect_lt(bits, bits_of("n_4096_logq_27_28_28_logt_6", 305, 93, 1));
}

Test(pir_noise, what_it_grows_with)
{
    const double bits = bits_of(FIXTURE_SET, 60, 4, 1); /* 64 selectors: 6 levels */
    cr_expect_float_eq(bits_of(FIXTURE_SET, 61, 4, 1), bits - 0.5 - log2(61.0 / 60.0) / 2, 0.01,
                       "another level");
    cr_expect_float_eq(bits_of(FIXTURE_SET, 60, 4, 2), bits - 0.5, 0.01, "of two tables");
    cr_expect_float_eq(bits_of(FIXTURE_SET, 30, 8, 1), bits, 1e-9, "as many plaintexts");
    cr_expect_float_eq(bits_of(FIXTURE_SET, 5000, 1, 1) - bits_of(FIXTURE_SET, 20000, 1, 1), 1,
                       1e-9, "no more levels than a ciphertext has");
    cr_expect_float_eq(bits_of("n_4096_logq_27_28_28_logt_6", 60, 4, 1),
                       bits - 3 * log2(37.0 / 17.0), 1e-9, "t");
}
