#include "pir-server/ring/rns.h"

#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

enum status rns_basis_new(size_t degree, const uint64_t *moduli, size_t count,
                          const struct ntt_kernel *kernel, struct rns_basis **ret,
                          struct error *err)
{
    if (count == 0 || count > RNS_MAX_MODULI)
        return error_set(err, STATUS_INVALID, "%zu moduli, 1..%d are possible", count,
                         RNS_MAX_MODULI);
    enum status status = STATUS_OK;
    struct rns_basis *basis = mem_alloc_zeroed(1, sizeof *basis);
    if (basis == NULL) {
        status = error_set(err, STATUS_NOMEM, "no memory for an RNS basis");
        goto done;
    }
    basis->degree = degree;
    basis->count = count;
    basis->rows = row_kernel_named(ntt_kernel_name(kernel));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (moduli[k] == moduli[i]) {
                status =
                    error_set(err, STATUS_INVALID, "modulus %" PRIu64 " is there twice", moduli[i]);
                goto done;
            }
        }
        status = modulus_init(moduli[i], &basis->modulus[i], err);
        if (status != STATUS_OK)
            goto done;
        status = ntt_tables_new(degree, &basis->modulus[i], kernel, &basis->tables[i], err);
        if (status != STATUS_OK)
            goto done;
    }
    *ret = basis;
    basis = NULL;
done:
    rns_basis_free(basis);
    return status;
}

void rns_basis_free(struct rns_basis *basis)
{
    if (basis == NULL)
        return;
    for (size_t i = 0; i < basis->count; i++)
        ntt_tables_free(basis->tables[i]);
    mem_free(basis);
}

uint32_t *poly_alloc(size_t degree, size_t count)
{
    size_t words;
    if (!size_mul(degree, count, &words))
        return NULL;
    uint32_t *poly = mem_alloc_aligned(MEM_ROW_ALIGNMENT, words, sizeof *poly);
    if (poly != NULL)
        memset(poly, 0, words * sizeof *poly);
    return poly;
}

void poly_forward(uint32_t *poly, const struct rns_basis *basis, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntt_forward(poly + i * basis->degree, poly + i * basis->degree, basis->tables[i]);
}

void poly_inverse(uint32_t *poly, const struct rns_basis *basis, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntt_inverse(poly + i * basis->degree, poly + i * basis->degree, basis->tables[i]);
}

void poly_add(uint32_t *ret, const uint32_t *a, const uint32_t *b, const struct rns_basis *basis,
              size_t count)
{
    const size_t n = basis->degree;
    for (size_t i = 0; i < count; i++)
        row_add(basis->rows, ret + i * n, a + i * n, b + i * n, n, &basis->modulus[i]);
}

void poly_negate(uint32_t *ret, const uint32_t *a, const struct rns_basis *basis, size_t count)
{
    const size_t n = basis->degree;
    for (size_t i = 0; i < count; i++) {
        const uint32_t q = basis->modulus[i].value;
        for (size_t k = i * n; k < (i + 1) * n; k++)
            ret[k] = modulus_correct(q - a[k], q);
    }
}

void poly_mul(uint32_t *ret, const uint32_t *a, const uint32_t *b, const struct rns_basis *basis,
              size_t count)
{
    const size_t n = basis->degree;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i * n; k < (i + 1) * n; k++)
            ret[k] = modulus_mul(&basis->modulus[i], a[k], b[k]);
}

void poly_from_small(uint32_t *ret, const int32_t *small, const struct rns_basis *basis,
                     size_t count)
{
    const size_t n = basis->degree;
    for (size_t i = 0; i < count; i++) {
        const uint32_t q = basis->modulus[i].value;
        for (size_t k = 0; k < n; k++) {
            const uint32_t value = (uint32_t)small[k];
            ret[i * n + k] = value + (q & (0 - (value >> 31)));
        }
    }
}

/* Coefficient k goes to k g mod n, negated when k g mod 2n is n or more. Which ones is public. */
void poly_automorphism(uint32_t *ret, const uint32_t *a, uint32_t g, const struct rns_basis *basis,
                       size_t count)
{
    const uint32_t n = (uint32_t)basis->degree;
    for (size_t i = 0; i < count; i++) {
        const uint32_t q = basis->modulus[i].value;
        const uint32_t *const from = a + i * n;
        uint32_t *const to = ret + i * n;
        uint32_t power = 0;
        for (uint32_t k = 0; k < n; k++) {
            const uint32_t negated = modulus_correct(q - from[k], q);
            to[power & (n - 1)] = (power & n) != 0 ? negated : from[k];
            power = (power + g) & (2 * n - 1);
        }
    }
}

static uint32_t reverse_bits(uint32_t value, unsigned bits)
{
    uint32_t reversed = 0;
    for (unsigned i = 0; i < bits; i++)
        reversed |= ((value >> i) & 1) << (bits - 1 - i);
    return reversed;
}

/* Eval[i] is the value at psi^(2 rev(i) + 1); f(X^g) there is f at psi^(g (2 rev(i) + 1)). */
void automorphism_eval_sources(uint32_t *ret_sources, uint32_t g, size_t degree)
{
    unsigned bits = 0;
    while (((size_t)1 << bits) < degree)
        bits++;
    const uint32_t mask = (uint32_t)(2 * degree - 1);
    for (uint32_t i = 0; i < degree; i++) {
        const uint32_t exponent = (g * (2 * reverse_bits(i, bits) + 1)) & mask;
        ret_sources[i] = reverse_bits((exponent - 1) / 2, bits);
    }
}

bool automorphism_is_valid(uint64_t g, size_t degree)
{
    return g % 2 == 1 && g > 1 && g < 2 * (uint64_t)degree;
}
