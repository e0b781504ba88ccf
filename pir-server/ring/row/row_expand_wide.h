/* row_expand_wide - the loops of row_wide for key switching and for the tree of an expansion. */
#ifndef BLINDLIST_RING_ROW_EXPAND_WIDE_H
#define BLINDLIST_RING_ROW_EXPAND_WIDE_H

#include "pir-server/ring/row/row_lanes_wide.h"

/* Accumulators of VEC_BLOCK registers of a row, for both results of key switching. */
struct vec_switch {
    vec even[2][VEC_BLOCK];
    vec odd[2][VEC_BLOCK];
};

static ALWAYS_INLINE void wide_switch_sums(struct vec_switch *sums,
                                           const struct row_switch *operands, size_t at,
                                           const struct vec_modulus *m, bool is_permuted)
{
    UNROLL_8
    for (size_t v = 0; v < VEC_BLOCK; v++)
        sums->even[0][v] = sums->odd[0][v] = sums->even[1][v] = sums->odd[1][v] = vec_set(0);
    uint64_t terms = 0;
    for (size_t r = 0; r < operands->count; r++) {
        if (terms == operands->room) {
            UNROLL_8
            for (size_t v = 0; v < VEC_BLOCK; v++) {
                vec_fold_pair(&sums->even[0][v], &sums->odd[0][v], m);
                vec_fold_pair(&sums->even[1][v], &sums->odd[1][v], m);
            }
            terms = 1;
        }
        const uint32_t *const digit = operands->digits[r];
        const uint32_t *const k0 = operands->key + r * operands->stride + at;
        const uint32_t *const k1 = k0 + operands->stride / 2;
        UNROLL_8
        for (size_t v = 0; v < VEC_BLOCK; v++) {
            const size_t i = v * VEC_LANES;
            const vec x = is_permuted ? vec_load_permuted(digit, operands->sources, at + i)
                                      : vec_load(digit + at + i);
            const vec x_odd = vec_odd(x);
            const vec y0 = vec_load(k0 + i);
            const vec y1 = vec_load(k1 + i);
            vec_multiply_add(&sums->even[0][v], &sums->odd[0][v], x, x_odd, y0, vec_odd(y0));
            vec_multiply_add(&sums->even[1][v], &sums->odd[1][v], x, x_odd, y1, vec_odd(y1));
        }
        terms++;
    }
}

static ALWAYS_INLINE void wide_switch(uint32_t *ret0, uint32_t *ret1,
                                      const struct row_switch *operands, size_t at, size_t n,
                                      const struct modulus *q, bool is_permuted, bool is_added)
{
    const struct vec_modulus m = vec_modulus_of(q);
    const vec q2 = vec_set(2 * q->value);
    const vec q4 = vec_set(4 * q->value);
    for (size_t done = 0; done < n; done += VEC_BLOCK * VEC_LANES) {
        struct vec_switch sums;
        wide_switch_sums(&sums, operands, at + done, &m, is_permuted);
        UNROLL_8
        for (size_t v = 0; v < VEC_BLOCK; v++) {
            const size_t i = done + v * VEC_LANES;
            vec x0 = vec_montgomery_lazy(sums.even[0][v], sums.odd[0][v], &m);
            vec x1 = vec_montgomery_lazy(sums.even[1][v], sums.odd[1][v], &m);
            if (is_added) {
                const vec c = is_permuted
                                  ? vec_load_permuted(operands->c, operands->sources, at + i)
                                  : vec_load(operands->c + at + i);
                x0 = vec_add(vec_add(x0, c), vec_load(operands->more[0] + at + i));
                x1 = vec_add(x1, vec_load(operands->more[1] + at + i));
                x0 = vec_correct(vec_correct(vec_correct(x0, q4), q2), m.q);
                x1 = vec_correct(vec_correct(vec_correct(x1, q4), q2), m.q);
            }
            vec_store(ret0 + i, x0);
            vec_store(ret1 + i, x1);
        }
    }
}

/* Two loops rather than a test in one. */
static void wide_switch_lazy(uint32_t *ret0, uint32_t *ret1, const struct row_switch *operands,
                             size_t at, size_t n, const struct modulus *q)
{
    if (n % (VEC_BLOCK * VEC_LANES) != 0) /* rows shorter than a block: toy rings */
        row_kernel_ref.switch_lazy(ret0, ret1, operands, at, n, q);
    else if (operands->sources != NULL)
        wide_switch(ret0, ret1, operands, at, n, q, true, false);
    else
        wide_switch(ret0, ret1, operands, at, n, q, false, false);
}

static void wide_switch_add(uint32_t *ret0, uint32_t *ret1, const struct row_switch *operands,
                            size_t at, size_t n, const struct modulus *q)
{
    if (n % (VEC_BLOCK * VEC_LANES) != 0)
        row_kernel_ref.switch_add(ret0, ret1, operands, at, n, q);
    else if (operands->sources != NULL)
        wide_switch(ret0, ret1, operands, at, n, q, true, true);
    else
        wide_switch(ret0, ret1, operands, at, n, q, false, true);
}

static void wide_drop_lazy(uint32_t *ret, const uint32_t *x, uint32_t bound, uint32_t factor,
                           uint32_t quotient, size_t n, uint32_t q)
{
    const vec modulus = vec_set(q);
    const vec w = vec_set(factor);
    const vec wq = vec_set(quotient);
    const vec limit = vec_set(bound);
    for (size_t i = 0; i < n; i += VEC_LANES) {
        const vec a = vec_load(x + i);
        const vec is_above = vec_negative(vec_sub(limit, a)); /* -1 or 0 */
        vec_store(ret + i, vec_sub(vec_shoup_lazy(a, w, wq, modulus), is_above));
    }
}

static void wide_permute(uint32_t *ret, const uint32_t *from, const uint32_t *sources, size_t n)
{
    for (size_t i = 0; i < n; i += VEC_LANES)
        vec_store(ret + i, vec_load_permuted(from, sources, i));
}

/* Which word of the blocks that begin at register i goes to each lane of that register. */
static inline vec vec_block_lanes(unsigned log2_block)
{
    uint32_t lanes[VEC_LANES];
    for (uint32_t i = 0; i < VEC_LANES; i++)
        lanes[i] = log2_block < 32 ? i >> log2_block : 0;
    return vec_load(lanes);
}

/* x times words i .. of a row of factors, in [0, q), for every x (Shoup).
 *   lanes  vec_block_lanes(), or NULL when a block is a register or more */
static ALWAYS_INLINE vec vec_multiply_blocks(vec x, const struct row_blocks *factors, size_t i,
                                             vec q, const vec *lanes)
{
    const size_t at = i >> factors->log2_block;
    if (lanes == NULL) {
        const vec value = vec_set(factors->values[at]);
        return vec_correct(vec_shoup_lazy(x, value, vec_set(factors->quotients[at]), q), q);
    }
    const vec value = vec_permute(vec_load(factors->values + at), *lanes);
    const vec quotient = vec_permute(vec_load(factors->quotients + at), *lanes);
    const vec estimate =
        vec_join_high(vec_mul(x, quotient), vec_mul(vec_odd(x), vec_odd(quotient)));
    return vec_correct(vec_sub(vec_mul_low(x, value), vec_mul_low(estimate, q)), q);
}

static ALWAYS_INLINE void wide_split_blocks(struct row_strips even, struct row_strips odd,
                                            const uint32_t *c, const uint32_t *r,
                                            const struct row_blocks *monomial, size_t n, vec q,
                                            const vec *lanes)
{
    const size_t strip = row_strip_words(n);
    uint32_t *e = even.words;
    uint32_t *o = odd.words;
    for (size_t at = 0; at < n; at += strip, e += even.stride, o += odd.stride) {
        for (size_t i = 0; i < strip; i += VEC_LANES) {
            const vec x = vec_load(c + at + i);
            const vec y = vec_load(r + at + i);
            vec_store(e + i, vec_correct(vec_add(x, y), q));
            vec_store(o + i,
                      vec_multiply_blocks(vec_sub(vec_add(x, q), y), monomial, at + i, q, lanes));
        }
    }
}

static void wide_split(struct row_strips even, struct row_strips odd, const uint32_t *c,
                       const uint32_t *r, const struct row_blocks *monomial, size_t n,
                       const struct modulus *q)
{
    const vec lanes = vec_block_lanes(monomial->log2_block);
    if (monomial->log2_block >= VEC_LOG2_LANES)
        wide_split_blocks(even, odd, c, r, monomial, n, vec_set(q->value), NULL);
    else
        wide_split_blocks(even, odd, c, r, monomial, n, vec_set(q->value), &lanes);
}

/* lanes [3] of the monomials, NULL when all have blocks of whole registers. */
static ALWAYS_INLINE void wide_split_four_blocks(const struct row_four *operands, uint32_t quotient,
                                                 size_t n, const struct modulus *modulus,
                                                 const vec *lanes)
{
    const vec q = vec_set(modulus->value);
    const vec q2 = vec_set(2 * modulus->value);
    const vec quarter = vec_set(operands->quarter);
    const vec quarter_quotient = vec_set(quotient);
    const size_t strip = row_strip_words(n);
    const struct row_four o = *operands;
    uint32_t *ret[4] = {o.ret[0].words, o.ret[1].words, o.ret[2].words, o.ret[3].words};
    for (size_t at = 0; at < n; at += strip) {
        for (size_t i = 0; i < strip; i += VEC_LANES) {
            const size_t k = at + i;
            const vec c = vec_load(o.c + k);
            const vec r1 = vec_load(o.turned[0] + k);
            const vec r2 = vec_load(o.turned[1] + k);
            const vec r3 = vec_load(o.turned[2] + k);
            /* All in [0, 2q): what is multiplied stays below 4q. */
            const vec sum1 = vec_add(c, r1);
            const vec sum2 = vec_add(r2, r3);
            const vec difference1 = vec_sub(vec_add(c, q), r1);
            const vec difference2 =
                vec_shoup_lazy(vec_sub(vec_add(r2, q), r3), quarter, quarter_quotient, q);
            vec_store(ret[0] + i, vec_correct(vec_correct(vec_add(sum1, sum2), q2), q));
            vec_store(ret[1] + i,
                      vec_multiply_blocks(vec_add(difference1, difference2), &o.monomials[0], k, q,
                                          lanes != NULL ? &lanes[0] : NULL));
            vec_store(ret[2] + i,
                      vec_multiply_blocks(vec_sub(vec_add(sum1, q2), sum2), &o.monomials[1], k, q,
                                          lanes != NULL ? &lanes[1] : NULL));
            vec_store(ret[3] + i,
                      vec_multiply_blocks(vec_sub(vec_add(difference1, q2), difference2),
                                          &o.monomials[2], k, q, lanes != NULL ? &lanes[2] : NULL));
        }
        UNROLL_8
        for (size_t k = 0; k < 4; k++)
            ret[k] += o.ret[k].stride;
    }
}

static void wide_split_four(const struct row_four *operands, uint32_t quotient, size_t n,
                            const struct modulus *q)
{
    vec lanes[3];
    bool is_whole = true;
    for (size_t k = 0; k < 3; k++) {
        lanes[k] = vec_block_lanes(operands->monomials[k].log2_block);
        is_whole = is_whole && operands->monomials[k].log2_block >= VEC_LOG2_LANES;
    }
    if (is_whole)
        wide_split_four_blocks(operands, quotient, n, q, NULL);
    else
        wide_split_four_blocks(operands, quotient, n, q, lanes);
}

#endif
