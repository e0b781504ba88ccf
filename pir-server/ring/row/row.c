#include "pir-server/ring/row/row.h"

#include "pir-server/ring/row/row_internal.h"

#include <assert.h>
#include <string.h>

static const struct row_kernel *const kernels[] = {&row_kernel_avx512, &row_kernel_avx2,
                                                   &row_kernel_neon, &row_kernel_ref};

const struct row_kernel *row_kernel_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(kernels); i++)
        if (strcmp(kernels[i]->name, name) == 0)
            return kernels[i];
    return NULL;
}

size_t row_capacity(uint32_t max_modulus)
{
    const uint64_t largest = (uint64_t)(max_modulus - 1) * (max_modulus - 1);
    const uint64_t count = largest == 0 ? UINT64_MAX : UINT64_MAX / largest;
    return count > SIZE_MAX ? SIZE_MAX : (size_t)count;
}

void row_dot_pair(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                  const struct row_operands *operands, size_t n, uint64_t room,
                  const struct modulus *q)
{
    assert(room >= 8);
    kernel->dot_pair(ret0, ret1, operands, n, room, q, false);
}

void row_dot_pair_montgomery_lazy(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                                  const struct row_operands *operands, size_t n, uint64_t room,
                                  const struct modulus *q)
{
    assert(room >= 2);
    kernel->dot_pair(ret0, ret1, operands, n, room, q, true);
}

void row_multiply_add_pair(const struct row_kernel *kernel, uint64_t *sum0, uint64_t *sum1,
                           const uint32_t *a0, const uint32_t *a1, const uint32_t *b, size_t n)
{
    kernel->multiply_add_pair(sum0, sum1, a0, a1, b, n);
}

void row_fold(const struct row_kernel *kernel, uint64_t *sum, size_t n, const struct modulus *q)
{
    kernel->fold(sum, n, q);
}

void row_reduce(const struct row_kernel *kernel, uint32_t *ret, const uint64_t *sum, size_t n,
                const struct modulus *q)
{
    kernel->reduce(ret, sum, n, q);
}

void row_combine(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *const *rows,
                 const uint32_t *factors, size_t count, size_t n, const struct modulus *q)
{
    kernel->combine(ret, rows, factors, count, n, q);
}

void row_scale(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, uint32_t factor,
               size_t n, const struct modulus *q)
{
    kernel->scale_difference(ret, a, NULL, 0, factor, shoup_quotient(q, factor), n, q->value);
}

void row_scale_difference(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                          const uint32_t *b, uint32_t offset, uint32_t factor, size_t n,
                          const struct modulus *q)
{
    kernel->scale_difference(ret, a, b, offset, factor, shoup_quotient(q, factor), n, q->value);
}

void row_multiply_montgomery(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                             const uint32_t *b, size_t n, const struct modulus *q)
{
    kernel->multiply_montgomery(ret, a, b, n, q);
}

void row_reduce_128(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *words, size_t n,
                    const struct modulus *q)
{
    kernel->reduce_128(ret, words, n, q);
}

void row_add(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, const uint32_t *b,
             size_t n, const struct modulus *q)
{
    kernel->add(ret, a, b, n, q->value);
}

void row_sub(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, const uint32_t *b,
             size_t n, const struct modulus *q)
{
    kernel->sub(ret, a, b, n, q->value);
}

void row_add_constant(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                      uint32_t constant, size_t n, const struct modulus *q)
{
    kernel->add_constant(ret, a, constant, n, q->value);
}
