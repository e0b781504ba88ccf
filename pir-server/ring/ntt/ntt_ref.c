/* The portable kernel, and the definition of correct.
 *
 * Forward: Cooley and Tukey's steps with the powers of psi in bit-reversed order, so that no
 * separate twisting by psi^k is needed; ranges after Harvey: a step takes values in [0, 4q), brings
 * the upper operand to [0, 2q) with one conditional subtraction and leaves [0, 4q). Inverse:
 * Gentleman and Sande's steps, [0, 2q) throughout. The loops over a whole block are plain enough
 * for compilers to vectorize; the last two steps, whose blocks are shorter than a vector, are done
 * together on four values at a time. */
#include "pir-server/ring/ntt/ntt_internal.h"

#include <string.h>

static bool runs_on(const struct cpu *cpu, size_t n)
{
    (void)cpu;
    return n >= NTT_DEGREE_MIN;
}

/* Two halves of one block, one factor. `half` is a multiple of 4. */
static void forward_block(uint32_t *restrict low, uint32_t *restrict high, size_t half,
                          uint32_t factor, uint32_t quotient, uint32_t q)
{
    for (size_t k = 0; k < half; k++) {
        const uint32_t x = modulus_correct(low[k], 2 * q);
        const uint32_t y = shoup_mul_lazy(high[k], factor, quotient, q);
        low[k] = x + y;
        high[k] = x + 2 * q - y;
    }
}

static inline void forward_butterfly(uint32_t *low, uint32_t *high, uint32_t factor,
                                     uint32_t quotient, uint32_t q)
{
    const uint32_t x = modulus_correct(*low, 2 * q);
    const uint32_t y = shoup_mul_lazy(*high, factor, quotient, q);
    *low = x + y;
    *high = x + 2 * q - y;
}

/* One copy more than needed keeps the steps in place and easy to read. */
static void copy_row(uint32_t *ret, const uint32_t *from, size_t n)
{
    if (ret != from)
        memcpy(ret, from, n * sizeof *ret);
}

static void forward_lazy(uint32_t *row, const uint32_t *from, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t q = tables->modulus.value;
    const uint32_t *const factors = tables->forward;
    const uint32_t *const quotients = tables->forward_quotient;

    copy_row(row, from, n);
    for (size_t blocks = 1; blocks < n / 4; blocks *= 2) {
        const size_t half = n / (2 * blocks);
        for (size_t i = 0; i < blocks; i++)
            forward_block(row + 2 * i * half, row + (2 * i + 1) * half, half, factors[blocks + i],
                          quotients[blocks + i], q);
    }
    for (size_t i = 0; i < n / 4; i++) {
        uint32_t *const four = row + 4 * i;
        const size_t at = n / 4 + i;
        forward_butterfly(four + 0, four + 2, factors[at], quotients[at], q);
        forward_butterfly(four + 1, four + 3, factors[at], quotients[at], q);
        forward_butterfly(four + 0, four + 1, factors[2 * at], quotients[2 * at], q);
        forward_butterfly(four + 2, four + 3, factors[2 * at + 1], quotients[2 * at + 1], q);
    }
}

static void inverse_block(uint32_t *restrict low, uint32_t *restrict high, size_t half,
                          uint32_t factor, uint32_t quotient, uint32_t q)
{
    for (size_t k = 0; k < half; k++) {
        const uint32_t x = low[k];
        const uint32_t y = high[k];
        low[k] = modulus_correct(x + y, 2 * q);
        high[k] = shoup_mul_lazy(x + 2 * q - y, factor, quotient, q);
    }
}

static inline void inverse_butterfly(uint32_t *low, uint32_t *high, uint32_t factor,
                                     uint32_t quotient, uint32_t q)
{
    const uint32_t x = *low;
    const uint32_t y = *high;
    *low = modulus_correct(x + y, 2 * q);
    *high = shoup_mul_lazy(x + 2 * q - y, factor, quotient, q);
}

/* The last step carries 1/n and reduces fully. */
static void inverse_last(uint32_t *restrict low, uint32_t *restrict high, size_t half,
                         struct ntt_factor scale, struct ntt_factor scale_root, uint32_t q)
{
    for (size_t k = 0; k < half; k++) {
        const uint32_t x = low[k];
        const uint32_t y = high[k];
        low[k] = modulus_correct(shoup_mul_lazy(x + y, scale.value, scale.quotient, q), q);
        high[k] = modulus_correct(
            shoup_mul_lazy(x + 2 * q - y, scale_root.value, scale_root.quotient, q), q);
    }
}

static void inverse(uint32_t *row, const uint32_t *from, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t q = tables->modulus.value;
    const uint32_t *const factors = tables->inverse;
    const uint32_t *const quotients = tables->inverse_quotient;

    copy_row(row, from, n);
    for (size_t i = 0; i < n / 4; i++) {
        uint32_t *const four = row + 4 * i;
        const size_t at = n / 4 + i;
        inverse_butterfly(four + 0, four + 1, factors[2 * at], quotients[2 * at], q);
        inverse_butterfly(four + 2, four + 3, factors[2 * at + 1], quotients[2 * at + 1], q);
        if (n == 4)
            break; /* the next step is the last one */
        inverse_butterfly(four + 0, four + 2, factors[at], quotients[at], q);
        inverse_butterfly(four + 1, four + 3, factors[at], quotients[at], q);
    }
    for (size_t blocks = n / 8; blocks > 1; blocks /= 2) {
        const size_t half = n / (2 * blocks);
        for (size_t i = 0; i < blocks; i++)
            inverse_block(row + 2 * i * half, row + (2 * i + 1) * half, half, factors[blocks + i],
                          quotients[blocks + i], q);
    }
    inverse_last(row, row + n / 2, n / 2, tables->scale, tables->scale_root, q);
}

static void forward(uint32_t *row, const uint32_t *from, const struct ntt_tables *tables)
{
    const uint32_t q = tables->modulus.value;
    forward_lazy(row, from, tables);
    for (size_t i = 0; i < tables->n; i++)
        row[i] = modulus_correct(modulus_correct(row[i], 2 * q), q);
}

const struct ntt_kernel ntt_kernel_ref = {
    .name = "ref",
    .runs_on = runs_on,
    .forward_lazy = forward_lazy,
    .forward = forward,
    .inverse = inverse,
};
