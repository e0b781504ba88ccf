/* ntt_steps_wide - registers, factors and products, which both directions of ntt_wide share. */
#ifndef BLINDLIST_RING_NTT_STEPS_WIDE_H
#define BLINDLIST_RING_NTT_STEPS_WIDE_H

#include "base/compiler.h"
#include "pir-server/ring/ntt/ntt_internal.h"
#include "pir-server/ring/vec_wide.h"

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

static ALWAYS_INLINE enum width width_of(uint32_t q)
{
    return q < UINT32_C(1) << 28 ? WIDE : NARROW;
}

static ALWAYS_INLINE vec reduce(vec x, enum reduction reduction, enum width width,
                                struct lanes_of_q k)
{
    if (width == NARROW)
        return vec_correct(x, k.q2);
    switch (reduction) {
    case KEEP:
        return x;
    case FROM_4Q:
        return vec_correct(x, k.q2);
    case FROM_16Q:
        return vec_correct(x, k.q8);
    case FROM_16Q_FULL:
        return vec_correct(vec_correct(vec_correct(x, k.q8), k.q4), k.q2);
    }
    return x;
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

#endif
