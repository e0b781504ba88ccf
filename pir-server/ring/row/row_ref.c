/* The portable kernel, and the definition of correct. */
#include "pir-server/ring/row/row_internal.h"

#include <string.h>

/* Words of the loops whose 64-bit sums stay in the first cache. */
#define TILE ((size_t)512)

static void multiply_add_pair(uint64_t *restrict sum0, uint64_t *restrict sum1,
                              const uint32_t *restrict a0, const uint32_t *restrict a1,
                              const uint32_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum0[i] += (uint64_t)a0[i] * b[i];
        sum1[i] += (uint64_t)a1[i] * b[i];
    }
}

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

static void reduce_montgomery_lazy(uint32_t *restrict ret, const uint64_t *restrict sum, size_t n,
                                   const struct modulus *q)
{
    const uint32_t value = q->value;
    const uint32_t inverse = q->montgomery_inverse;
    for (size_t i = 0; i < n; i++)
        ret[i] = montgomery_reduce_lazy(sum[i], value, inverse);
}

static void dot_pair(uint32_t *ret0, uint32_t *ret1, const struct row_operands *operands, size_t n,
                     uint64_t room, const struct modulus *q, bool is_montgomery)
{
    uint64_t sum0[TILE];
    uint64_t sum1[TILE];
    for (size_t at = 0; at < n; at += TILE) {
        const size_t tile = n - at < TILE ? n - at : TILE;
        memset(sum0, 0, tile * sizeof *sum0);
        memset(sum1, 0, tile * sizeof *sum1);
        uint64_t terms = 0;
        for (size_t r = 0; r < operands->count; r++) {
            if (operands->b[r] == NULL)
                continue;
            if (terms == room) {
                fold(sum0, tile, q);
                fold(sum1, tile, q);
                terms = 1;
            }
            const size_t a = r * operands->stride + at;
            multiply_add_pair(sum0, sum1, operands->a0 + a, operands->a1 + a,
                              operands->b[r] + operands->b_offset + at, tile);
            terms++;
        }
        if (is_montgomery) {
            reduce_montgomery_lazy(ret0 + at, sum0, tile, q);
            reduce_montgomery_lazy(ret1 + at, sum1, tile, q);
        } else {
            reduce(ret0 + at, sum0, tile, q);
            reduce(ret1 + at, sum1, tile, q);
        }
    }
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

static void multiply_montgomery(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n,
                                const struct modulus *q)
{
    const uint32_t value = q->value;
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(
            montgomery_reduce_lazy((uint64_t)a[i] * b[i], value, q->montgomery_inverse), value);
}

static void add(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(a[i] + b[i], q);
}

static void sub(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(a[i] + q - b[i], q);
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
    .dot_pair = dot_pair,
    .multiply_add_pair = multiply_add_pair,
    .fold = fold,
    .reduce = reduce,
    .reduce_128 = reduce_128,
    .combine = combine,
    .scale_difference = scale_difference,
    .multiply_montgomery = multiply_montgomery,
    .add = add,
    .sub = sub,
    .add_constant = add_constant,
};
