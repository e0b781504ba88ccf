/* ntt_wide - the transforms for vectors of 32-bit lanes; ntt_ref.c has the steps and their ranges.
 *
 * Two steps are done on four vectors in one pass over the row; the first pass reads `from`, the
 * others work on `ret`. The steps whose blocks are shorter than two vectors, NTT_SHORT_STEPS of
 * them, work on 2 * VEC_LANES neighbours in two registers that are reordered between the steps: a
 * kernel file includes its vec_ operations and this, and defines forward_short_steps() and
 * inverse_short_steps(). Shoup's multiplication takes two 32x32->64 products for the quotient and
 * two low halves: on the processors tried that beats Montgomery's six full products. Everything
 * here is static, so no code for wide registers gets into other files.
 *
 * Count    a step on two registers is 13 operations: 8 for the product, 2 for the correction, 3 for
 *          sum and difference; one less with AVX-512, whose join is a single one. The short
 *          steps add 10 reorderings for two registers. n = 4096 with AVX2: 3072 steps of 13 and
 *          256 times 10 are 42,500, at four a cycle 2.9 us on a Zen 4 of 3.67 GHz; measured there:
 *          4.8 us forward, 4.3 inverse; AVX-512 4.0 and 4.0. So neither ports nor multipliers are
 *          the bound: leaving out half of the forward corrections gained 3 % at most. */
#ifndef BLINDLIST_RING_NTT_WIDE_H
#define BLINDLIST_RING_NTT_WIDE_H

#include "pir-server/ring/ntt/ntt_internal.h"

/* The multiples of q that the steps need. */
struct lanes_of_q {
    vec q;
    vec q2;
};

/* A factor and its quotient; quotient_odd has the odd lanes moved down to the even ones. */
struct factor {
    vec value;
    vec quotient;
    vec quotient_odd;
};

static inline struct factor factor_of(vec value, vec quotient)
{
    return (struct factor){.value = value, .quotient = quotient, .quotient_odd = vec_odd(quotient)};
}

/* The same when lanes 2i and 2i + 1 have one factor. */
static inline struct factor factor_of_twins(vec value, vec quotient)
{
    return (struct factor){.value = value, .quotient = quotient, .quotient_odd = quotient};
}

static inline struct factor factor_broadcast(const uint32_t *values, const uint32_t *quotients,
                                             size_t at)
{
    const vec quotient = vec_set(quotients[at]);
    return (struct factor){
        .value = vec_set(values[at]), .quotient = quotient, .quotient_odd = quotient};
}

/* x * factor mod q in [0, 2q), for every 32-bit x. */
static inline vec mul_lazy(vec x, struct factor factor, vec q)
{
    const vec estimate =
        vec_join_high(vec_mul(x, factor.quotient), vec_mul(vec_odd(x), factor.quotient_odd));
    return vec_sub(vec_mul_low(x, factor.value), vec_mul_low(estimate, q));
}

/* x - bound when x >= bound, else x: the difference wraps to a large number in the other case. */
static inline vec correct_by(vec x, vec bound)
{
    return vec_min(x, vec_sub(x, bound));
}

/* The short steps on two registers of neighbours; pair = their number. Each kernel's own. */
static inline void forward_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k);
static inline void inverse_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k);

/* [0, 4q) in, [0, 4q) out. */
static inline void forward_step(vec *low, vec *high, struct factor factor, struct lanes_of_q k)
{
    const vec x = correct_by(*low, k.q2);
    const vec y = mul_lazy(*high, factor, k.q);
    *low = vec_add(x, y);
    *high = vec_sub(vec_add(x, k.q2), y);
}

/* [0, 2q) in, [0, 2q) out. */
static inline void inverse_step(vec *low, vec *high, struct factor factor, struct lanes_of_q k)
{
    const vec x = *low;
    const vec y = *high;
    *low = correct_by(vec_add(x, y), k.q2);
    *high = mul_lazy(vec_sub(vec_add(x, k.q2), y), factor, k.q);
}

/* Two forward steps on the quarters of one block of 4 * quarter values; ret is from, or they do not
 * overlap. */
static inline void forward_two_steps(uint32_t *ret, const uint32_t *from, size_t quarter,
                                     const uint32_t *values, const uint32_t *quotients, size_t at,
                                     struct lanes_of_q k)
{
    const struct factor outer = factor_broadcast(values, quotients, at);
    const struct factor left = factor_broadcast(values, quotients, 2 * at);
    const struct factor right = factor_broadcast(values, quotients, 2 * at + 1);
    for (size_t i = 0; i < quarter; i += VEC_LANES) {
        vec a = vec_load(from + i);
        vec b = vec_load(from + i + quarter);
        vec c = vec_load(from + i + 2 * quarter);
        vec d = vec_load(from + i + 3 * quarter);
        forward_step(&a, &c, outer, k);
        forward_step(&b, &d, outer, k);
        forward_step(&a, &b, left, k);
        forward_step(&c, &d, right, k);
        vec_store(ret + i, a);
        vec_store(ret + i + quarter, b);
        vec_store(ret + i + 2 * quarter, c);
        vec_store(ret + i + 3 * quarter, d);
    }
}

static void forward_lazy(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t *const values = tables->forward;
    const uint32_t *const quotients = tables->forward_quotient;
    const struct lanes_of_q k = {.q = vec_set(tables->modulus.value),
                                 .q2 = vec_set(2 * tables->modulus.value)};

    size_t blocks = 1;
    for (; n / blocks >= 4 * VEC_LANES; blocks *= 4) {
        const size_t quarter = n / (4 * blocks);
        for (size_t i = 0; i < blocks; i++)
            forward_two_steps(ret + 4 * i * quarter, from + 4 * i * quarter, quarter, values,
                              quotients, blocks + i, k);
        from = ret;
    }
    const bool has_step = n / blocks == 2 * VEC_LANES; /* one with halves of one vector */
    for (size_t pair = 0; pair < n / (2 * VEC_LANES); pair++) {
        const size_t at = 2 * VEC_LANES * pair;
        vec low = vec_load(from + at);
        vec high = vec_load(from + at + VEC_LANES);
        if (has_step)
            forward_step(&low, &high, factor_broadcast(values, quotients, blocks + pair), k);
        forward_short_steps(&low, &high, values, quotients, n, pair, k);
        vec_store(ret + at, low);
        vec_store(ret + at + VEC_LANES, high);
    }
}

static inline void inverse_two_steps(uint32_t *block, size_t quarter, const uint32_t *values,
                                     const uint32_t *quotients, size_t at, struct lanes_of_q k)
{
    const struct factor outer = factor_broadcast(values, quotients, at);
    const struct factor left = factor_broadcast(values, quotients, 2 * at);
    const struct factor right = factor_broadcast(values, quotients, 2 * at + 1);
    for (size_t i = 0; i < quarter; i += VEC_LANES) {
        vec a = vec_load(block + i);
        vec b = vec_load(block + i + quarter);
        vec c = vec_load(block + i + 2 * quarter);
        vec d = vec_load(block + i + 3 * quarter);
        inverse_step(&a, &b, left, k);
        inverse_step(&c, &d, right, k);
        inverse_step(&a, &c, outer, k);
        inverse_step(&b, &d, outer, k);
        vec_store(block + i, a);
        vec_store(block + i + quarter, b);
        vec_store(block + i + 2 * quarter, c);
        vec_store(block + i + 3 * quarter, d);
    }
}

/* The last step, with 1/n, fully reduced. */
static void inverse_last_step(uint32_t *row, const struct ntt_tables *tables, struct lanes_of_q k)
{
    const size_t half = tables->n / 2;
    const struct factor scale = factor_broadcast(&tables->scale.value, &tables->scale.quotient, 0);
    const struct factor scale_root =
        factor_broadcast(&tables->scale_root.value, &tables->scale_root.quotient, 0);
    for (size_t i = 0; i < half; i += VEC_LANES) {
        const vec x = vec_load(row + i);
        const vec y = vec_load(row + i + half);
        const vec sum = vec_add(x, y);
        const vec difference = vec_sub(vec_add(x, k.q2), y);
        vec_store(row + i, correct_by(mul_lazy(sum, scale, k.q), k.q));
        vec_store(row + i + half, correct_by(mul_lazy(difference, scale_root, k.q), k.q));
    }
}

static void inverse(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t *const values = tables->inverse;
    const uint32_t *const quotients = tables->inverse_quotient;
    const struct lanes_of_q k = {.q = vec_set(tables->modulus.value),
                                 .q2 = vec_set(2 * tables->modulus.value)};

    /* Steps between the short ones and the last one; an odd one is done beside the short ones. */
    const bool has_step = (tables->log2_n - 1 - NTT_SHORT_STEPS) % 2 == 1;
    size_t blocks = n / (2 * VEC_LANES);
    for (size_t pair = 0; pair < n / (2 * VEC_LANES); pair++) {
        const size_t at = 2 * VEC_LANES * pair;
        vec low = vec_load(from + at);
        vec high = vec_load(from + at + VEC_LANES);
        inverse_short_steps(&low, &high, values, quotients, n, pair, k);
        if (has_step)
            inverse_step(&low, &high, factor_broadcast(values, quotients, blocks + pair), k);
        vec_store(ret + at, low);
        vec_store(ret + at + VEC_LANES, high);
    }
    if (has_step)
        blocks /= 2;
    for (; blocks > 1; blocks /= 4) {
        const size_t quarter = n / (2 * blocks);
        for (size_t i = 0; i < blocks / 2; i++)
            inverse_two_steps(ret + 4 * i * quarter, quarter, values, quotients, blocks / 2 + i, k);
    }
    inverse_last_step(ret, tables, k);
}

static void correct(uint32_t *row, const struct ntt_tables *tables)
{
    const vec q = vec_set(tables->modulus.value);
    const vec q2 = vec_set(2 * tables->modulus.value);
    for (size_t i = 0; i < tables->n; i += VEC_LANES)
        vec_store(row + i, correct_by(correct_by(vec_load(row + i), q2), q));
}

#endif
