/* row_wide - the row loops for vectors of 32-bit lanes, in terms of a dozen operations.
 *
 * A kernel file defines `vec` (a register), VEC_LANES (32-bit lanes in it), VEC_BLOCK (registers of
 * a row that a dot product works on at once: four accumulators each have to stay in registers) and
 * the vec_ operations, then includes this and fills its table. Everything here is static, so no
 * code for wide registers gets into other files.
 *
 * A 64-bit sum over lane 2i is held in 64-bit lane i of the `even` register, over lane 2i + 1 in
 * the `odd` one. Arrays of sums keep the two registers one after the other. */
#ifndef BLINDLIST_RING_ROW_WIDE_H
#define BLINDLIST_RING_ROW_WIDE_H

#include "pir-server/ring/row/row_internal.h"

#define VEC_LINE ((size_t)16) /* words of a cache line */

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

static inline void wide_dot_block(uint32_t *ret0, uint32_t *ret1,
                                  const struct row_operands *operands, size_t at, uint64_t room,
                                  const struct vec_modulus *m, bool is_montgomery)
{
    vec even0[VEC_BLOCK], odd0[VEC_BLOCK], even1[VEC_BLOCK], odd1[VEC_BLOCK];
    UNROLL_8
    for (size_t v = 0; v < VEC_BLOCK; v++)
        even0[v] = odd0[v] = even1[v] = odd1[v] = vec_set(0);
    const uint32_t *const *const rows = operands->b;
    const size_t b_at = operands->b_offset + at;
    uint64_t terms = 0;
    for (size_t r = 0; r < operands->count; r++) {
        if (rows[r] == NULL)
            continue;
        if (terms == room) {
            UNROLL_8
            for (size_t v = 0; v < VEC_BLOCK; v++) {
                const vec x0 = vec_reduce(even0[v], odd0[v], m);
                const vec x1 = vec_reduce(even1[v], odd1[v], m);
                even0[v] = vec_low(x0);
                odd0[v] = vec_odd(x0);
                even1[v] = vec_low(x1);
                odd1[v] = vec_odd(x1);
            }
            terms = 1;
        }
        const uint32_t *const b = rows[r] + b_at;
        const uint32_t *const a0 = operands->a0 + r * operands->stride + at;
        const uint32_t *const a1 = operands->a1 + r * operands->stride + at;
        /* The next block of these rows, which lie too far apart for the processor to foresee. Past
         * the end of a row nothing is read. */
        for (size_t v = VEC_BLOCK * VEC_LANES; v < 2 * VEC_BLOCK * VEC_LANES; v += VEC_LINE) {
            PREFETCH_READ(b + v);
            PREFETCH_READ(a0 + v);
            PREFETCH_READ(a1 + v);
        }
        UNROLL_8
        for (size_t v = 0; v < VEC_BLOCK; v++) {
            const vec factor = vec_load(b + v * VEC_LANES);
            const vec factor_odd = vec_odd(factor);
            const vec x0 = vec_load(a0 + v * VEC_LANES);
            const vec x1 = vec_load(a1 + v * VEC_LANES);
            even0[v] = vec_add64(even0[v], vec_mul(x0, factor));
            odd0[v] = vec_add64(odd0[v], vec_mul(vec_odd(x0), factor_odd));
            even1[v] = vec_add64(even1[v], vec_mul(x1, factor));
            odd1[v] = vec_add64(odd1[v], vec_mul(vec_odd(x1), factor_odd));
        }
        terms++;
    }
    UNROLL_8
    for (size_t v = 0; v < VEC_BLOCK; v++) {
        const size_t i = at + v * VEC_LANES;
        if (is_montgomery) {
            vec_store(ret0 + i, vec_montgomery_lazy(even0[v], odd0[v], m));
            vec_store(ret1 + i, vec_montgomery_lazy(even1[v], odd1[v], m));
        } else {
            vec_store(ret0 + i, vec_reduce(even0[v], odd0[v], m));
            vec_store(ret1 + i, vec_reduce(even1[v], odd1[v], m));
        }
    }
}

static void wide_dot_pair(uint32_t *ret0, uint32_t *ret1, const struct row_operands *operands,
                          size_t n, uint64_t room, const struct modulus *q, bool is_montgomery)
{
    if (n % (VEC_BLOCK * VEC_LANES) != 0) { /* rows shorter than a block: toy rings */
        row_kernel_ref.dot_pair(ret0, ret1, operands, n, room, q, is_montgomery);
        return;
    }
    const struct vec_modulus m = vec_modulus_of(q);
    for (size_t at = 0; at < n; at += VEC_BLOCK * VEC_LANES) {
        /* Two loops rather than a test in one: the compiler keeps the sums in registers. */
        if (is_montgomery)
            wide_dot_block(ret0, ret1, operands, at, room, &m, true);
        else
            wide_dot_block(ret0, ret1, operands, at, room, &m, false);
    }
}

static void wide_multiply_add_pair(uint64_t *sum0, uint64_t *sum1, const uint32_t *a0,
                                   const uint32_t *a1, const uint32_t *b, size_t n)
{
    for (size_t i = 0; i < n; i += VEC_LANES) {
        const vec factor = vec_load(b + i);
        const vec factor_odd = vec_odd(factor);
        const vec x0 = vec_load(a0 + i);
        const vec x1 = vec_load(a1 + i);
        uint64_t *const s0 = sum0 + i;
        uint64_t *const s1 = sum1 + i;
        vec_store64(s0, vec_add64(vec_load64(s0), vec_mul(x0, factor)));
        vec_store64(s0 + VEC_LANES / 2,
                    vec_add64(vec_load64(s0 + VEC_LANES / 2), vec_mul(vec_odd(x0), factor_odd)));
        vec_store64(s1, vec_add64(vec_load64(s1), vec_mul(x1, factor)));
        vec_store64(s1 + VEC_LANES / 2,
                    vec_add64(vec_load64(s1 + VEC_LANES / 2), vec_mul(vec_odd(x1), factor_odd)));
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

static void wide_multiply_montgomery(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n,
                                     const struct modulus *q)
{
    const struct vec_modulus m = vec_modulus_of(q);
    for (size_t i = 0; i < n; i += VEC_LANES) {
        const vec x = vec_load(a + i);
        const vec y = vec_load(b + i);
        const vec product = vec_montgomery_lazy(vec_mul(x, y), vec_mul(vec_odd(x), vec_odd(y)), &m);
        vec_store(ret + i, vec_correct(product, m.q));
    }
}

static void wide_add(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q)
{
    const vec modulus = vec_set(q);
    for (size_t i = 0; i < n; i += VEC_LANES)
        vec_store(ret + i, vec_correct(vec_add(vec_load(a + i), vec_load(b + i)), modulus));
}

static void wide_sub(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q)
{
    const vec modulus = vec_set(q);
    for (size_t i = 0; i < n; i += VEC_LANES)
        vec_store(ret + i, vec_correct(vec_sub(vec_add(vec_load(a + i), modulus), vec_load(b + i)),
                                       modulus));
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
        .name = kernel_name, .dot_pair = wide_dot_pair,                                            \
        .multiply_add_pair = wide_multiply_add_pair, .fold = wide_fold, .reduce = wide_reduce,     \
        .reduce_128 = wide_reduce_128, .combine = wide_combine,                                    \
        .scale_difference = wide_scale_difference,                                                 \
        .multiply_montgomery = wide_multiply_montgomery, .add = wide_add, .sub = wide_sub,         \
        .add_constant = wide_add_constant                                                          \
    }

#endif
