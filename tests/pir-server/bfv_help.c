#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <string.h>

struct bfv_context *context_for(const char *name)
{
    const struct bfv_named_parameters *set = bfv_named_parameters_find(name);
    struct bfv_context *context = NULL;
    struct error error = {.message = ""};
    cr_assert_not_null(set);
    cr_assert_eq(bfv_context_new(&set->parameters, BFV_ALLOW_INSECURE, NULL, &context, &error),
                 STATUS_OK, "%s", error.message);
    return context;
}

const uint8_t *byte_seed(uint8_t byte)
{
    static uint8_t seed[DRBG_SEED_BYTES];
    memset(seed, byte, sizeof seed);
    return seed;
}

struct random_source byte_source(struct drbg *drbg, uint8_t byte)
{
    cr_assert_eq(drbg_init(drbg, byte_seed(byte), NULL), STATUS_OK);
    return drbg_source(drbg);
}

struct bfv_secret_key *secret_for(const struct bfv_context *context, uint8_t byte)
{
    struct drbg drbg;
    struct bfv_secret_key *key = NULL;
    const struct random_source source = byte_source(&drbg, byte);
    cr_assert_eq(bfv_secret_key_new(context, &source, &key, NULL), STATUS_OK);
    drbg_deinit(&drbg);
    return key;
}

struct bfv_ciphertext ciphertext_for(const struct bfv_context *context, size_t polys, size_t moduli,
                                     enum bfv_form form)
{
    struct bfv_ciphertext ciphertext = {0};
    cr_assert_eq(bfv_ciphertext_init(context, polys, moduli, form, &ciphertext, NULL), STATUS_OK);
    return ciphertext;
}

struct bfv_ciphertext encrypted(const struct bfv_context *context, const struct bfv_secret_key *key,
                                const uint32_t *message, uint8_t seed_byte, uint8_t error_byte)
{
    struct drbg drbg;
    const struct random_source source = byte_source(&drbg, error_byte);
    struct bfv_ciphertext ciphertext =
        ciphertext_for(context, 2, bfv_context_ciphertext_moduli(context), BFV_COEFFICIENT);
    cr_assert_eq(
        bfv_encrypt(context, key, message, byte_seed(seed_byte), &source, &ciphertext, NULL),
        STATUS_OK);
    drbg_deinit(&drbg);
    return ciphertext;
}

static struct bfv_switch_key *read_parts(const struct bfv_context *context,
                                         const struct bfv_seeded *parts)
{
    struct bfv_switch_key *key = NULL;
    cr_assert_eq(bfv_switch_key_new(context, &key, NULL), STATUS_OK);
    for (size_t j = 0; j < bfv_context_ciphertext_moduli(context); j++)
        cr_assert_eq(bfv_switch_key_read_seeded(key, j, bytes_view(&parts[j].poly0),
                                                span_of(parts[j].seed, DRBG_SEED_BYTES), NULL),
                     STATUS_OK);
    return key;
}

struct bfv_evaluation_key *evaluation_key_for(const struct bfv_context *context,
                                              const struct bfv_secret_key *secret,
                                              const uint32_t *elements, size_t count,
                                              bool with_relin, struct random_source *random)
{
    struct bfv_seeded parts[BFV_MAX_MODULI];
    struct bfv_evaluation_key *key = NULL;
    for (size_t j = 0; j < BFV_MAX_MODULI; j++)
        bfv_seeded_init(&parts[j]);
    cr_assert_eq(bfv_evaluation_key_new(context, &key, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(bfv_galois_key_make(context, secret, elements[i], random, parts, NULL),
                     STATUS_OK);
        cr_assert_eq(
            bfv_evaluation_key_add_galois(key, elements[i], read_parts(context, parts), NULL),
            STATUS_OK);
    }
    if (with_relin) {
        cr_assert_eq(bfv_relin_key_make(context, secret, random, parts, NULL), STATUS_OK);
        cr_assert_eq(bfv_evaluation_key_set_relin(key, read_parts(context, parts), NULL),
                     STATUS_OK);
    }
    for (size_t j = 0; j < BFV_MAX_MODULI; j++)
        bfv_seeded_deinit(&parts[j]);
    return key;
}

const char *full_hex(const struct bfv_context *context, const struct bfv_ciphertext *ciphertext,
                     const uint32_t *skips)
{
    struct bytes bytes;
    bytes_init(&bytes, 1 << 22);
    bfv_ciphertext_write_full(context, ciphertext, skips, &bytes);
    cr_assert_eq(bytes_status(&bytes, "polys", NULL), STATUS_OK);
    cr_assert_eq(bytes.size, bfv_ciphertext_full_bytes(context, ciphertext->poly_count,
                                                       ciphertext->moduli_count, skips));
    const char *hex = sha256_hex(bytes_view(&bytes));
    bytes_deinit(&bytes);
    return hex;
}

double budget_of(const struct bfv_context *context, const struct bfv_secret_key *key,
                 const struct bfv_ciphertext *ciphertext)
{
    double bits = 0;
    cr_assert_eq(bfv_noise_budget_vartime(context, key, ciphertext, &bits, NULL), STATUS_OK);
    return bits;
}

void multiply_plain(const struct bfv_context *context, const uint32_t *a, const uint32_t *b,
                    uint32_t *ret)
{
    const size_t n = bfv_context_degree(context);
    const struct modulus *t = bfv_context_plaintext_modulus(context);
    memset(ret, 0, n * sizeof *ret);
    for (size_t i = 0; i < n; i++) {
        if (a[i] == 0)
            continue;
        for (size_t k = 0; k < n; k++) {
            uint32_t *to = &ret[(i + k) % n];
            const uint32_t product = (uint32_t)((uint64_t)a[i] * b[k] % t->value);
            *to = i + k < n ? modulus_add(t, *to, product) : modulus_sub(t, *to, product);
        }
    }
}
