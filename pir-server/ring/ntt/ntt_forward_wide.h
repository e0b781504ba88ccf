/* ntt_forward_wide - the forward transforms of ntt_wide, whose header has the passes. */
#ifndef BLINDLIST_RING_NTT_FORWARD_WIDE_H
#define BLINDLIST_RING_NTT_FORWARD_WIDE_H

#include "pir-server/ring/ntt/ntt_steps_wide.h"

#include <assert.h>

static_assert(4 + 2 * PASS_STEPS + 2 * PASS_STEPS <= 16, "the first two passes reduce nothing");
static_assert(8 + 2 * PASS_STEPS + 2 <= 16, "FROM_16Q, the steps of a pass and a short step");
static_assert(8 + 2 * 2 <= 16, "FROM_16Q and two short steps");

/* One step; factors [PASS_BUTTERFLIES / stride]. */
static ALWAYS_INLINE void forward_step(vec x[PASS_REGISTERS], const struct factor *factors,
                                       size_t stride, enum reduction reduction, enum width width,
                                       struct lanes_of_q k)
{
    vec y[PASS_BUTTERFLIES];
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++)
        y[i] = x[lower_of(i, stride) + stride];
    multiply_lazy(y, factors, stride, k.q);
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        const size_t lower = lower_of(i, stride);
        const vec upper = reduce(x[lower], reduction, width, k);
        x[lower] = vec_add(upper, y[i]);
        x[lower + stride] = vec_sub(vec_add(upper, k.q2), y[i]);
    }
}

/* How many steps the next of the long passes does when `left` of the long steps are left, two at
 * least: two or PASS_STEPS, so that none is left over. */
static size_t next_steps(size_t left)
{
    return left % PASS_STEPS == 0 ? PASS_STEPS : 2;
}

/* `steps` steps on each of `blocks` blocks; ret is from, or they do not overlap. In: [0, 16q) when
 * `reduction` is FROM_16Q; out: [0, 14q). In: [0, b) when it is KEEP; out: [0, b + 2 steps q). */
static ALWAYS_INLINE void forward_pass(uint32_t *ret, const uint32_t *from,
                                       const struct ntt_tables *tables, size_t blocks, size_t steps,
                                       enum reduction reduction, enum width width)
{
    const struct lanes_of_q k = lanes_of_q(tables->modulus.value);
    const size_t part = (tables->n / blocks) >> steps;
    const size_t columns = PASS_REGISTERS >> steps;
    for (size_t block = 0; block < blocks; block++) {
        struct factor factors[PASS_FACTORS];
        block_factors(factors, tables->forward, tables->forward_quotient, blocks + block);
        const size_t start = (block * part) << steps;
        for (size_t i = start; i < start + part; i += columns * VEC_LANES) {
            vec x[PASS_REGISTERS];
            load_registers(x, from + i, part, columns);
            forward_step(x, factors, 4, reduction, width, k);
            forward_step(x, factors + 1, 2, KEEP, width, k);
            if (steps == PASS_STEPS)
                forward_step(x, factors + 3, 1, KEEP, width, k);
            store_registers(ret + i, x, part, columns);
        }
    }
}

/* One short step; the last one reduces fully, so that it leaves [0, 4q). */
static ALWAYS_INLINE void forward_short_step(vec x[PASS_REGISTERS], const struct ntt_tables *tables,
                                             size_t pair, size_t step, enum reduction reduction,
                                             enum width width, struct lanes_of_q k)
{
    struct factor factors[PASS_BUTTERFLIES];
    reorder_pairs(x, step);
    short_factors(factors, tables->forward, tables->forward_quotient, tables->n, pair, step);
    forward_step(x, factors, 1, step == NTT_SHORT_STEPS - 1 ? FROM_16Q_FULL : reduction, width, k);
}

/* Wide ranges: [0, 16q) in, at most [0, 14q) before the short steps, [0, 16q) after the first of
 * them, [0, 10q) and [0, 12q) after the next two; [0, 4q) after the last one, and out. */
static ALWAYS_INLINE void forward_last_pass(uint32_t *row, const struct ntt_tables *tables,
                                            bool is_lazy, enum width width)
{
    const struct lanes_of_q k = lanes_of_q(tables->modulus.value);
    const size_t blocks = tables->n / (PASS_REGISTERS * VEC_LANES);
    for (size_t block = 0; block < blocks; block++) {
        uint32_t *const at = row + block * PASS_REGISTERS * VEC_LANES;
        struct factor factors[PASS_FACTORS];
        vec x[PASS_REGISTERS];
        load_registers(x, at, VEC_LANES, 1);
        block_factors(factors, tables->forward, tables->forward_quotient, blocks + block);
        forward_step(x, factors, 4, FROM_16Q, width, k);
        forward_step(x, factors + 1, 2, KEEP, width, k);
        forward_step(x, factors + 3, 1, KEEP, width, k);
        const size_t pair = block * PASS_BUTTERFLIES;
        forward_short_step(x, tables, pair, 0, KEEP, width, k);
        forward_short_step(x, tables, pair, 1, FROM_16Q, width, k);
        if (NTT_SHORT_STEPS > 2)
            forward_short_step(x, tables, pair, 2, KEEP, width, k);
        if (NTT_SHORT_STEPS > 3)
            forward_short_step(x, tables, pair, 3, KEEP, width, k);
        reorder_pairs(x, NTT_SHORT_STEPS);
        if (!is_lazy) {
            UNROLL_8
            for (size_t j = 0; j < PASS_REGISTERS; j++)
                x[j] = vec_correct(vec_correct(x[j], k.q2), k.q);
        }
        store_registers(at, x, VEC_LANES, 1);
    }
}

/* Each pass is a function of its own: in one, compilers run out of registers. */
#define FORWARD_PASS(name, steps, reduction, width)                                                \
    static NEVER_INLINE void name(uint32_t *ret, const uint32_t *from,                             \
                                  const struct ntt_tables *tables, size_t blocks)                  \
    {                                                                                              \
        forward_pass(ret, from, tables, blocks, steps, reduction, width);                          \
    }
FORWARD_PASS(forward_two_steps, 2, KEEP, WIDE)
FORWARD_PASS(forward_three_steps, PASS_STEPS, KEEP, WIDE)
FORWARD_PASS(forward_three_steps_from_16q, PASS_STEPS, FROM_16Q, WIDE)
FORWARD_PASS(forward_two_steps_narrow, 2, FROM_4Q, NARROW)
FORWARD_PASS(forward_three_steps_narrow, PASS_STEPS, FROM_4Q, NARROW)

static NEVER_INLINE void forward_end(uint32_t *row, const struct ntt_tables *tables, bool is_lazy)
{
    forward_last_pass(row, tables, is_lazy, WIDE);
}

static NEVER_INLINE void forward_end_narrow(uint32_t *row, const struct ntt_tables *tables,
                                            bool is_lazy)
{
    forward_last_pass(row, tables, is_lazy, NARROW);
}

/* Wide ranges: [0, 4q) in, at most [0, 10q) after the first pass and [0, 16q) after the second,
 * [0, 14q) after each later one, which does PASS_STEPS. */
static void forward_wide(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables,
                         bool is_lazy)
{
    const size_t all = long_steps(tables);
    size_t pass = 0;
    for (size_t done = 0; done < all; pass++) {
        const size_t steps = next_steps(all - done);
        (steps == 2 ? forward_two_steps
         : pass < 2 ? forward_three_steps
                    : forward_three_steps_from_16q)(ret, from, tables, (size_t)1 << done);
        from = ret;
        done += steps;
    }
    forward_end(ret, tables, is_lazy);
}

static void forward_narrow(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables,
                           bool is_lazy)
{
    const size_t all = long_steps(tables);
    for (size_t done = 0; done < all;) {
        const size_t steps = next_steps(all - done);
        (steps == 2 ? forward_two_steps_narrow : forward_three_steps_narrow)(ret, from, tables,
                                                                             (size_t)1 << done);
        from = ret;
        done += steps;
    }
    forward_end_narrow(ret, tables, is_lazy);
}

static void forward_either(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables,
                           bool is_lazy)
{
    if (width_of(tables->modulus.value) == WIDE)
        forward_wide(ret, from, tables, is_lazy);
    else
        forward_narrow(ret, from, tables, is_lazy);
}

static void forward_lazy(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    forward_either(ret, from, tables, true);
}

static void forward(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    forward_either(ret, from, tables, false);
}

#endif
