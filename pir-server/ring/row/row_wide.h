/* row_wide - the row loops for vectors of 32-bit lanes, in terms of a dozen operations.
 *
 * A kernel file defines `vec` (a register), VEC_LANES (32-bit lanes in it), VEC_BLOCK (registers of
 * a row that key switching works on at once: four accumulators each have to stay in registers),
 * and the vec_ operations, then includes this and fills its table. Everything here is static, so no
 * code for wide registers gets into other files.
 *
 * A 64-bit sum over lane 2i is held in 64-bit lane i of the `even` register, over lane 2i + 1 in
 * the `odd` one. Arrays of sums keep the two registers one after the other. */
#ifndef BLINDLIST_RING_ROW_WIDE_H
#define BLINDLIST_RING_ROW_WIDE_H

#include "pir-server/ring/row/row_internal.h"

#include <assert.h>

#define VEC_LINE ((size_t)16)           /* words of a cache line */
#define VEC_DOT  (VEC_LINE / VEC_LANES) /* registers of a line */
static_assert(VEC_LINE == ROW_STRIP_WORDS, "dimension 0 works on whole lines");

/* The constants of a modulus in all lanes. */
struct vec_modulus {
    vec q;
    vec inverse; /* q^-1 mod 2^32 */
    vec pow32;   /* 2^32 mod q */
    vec pow64;   /* 2^64 mod q */
};

static inline struct vec_modulus vec_modulus_of(const struct modulus *q)
{
    return (struct vec_modulus){.q = vec_set(q->value),
                                .inverse = vec_set(q->montgomery_inverse),
                                .pow32 = vec_set(q->pow32),
                                .pow64 = vec_set(q->pow64)};
}

/* x - bound when x >= bound, else x: the difference wraps to a large number in the other case. */
static inline vec vec_correct(vec x, vec bound)
{
    return vec_min(x, vec_sub(x, bound));
}

/* Sums below 2^32 q, times 2^-32 mod q, in [0, 2q). */
static inline vec vec_montgomery_lazy(vec even, vec odd, const struct vec_modulus *m)
{
    const vec even_part = vec_mul(vec_mul(even, m->inverse), m->q);
    const vec odd_part = vec_mul(vec_mul(odd, m->inverse), m->q);
    return vec_sub(vec_add(vec_join_high(even, odd), m->q), vec_join_high(even_part, odd_part));
}

/* The same number mod q, below 2^62: high half times 2^32 mod q, plus low half. */
static inline vec vec_fold(vec sum, const struct vec_modulus *m)
{
    return vec_add64(vec_mul(vec_odd(sum), m->pow32), vec_low(sum));
}

/* Any sums, mod q in [0, q): folded below 2^32 q, then two Montgomery steps that undo each other's
 * factor. (2^32 - 1) (q - 1) + 2^32 - 1 < 2^32 q. */
static inline vec vec_reduce(vec even, vec odd, const struct vec_modulus *m)
{
    const vec once = vec_montgomery_lazy(vec_fold(even, m), vec_fold(odd, m), m);
    const vec twice =
        vec_montgomery_lazy(vec_mul(once, m->pow64), vec_mul(vec_odd(once), m->pow64), m);
    return vec_correct(twice, m->q);
}

/* x * factor mod q in [0, 2q), for every 32-bit x (Shoup). */
static inline vec vec_shoup_lazy(vec x, vec factor, vec quotient, vec q)
{
    const vec estimate = vec_join_high(vec_mul(x, quotient), vec_mul(vec_odd(x), quotient));
    return vec_sub(vec_mul_low(x, factor), vec_mul_low(estimate, q));
}

/* sum += x * factor, lane by lane. */
static inline void vec_multiply_add(vec *even, vec *odd, vec x, vec x_odd, vec factor,
                                    vec factor_odd)
{
    *even = vec_add64(*even, vec_mul(x, factor));
    *odd = vec_add64(*odd, vec_mul(x_odd, factor_odd));
}

/* Sums folded to less than q: they count as one product from then on. */
static inline void vec_fold_pair(vec *even, vec *odd, const struct vec_modulus *m)
{
    const vec x = vec_reduce(*even, *odd, m);
    *even = vec_low(x);
    *odd = vec_odd(x);
}

/* A register of from[sources[at]], ..: all of them lie in one register's worth of `from`. */
static inline vec vec_load_permuted(const uint32_t *from, const uint32_t *sources, size_t at)
{
    const uint32_t group = sources[at] & ~(uint32_t)(VEC_LANES - 1);
    return vec_permute(vec_load(from + group), vec_load(sources + at));
}

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

/* A cache line of one column, whole, so that the tiles are read strictly from front to back: the
 * processor then fetches them ahead by itself. The pairs stay in the first cache. */
static ALWAYS_INLINE void wide_dot_column(const uint32_t *pairs, const uint32_t *tiles,
                                          const uint16_t *rows, size_t count, uint64_t room,
                                          const struct vec_modulus *m, uint32_t *const ret[2])
{
    vec even[2][VEC_DOT], odd[2][VEC_DOT]; /* [polynomial] */
    UNROLL_8
    for (size_t v = 0; v < VEC_DOT; v++)
        even[0][v] = odd[0][v] = even[1][v] = odd[1][v] = vec_set(0);
    for (size_t first = 0; first < count;) {
        const size_t end = count - first < room - 1 ? count : first + (size_t)(room - 1);
        for (size_t t = first; t < end; t++) {
            const uint32_t *const pair = pairs + 2 * VEC_LINE * rows[t];
            const uint32_t *const tile = tiles + VEC_LINE * t;
            UNROLL_8
            for (size_t v = 0; v < VEC_DOT; v++) {
                const vec factor = vec_load(tile + v * VEC_LANES);
                const vec factor_odd = vec_odd(factor);
                UNROLL_8
                for (size_t k = 0; k < 2; k++) {
                    const vec x = vec_load(pair + k * VEC_LINE + v * VEC_LANES);
                    vec_multiply_add(&even[k][v], &odd[k][v], x, vec_odd(x), factor, factor_odd);
                }
            }
        }
        first = end;
        if (first == count)
            break;
        UNROLL_8
        for (size_t v = 0; v < VEC_DOT; v++) {
            vec_fold_pair(&even[0][v], &odd[0][v], m);
            vec_fold_pair(&even[1][v], &odd[1][v], m);
        }
    }
    UNROLL_8
    for (size_t v = 0; v < VEC_DOT; v++) {
        vec_store(ret[0] + v * VEC_LANES, vec_reduce(even[0][v], odd[0][v], m));
        vec_store(ret[1] + v * VEC_LANES, vec_reduce(even[1][v], odd[1][v], m));
    }
}

static void wide_dot_strip(const struct row_dot *operands, size_t n, uint64_t room,
                           const struct modulus *q)
{
    if (n != VEC_LINE) { /* toy rings */
        row_kernel_ref.dot_strip(operands, n, room, q);
        return;
    }
    const struct vec_modulus m = vec_modulus_of(q);
    size_t t = 0;
    for (size_t column = 0; column < operands->columns; column++) {
        uint32_t *const ret[2] = {operands->ret[column] + operands->ret_offset[0],
                                  operands->ret[column] + operands->ret_offset[1]};
        wide_dot_column(operands->pairs, operands->tiles + t * VEC_LINE, operands->rows + t,
                        operands->counts[column], room, &m, ret);
        t += operands->counts[column];
    }
}

static void wide_multiply_add_pair(uint64_t *sum0, uint64_t *sum1, uint64_t *sum2,
                                   const struct row_pair *pair, size_t n)
{
    uint64_t *const sums[3] = {sum0, sum1, sum2};
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec even[3], odd[3];
        UNROLL_8
        for (size_t k = 0; k < 3; k++) {
            even[k] = vec_load64(sums[k] + i);
            odd[k] = vec_load64(sums[k] + i + VEC_LANES / 2);
        }
        const vec x0 = vec_load(pair->x + i);
        const vec x1 = vec_load(pair->x + pair->second + i);
        const vec y0 = vec_load(pair->y + i);
        const vec y1 = vec_load(pair->y + pair->second + i);
        const vec x0_odd = vec_odd(x0);
        const vec x1_odd = vec_odd(x1);
        const vec y0_odd = vec_odd(y0);
        const vec y1_odd = vec_odd(y1);
        vec_multiply_add(&even[0], &odd[0], x0, x0_odd, y0, y0_odd);
        vec_multiply_add(&even[1], &odd[1], x0, x0_odd, y1, y1_odd);
        vec_multiply_add(&even[1], &odd[1], x1, x1_odd, y0, y0_odd);
        vec_multiply_add(&even[2], &odd[2], x1, x1_odd, y1, y1_odd);
        UNROLL_8
        for (size_t k = 0; k < 3; k++) {
            vec_store64(sums[k] + i, even[k]);
            vec_store64(sums[k] + i + VEC_LANES / 2, odd[k]);
        }
    }
}

static void wide_fold(uint64_t *sum, size_t n, const struct modulus *q)
{
    const struct vec_modulus m = vec_modulus_of(q);
    for (size_t i = 0; i < n; i += VEC_LANES) {
        uint64_t *const s = sum + i;
        const vec x = vec_reduce(vec_load64(s), vec_load64(s + VEC_LANES / 2), &m);
        vec_store64(s, vec_low(x));
        vec_store64(s + VEC_LANES / 2, vec_odd(x));
    }
}

static void wide_reduce(uint32_t *ret, const uint64_t *sum, size_t n, const struct modulus *q)
{
    const struct vec_modulus m = vec_modulus_of(q);
    for (size_t i = 0; i < n; i += VEC_LANES)
        vec_store(ret + i,
                  vec_reduce(vec_load64(sum + i), vec_load64(sum + i + VEC_LANES / 2), &m));
}

/* Words times powers of 2^32 mod q; a number is two 64-bit lanes until its halves are added. */
static void wide_reduce_128(uint32_t *ret, const uint32_t *words, size_t n, const struct modulus *q)
{
    const struct vec_modulus m = vec_modulus_of(q);
    uint32_t even[VEC_LANES] = {0};
    uint32_t odd[VEC_LANES] = {0};
    for (size_t i = 0; i < VEC_LANES; i += 4) {
        even[i] = 1;
        even[i + 2] = q->pow64;
        odd[i] = q->pow32;
        odd[i + 2] = q->pow96;
    }
    const vec even_factor = vec_load(even);
    const vec odd_factor = vec_load(odd);
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec part[4];
        UNROLL_8
        for (size_t v = 0; v < 4; v++) {
            const vec x = vec_load(words + 4 * i + v * VEC_LANES);
            part[v] = vec_add64(vec_mul(x, even_factor), vec_mul(vec_odd(x), odd_factor));
        }
        vec even_sum, odd_sum;
        vec_add_neighbours(part, &even_sum, &odd_sum);
        vec_store(ret + i, vec_reduce(even_sum, odd_sum, &m));
    }
}

static void wide_combine(uint32_t *ret, const uint32_t *const *rows, const uint32_t *factors,
                         size_t count, size_t n, const struct modulus *q)
{
    const struct vec_modulus m = vec_modulus_of(q);
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec total = vec_set(0);
        for (size_t first = 0; first < count; first += ROW_COMBINE_GROUP) {
            const size_t end =
                count - first < ROW_COMBINE_GROUP ? count : first + ROW_COMBINE_GROUP;
            vec even = vec_set(0);
            vec odd = vec_set(0);
            for (size_t r = first; r < end; r++) {
                const vec x = vec_load(rows[r] + i);
                const vec factor = vec_set(factors[r]);
                even = vec_add64(even, vec_mul(x, factor));
                odd = vec_add64(odd, vec_mul(vec_odd(x), factor));
            }
            const vec part = vec_correct(vec_montgomery_lazy(even, odd, &m), m.q);
            total = vec_correct(vec_add(total, part), m.q);
        }
        vec_store(ret + i, total);
    }
}

static void wide_scale_difference(uint32_t *ret, const uint32_t *a, const uint32_t *b,
                                  uint32_t offset, uint32_t factor, uint32_t quotient, size_t n,
                                  uint32_t q)
{
    const vec modulus = vec_set(q);
    const vec w = vec_set(factor);
    const vec wq = vec_set(quotient);
    const vec more = vec_set(offset);
    if (b == NULL) {
        for (size_t i = 0; i < n; i += VEC_LANES)
            vec_store(ret + i,
                      vec_correct(vec_shoup_lazy(vec_load(a + i), w, wq, modulus), modulus));
        return;
    }
    for (size_t i = 0; i < n; i += VEC_LANES) {
        const vec x = vec_sub(vec_add(vec_load(a + i), more), vec_load(b + i));
        vec_store(ret + i, vec_correct(vec_shoup_lazy(x, w, wq, modulus), modulus));
    }
}

/* One register of every row, for up to ROW_COMBINE_GROUP - 1 rows: what they become fits one sum,
 * and a known number of them stays in registers. */
static ALWAYS_INLINE void wide_extend_block(const struct row_extend *o, const uint32_t *quotients,
                                            size_t at, size_t n, size_t count)
{
    vec y[ROW_COMBINE_GROUP], y_odd[ROW_COMBINE_GROUP]; /* r behind them */
    vec low = vec_set(0);
    UNROLL_8
    for (size_t i = 0; i < count; i++) {
        const vec q = vec_set(o->moduli[i].value);
        y[i] = vec_correct(vec_shoup_lazy(vec_load(o->x + i * n + at), vec_set(o->scale[i]),
                                          vec_set(quotients[i]), q),
                           q);
        y_odd[i] = vec_odd(y[i]);
        low = vec_add(low, vec_mul_low(y[i], vec_set(o->low[i])));
    }
    const uint32_t mask = UINT32_MAX >> (32 - o->bits);
    low = vec_and(low, vec_set(mask));
    const vec is_negative = vec_negative(vec_sub(vec_set(mask >> 1), low));
    for (size_t b = 0; b < o->ret_count; b++) {
        const uint32_t *const factors = o->factors + b * o->factor_stride;
        const struct modulus *const modulus = &o->ret_moduli[b];
        const struct vec_modulus m = {.q = vec_set(modulus->value),
                                      .inverse = vec_set(modulus->montgomery_inverse)};
        y[count] = vec_add(low, vec_and(is_negative, vec_set(modulus->value - mask - 1)));
        y_odd[count] = vec_odd(y[count]);
        vec even = vec_set(0);
        vec odd = vec_set(0);
        UNROLL_8
        for (size_t i = 0; i <= count; i++) {
            const vec factor = vec_set(factors[i]);
            vec_multiply_add(&even, &odd, y[i], y_odd[i], factor, factor);
        }
        vec_store(o->ret + b * n + at, vec_correct(vec_montgomery_lazy(even, odd, &m), m.q));
    }
}

static void wide_extend(const struct row_extend *operands, const uint32_t *quotients, size_t n)
{
    const struct row_extend o = *operands;
    if (o.count == 2)
        for (size_t at = 0; at < n; at += VEC_LANES)
            wide_extend_block(&o, quotients, at, n, 2);
    else if (o.count == 3)
        for (size_t at = 0; at < n; at += VEC_LANES)
            wide_extend_block(&o, quotients, at, n, 3);
    else
        row_kernel_ref.extend(operands, quotients, n);
}

static void wide_add(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q)
{
    const vec modulus = vec_set(q);
    for (size_t i = 0; i < n; i += VEC_LANES)
        vec_store(ret + i, vec_correct(vec_add(vec_load(a + i), vec_load(b + i)), modulus));
}

static void wide_add_constant(uint32_t *ret, const uint32_t *a, uint32_t constant, size_t n,
                              uint32_t q)
{
    const vec modulus = vec_set(q);
    const vec more = vec_set(constant);
    for (size_t i = 0; i < n; i += VEC_LANES)
        vec_store(ret + i, vec_correct(vec_add(vec_load(a + i), more), modulus));
}

#define ROW_WIDE_KERNEL(kernel_name)                                                               \
    {                                                                                              \
        .name = kernel_name, .switch_lazy = wide_switch_lazy, .switch_add = wide_switch_add,       \
        .drop_lazy = wide_drop_lazy, .permute = wide_permute, .split = wide_split,                 \
        .split_four = wide_split_four, .dot_strip = wide_dot_strip,                                \
        .multiply_add_pair = wide_multiply_add_pair, .fold = wide_fold, .reduce = wide_reduce,     \
        .reduce_128 = wide_reduce_128, .combine = wide_combine, .extend = wide_extend,             \
        .scale_difference = wide_scale_difference, .add = wide_add,                                \
        .add_constant = wide_add_constant                                                          \
    }

#endif
