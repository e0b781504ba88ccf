#include "pir-server/bfv/bfv_context.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/bfv/bfv_product.h"

#include <math.h>
#include <string.h>

/* Product of the moduli of `basis` from `from` up to (not including) `to`, without `skipped`
 * (SIZE_MAX: none), mod q. */
static uint32_t product_mod(const struct rns_basis *basis, size_t from, size_t to, size_t skipped,
                            const struct modulus *q)
{
    uint32_t product = modulus_reduce(q, 1);
    for (size_t i = from; i < to; i++)
        if (i != skipped)
            product = modulus_mul(q, product, modulus_reduce(q, basis->modulus[i].value));
    return product;
}

static uint32_t inverse_of(const struct modulus *q, uint64_t value)
{
    return modulus_inverse(q, modulus_reduce(q, value));
}

static void set_drop(struct bfv_context *context)
{
    for (size_t last = 1; last < context->basis->count; last++) {
        const uint32_t dropped = context->basis->modulus[last].value;
        for (size_t i = 0; i < last; i++) {
            const struct modulus *const q = &context->basis->modulus[i];
            context->drop_inverse[last][i] = inverse_of(q, dropped);
            const uint32_t multiple = (dropped + q->value - 1) / q->value * q->value;
            context->drop_offset[last][i] = modulus_reduce(q, dropped / 2) + multiple;
        }
    }
}

/* Of X^-s to the power of `factor`. */
static enum status make_monomials(const struct bfv_context *context, size_t factor,
                                  struct bfv_monomials *ret, struct error *err)
{
    const size_t n = context->degree;
    const size_t words = 2 * n + ROW_BLOCKS_SLACK;
    uint32_t *const row = poly_alloc(n, 1);
    uint32_t *const all = mem_alloc_zeroed(context->levels * 2 * words, sizeof *all);
    ret->words = all;
    if (row == NULL || all == NULL) {
        mem_free(row);
        return error_set(err, STATUS_NOMEM, "no memory for a BFV context");
    }
    for (size_t i = 0; i < context->levels; i++) {
        const struct modulus *const q = &context->basis->modulus[i];
        uint32_t *values = all + i * 2 * words;
        for (size_t s = 1; s < n; s *= 2) {
            const size_t power = 2 * n - factor * s % (2 * n); /* X^-k = X^(2N - k), X^N = -1 */
            memset(row, 0, n * sizeof *row);
            row[power % n] = power % (2 * n) < n ? 1 : q->value - 1;
            ntt_forward(row, row, context->basis->tables[i]);
            for (size_t k = 0; k < n; k += s, values++) {
                values[0] = row[k];
                values[words] = shoup_quotient(q, row[k]);
            }
        }
    }
    mem_free(row);
    return STATUS_OK;
}

static void set_quarter(struct bfv_context *context)
{
    for (size_t i = 0; i < context->levels; i++) {
        const struct modulus *const q = &context->basis->modulus[i];
        const uint32_t root = ntt_tables_root(context->basis->tables[i]);
        context->quarter[i] = modulus_inverse(q, modulus_power(q, root, context->degree / 2));
    }
}

static void set_encryption(struct bfv_context *context)
{
    const struct rns_basis *const basis = context->basis;
    const struct modulus *const t = &context->plain;
    context->q_mod_t = product_mod(basis, 0, context->levels, SIZE_MAX, t);
    for (size_t i = 0; i < context->levels; i++) {
        /* floor(Q/t) = (Q - Q mod t) / t, and Q is 0 mod q_i. */
        const struct modulus *const q = &basis->modulus[i];
        context->q_over_t[i] =
            modulus_negate(q, modulus_mul(q, context->q_mod_t, inverse_of(q, t->value)));
        context->decrypt_plain[i] = modulus_negate(t, inverse_of(t, q->value));
        context->decrypt_gamma[i] =
            modulus_negate(&context->gamma, inverse_of(&context->gamma, q->value));
        for (size_t level = i; level < context->levels; level++) {
            const uint32_t rest = product_mod(basis, 0, level + 1, i, q);
            const uint32_t scale =
                modulus_mul(q, modulus_reduce(q, BFV_GAMMA), modulus_reduce(q, t->value));
            context->decrypt_factor[level][i] = modulus_mul(q, scale, modulus_inverse(q, rest));
        }
    }
    context->gamma_inverse = inverse_of(t, BFV_GAMMA);
}

static uint32_t inverse_mod_lift(uint32_t odd)
{
    uint32_t inverse = odd;
    for (int step = 0; step < 4; step++)
        inverse *= 2 - odd * inverse;
    return inverse & ((1u << BFV_LIFT_BITS) - 1);
}

static void set_product(struct bfv_context *context)
{
    const struct rns_basis *const basis = context->basis;
    const struct rns_basis *const aux = context->aux;
    const size_t levels = context->levels;
    const size_t own = aux->count - 1; /* B has `own` primes, m_sk is behind them */
    const uint32_t t = context->plain.value;
    const uint32_t lift = 1u << BFV_LIFT_BITS;

    for (size_t i = 0; i < levels; i++) {
        const struct modulus *const q = &basis->modulus[i];
        const uint32_t inverse = modulus_inverse(q, product_mod(basis, 0, levels, i, q));
        context->lift_factor[i] = modulus_mul(q, modulus_reduce(q, lift), inverse);
        context->lift_small[i] = (lift - inverse_mod_lift(q->value)) & (lift - 1);
        context->scale_factor[i] = modulus_mul(q, modulus_reduce(q, t), inverse);
        const uint32_t product = product_mod(aux, 0, own, SIZE_MAX, q);
        for (size_t b = 0; b < own; b++)
            context->back_q[i][b] = row_combine_factor(q, product_mod(aux, 0, own, b, q));
        context->back_q[i][own] = row_combine_factor(q, modulus_negate(q, product));
        context->back_q[i][own + 1] = row_combine_factor(
            q, modulus_mul(q, product, modulus_reduce(q, aux->modulus[own].value)));
    }
    const struct modulus *const m_sk = &aux->modulus[own];
    for (size_t b = 0; b <= own; b++) {
        const struct modulus *const m = &aux->modulus[b];
        const uint32_t lift_inverse = inverse_of(m, lift);
        const uint32_t q_product = product_mod(basis, 0, levels, SIZE_MAX, m);
        for (size_t i = 0; i < levels; i++) {
            context->lift_aux[b][i] = row_combine_factor(
                m, modulus_mul(m, product_mod(basis, 0, levels, i, m), lift_inverse));
            context->scale_aux[b][i] =
                row_combine_factor(m, modulus_negate(m, inverse_of(m, basis->modulus[i].value)));
        }
        context->lift_aux[b][levels] =
            row_combine_factor(m, modulus_mul(m, q_product, lift_inverse));
        context->scale_aux[b][levels] = row_combine_factor(
            m, modulus_mul(m, modulus_reduce(m, t), modulus_inverse(m, q_product)));
        if (b < own) {
            context->back_factor[b] = modulus_inverse(m, product_mod(aux, 0, own, b, m));
            context->back_sk[b] = row_combine_factor(m_sk, inverse_of(m_sk, m->value));
        }
    }
    const uint32_t all = product_mod(aux, 0, own, SIZE_MAX, m_sk);
    context->back_sk[own] =
        row_combine_factor(m_sk, modulus_negate(m_sk, modulus_inverse(m_sk, all)));
}

/* The smallest primes = 1 mod 2N above 2^28, as many as the moduli and one more: the reference's.
 * Further ones only where the scaled sums of BFV_PRODUCT_MAX_PAIRS products,
 * |t D / Q| <= pairs t N Q, would not fit twice into their product; and none that is itself a
 * ciphertext modulus (the reference's method breaks down there). */
static enum status make_aux(struct bfv_context *context, struct error *err)
{
    const uint64_t step = 2 * (uint64_t)context->degree;
    double wanted = log2(BFV_PRODUCT_MAX_PAIRS) + log2((double)context->plain.value) +
                    log2((double)context->degree);
    for (size_t i = 0; i < context->levels; i++)
        wanted += log2((double)context->basis->modulus[i].value);

    uint64_t primes[BFV_MAX_AUX];
    size_t count = 0;
    double have = 0;
    for (uint64_t prime = ((uint64_t)1 << 28) / step * step + 1;
         count < context->levels + 1 || have < wanted; prime += step) {
        if (prime > MODULUS_MAX || count == BFV_MAX_AUX)
            return error_set(err, STATUS_UNSUPPORTED,
                             "too few auxiliary primes for products at degree %zu",
                             context->degree);
        bool is_modulus = false;
        for (size_t i = 0; i < context->levels; i++)
            is_modulus = is_modulus || context->basis->modulus[i].value == prime;
        if (prime <= ((uint64_t)1 << 28) || is_modulus || !modulus_is_prime_vartime(prime))
            continue;
        primes[count++] = prime;
        have += log2((double)prime);
    }
    return rns_basis_new(context->degree, primes, count, context->kernel, &context->aux, err);
}

enum status bfv_context_new(const struct bfv_parameters *parameters, unsigned flags,
                            const char *kernel, struct bfv_context **ret, struct error *err)
{
    struct bfv_context *context = NULL;
    const struct cpu cpu = cpu_detect();
    enum status status = bfv_parameters_validate(parameters, flags, err);
    if (status != STATUS_OK)
        goto done;
    context = mem_alloc_zeroed(1, sizeof *context);
    if (context == NULL) {
        status = error_set(err, STATUS_NOMEM, "no memory for a BFV context");
        goto done;
    }
    context->parameters = *parameters;
    context->degree = (size_t)parameters->degree;
    context->levels = parameters->moduli_count - 1;
    status = ntt_kernel_choose(&cpu, kernel, context->degree, &context->kernel, err);
    if (status != STATUS_OK)
        goto done;
    context->is_plain = strcmp(ntt_kernel_name(context->kernel), "ref") == 0;
    status = modulus_init(parameters->plaintext_modulus, &context->plain, err);
    if (status != STATUS_OK)
        goto done;
    status = modulus_init(BFV_GAMMA, &context->gamma, err);
    if (status != STATUS_OK)
        goto done;
    status = rns_basis_new(context->degree, parameters->coefficient_moduli,
                           parameters->moduli_count, context->kernel, &context->basis, err);
    if (status != STATUS_OK)
        goto done;
    status = make_aux(context, err);
    if (status != STATUS_OK)
        goto done;

    uint32_t largest = 0;
    for (size_t i = 0; i < context->basis->count; i++)
        if (context->basis->modulus[i].value > largest)
            largest = context->basis->modulus[i].value;
    for (size_t b = 0; b < context->aux->count; b++)
        if (context->aux->modulus[b].value > largest)
            largest = context->aux->modulus[b].value;
    context->capacity = row_capacity(largest);
    set_drop(context);
    set_encryption(context);
    set_product(context);
    set_quarter(context);
    status = make_monomials(context, 1, &context->monomials, err);
    if (status != STATUS_OK)
        goto done;
    status = make_monomials(context, 3, &context->monomials_3, err);
    if (status != STATUS_OK)
        goto done;
    *ret = context;
    context = NULL;
done:
    bfv_context_free(context);
    return status;
}

void bfv_context_free(struct bfv_context *context)
{
    if (context == NULL)
        return;
    rns_basis_free(context->basis);
    rns_basis_free(context->aux);
    mem_free(context->monomials.words);
    mem_free(context->monomials_3.words);
    mem_free(context);
}

const struct bfv_parameters *bfv_context_parameters(const struct bfv_context *context)
{
    return &context->parameters;
}

size_t bfv_context_degree(const struct bfv_context *context)
{
    return context->degree;
}

size_t bfv_context_ciphertext_moduli(const struct bfv_context *context)
{
    return context->levels;
}

const struct modulus *bfv_context_plaintext_modulus(const struct bfv_context *context)
{
    return &context->plain;
}

const struct rns_basis *bfv_context_basis(const struct bfv_context *context)
{
    return context->basis;
}

const char *bfv_context_kernel_name(const struct bfv_context *context)
{
    return ntt_kernel_name(context->kernel);
}
