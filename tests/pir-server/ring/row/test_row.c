#include "pir-server/ring/row/row.h"

#include "pir-server/ring/ntt/ntt.h"
#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

enum { N = 256, MOST_ROWS = 40 };
static const uint32_t moduli[] = {17, 134176769, 268369921, 268640257, 1073741789};

/* One parameter a kernel; a kernel that cannot run here is a counted skip. */
static char kernel_names[8][16];

static struct criterion_test_params all_kernels(void)
{
    size_t count = 0;
    for (; ntt_kernel_list(count) != NULL; count++)
        snprintf(kernel_names[count], sizeof kernel_names[count], "%s", ntt_kernel_list(count));
    return cr_make_param_array(char[16], kernel_names, count);
}

static const struct row_kernel *kernel_or_skip(const char *name)
{
    const struct cpu cpu = cpu_detect();
    const struct ntt_kernel *transforms;
    if (ntt_kernel_choose(&cpu, name, N, &transforms, NULL) != STATUS_OK)
        cr_skip_test("row kernel %s does not run on this machine", name);
    const struct row_kernel *kernel = row_kernel_named(name);
    cr_assert_not_null(kernel, "each transform kernel has its row kernel");
    return kernel;
}

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

ParameterizedTestParameters(row, sums_of_products_are_exact)
{
    return all_kernels();
}

ParameterizedTest(char name[16], row, sums_of_products_are_exact)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
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
            row_multiply_add_pair(kernel, sum0, sum1, a, b, c, N);
            if (round == 7) {
                row_fold(kernel, sum0, N, &q);
                row_fold(kernel, sum1, N, &q);
            }
            for (size_t i = 0; i < N; i++) {
                expected0[i] = (expected0[i] + (uint64_t)a[i] * c[i]) % q.value;
                expected1[i] = (expected1[i] + (uint64_t)b[i] * c[i]) % q.value;
            }
        }
        row_reduce(kernel, reduced, sum0, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(reduced[i], expected0[i]);
        row_reduce(kernel, reduced, sum1, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(reduced[i], expected1[i]);
    }
}

ParameterizedTestParameters(row, dot_products_equal_the_plain_sum)
{
    return all_kernels();
}

/* Counts around the number of products that a sum holds, all residues at the top, zeros left out,
 * guard words around the results. */
ParameterizedTest(char name[16], row, dot_products_equal_the_plain_sum)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    static uint32_t a[2 * MOST_ROWS][N], b[MOST_ROWS][N];
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, MOST_ROWS};
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        const uint32_t *rows[MOST_ROWS];
        for (unsigned r = 0; r < MOST_ROWS; r++) {
            fill_residues(a[2 * r], N, q.value, r);
            fill_residues(a[2 * r + 1], N, q.value, r + 100);
            fill_residues(b[r], N, q.value, r + 200);
            for (size_t i = 0; i < N; i += 3)
                a[2 * r][i] = a[2 * r + 1][i] = b[r][i] = q.value - 1;
            rows[r] = r % 5 == 4 ? NULL : b[r] - 8;
        }
        for (size_t c = 0; c < ARRAY_COUNT(counts); c++) {
            const struct row_operands operands = {.a0 = a[0],
                                                  .a1 = a[1],
                                                  .stride = (size_t)2 * N,
                                                  .b = rows,
                                                  .b_offset = 8,
                                                  .count = counts[c]};
            uint32_t out[2][N + 16];
            memset(out, 0xa5, sizeof out);
            row_dot_pair(kernel, out[0] + 8, out[1] + 8, &operands, N, row_capacity(q.value), &q);
            uint32_t lazy[2][N];
            row_dot_pair_montgomery_lazy(kernel, lazy[0], lazy[1], &operands, N,
                                         ((uint64_t)1 << 32) / q.value, &q);
            for (size_t k = 0; k < 2; k++) {
                for (size_t i = 0; i < N; i++) {
                    uint64_t sum = 0;
                    for (size_t r = 0; r < counts[c]; r++)
                        if (rows[r] != NULL)
                            sum = (sum + (uint64_t)a[2 * r + k][i] * b[r][i]) % q.value;
                    cr_assert_eq(out[k][8 + i], sum, "%s q=%u rows=%zu", name, q.value, counts[c]);
                    cr_assert_lt(lazy[k][i], 2 * q.value);
                    cr_assert_eq(((uint64_t)lazy[k][i] << 32) % q.value, sum);
                }
                for (size_t i = 0; i < 8; i++)
                    cr_assert(out[k][i] == 0xa5a5a5a5 && out[k][N + 8 + i] == 0xa5a5a5a5);
            }
        }
    }
}

ParameterizedTestParameters(row, reductions_take_their_whole_range)
{
    return all_kernels();
}

ParameterizedTest(char name[16], row, reductions_take_their_whole_range)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        uint64_t sums[N];
        uint32_t out[N];
        /* The same sum everywhere: its order is the kernel's own. */
        const uint64_t tops[] = {UINT64_MAX,
                                 UINT64_MAX - 1,
                                 (uint64_t)q.value << 32,
                                 ((uint64_t)q.value << 32) - 1,
                                 UINT32_MAX,
                                 q.value,
                                 0};
        for (size_t t = 0; t < ARRAY_COUNT(tops); t++) {
            for (size_t i = 0; i < N; i++)
                sums[i] = tops[t];
            row_reduce(kernel, out, sums, N, &q);
            for (size_t i = 0; i < N; i++)
                cr_assert_eq(out[i], tops[t] % q.value);
            row_fold(kernel, sums, N, &q);
            for (size_t i = 0; i < N; i++)
                cr_assert_eq(sums[i], tops[t] % q.value);
        }
        uint32_t row[N];
        for (size_t i = 0; i < N; i++)
            row[i] = i % 2 == 0 ? UINT32_MAX - (uint32_t)i : (uint32_t)i;
        row_scale(kernel, out, row, q.value - 1, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], (uint64_t)row[i] % q.value * (q.value - 1) % q.value);
        row_scale(kernel, row, row, q.value - 1, N, &q);
        cr_assert_arr_eq(row, out, sizeof row, "in place");
    }
}

ParameterizedTestParameters(row, elementwise_steps_equal_the_plain_ones)
{
    return all_kernels();
}

ParameterizedTest(char name[16], row, elementwise_steps_equal_the_plain_ones)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        uint32_t a[N], b[N], out[N];
        fill_residues(a, N, q.value, 1);
        fill_residues(b, N, q.value, 2);
        a[0] = b[0] = a[1] = b[2] = q.value - 1;
        a[2] = b[1] = 0;
        row_add(kernel, out, a, b, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], ((uint64_t)a[i] + b[i]) % q.value);
        row_sub(kernel, out, a, b, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], ((uint64_t)a[i] + q.value - b[i]) % q.value);
        row_add_constant(kernel, out, a, q.value / 2, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], ((uint64_t)a[i] + q.value / 2) % q.value);
        row_scale_difference(kernel, out, a, b, 2 * q.value, q.value - 1, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], ((uint64_t)a[i] + 2 * (uint64_t)q.value - b[i]) % q.value *
                                     (q.value - 1) % q.value);
        for (size_t i = 0; i < N; i++) {
            a[i] += i % 2 == 0 ? q.value : 0; /* [0, 2q) */
            b[i] = montgomery_from(&q, b[i]);
        }
        row_multiply_montgomery(kernel, out, a, b, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(((uint64_t)out[i] << 32) % q.value, (uint64_t)a[i] * b[i] % q.value);
    }
}

ParameterizedTestParameters(row, numbers_of_128_bits_are_reduced)
{
    return all_kernels();
}

/* Zeros, ones in every word, the neighbourhood of multiples of q, all bits set, random. */
ParameterizedTest(char name[16], row, numbers_of_128_bits_are_reduced)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    static uint32_t words[4 * N], out[N + 1];
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        for (unsigned round = 0; round < 8; round++) {
            for (size_t w = 0; w < 4; w++)
                fill_residues(words + w * N, N, UINT32_MAX, 4 * round + (unsigned)w);
            for (size_t i = 0; i < ARRAY_COUNT(words); i++)
                words[i] *= 2654435761u; /* all 32 bits are used */
            memset(words, 0, 4 * sizeof *words);
            memset(words + 4, 0xff, 4 * sizeof *words);
            for (size_t w = 0; w < 4; w++) {
                memset(words + 8 + 4 * w, 0, 4 * sizeof *words);
                words[8 + 5 * w] = UINT32_MAX - round;
            }
            const uint128 multiple = ~(uint128)0 / q.value * q.value - q.value * (uint128)round;
            for (size_t i = 0; i < 3; i++)
                for (size_t w = 0; w < 4; w++)
                    words[4 * (N - 3 + i) + w] = (uint32_t)((multiple - 1 + i) >> (32 * w));
            out[N] = 0x5a5a5a5a;
            row_reduce_128(kernel, out, words, N, &q);
            cr_assert_eq(out[N], 0x5a5a5a5a, "guard");
            for (size_t i = 0; i < N; i++) {
                uint128 number = 0;
                for (size_t w = 4; w-- > 0;)
                    number = number << 32 | words[4 * i + w];
                cr_assert_eq(out[i], (uint32_t)(number % q.value), "%s q=%u i=%zu", name, q.value,
                             i);
            }
        }
    }
}

ParameterizedTestParameters(row, combinations_equal_the_plain_sum)
{
    return all_kernels();
}

ParameterizedTest(char name[16], row, combinations_equal_the_plain_sum)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    enum { ROWS = 9 };
    static uint32_t rows[ROWS][N];
    const uint32_t *list[ROWS];
    for (unsigned r = 0; r < ROWS; r++) {
        fill_residues(rows[r], N, 1u << 30, r);
        rows[r][r] = rows[r][N - 1] = (1u << 30) - 1;
        list[r] = rows[r];
    }
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        for (size_t count = 1; count <= ROWS; count++) {
            uint32_t factors[ROWS], out[N];
            for (size_t r = 0; r < count; r++)
                factors[r] = row_combine_factor(&q, q.value - 1 - (uint32_t)r);
            row_combine(kernel, out, list, factors, count, N, &q);
            for (size_t i = 0; i < N; i++) {
                uint64_t sum = 0;
                for (size_t r = 0; r < count; r++)
                    sum += (uint64_t)rows[r][i] % q.value * (q.value - 1 - r) % q.value;
                cr_assert_eq(out[i], sum % q.value, "%s q=%u rows=%zu", name, q.value, count);
            }
        }
    }
}
