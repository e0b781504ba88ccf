#include "pir-server/ring/row.h"

size_t row_capacity(uint32_t max_modulus)
{
    const uint64_t largest = (uint64_t)(max_modulus - 1) * (max_modulus - 1);
    const uint64_t count = largest == 0 ? UINT64_MAX : UINT64_MAX / largest;
    return count > SIZE_MAX ? SIZE_MAX : (size_t)count;
}

void row_multiply_add(uint64_t *restrict sum, const uint32_t *restrict a,
                      const uint32_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += (uint64_t)a[i] * b[i];
}

void row_multiply_add_pair(uint64_t *restrict sum0, uint64_t *restrict sum1,
                           const uint32_t *restrict a0, const uint32_t *restrict a1,
                           const uint32_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum0[i] += (uint64_t)a0[i] * b[i];
        sum1[i] += (uint64_t)a1[i] * b[i];
    }
}

void row_fold(uint64_t *sum, size_t n, const struct modulus *q)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = modulus_reduce(q, sum[i]);
}

void row_reduce(uint32_t *restrict ret, const uint64_t *restrict sum, size_t n,
                const struct modulus *q)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_reduce(q, sum[i]);
}

void row_montgomery_reduce_lazy(uint32_t *restrict ret, const uint64_t *restrict sum, size_t n,
                                const struct modulus *q)
{
    const uint32_t value = q->value;
    const uint32_t inverse = q->montgomery_inverse;
    for (size_t i = 0; i < n; i++)
        ret[i] = montgomery_reduce_lazy(sum[i], value, inverse);
}

void row_scale(uint32_t *ret, const uint32_t *a, uint32_t factor, size_t n, const struct modulus *q)
{
    const uint32_t value = q->value;
    const uint32_t quotient = shoup_quotient(q, factor);
    for (size_t i = 0; i < n; i++)
        ret[i] = modulus_correct(shoup_mul_lazy(a[i], factor, quotient, value), value);
}
