/* row_lanes_wide - sums and products mod q in registers, for the loops of row_wide. */
#ifndef BLINDLIST_RING_ROW_LANES_WIDE_H
#define BLINDLIST_RING_ROW_LANES_WIDE_H

#include "pir-server/ring/row/row_internal.h"
#include "pir-server/ring/vec_wide.h"

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

#endif
