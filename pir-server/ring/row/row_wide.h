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

#include "pir-server/ring/row/row_expand_wide.h"

#include <assert.h>

#define VEC_LINE ((size_t)16)           /* words of a cache line */
#define VEC_DOT  (VEC_LINE / VEC_LANES) /* registers of a line */
static_assert(VEC_LINE == ROW_STRIP_WORDS, "dimension 0 works on whole lines");

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
