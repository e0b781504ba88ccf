#include "pir-server/ring/row.h"

#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N = 64 };
static const uint32_t moduli[] = {17, 134176769, 268369921, 268640257, 1073741789};

Test(row, capacity_is_as_large_as_it_can_be)
{
    cr_assert_eq(row_capacity(268369921), 256, "group A");
    cr_assert_eq(row_capacity(268640257), 255, "the auxiliary base");
    cr_assert_geq(row_capacity(MODULUS_MAX), 16);
    cr_assert_eq(row_capacity(2), SIZE_MAX);
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        const uint64_t most = (uint64_t)(moduli[m] - 1) * (moduli[m] - 1);
        const uint128 full = (uint128)most * row_capacity(moduli[m]);
        cr_assert(full <= UINT64_MAX && full + most > UINT64_MAX);
    }
}

Test(row, sums_of_products_are_exact)
{
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        uint32_t a[N], b[N], c[N], reduced[N];
        uint64_t sum0[N] = {0}, sum1[N] = {0}, expected0[N] = {0}, expected1[N] = {0};
        for (unsigned round = 0; round < 15; round++) {
            fill_residues(a, N, q.value, round);
            fill_residues(b, N, q.value, round + 20);
            fill_residues(c, N, q.value, round + 40);
            a[round] = b[round] = c[round] = q.value - 1;
            row_multiply_add_pair(sum0, sum1, a, b, c, N);
            row_multiply_add(sum1, a, b, N);
            if (round == 7) {
                row_fold(sum0, N, &q);
                row_fold(sum1, N, &q);
            }
            for (size_t i = 0; i < N; i++) {
                expected0[i] = (expected0[i] + (uint64_t)a[i] * c[i]) % q.value;
                expected1[i] =
                    (expected1[i] + (uint64_t)b[i] * c[i] % q.value + (uint64_t)a[i] * b[i]) %
                    q.value;
            }
        }
        row_reduce(reduced, sum0, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(reduced[i], expected0[i]);
        row_reduce(reduced, sum1, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(reduced[i], expected1[i]);
    }
}

Test(row, reductions_take_their_whole_range)
{
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        uint64_t sums[N];
        uint32_t out[N];
        for (size_t i = 0; i < N; i++)
            sums[i] = i % 2 == 0 ? UINT64_MAX - i : i * q.value;
        row_reduce(out, sums, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], sums[i] % q.value);
        const uint64_t top = (uint64_t)q.value << 32;
        for (size_t i = 0; i < N; i++)
            sums[i] = i % 2 == 0 ? top - 1 - i : i;
        row_montgomery_reduce_lazy(out, sums, N, &q);
        for (size_t i = 0; i < N; i++) {
            cr_assert_lt(out[i], 2 * q.value);
            cr_assert_eq(((uint64_t)out[i] << 32) % q.value, sums[i] % q.value);
        }
        uint32_t row[N];
        for (size_t i = 0; i < N; i++)
            row[i] = i % 2 == 0 ? UINT32_MAX - (uint32_t)i : (uint32_t)i;
        row_scale(out, row, q.value - 1, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], (uint64_t)row[i] % q.value * (q.value - 1) % q.value);
        row_scale(row, row, q.value - 1, N, &q);
        cr_assert_arr_eq(row, out, sizeof row, "in place");
    }
}
