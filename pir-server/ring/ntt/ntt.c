#include "pir-server/ring/ntt/ntt.h"

#include "base/mem.h"
#include "pir-server/ring/ntt/ntt_internal.h"

#include <assert.h>
#include <string.h>

/* Fastest first; ref runs everywhere and is last. */
static const struct ntt_kernel *const kernels[] = {&ntt_kernel_avx512, &ntt_kernel_avx2,
                                                   &ntt_kernel_neon, &ntt_kernel_ref};

enum status ntt_kernel_choose(const struct cpu *cpu, const char *name, size_t n,
                              const struct ntt_kernel **ret, struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(kernels); i++) {
        if (name != NULL && strcmp(name, kernels[i]->name) != 0)
            continue;
        if (kernels[i]->runs_on != NULL && kernels[i]->runs_on(cpu, n)) {
            *ret = kernels[i];
            return STATUS_OK;
        }
        if (name != NULL)
            return error_set(err, STATUS_UNSUPPORTED,
                             "kernel %s does not run on this machine for degree %zu", name, n);
    }
    return error_set(err, STATUS_NOT_FOUND, "no kernel is called %s", name);
}

const char *ntt_kernel_name(const struct ntt_kernel *kernel)
{
    return kernel->name;
}

const char *ntt_kernel_list(size_t number)
{
    return number < ARRAY_COUNT(kernels) ? kernels[number]->name : NULL;
}

/* The smallest of the n primitive 2n-th roots of unity: they are the odd powers of any of them. */
static uint32_t smallest_root(const struct modulus *q, size_t n)
{
    const uint64_t exponent = (q->value - 1) / (2 * n);
    uint32_t root;
    uint32_t base = 2;
    do {
        root = modulus_power(q, base++, exponent);
    } while (modulus_power(q, root, n) != q->value - 1);

    const uint32_t square = modulus_mul(q, root, root);
    uint32_t smallest = root;
    for (size_t i = 1; i < n; i++) {
        root = modulus_mul(q, root, square);
        if (root < smallest)
            smallest = root;
    }
    return smallest;
}

static size_t reverse_bits(size_t value, unsigned bits)
{
    size_t reversed = 0;
    for (unsigned i = 0; i < bits; i++)
        reversed |= ((value >> i) & 1) << (bits - 1 - i);
    return reversed;
}

static void fill_powers(uint32_t *values, uint32_t *quotients, const struct modulus *q,
                        uint32_t base, size_t n, unsigned log2_n)
{
    uint32_t power = 1;
    for (size_t i = 0; i < n; i++) {
        const size_t at = reverse_bits(i, log2_n);
        values[at] = power;
        quotients[at] = shoup_quotient(q, power);
        power = modulus_mul(q, power, base);
    }
}

static struct ntt_factor factor_of(const struct modulus *q, uint32_t value)
{
    return (struct ntt_factor){.value = value, .quotient = shoup_quotient(q, value)};
}

enum status ntt_tables_new(size_t n, const struct modulus *q, const struct ntt_kernel *kernel,
                           struct ntt_tables **ret, struct error *err)
{
    if (n < NTT_DEGREE_MIN || n > NTT_DEGREE_MAX || (n & (n - 1)) != 0)
        return error_set(err, STATUS_INVALID, "degree %zu is not a power of two in %d..%d", n,
                         NTT_DEGREE_MIN, NTT_DEGREE_MAX);
    if (!modulus_is_prime_vartime(q->value))
        return error_set(err, STATUS_INVALID, "modulus %u is not prime", (unsigned)q->value);
    if ((q->value - 1) % (2 * n) != 0)
        return error_set(err, STATUS_INVALID, "modulus %u is not 1 mod %zu (twice the degree)",
                         (unsigned)q->value, 2 * n);

    enum status status = STATUS_OK;
    struct ntt_tables *tables = mem_alloc_zeroed(1, sizeof *tables);
    if (tables == NULL) {
        status = error_set(err, STATUS_NOMEM, "no memory for transform tables");
        goto done;
    }
    tables->n = n;
    while (((size_t)1 << tables->log2_n) < n)
        tables->log2_n++;
    tables->modulus = *q;
    tables->kernel = kernel;
    tables->forward = mem_alloc_aligned(MEM_ROW_ALIGNMENT, n, sizeof *tables->forward);
    tables->forward_quotient =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, n, sizeof *tables->forward_quotient);
    tables->inverse = mem_alloc_aligned(MEM_ROW_ALIGNMENT, n, sizeof *tables->inverse);
    tables->inverse_quotient =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, n, sizeof *tables->inverse_quotient);
    if (tables->forward == NULL || tables->forward_quotient == NULL || tables->inverse == NULL ||
        tables->inverse_quotient == NULL) {
        status = error_set(err, STATUS_NOMEM, "no memory for transform tables of degree %zu", n);
        goto done;
    }

    tables->root = smallest_root(q, n);
    fill_powers(tables->forward, tables->forward_quotient, q, tables->root, n, tables->log2_n);
    fill_powers(tables->inverse, tables->inverse_quotient, q, modulus_inverse(q, tables->root), n,
                tables->log2_n);
    const uint32_t scale = modulus_inverse(q, modulus_reduce(q, n));
    tables->scale = factor_of(q, scale);
    tables->scale_root = factor_of(q, modulus_mul(q, scale, tables->inverse[1]));
    *ret = tables;
    tables = NULL;
done:
    ntt_tables_free(tables);
    return status;
}

void ntt_tables_free(struct ntt_tables *tables)
{
    if (tables == NULL)
        return;
    mem_free(tables->forward);
    mem_free(tables->forward_quotient);
    mem_free(tables->inverse);
    mem_free(tables->inverse_quotient);
    mem_free(tables);
}

uint32_t ntt_tables_root(const struct ntt_tables *tables)
{
    return tables->root;
}

void ntt_forward_lazy(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    tables->kernel->forward_lazy(ret, from, tables);
}

void ntt_forward(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
    tables->kernel->forward(ret, from, tables);
}

void ntt_inverse(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables)
{
#ifdef BLINDLIST_CHECK_RANGES /* sanitizer builds */
    for (size_t i = 0; i < tables->n; i++)
        assert(from[i] < 2 * tables->modulus.value);
#endif
    tables->kernel->inverse(ret, from, tables);
}
