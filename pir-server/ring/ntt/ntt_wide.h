/* ntt_wide - the transforms for vectors of 32-bit lanes; ntt_ref.c has the steps and their ranges.
 *
 * A pass holds eight registers and does two or three steps on them: on two blocks of four or on one
 * of eight. The last pass of the forward transform (the first of the inverse) takes eight
 * neighbouring vectors, does three steps on them and then the short steps, NTT_SHORT_STEPS of them,
 * whose blocks are shorter than two vectors: on pairs of registers whose lanes are reordered before
 * each. A row of 4096 is read and written three times.
 *
 * Four butterflies go side by side, stage by stage. A step is a chain of 11 cycles and of no more
 * than 13 operations, four of which a processor starts in a cycle; one step after the other, it
 * waits, since its schedulers (64 operations on a Zen 4) do not see far enough ahead. Shoup's
 * multiplication takes two 32x32->64 products for the quotient and two low halves: on the
 * processors tried that beats Montgomery's six full products. Signed residues, which need no +2q,
 * gained nothing.
 *
 * A kernel file includes its vec_ operations, defines NTT_SHORT_STEPS and includes this; it then
 * defines reorder(), reorder_back() and short_factor(). Everything here is static, so no code for
 * wide registers gets into other files.
 *
 * Count    a forward step on two registers is 11 operations: 8 for the product, 3 for sum and
 *          difference; one less with AVX-512, whose join is a single one. n = 4096 with AVX2 does
 *          3072 of them, 256 times 5 reductions of 2, 10 reorderings and 6 for factors: 40,400, at
 *          four a cycle 2.7 us on a Zen 4 of 3.7 GHz. AVX-512 needs 38,000 halves: 2.6 us. */
#ifndef BLINDLIST_RING_NTT_WIDE_H
#define BLINDLIST_RING_NTT_WIDE_H

#include "base/compiler.h"
#include "pir-server/ring/ntt/ntt_internal.h"

#include <assert.h>

enum {
    PASS_STEPS = 3,
    PASS_REGISTERS = 1 << PASS_STEPS,
    PASS_FACTORS = PASS_REGISTERS - 1,
    PASS_BUTTERFLIES = PASS_REGISTERS / 2 /* a step */
};

/* Below this there are fewer than two steps before the last pass. */
#define NTT_WIDE_MIN (4 * PASS_REGISTERS * VEC_LANES)

/* The multiples of q that the steps need. */
struct lanes_of_q {
    vec q;
    vec q2;
    vec q4;
    vec q8;
};

/* A factor and its quotient; quotient_odd has the odd lanes moved down to the even ones. */
struct factor {
    vec value;
    vec quotient;
    vec quotient_odd;
};

/* The short steps are counted 0, 1, .. NTT_SHORT_STEPS - 1 in the order of the forward transform.
 * Before short step `step`: from the lanes of the step before to those that it wants, and with
 * step = NTT_SHORT_STEPS back to neighbours. */
static ALWAYS_INLINE void reorder(vec *low, vec *high, size_t step);
/* Undoes reorder() of the same step. */
static ALWAYS_INLINE void reorder_back(vec *low, vec *high, size_t step);
/* The factors of the 2^(step + 1) blocks of two registers, in the order of the lanes of `step`. */
static ALWAYS_INLINE struct factor short_factor(const uint32_t *values, const uint32_t *quotients,
                                                size_t step);

static ALWAYS_INLINE struct lanes_of_q lanes_of_q(uint32_t q)
{
    return (struct lanes_of_q){
        .q = vec_set(q), .q2 = vec_set(2 * q), .q4 = vec_set(4 * q), .q8 = vec_set(8 * q)};
}

static ALWAYS_INLINE struct factor factor_of(vec value, vec quotient)
{
    return (struct factor){.value = value, .quotient = quotient, .quotient_odd = vec_odd(quotient)};
}

/* The same when lanes 2i and 2i + 1 have one factor. */
static ALWAYS_INLINE struct factor factor_of_twins(vec value, vec quotient)
{
    return (struct factor){.value = value, .quotient = quotient, .quotient_odd = quotient};
}

/* The factors of PASS_STEPS steps on one block, the first of which is number `at` of the table:
 * then 2 at, 2 at + 1, 4 at .. 4 at + 3. */
static ALWAYS_INLINE void block_factors(struct factor ret[PASS_FACTORS], const uint32_t *values,
                                        const uint32_t *quotients, size_t at)
{
    UNROLL_8
    for (size_t i = 1; i <= PASS_FACTORS; i++) {
        const size_t row = i >= 4 ? 4 : i >= 2 ? 2 : 1;
        const size_t number = row * at + i - row;
        ret[i - 1] = factor_of_twins(vec_set(values[number]), vec_set(quotients[number]));
    }
}

/* x - bound when x >= bound, else x: the difference wraps to a large number in the other case. */
static ALWAYS_INLINE vec correct_by(vec x, vec bound)
{
    return vec_min(x, vec_sub(x, bound));
}

/* Butterfly i of a step whose operands are `stride` registers apart: the lower one's number. */
static ALWAYS_INLINE size_t lower_of(size_t i, size_t stride)
{
    return i / stride * 2 * stride + i % stride;
}

/* y[i] * factors[i / stride] mod q in [0, 2q), for every 32-bit y. The low products of the factors
 * come late, so that sixteen registers do. */
static ALWAYS_INLINE void multiply_lazy(vec y[PASS_BUTTERFLIES], const struct factor *factors,
                                        size_t stride, vec q)
{
    vec odd[PASS_BUTTERFLIES];
    vec even[PASS_BUTTERFLIES];
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        odd[i] = vec_mul(vec_odd(y[i]), factors[i / stride].quotient_odd);
        even[i] = vec_mul(y[i], factors[i / stride].quotient);
    }
    vec estimate[PASS_BUTTERFLIES]; /* times q */
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        estimate[i] = vec_mul_low(vec_join_high(even[i], odd[i]), q);
        y[i] = vec_mul_low(y[i], factors[i / stride].value);
    }
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++)
        y[i] = vec_sub(y[i], estimate[i]);
}

/* What is done to the upper operands of a forward step. The step adds up to 2q to them; the lower
 * ones go through the product, which takes every 32-bit value and leaves [0, 2q). */
enum reduction {
    KEEP,         /* nothing */
    FROM_4Q,      /* [0, 4q) to [0, 2q) */
    FROM_16Q,     /* [0, 16q) to [0, 8q) */
    FROM_16Q_FULL /* [0, 16q) to [0, 2q) */
};

/* Whether values up to 16q fit: then few steps reduce (enum reduction of forward_pass() and
 * forward_last_pass()), else each one does, from 4q. */
enum width { NARROW, WIDE };

static_assert(4 + 2 * PASS_STEPS + 2 * PASS_STEPS <= 16, "the first two passes reduce nothing");
static_assert(8 + 2 * PASS_STEPS + 2 <= 16, "FROM_16Q, the steps of a pass and a short step");
static_assert(8 + 2 * 2 <= 16, "FROM_16Q and two short steps");

static ALWAYS_INLINE enum width width_of(uint32_t q)
{
    return q < UINT32_C(1) << 28 ? WIDE : NARROW;
}

static ALWAYS_INLINE vec reduce(vec x, enum reduction reduction, enum width width,
                                struct lanes_of_q k)
{
    if (width == NARROW)
        return correct_by(x, k.q2);
    switch (reduction) {
    case KEEP:
        return x;
    case FROM_4Q:
        return correct_by(x, k.q2);
    case FROM_16Q:
        return correct_by(x, k.q8);
    case FROM_16Q_FULL:
        return correct_by(correct_by(correct_by(x, k.q8), k.q4), k.q2);
    }
    return x;
}

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

/* Register j of a pass of `steps` steps: column j mod `columns` of part j / columns of the block.
 */
static ALWAYS_INLINE size_t register_at(size_t j, size_t part, size_t columns)
{
    return j / columns * part + j % columns * VEC_LANES;
}

static ALWAYS_INLINE void load_registers(vec x[PASS_REGISTERS], const uint32_t *from, size_t part,
                                         size_t columns)
{
    UNROLL_8
    for (size_t j = 0; j < PASS_REGISTERS; j++)
        x[j] = vec_load(from + register_at(j, part, columns));
}

static ALWAYS_INLINE void store_registers(uint32_t *ret, const vec x[PASS_REGISTERS], size_t part,
                                          size_t columns)
{
    UNROLL_8
    for (size_t j = 0; j < PASS_REGISTERS; j++)
        vec_store(ret + register_at(j, part, columns), x[j]);
}

/* The steps whose blocks are longer than PASS_REGISTERS vectors; two at least. */
static ALWAYS_INLINE size_t long_steps(const struct ntt_tables *tables)
{
    return tables->log2_n - PASS_STEPS - NTT_SHORT_STEPS;
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

/* The factors of short step `step` on pairs of registers, the first of which is number `pair` of
 * the row. */
static ALWAYS_INLINE void short_factors(struct factor ret[PASS_BUTTERFLIES], const uint32_t *values,
                                        const uint32_t *quotients, size_t n, size_t pair,
                                        size_t step)
{
    UNROLL_8
    for (size_t i = 0; i < PASS_BUTTERFLIES; i++) {
        const size_t at = (n >> (NTT_SHORT_STEPS - step)) + ((pair + i) << (step + 1));
        ret[i] = short_factor(values + at, quotients + at, step);
    }
}

static ALWAYS_INLINE void reorder_pairs(vec x[PASS_REGISTERS], size_t step)
{
    UNROLL_8
    for (size_t j = 0; j < PASS_REGISTERS; j += 2)
        reorder(&x[j], &x[j + 1], step);
}

static ALWAYS_INLINE void reorder_pairs_back(vec x[PASS_REGISTERS], size_t step)
{
    UNROLL_8
    for (size_t j = 0; j < PASS_REGISTERS; j += 2)
        reorder_back(&x[j], &x[j + 1], step);
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
        if (!is_lazy)
            UNROLL_8
        for (size_t j = 0; j < PASS_REGISTERS; j++)
            x[j] = correct_by(correct_by(x[j], k.q2), k.q);
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
            *lower = correct_by(*lower, k.q2);
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
    x[1] = correct_by(correct_by(x[1], k.q4), k.q2);
    x[2] = correct_by(x[2], k.q2);
    x[3] = correct_by(x[3], k.q2);
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
        x[j] = correct_by(x[j], k.q);
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

#define NTT_WIDE_KERNEL(kernel_name)                                                               \
    {                                                                                              \
        .name = kernel_name, .runs_on = runs_on, .forward_lazy = forward_lazy, .forward = forward, \
        .inverse = inverse                                                                         \
    }

#endif
