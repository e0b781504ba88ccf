#include "pir-server/bfv/bfv_secret.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/ring/sampling.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct bfv_secret_key {
    const struct bfv_context *context; /* borrowed */
    uint32_t *words;                   /* [L + 1][N] evaluation form */
};

static size_t key_bytes(const struct bfv_context *context)
{
    return (context->levels + 1) * context->degree * sizeof(uint32_t);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for polynomials");
}

static enum status key_alloc(const struct bfv_context *context, struct bfv_secret_key **ret,
                             struct error *err)
{
    struct bfv_secret_key *key = mem_alloc_zeroed(1, sizeof *key);
    if (key == NULL)
        return no_memory(err);
    key->context = context;
    key->words = poly_alloc(context->degree, context->levels + 1);
    if (key->words == NULL) {
        mem_free(key);
        return no_memory(err);
    }
    *ret = key;
    return STATUS_OK;
}

void bfv_secret_key_free(struct bfv_secret_key *key)
{
    if (key == NULL)
        return;
    mem_free_secret(key->words, key_bytes(key->context));
    mem_free(key);
}

enum status bfv_secret_key_new(const struct bfv_context *context,
                               const struct random_source *random, struct bfv_secret_key **ret,
                               struct error *err)
{
    const size_t n = context->degree;
    struct bfv_secret_key *key = NULL;
    int32_t *const small = mem_alloc(n, sizeof *small);
    enum status status = small == NULL ? no_memory(err) : key_alloc(context, &key, err);
    if (status != STATUS_OK)
        goto done;
    status = sample_ternary(small, n, random, err);
    if (status != STATUS_OK)
        goto done;
    poly_from_small(key->words, small, context->basis, context->levels + 1);
    poly_forward(key->words, context->basis, context->levels + 1);
    *ret = key;
    key = NULL;
done:
    mem_free_secret(small, small == NULL ? 0 : n * sizeof *small);
    bfv_secret_key_free(key);
    return status;
}

/* 1 when value is 0, 1 or q - 1, and the value as 0, 1 or 2; no branch on it. */
static uint32_t is_zero(uint32_t x)
{
    return 1 ^ ((x | (0 - x)) >> 31);
}

/* Whether all rows hold one ternary polynomial, in coefficient form. */
static bool is_ternary(const struct bfv_context *context, const uint32_t *poly)
{
    const size_t n = context->degree;
    uint32_t good = 1;
    for (size_t i = 0; i <= context->levels; i++) {
        const uint32_t q = context->basis->modulus[i].value;
        const uint32_t first_q = context->basis->modulus[0].value;
        for (size_t k = 0; k < n; k++) {
            const uint32_t value = poly[i * n + k];
            const uint32_t first = poly[k];
            good &= (is_zero(value) & is_zero(first)) | (is_zero(value ^ 1) & is_zero(first ^ 1)) |
                    (is_zero(value ^ (q - 1)) & is_zero(first ^ (first_q - 1)));
        }
    }
    return good != 0;
}

enum status bfv_secret_key_read(const struct bfv_context *context, struct span polys,
                                struct bfv_secret_key **ret, struct error *err)
{
    const size_t rows = context->levels + 1;
    struct bfv_secret_key *key = NULL;
    struct bfv_ciphertext view;
    uint32_t *const scratch = poly_alloc(context->degree, rows);
    enum status status = scratch == NULL ? no_memory(err) : key_alloc(context, &key, err);
    if (status != STATUS_OK)
        goto done;
    bfv_ciphertext_init_view(key->words, 1, rows, BFV_EVALUATION, &view);
    status = bfv_ciphertext_read_full(context, polys, NULL, 0, 1, &view, err);
    if (status != STATUS_OK)
        goto done;
    memcpy(scratch, key->words, key_bytes(context));
    poly_inverse(scratch, context->basis, rows);
    if (!is_ternary(context, scratch)) {
        status = error_set(err, STATUS_MALFORMED,
                           "secret key: not a ternary polynomial of these parameters");
        goto done;
    }
    *ret = key;
    key = NULL;
done:
    mem_free_secret(scratch, scratch == NULL ? 0 : key_bytes(context));
    bfv_secret_key_free(key);
    return status;
}

void bfv_secret_key_write(const struct bfv_secret_key *key, struct bytes *ret)
{
    struct bfv_ciphertext view;
    bfv_ciphertext_init_view(key->words, 1, key->context->levels + 1, BFV_EVALUATION, &view);
    bfv_ciphertext_write_full(key->context, &view, NULL, ret);
}

const uint32_t *bfv_secret_key_poly(const struct bfv_secret_key *key)
{
    return key->words;
}

enum status bfv_encrypt_zero(const struct bfv_context *context, const struct bfv_secret_key *key,
                             const uint8_t seed[DRBG_SEED_BYTES],
                             const struct random_source *random, struct bfv_ciphertext *ret,
                             struct error *err)
{
    assert(ret->poly_count == 2 && ret->moduli_count <= context->levels + 1);
    const size_t n = context->degree;
    const size_t rows = ret->moduli_count;
    uint32_t *const c0 = bfv_ciphertext_poly(context, ret, 0);
    uint32_t *const c1 = bfv_ciphertext_poly(context, ret, 1);
    uint32_t *const noise = poly_alloc(n, rows);
    int32_t *const small = mem_alloc(n, sizeof *small);
    enum status status = noise == NULL || small == NULL ? no_memory(err) : STATUS_OK;
    if (status != STATUS_OK)
        goto done;
    status = sample_uniform(c1, seed, context->basis, rows, err);
    if (status != STATUS_OK)
        goto done;
    status = sample_error(small, n, random, err);
    if (status != STATUS_OK)
        goto done;
    poly_from_small(noise, small, context->basis, rows);
    poly_forward(noise, context->basis, rows);
    poly_mul(c0, c1, key->words, context->basis, rows);
    poly_add(c0, c0, noise, context->basis, rows);
    poly_negate(c0, c0, context->basis, rows);
    ret->form = BFV_EVALUATION;
done:
    mem_free_secret(noise, noise == NULL ? 0 : rows * n * sizeof *noise);
    mem_free_secret(small, small == NULL ? 0 : n * sizeof *small);
    return status;
}

/* Adds floor((Q m + floor((t+1)/2)) / t) mod q_i to each coefficient. With Q = floor(Q/t) t + r
 * that is floor(Q/t) m + floor((r m + floor((t+1)/2)) / t), and the second part fits 64 bits. */
static void add_message(const struct bfv_context *context, const uint32_t *message, uint32_t *c0)
{
    const struct modulus *const t = &context->plain;
    for (size_t k = 0; k < context->degree; k++) {
        const uint64_t small = modulus_quotient(t, (uint64_t)context->q_mod_t * message[k] +
                                                       ((uint64_t)t->value + 1) / 2);
        for (size_t i = 0; i < context->levels; i++) {
            const struct modulus *const q = &context->basis->modulus[i];
            uint32_t *const value = &c0[i * context->degree + k];
            *value =
                modulus_reduce(q, (uint64_t)context->q_over_t[i] * message[k] + small + *value);
        }
    }
}

enum status bfv_encrypt(const struct bfv_context *context, const struct bfv_secret_key *key,
                        const uint32_t *message, const uint8_t seed[DRBG_SEED_BYTES],
                        const struct random_source *random, struct bfv_ciphertext *ret,
                        struct error *err)
{
    assert(ret->moduli_count == context->levels);
    const enum status status = bfv_encrypt_zero(context, key, seed, random, ret, err);
    if (status != STATUS_OK)
        return status;
    bfv_ciphertext_to_form(context, ret, BFV_COEFFICIENT);
    add_message(context, message, bfv_ciphertext_poly(context, ret, 0));
    return STATUS_OK;
}

enum status bfv_encrypt_seeded(const struct bfv_context *context, const struct bfv_secret_key *key,
                               const uint32_t *message, const struct random_source *random,
                               struct bfv_seeded *ret, struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct bfv_ciphertext fresh;
    enum status status =
        bfv_ciphertext_init(context, 2, context->levels, BFV_COEFFICIENT, &fresh, err);
    if (status != STATUS_OK)
        return status;
    status = random_fill(random, seed, sizeof seed, err);
    if (status != STATUS_OK)
        goto done;
    status = bfv_encrypt(context, key, message, seed, random, &fresh, err);
    if (status != STATUS_OK)
        goto done;
    bytes_clear(&ret->poly0);
    bfv_poly_write(context, fresh.words, context->levels, 0, &ret->poly0);
    status = bytes_status(&ret->poly0, "poly0", err);
    if (status == STATUS_OK)
        memcpy(ret->seed, seed, sizeof seed);
done:
    bfv_ciphertext_deinit(&fresh);
    return status;
}

/* x = c0 + c1 s + c2 s^2, by Horner's rule, in coefficient form. *ret [moduli][N] is secret. */
static enum status phase_new(const struct bfv_context *context, const struct bfv_secret_key *key,
                             const struct bfv_ciphertext *ciphertext, uint32_t **ret,
                             struct error *err)
{
    assert(ciphertext->moduli_count <= context->levels);
    const size_t rows = ciphertext->moduli_count;
    const size_t words = rows * context->degree;
    const bool in_coefficients = ciphertext->form == BFV_COEFFICIENT;
    uint32_t *const phase = poly_alloc(context->degree, rows);
    uint32_t *const poly = poly_alloc(context->degree, rows);
    enum status status = phase == NULL || poly == NULL ? no_memory(err) : STATUS_OK;
    if (status != STATUS_OK) {
        mem_free(phase);
        goto done;
    }
    for (size_t p = ciphertext->poly_count; p-- > 0;) {
        memcpy(poly, bfv_ciphertext_poly(context, ciphertext, p), words * sizeof *poly);
        if (in_coefficients)
            poly_forward(poly, context->basis, rows);
        poly_mul(phase, phase, key->words, context->basis, rows);
        poly_add(phase, phase, poly, context->basis, rows);
    }
    poly_inverse(phase, context->basis, rows);
    *ret = phase;
done:
    mem_free(poly);
    return status;
}

/* With z_i = [gamma t x (Q/q_i)^-1]_{q_i} the integer u = (gamma t x - sum z_i Q/q_i) / Q is
 * - sum z_i q_i^-1 modulo t and modulo gamma; r = cent_gamma(u) is its rounding error, and
 * m = (u - r) gamma^-1 mod t (spec/bfv.md section 5). */
enum status bfv_decrypt(const struct bfv_context *context, const struct bfv_secret_key *key,
                        const struct bfv_ciphertext *ciphertext, uint32_t *ret, struct error *err)
{
    uint32_t *phase = NULL;
    const enum status status = phase_new(context, key, ciphertext, &phase, err);
    if (status != STATUS_OK)
        return status;
    const size_t n = context->degree;
    const size_t level = ciphertext->moduli_count - 1;
    const struct modulus *const t = &context->plain;
    const struct modulus *const gamma = &context->gamma;
    for (size_t k = 0; k < n; k++) {
        uint32_t u_plain = 0;
        uint32_t u_gamma = 0;
        for (size_t i = 0; i <= level; i++) {
            const uint64_t z = modulus_mul(&context->basis->modulus[i], phase[i * n + k],
                                           context->decrypt_factor[level][i]);
            u_plain = modulus_reduce(t, z * context->decrypt_plain[i] + u_plain);
            u_gamma = modulus_reduce(gamma, z * context->decrypt_gamma[i] + u_gamma);
        }
        /* u - r = u + (gamma - u_gamma) - gamma [u_gamma <= gamma / 2]. */
        const uint32_t is_small = 1 ^ ((BFV_GAMMA / 2 - u_gamma) >> 31);
        const uint32_t gamma_back = modulus_reduce(t, BFV_GAMMA) & (0 - is_small);
        const uint32_t rest = modulus_reduce(t, BFV_GAMMA - u_gamma);
        const uint32_t rounded = modulus_sub(t, modulus_add(t, u_plain, rest), gamma_back);
        ret[k] = modulus_mul(t, rounded, context->gamma_inverse);
    }
    mem_free_secret(phase, (level + 1) * n * sizeof *phase);
    return STATUS_OK;
}

/* ---- noise: unsigned integers of a few hundred bits, least limb first ---- */

#define LIMBS (BFV_MAX_MODULI + 1)

struct wide {
    uint32_t limb[LIMBS];
};

/* sum += a * factor */
static void wide_add_product(struct wide *sum, const struct wide *a, uint32_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a->limb[i] * factor + sum->limb[i];
        sum->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* *ret = a - b, and whether it stays at zero or above; else *ret is the difference mod 2^bits. */
static bool wide_subtract_vartime(const struct wide *a, const struct wide *b, struct wide *ret)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        const uint64_t part = (uint64_t)a->limb[i] - b->limb[i] - borrow;
        ret->limb[i] = (uint32_t)part;
        borrow = part >> 63;
    }
    return borrow == 0;
}

static double wide_log2(const struct wide *a)
{
    size_t top = LIMBS;
    while (top > 0 && a->limb[top - 1] == 0)
        top--;
    if (top == 0)
        return -INFINITY;
    double value = 0;
    for (size_t i = 0; i < 3 && i < top; i++)
        value += ldexp((double)a->limb[top - 1 - i], -32 * (int)i);
    return log2(value) + 32 * (double)(top - 1);
}

enum status bfv_noise_budget_vartime(const struct bfv_context *context,
                                     const struct bfv_secret_key *key,
                                     const struct bfv_ciphertext *ciphertext, double *ret_bits,
                                     struct error *err)
{
    uint32_t *phase = NULL;
    const enum status status = phase_new(context, key, ciphertext, &phase, err);
    if (status != STATUS_OK)
        return status;
    const size_t n = context->degree;
    const size_t rows = ciphertext->moduli_count;
    struct wide product = {{1}};
    struct wide parts[BFV_MAX_LEVELS];      /* Q / q_i */
    uint32_t factors[BFV_MAX_LEVELS] = {0}; /* t (Q/q_i)^-1 mod q_i */
    for (size_t i = 0; i < rows; i++) {
        const struct modulus *const q = &context->basis->modulus[i];
        struct wide next = {{0}};
        wide_add_product(&next, &product, q->value);
        product = next;
        parts[i] = (struct wide){{1}};
        for (size_t k = 0; k < rows; k++) {
            if (k == i)
                continue;
            next = (struct wide){{0}};
            wide_add_product(&next, &parts[i], context->basis->modulus[k].value);
            parts[i] = next;
        }
        factors[i] = modulus_mul(q, context->decrypt_factor[rows - 1][i],
                                 modulus_inverse(q, modulus_reduce(q, BFV_GAMMA)));
    }
    struct wide largest = {{0}};
    for (size_t k = 0; k < n; k++) {
        struct wide value = {{0}};
        struct wide other;
        for (size_t i = 0; i < rows; i++)
            wide_add_product(
                &value, &parts[i],
                modulus_mul(&context->basis->modulus[i], phase[i * n + k], factors[i]));
        while (wide_subtract_vartime(&value, &product, &other))
            value = other;
        /* The smaller of value and Q - value is its distance from zero. */
        (void)wide_subtract_vartime(&product, &value, &other);
        struct wide unused;
        if (wide_subtract_vartime(&value, &other, &unused))
            value = other;
        if (wide_subtract_vartime(&value, &largest, &unused))
            largest = value;
    }
    *ret_bits = wide_log2(&product) - 1 - wide_log2(&largest);
    mem_free_secret(phase, rows * n * sizeof *phase);
    mem_wipe(&largest, sizeof largest);
    return STATUS_OK;
}
