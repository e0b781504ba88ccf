/* ntt_inverse_wide - the inverse transform of ntt_wide, whose header has the passes. */
#ifndef BLINDLIST_RING_NTT_INVERSE_WIDE_H
#define BLINDLIST_RING_NTT_INVERSE_WIDE_H

#include "pir-server/ring/ntt/ntt_steps_wide.h"

#include <assert.h>

static_assert(2 * (2 * 4) <= 16, "sums of the last step of a pass");

/* One step; factors [PASS_BUTTERFLIES / stride]. Narrow ranges: [0, 2q) in, [0, 2q) out. Wide ones:
 * [0, 2 stride q) in; sums up to twice that, products in [0, 2q). */
static ALWAYS_INLINE void inverse_step(vec x[PASS_REGISTERS], const struct factor *factors,
                                       size_t stride, enum width width, struct lanes_of_q k)
{
    const vec bound = width == NARROW || stride == 1 ? k.q2 : stride == 2 ? k.q4 : k.q8;
    vec y[PASS_BUTTERFLIES];
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        vec *const lower = &x[lower_of(i, stride)];
        const vec upper = lower[stride];
        y[i] = vec_sub(vec_add(*lower, bound), upper);
        *lower = vec_add(*lower, upper);
    }
    multiply_lazy(y, factors, stride, k.q);
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        vec *const lower = &x[lower_of(i, stride)];
        if (width == NARROW)
            *lower = vec_correct(*lower, k.q2);
        lower[stride] = y[i];
    }
}

/* To [0, 2q) after the steps of a pass. Wide: register 0 holds sums of sums of sums, 1 sums of sums
 * of products, 2 and 3 sums of products, the others products. */
static ALWAYS_INLINE void inverse_reduce(vec x[PASS_REGISTERS], enum width width,
                                         struct lanes_of_q k)
{
    if (width == NARROW)
        return;
    x[0] = reduce(x[0], FROM_16Q_FULL, WIDE, k);
    x[1] = vec_correct(vec_correct(x[1], k.q4), k.q2);
    x[2] = vec_correct(x[2], k.q2);
    x[3] = vec_correct(x[3], k.q2);
}

/* The very last step, with 1/n: [0, q) out; in as inverse_step(). */
static ALWAYS_INLINE void inverse_last_step(vec x[PASS_REGISTERS], const struct ntt_tables *tables,
                                            enum width width, struct lanes_of_q k)
{
    const struct factor scale =
        factor_of_twins(vec_set(tables->scale.value), vec_set(tables->scale.quotient));
    const vec bound = width == NARROW ? k.q2 : k.q8;
    const struct factor scale_root =
        factor_of_twins(vec_set(tables->scale_root.value), vec_set(tables->scale_root.quotient));
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        const vec lower = x[i];
        const vec upper = x[i + PASS_BUTTERFLIES];
        x[i] = vec_add(lower, upper);
        x[i + PASS_BUTTERFLIES] = vec_sub(vec_add(lower, bound), upper);
    }
    multiply_lazy(x, &scale, PASS_BUTTERFLIES, k.q);
    multiply_lazy(x + PASS_BUTTERFLIES, &scale_root, PASS_BUTTERFLIES, k.q);
    UNROLL_8
    for (size_t j = 0; j < PASS_REGISTERS; j++)
        x[j] = vec_correct(x[j], k.q);
}

static ALWAYS_INLINE void inverse_short_step(vec x[PASS_REGISTERS], const struct ntt_tables *tables,
                                             size_t pair, size_t step, struct lanes_of_q k)
{
    struct factor factors[PASS_BUTTERFLIES];
    short_factors(factors, tables->inverse, tables->inverse_quotient, tables->n, pair, step);
    inverse_step(x, factors, 1, NARROW, k);
    reorder_pairs_back(x, step);
}

static ALWAYS_INLINE void inverse_first_pass(uint32_t *ret, const uint32_t *from,
                                             const struct ntt_tables *tables, enum width width)
{
    const struct lanes_of_q k = lanes_of_q(tables->modulus.value);
    const size_t blocks = tables->n / (PASS_REGISTERS * VEC_LANES);
    for (size_t block = 0; block < blocks; block++) {
        const size_t at = block * PASS_REGISTERS * VEC_LANES;
        struct factor factors[PASS_FACTORS];
        vec x[PASS_REGISTERS];
        load_registers(x, from + at, VEC_LANES, 1);
        reorder_pairs_back(x, NTT_SHORT_STEPS);
        const size_t pair = block * PASS_BUTTERFLIES;
        if (NTT_SHORT_STEPS > 3)
            inverse_short_step(x, tables, pair, 3, k);
        if (NTT_SHORT_STEPS > 2)
            inverse_short_step(x, tables, pair, 2, k);
        inverse_short_step(x, tables, pair, 1, k);
        inverse_short_step(x, tables, pair, 0, k);
        block_factors(factors, tables->inverse, tables->inverse_quotient, blocks + block);
        inverse_step(x, factors + 3, 1, width, k);
        inverse_step(x, factors + 1, 2, width, k);
        inverse_step(x, factors, 4, width, k);
        inverse_reduce(x, width, k);
        store_registers(ret + at, x, VEC_LANES, 1);
    }
}

/* `steps` steps that leave `blocks` blocks; one block is the whole row. */
static ALWAYS_INLINE void inverse_pass(uint32_t *row, const struct ntt_tables *tables,
                                       size_t blocks, size_t steps, bool is_last, enum width width)
{
    const struct lanes_of_q k = lanes_of_q(tables->modulus.value);
    const size_t part = (tables->n / blocks) >> steps;
    const size_t columns = PASS_REGISTERS >> steps;
    for (size_t block = 0; block < blocks; block++) {
        struct factor factors[PASS_FACTORS];
        block_factors(factors, tables->inverse, tables->inverse_quotient, blocks + block);
        uint32_t *const start = row + ((block * part) << steps);
        for (uint32_t *at = start; at < start + part; at += columns * VEC_LANES) {
            vec x[PASS_REGISTERS];
            load_registers(x, at, part, columns);
            if (steps == PASS_STEPS)
                inverse_step(x, factors + 3, 1, width, k);
            inverse_step(x, factors + 1, 2, width, k);
            if (is_last) {
                inverse_last_step(x, tables, width, k);
            } else {
                inverse_step(x, factors, 4, width, k);
                inverse_reduce(x, width, k);
            }
            store_registers(at, x, part, columns);
        }
    }
}

/* What the inverse transform is put together from. */
struct inverse_passes {
    void (*first)(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);
    void (*two_steps)(uint32_t *row, const struct ntt_tables *tables, size_t blocks);
    void (*three_steps)(uint32_t *row, const struct ntt_tables *tables, size_t blocks);
    void (*last_two_steps)(uint32_t *row, const struct ntt_tables *tables, size_t blocks);
    void (*last_three_steps)(uint32_t *row, const struct ntt_tables *tables, size_t blocks);
};

#define INVERSE_PASS(name, steps, is_last, width)                                                  \
    static NEVER_INLINE void name(uint32_t *row, const struct ntt_tables *tables, size_t blocks)   \
    {                                                                                              \
        inverse_pass(row, tables, blocks, steps, is_last, width);                                  \
    }
#define INVERSE_PASSES(name, width)                                                                \
    static NEVER_INLINE void name##_first(uint32_t *ret, const uint32_t *from,                     \
                                          const struct ntt_tables *tables)                         \
    {                                                                                              \
        inverse_first_pass(ret, from, tables, width);                                              \
    }                                                                                              \
    INVERSE_PASS(name##_two_steps, 2, false, width)                                                \
    INVERSE_PASS(name##_three_steps, PASS_STEPS, false, width)                                     \
    INVERSE_PASS(name##_last_two_steps, 2, true, width)                                            \
    INVERSE_PASS(name##_last_three_steps, PASS_STEPS, true, width)                                 \
    static const struct inverse_passes name = {                                                    \
        .first = name##_first,                                                                     \
        .two_steps = name##_two_steps,                                                             \
        .three_steps = name##_three_steps,                                                         \
        .last_two_steps = name##_last_two_steps,                                                   \
        .last_three_steps = name##_last_three_steps,                                               \
    };
INVERSE_PASSES(inverse_wide, WIDE)
INVERSE_PASSES(inverse_narrow, NARROW)

static void inverse(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    const struct inverse_passes *const passes =
        width_of(tables->modulus.value) == WIDE ? &inverse_wide : &inverse_narrow;
    size_t left = long_steps(tables);
    passes->first(ret, from, tables);
    while (left > PASS_STEPS) {
        const size_t steps = left == PASS_STEPS + 1 ? 2 : PASS_STEPS;
        left -= steps;
        (steps == 2 ? passes->two_steps : passes->three_steps)(ret, tables, (size_t)1 << left);
    }
    (left == 2 ? passes->last_two_steps : passes->last_three_steps)(ret, tables, 1);
}

#endif
