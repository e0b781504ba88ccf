#include "pir-server/pir/pir_noise.h"

#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <math.h>

static double bits_of(const char *set, uint64_t rows, uint64_t columns, uint64_t tables)
{
    const struct bfv_parameters encryption = fixture_encryption(set);
    const struct pir_cost_grid grid = {
        .tables = tables, .chunks = 1, .rows = rows, .columns = columns};
    return pir_noise_budget_bits(&encryption, &grid);
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

Test(pir_noise, what_it_grows_with)
{
    const double bits = bits_of(FIXTURE_SET, 60, 4, 1); /* 64 selectors: 6 levels */
    cr_expect_float_eq(bits_of(FIXTURE_SET, 61, 4, 1), bits - 0.5 - log2(61.0 / 60.0) / 2, 1e-9,
                       "another level");
    cr_expect_float_eq(bits_of(FIXTURE_SET, 60, 4, 2), bits - 0.5, 1e-9, "of two tables");
    cr_expect_float_eq(bits_of(FIXTURE_SET, 30, 8, 1), bits, 1e-9, "as many plaintexts");
    cr_expect_float_eq(bits_of(FIXTURE_SET, 5000, 1, 1) - bits_of(FIXTURE_SET, 20000, 1, 1), 1,
                       1e-9, "no more levels than a ciphertext has");
    cr_expect_float_eq(bits_of("n_4096_logq_27_28_28_logt_6", 60, 4, 1),
                       bits - 3 * log2(37.0 / 17.0), 1e-9, "t");
}
