#include "pir-server/ring/row/row.h"

#include "pir-server/ring/ntt/ntt.h"
#include "pir-server/ring/rns.h"
#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

enum { N = 512, MOST_ROWS = 40 }; /* every kernel runs for N */
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
        uint32_t d[N];
        uint64_t sums[3][N] = {{0}}, expected[3][N] = {{0}};
        for (unsigned round = 0; round < 15; round++) {
            fill_residues(a, N, q.value, round);
            fill_residues(b, N, q.value, round + 20);
            fill_residues(c, N, q.value, round + 40);
            fill_residues(d, N, q.value, round + 60);
            a[round] = b[round] = c[round] = d[round] = q.value - 1;
            uint32_t x[2 * N], y[2 * N];
            memcpy(x, a, sizeof a);
            memcpy(x + N, b, sizeof b);
            memcpy(y, c, sizeof c);
            memcpy(y + N, d, sizeof d);
            const struct row_pair pair = {.x = x, .y = y, .second = N};
            if (round % 7 == 6)
                for (size_t k = 0; k < 3; k++)
                    row_fold(kernel, sums[k], N, &q);
            row_multiply_add_pair(kernel, sums[0], sums[1], sums[2], &pair, N);
            for (size_t i = 0; i < N; i++) {
                expected[0][i] = (expected[0][i] + (uint64_t)a[i] * c[i]) % q.value;
                expected[1][i] = (expected[1][i] + (uint64_t)a[i] * d[i]) % q.value;
                expected[1][i] = (expected[1][i] + (uint64_t)b[i] * c[i]) % q.value;
                expected[2][i] = (expected[2][i] + (uint64_t)b[i] * d[i]) % q.value;
            }
        }
        for (size_t k = 0; k < 3; k++) {
            row_reduce(kernel, reduced, sums[k], N, &q);
            for (size_t i = 0; i < N; i++)
                cr_assert_eq(reduced[i], expected[k][i], "sum %zu", k);
        }
    }
}

ParameterizedTestParameters(row, dot_products_equal_the_plain_sum)
{
    return all_kernels();
}

/* Counts around the number of products that a sum holds, all residues at the top, zeros left out,
 * guard words around the results, one column and several. */
ParameterizedTest(char name[16], row, dot_products_equal_the_plain_sum)
{
    enum { STRIP = ROW_STRIP_WORDS, COLUMNS = 3 };
    const struct row_kernel *kernel = kernel_or_skip(name);
    static uint32_t a[MOST_ROWS][2][STRIP], b[COLUMNS * MOST_ROWS][STRIP];
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, MOST_ROWS};
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        for (unsigned r = 0; r < MOST_ROWS; r++)
            fill_residues(a[r][0], (size_t)2 * STRIP, q.value, r);
        for (unsigned r = 0; r < COLUMNS * MOST_ROWS; r++)
            fill_residues(b[r], STRIP, q.value, r + 200);
        for (size_t r = 0; r < MOST_ROWS; r++)
            for (size_t i = 0; i < STRIP; i += 3)
                a[r][0][i] = a[r][1][i] = b[r][i] = q.value - 1;
        for (size_t at = 0; at < ARRAY_COUNT(counts) * COLUMNS; at++) {
            const size_t count = counts[at / COLUMNS];
            const size_t columns = at % COLUMNS + 1;
            uint16_t rows[COLUMNS * MOST_ROWS];
            uint32_t lengths[COLUMNS] = {0};
            size_t tiles = 0;
            for (size_t c = 0; c < columns; c++)
                for (size_t r = 0; r < count; r++)
                    if ((c + r) % 5 != 4) { /* the others are zeros */
                        rows[tiles++] = (uint16_t)r;
                        lengths[c]++;
                    }
            uint32_t out[COLUMNS][2 * STRIP + 24];
            uint32_t *const rets[COLUMNS] = {out[0], out[1], out[2]};
            memset(out, 0xa5, sizeof out);
            const struct row_dot operands = {.pairs = a[0][0],
                                             .tiles = b[0],
                                             .rows = rows,
                                             .counts = lengths,
                                             .columns = columns,
                                             .ret = rets,
                                             .ret_offset = {8, STRIP + 16}};
            row_dot_strip(kernel, &operands, STRIP, row_capacity(q.value), &q);
            size_t before = 0;
            for (size_t c = 0; c < columns; c++) {
                for (size_t k = 0; k < 2; k++) {
                    for (size_t i = 0; i < STRIP; i++) {
                        uint64_t sum = 0;
                        for (size_t t = before; t < before + lengths[c]; t++)
                            sum = (sum + (uint64_t)a[rows[t]][k][i] * b[t][i]) % q.value;
                        cr_assert_eq(out[c][k * (STRIP + 8) + 8 + i], sum, "%s q=%u rows=%zu", name,
                                     q.value, count);
                    }
                    for (size_t i = 0; i < 8; i++)
                        cr_assert_eq(out[c][k * (STRIP + 8) + i], 0xa5a5a5a5);
                }
                cr_assert_eq(out[c][2 * STRIP + 16], 0xa5a5a5a5);
                before += lengths[c];
            }
        }
    }
}

ParameterizedTestParameters(row, key_switching_equals_the_plain_sum)
{
    return all_kernels();
}

/* Digits at the top of their lazy range, as they are and moved by automorphisms; many of them, so
 * that the sums are folded. */
ParameterizedTest(char name[16], row, key_switching_equals_the_plain_sum)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    enum { AT = N / 4 };
    static uint32_t key[2 * MOST_ROWS][N], digits[MOST_ROWS][N];
    uint32_t c[N], more[2][N], part[2][N];
    static const uint32_t elements[] = {0, 3, 17, 129, N + 1, 2 * N - 1};
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        const uint32_t *list[MOST_ROWS];
        for (unsigned r = 0; r < MOST_ROWS; r++) {
            fill_residues(key[2 * r], (size_t)2 * N, q.value, r);
            fill_residues(digits[r], N, q.value, r + 200);
            for (size_t i = 0; i < N; i += 3)
                key[2 * r][i] = key[2 * r + 1][i] = digits[r][i] = q.value - 1;
            list[r] = digits[r];
        }
        const uint64_t room = ((uint64_t)1 << 32) / q.value;
        const uint32_t most = q.value > UINT32_MAX / 7 ? q.value : 4 * q.value;
        fill_residues(c, N, q.value, 500);
        for (unsigned k = 0; k < 2; k++) {
            fill_residues(more[k], N, most, 501 + k);
            for (size_t i = k; i < N; i += 3)
                more[k][i] = most - 1;
        }
        c[0] = c[3] = q.value - 1;
        for (size_t count = 1; count <= MOST_ROWS; count += count < 3 ? 1 : 37) {
            const bool lazy = 4 * count <= room;
            for (size_t r = 0; r < count && lazy; r++)
                for (size_t i = r; i < N; i += 5)
                    digits[r][i] = digits[r][i] % q.value + 3 * q.value;
            for (size_t e = 0; e < ARRAY_COUNT(elements); e++) {
                uint32_t sources[N], out[2][N + 8];
                for (uint32_t i = 0; i < N; i++)
                    sources[i] = i;
                if (elements[e] != 0)
                    automorphism_eval_sources(sources, elements[e], N);
                struct row_switch operands = {.digits = list,
                                              .sources = elements[e] != 0 ? sources : NULL,
                                              .key = key[0],
                                              .stride = (size_t)2 * N,
                                              .count = count,
                                              .room = room,
                                              .c = c,
                                              .more = {more[0], more[1]}};
                memset(out, 0xa5, sizeof out);
                row_switch_lazy(kernel, out[0], out[1], &operands, 0, N, &q);
                row_switch_add(kernel, part[0], part[1], &operands, AT, N - AT, &q);
                for (size_t k = 0; k < 2; k++) {
                    for (size_t i = 0; i < N; i++) {
                        uint64_t sum = 0;
                        for (size_t r = 0; r < count; r++)
                            sum = (sum +
                                   (uint64_t)digits[r][sources[i]] % q.value * key[2 * r + k][i]) %
                                  q.value;
                        cr_assert_lt(out[k][i], 2 * q.value);
                        cr_assert_eq(((uint64_t)out[k][i] << 32) % q.value, sum);
                        if (i < AT)
                            continue;
                        const uint64_t added =
                            (uint64_t)out[k][i] + more[k][i] + (k == 0 ? c[sources[i]] : 0);
                        cr_assert_eq(part[k][i - AT], added % q.value, "%s q=%u", name, q.value);
                    }
                    cr_assert_eq(out[k][N], 0xa5a5a5a5);
                }
            }
            for (size_t r = 0; r < count; r++)
                for (size_t i = 0; i < N; i++)
                    digits[r][i] %= q.value;
        }
    }
}

ParameterizedTestParameters(row, permutations_and_drops)
{
    return all_kernels();
}

ParameterizedTest(char name[16], row, permutations_and_drops)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    uint32_t a[N], out[N], sources[N];
    struct modulus q;
    cr_assert_eq(modulus_init(moduli[1], &q, NULL), STATUS_OK);
    fill_residues(a, N, q.value, 1);
    for (uint32_t element = 3; element < 2 * N; element += 2) {
        automorphism_eval_sources(sources, element, N);
        row_permute(kernel, out, a, sources, N);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], a[sources[i]]);
    }
    const uint32_t half = q.value / 2;
    a[0] = half;
    a[1] = half + 1;
    a[2] = 0;
    a[3] = q.value - 1;
    /* A modulus divided away: those below q, near it and above it. */
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus other;
        cr_assert_eq(modulus_init(moduli[m], &other, NULL), STATUS_OK);
        for (uint32_t factor = 1; factor < other.value; factor += (other.value - 2) / 3 + 1) {
            row_drop_lazy(kernel, out, a, half, factor, N, &other);
            for (size_t i = 0; i < N; i++) {
                cr_assert_leq(out[i], 2 * other.value);
                cr_assert_eq(out[i] % other.value,
                             ((uint64_t)a[i] * factor + (a[i] > half)) % other.value);
            }
        }
    }
}

ParameterizedTestParameters(row, residues_are_extended)
{
    return all_kernels();
}

/* One row to more than one sum takes, small numbers of all widths, any words. */
ParameterizedTest(char name[16], row, residues_are_extended)
{
    enum { MOST = 6, RET = ARRAY_COUNT(moduli) - 1, STRIDE = MOST + 3 };
    const struct row_kernel *kernel = kernel_or_skip(name);
    static uint32_t x[MOST][N], out[RET * N + 1];
    uint32_t scale[MOST], low[MOST], factors[RET * STRIDE], plain[RET * STRIDE];
    struct modulus from[MOST], to[RET];
    for (unsigned i = 0; i < MOST; i++) {
        cr_assert_eq(modulus_init(moduli[i % ARRAY_COUNT(moduli)], &from[i], NULL), STATUS_OK);
        fill_residues(x[i], N, UINT32_MAX, i);
        x[i][i] = UINT32_MAX;
        x[i][N - 1] = 0;
        scale[i] = i == 1 ? from[i].value - 1 : 40503 * (i + 1) % from[i].value;
        low[i] = 2654435769u * (i + 1);
    }
    for (unsigned b = 0; b < RET; b++) {
        cr_assert_eq(modulus_init(moduli[b + 1], &to[b], NULL), STATUS_OK);
        fill_residues(plain + (size_t)b * STRIDE, STRIDE, to[b].value, b + 50);
        plain[b * STRIDE] = plain[b * STRIDE + 1] = to[b].value - 1;
        for (size_t i = 0; i < STRIDE; i++)
            factors[b * STRIDE + i] = row_combine_factor(&to[b], plain[b * STRIDE + i]);
    }
    for (size_t count = 1; count <= MOST; count++) {
        for (unsigned bits = 1; bits <= 26; bits += bits == 1 ? 15 : 10) {
            const struct row_extend operands = {.x = x[0],
                                                .count = count,
                                                .moduli = from,
                                                .scale = scale,
                                                .low = low,
                                                .bits = bits,
                                                .ret = out,
                                                .ret_count = RET,
                                                .ret_moduli = to,
                                                .factors = factors,
                                                .factor_stride = STRIDE};
            memset(out, 0xa5, sizeof out);
            row_extend(kernel, &operands, N);
            for (size_t k = 0; k < N; k++) {
                uint64_t y[MOST];
                uint32_t sum = 0;
                for (size_t i = 0; i < count; i++) {
                    y[i] = (uint64_t)x[i][k] * scale[i] % from[i].value;
                    sum += (uint32_t)y[i] * low[i];
                }
                sum &= (1u << bits) - 1;
                for (size_t b = 0; b < RET; b++) {
                    const uint64_t p = to[b].value;
                    const uint64_t r = sum >> (bits - 1) == 0 ? sum : p + sum - (1u << bits);
                    uint64_t expected = r * plain[b * STRIDE + count] % p;
                    for (size_t i = 0; i < count; i++)
                        expected = (expected + y[i] * plain[b * STRIDE + i]) % p;
                    cr_assert_eq(out[b * N + k], expected, "%s count=%zu bits=%u", name, count,
                                 bits);
                }
            }
            cr_assert_eq(out[RET * N], 0xa5a5a5a5);
        }
    }
}

ParameterizedTestParameters(row, children_of_a_node)
{
    return all_kernels();
}

/* A row of factors in blocks of 2^log2_block, [N + slack] values and as many quotients. */
static struct row_blocks blocks_of(uint32_t *words, unsigned log2_block, unsigned seed,
                                   const struct modulus *q)
{
    enum { ALL = N + ROW_BLOCKS_SLACK };
    fill_residues(words, ALL, q->value, seed);
    words[seed % 3] = q->value - 1;
    for (size_t i = 0; i < ALL; i++)
        words[ALL + i] = shoup_quotient(q, words[i]);
    return (struct row_blocks){.values = words, .quotients = words + ALL, .log2_block = log2_block};
}

/* Two children, and four, in strips that do not touch. The blocks of the factors are from one word
 * to the whole row. */
static void check_children(const struct row_kernel *kernel, const struct modulus *q,
                           unsigned log2_block)
{
    enum { STRIDE = ROW_STRIP_WORDS + 8, TOTAL = N / ROW_STRIP_WORDS * STRIDE };
    const uint64_t p = q->value;
    uint32_t c[N], r[3][N], out[4][TOTAL];
    uint32_t factors[3][2 * (N + ROW_BLOCKS_SLACK)];
    fill_residues(c, N, q->value, 1);
    for (unsigned k = 0; k < 3; k++) {
        fill_residues(r[k], N, q->value, 2 + k);
        r[k][k] = q->value - 1;
        r[k][N - 1 - k] = 0;
    }
    c[0] = c[2] = q->value - 1;
    c[1] = 0;
    struct row_four four = {.c = c,
                            .turned = {r[0], r[1], r[2]},
                            .monomials = {blocks_of(factors[0], log2_block, 7, q),
                                          blocks_of(factors[1], log2_block + 1, 8, q),
                                          blocks_of(factors[2], log2_block, 9, q)},
                            .quarter = q->value - 2};
    for (size_t k = 0; k < 4; k++)
        four.ret[k] = (struct row_strips){.words = out[k], .stride = STRIDE};
    memset(out, 0xa5, sizeof out);
    row_split_four(kernel, &four, N, q);
    for (size_t i = 0; i < N; i++) {
        const size_t at = i / ROW_STRIP_WORDS * STRIDE + i % ROW_STRIP_WORDS;
        const uint64_t sum1 = ((uint64_t)c[i] + r[0][i]) % p;
        const uint64_t sum2 = ((uint64_t)r[1][i] + r[2][i]) % p;
        const uint64_t d1 = (c[i] + p - r[0][i]) % p;
        const uint64_t d2 = (r[1][i] + p - r[2][i]) % p * (p - 2) % p;
        cr_assert_eq(out[0][at], (sum1 + sum2) % p, "q=%u", q->value);
        cr_assert_eq(out[1][at], (d1 + d2) % p * factors[0][i >> log2_block] % p);
        cr_assert_eq(out[2][at], (sum1 + p - sum2) % p * factors[1][i >> (log2_block + 1)] % p);
        cr_assert_eq(out[3][at], (d1 + p - d2) % p * factors[2][i >> log2_block] % p);
    }
    for (size_t k = 0; k < 4; k++)
        cr_assert_eq(out[k][ROW_STRIP_WORDS], 0xa5a5a5a5);
    row_split(kernel, four.ret[0], four.ret[1], c, r[0], &four.monomials[0], N, q);
    for (size_t i = 0; i < N; i++) {
        const size_t at = i / ROW_STRIP_WORDS * STRIDE + i % ROW_STRIP_WORDS;
        cr_assert_eq(out[0][at], ((uint64_t)c[i] + r[0][i]) % p);
        cr_assert_eq(out[1][at], (c[i] + p - r[0][i]) % p * factors[0][i >> log2_block] % p);
    }
}

ParameterizedTest(char name[16], row, children_of_a_node)
{
    const struct row_kernel *kernel = kernel_or_skip(name);
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        for (unsigned log2_block = 0; log2_block <= 7; log2_block++)
            check_children(kernel, &q, log2_block);
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
        row_add_constant(kernel, out, a, q.value / 2, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], ((uint64_t)a[i] + q.value / 2) % q.value);
        row_scale_difference(kernel, out, a, b, 2 * q.value, q.value - 1, N, &q);
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(out[i], ((uint64_t)a[i] + 2 * (uint64_t)q.value - b[i]) % q.value *
                                     (q.value - 1) % q.value);
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
