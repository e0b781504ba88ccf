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

static bool switch_is_sound(const struct row_switch *operands)
{
    return operands->room >= 2 && operands->stride % 2 == 0;
}

void row_switch_lazy(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                     const struct row_switch *operands, size_t at, size_t n,
                     const struct modulus *q)
{
    assert(switch_is_sound(operands));
    kernel->switch_lazy(ret0, ret1, operands, at, n, q);
}

void row_switch_add(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                    const struct row_switch *operands, size_t at, size_t n, const struct modulus *q)
{
    assert(switch_is_sound(operands));
    kernel->switch_add(ret0, ret1, operands, at, n, q);
}

void row_drop_lazy(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *x,
                   uint32_t bound, uint32_t factor, size_t n, const struct modulus *q)
{
    kernel->drop_lazy(ret, x, bound, factor, shoup_quotient(q, factor), n, q->value);
}

void row_permute(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *from,
                 const uint32_t *sources, size_t n)
{
    assert(ret != from);
    kernel->permute(ret, from, sources, n);
}

void row_split(const struct row_kernel *kernel, struct row_strips even, struct row_strips odd,
               const uint32_t *c, const uint32_t *r, const struct row_blocks *monomial, size_t n,
               const struct modulus *q)
{
    kernel->split(even, odd, c, r, monomial, n, q);
}

void row_split_four(const struct row_kernel *kernel, const struct row_four *operands, size_t n,
                    const struct modulus *q)
{
    kernel->split_four(operands, shoup_quotient(q, operands->quarter), n, q);
}

void row_dot_strip(const struct row_kernel *kernel, const struct row_dot *operands, size_t n,
                   uint64_t room, const struct modulus *q)
{
    assert(room >= 8 && n <= ROW_STRIP_WORDS);
    kernel->dot_strip(operands, n, room, q);
}

void row_multiply_add_pair(const struct row_kernel *kernel, uint64_t *sum0, uint64_t *sum1,
                           uint64_t *sum2, const struct row_pair *pair, size_t n)
{
    kernel->multiply_add_pair(sum0, sum1, sum2, pair, n);
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

void row_extend(const struct row_kernel *kernel, const struct row_extend *operands, size_t n)
{
    uint32_t quotients[ROW_EXTEND_MAX];
    assert(operands->count >= 1 && operands->count <= ROW_EXTEND_MAX);
    assert(operands->bits >= 1 && operands->bits <= 27);
    for (size_t i = 0; i < operands->count; i++)
        quotients[i] = shoup_quotient(&operands->moduli[i], operands->scale[i]);
    kernel->extend(operands, quotients, n);
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

void row_add_constant(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                      uint32_t constant, size_t n, const struct modulus *q)
{
    kernel->add_constant(ret, a, constant, n, q->value);
}
