/* The portable kernel, and the definition of correct. */
#include "pir-server/ring/row/row_internal.h"

#include <string.h>

static void fold(uint64_t *sum, size_t n, const struct modulus *q)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = modulus_reduce(q, sum[i]);
}

static void reduce(uint32_t *restrict ret, const uint64_t *restrict sum, size_t n,
                   const struct modulus *q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_reduce(q, sum[i]);
}

static void multiply_add(uint64_t *restrict sum, const uint32_t *restrict a,
                         const uint32_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += (uint64_t)a[i] * b[i];
}

static void permute(uint32_t *restrict ret, const uint32_t *restrict from,
                    const uint32_t *restrict sources, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = from[sources[i]];
}

/* Words of a row whose sums stay in the first cache. */
enum { TILE = 512 };

/* What both results are before `add` and c: in [0, 2q). */
static void switch_lazy(uint32_t *ret0, uint32_t *ret1, const struct row_switch *operands,
                        size_t at, size_t n, const struct modulus *q)
{
    uint64_t sums[2][TILE];
    uint32_t moved[TILE];
    uint32_t *const rets[2] = {ret0, ret1};
    for (size_t done = 0; done < n; done += TILE) {
        const size_t tile = n - done < TILE ? n - done : TILE;
        memset(sums, 0, sizeof sums);
        uint64_t terms = 0;
        for (size_t r = 0; r < operands->count; r++) {
            const uint32_t *digit = operands->digits[r] + at + done;
            const uint32_t *const key = operands->key + r * operands->stride + at + done;
            if (operands->sources != NULL) {
                permute(moved, operands->digits[r], operands->sources + at + done, tile);
                digit = moved;
            }
            if (terms == operands->room) {
                fold(sums[0], tile, q);
                fold(sums[1], tile, q);
                terms = 1;
            }
            multiply_add(sums[0], key, digit, tile);
            multiply_add(sums[1], key + operands->stride / 2, digit, tile);
            terms++;
        }
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < tile; i++)
                rets[k][done + i] =
                    montgomery_reduce_lazy(sums[k][i], q->value, q->montgomery_inverse);
    }
}

static void add_lazy(uint32_t *restrict ret, const uint32_t *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ret[i] += a[i];
}

static void scale_difference(uint32_t *ret, const uint32_t *a, const uint32_t *b, uint32_t offset,
                             uint32_t factor, uint32_t quotient, size_t n, uint32_t q)
{
    if (b == NULL) {
        for (size_t i = 0; i < n; i++)
            ret[i] = modulus_correct(shoup_mul_lazy(a[i], factor, quotient, q), q);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(shoup_mul_lazy(a[i] + offset - b[i], factor, quotient, q), q);
}

static void switch_add(uint32_t *ret0, uint32_t *ret1, const struct row_switch *operands, size_t at,
                       size_t n, const struct modulus *q)
{
    const uint32_t quotient_of_one = shoup_quotient(q, 1);
    uint32_t moved[TILE];
    switch_lazy(ret0, ret1, operands, at, n, q);
    for (size_t done = 0; done < n; done += TILE) {
        const size_t tile = n - done < TILE ? n - done : TILE;
        const uint32_t *c = operands->c + at + done;
        if (operands->sources != NULL) {
            permute(moved, operands->c, operands->sources + at + done, tile);
            c = moved;
        }
        add_lazy(ret0 + done, operands->more[0] + at + done, tile);
        add_lazy(ret0 + done, c, tile);
        add_lazy(ret1 + done, operands->more[1] + at + done, tile);
    }
    scale_difference(ret0, ret0, NULL, 0, 1, quotient_of_one, n, q->value);
    scale_difference(ret1, ret1, NULL, 0, 1, quotient_of_one, n, q->value);
}

static void drop_lazy(uint32_t *ret, const uint32_t *x, uint32_t bound, uint32_t factor,
                      uint32_t quotient, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = shoup_mul_lazy(x[i], factor, quotient, q) + ((bound - x[i]) >> 31);
}

/* ret[i] *= word at + i of a row of factors, in [0, q). */
static void multiply_blocks(uint32_t *ret, const struct row_blocks *factors, size_t at, size_t n,
                            uint32_t q)
{
    const size_t block = (size_t)1 << factors->log2_block;
    const size_t run = block < n ? block : n;
    for (size_t first = 0; first < n; first += run) {
        const size_t k = (at + first) >> factors->log2_block;
        scale_difference(ret + first, ret + first, NULL, 0, factors->values[k],
                         factors->quotients[k], run, q);
    }
}

/* One strip of two children, the second before it is multiplied. */
static void split_strip(uint32_t *restrict even, uint32_t *restrict odd, const uint32_t *restrict c,
                        const uint32_t *restrict r, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++) {
        even[i] = modulus_correct(c[i] + r[i], q);
        odd[i] = c[i] + q - r[i];
    }
}

static void split(struct row_strips even, struct row_strips odd, const uint32_t *c,
                  const uint32_t *r, const struct row_blocks *monomial, size_t n,
                  const struct modulus *q)
{
    const size_t strip = row_strip_words(n);
    for (size_t at = 0; at < n; at += strip) {
        uint32_t *const e = even.words + at / strip * even.stride;
        uint32_t *const o = odd.words + at / strip * odd.stride;
        split_strip(e, o, c + at, r + at, strip, q->value);
        multiply_blocks(o, monomial, at, strip, q->value);
    }
}

/* One strip of four children, the last three before they are multiplied. */
static void split_strip_four(uint32_t *const ret[4], const struct row_four *operands,
                             uint32_t quotient, size_t at, size_t n, const struct modulus *q)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = operands->c[at + i];
        const uint32_t r1 = operands->turned[0][at + i];
        const uint32_t r2 = operands->turned[1][at + i];
        const uint32_t r3 = operands->turned[2][at + i];
        const uint32_t sum1 = modulus_add(q, c, r1);
        const uint32_t sum2 = modulus_add(q, r2, r3);
        const uint32_t difference1 = modulus_sub(q, c, r1);
        const uint32_t difference2 = modulus_correct(
            shoup_mul_lazy(modulus_sub(q, r2, r3), operands->quarter, quotient, q->value),
            q->value);
        ret[0][i] = modulus_add(q, sum1, sum2);
        ret[1][i] = difference1 + difference2;
        ret[2][i] = sum1 + q->value - sum2;
        ret[3][i] = difference1 + q->value - difference2;
    }
}

static void split_four(const struct row_four *operands, uint32_t quotient, size_t n,
                       const struct modulus *q)
{
    const size_t strip = row_strip_words(n);
    for (size_t at = 0; at < n; at += strip) {
        uint32_t *ret[4];
        for (size_t k = 0; k < 4; k++)
            ret[k] = operands->ret[k].words + at / strip * operands->ret[k].stride;
        split_strip_four(ret, operands, quotient, at, strip, q);
        for (size_t k = 1; k < 4; k++)
            multiply_blocks(ret[k], &operands->monomials[k - 1], at, strip, q->value);
    }
}

static void dot_strip(const struct row_dot *operands, size_t n, uint64_t room,
                      const struct modulus *q)
{
    uint64_t sums[2][ROW_STRIP_WORDS];
    size_t t = 0;
    for (size_t c = 0; c < operands->columns; c++) {
        const size_t end = t + operands->counts[c];
        memset(sums, 0, sizeof sums);
        uint64_t terms = 0;
        for (; t < end; t++) {
            const uint32_t *const pair = operands->pairs + (size_t)2 * operands->rows[t] * n;
            const uint32_t *const tile = operands->tiles + t * n;
            if (terms == room) {
                fold(sums[0], n, q);
                fold(sums[1], n, q);
                terms = 1;
            }
            multiply_add(sums[0], pair, tile, n);
            multiply_add(sums[1], pair + n, tile, n);
            terms++;
        }
        for (size_t k = 0; k < 2; k++)
            reduce(operands->ret[c] + operands->ret_offset[k], sums[k], n, q);
    }
}

static void multiply_add_pair(uint64_t *sum0, uint64_t *sum1, uint64_t *sum2,
                              const struct row_pair *pair, size_t n)
{
    const size_t second = pair->second;
    multiply_add(sum0, pair->x, pair->y, n);
    multiply_add(sum1, pair->x, pair->y + second, n);
    multiply_add(sum1, pair->x + second, pair->y, n);
    multiply_add(sum2, pair->x + second, pair->y + second, n);
}

static void combine(uint32_t *ret, const uint32_t *const *rows, const uint32_t *factors,
                    size_t count, size_t n, const struct modulus *q)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t total = 0;
        for (size_t first = 0; first < count; first += ROW_COMBINE_GROUP) {
            const size_t end =
                count - first < ROW_COMBINE_GROUP ? count : first + ROW_COMBINE_GROUP;
            uint64_t sum = 0;
            for (size_t r = first; r < end; r++)
                sum += (uint64_t)rows[r][i] * factors[r];
            const uint32_t part = modulus_correct(
                montgomery_reduce_lazy(sum, q->value, q->montgomery_inverse), q->value);
            total = modulus_correct(total + part, q->value);
        }
        ret[i] = total;
    }
}

static void extend(const struct row_extend *operands, const uint32_t *quotients, size_t n)
{
    enum { STEP = 64 };
    const struct row_extend o = *operands;
    const uint32_t mask = UINT32_MAX >> (32 - o.bits);
    uint32_t y[ROW_EXTEND_MAX + 1][STEP]; /* r behind them */
    uint32_t low[STEP];
    const uint32_t *rows[ROW_EXTEND_MAX + 1];
    for (size_t i = 0; i <= o.count; i++)
        rows[i] = y[i];
    for (size_t at = 0; at < n; at += STEP) {
        const size_t tile = n - at < STEP ? n - at : STEP;
        memset(low, 0, sizeof low);
        for (size_t i = 0; i < o.count; i++) {
            scale_difference(y[i], o.x + i * n + at, NULL, 0, o.scale[i], quotients[i], tile,
                             o.moduli[i].value);
            for (size_t k = 0; k < tile; k++)
                low[k] += y[i][k] * o.low[i];
        }
        for (size_t b = 0; b < o.ret_count; b++) {
            const uint32_t wrap = o.ret_moduli[b].value - mask - 1;
            for (size_t k = 0; k < tile; k++) {
                const uint32_t residue = low[k] & mask;
                y[o.count][k] = residue + (wrap & (0 - (residue >> (o.bits - 1))));
            }
            combine(o.ret + b * n + at, rows, o.factors + b * o.factor_stride, o.count + 1, tile,
                    &o.ret_moduli[b]);
        }
    }
}

static void add(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(a[i] + b[i], q);
}

static void add_constant(uint32_t *ret, const uint32_t *a, uint32_t constant, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(a[i] + constant, q);
}

/* Words times powers of 2^32 mod q: at most 3 * 2^62 + 2^32 together. */
static void reduce_128(uint32_t *ret, const uint32_t *words, size_t n, const struct modulus *q)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t *const w = words + 4 * i;
        ret[i] = modulus_reduce(q, w[0] + (uint64_t)w[1] * q->pow32 + (uint64_t)w[2] * q->pow64 +
                                       (uint64_t)w[3] * q->pow96);
    }
}

const struct row_kernel row_kernel_ref = {
    .name = "ref",
    .switch_lazy = switch_lazy,
    .switch_add = switch_add,
    .drop_lazy = drop_lazy,
    .permute = permute,
    .split = split,
    .split_four = split_four,
    .dot_strip = dot_strip,
    .multiply_add_pair = multiply_add_pair,
    .fold = fold,
    .reduce = reduce,
    .reduce_128 = reduce_128,
    .combine = combine,
    .scale_difference = scale_difference,
    .extend = extend,
    .add = add,
    .add_constant = add_constant,
};
