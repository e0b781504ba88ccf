#include "pir-server/bfv/bfv_secret.h"

#include "base/mem.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const char *const names[] = {"n_4096_logq_27_28_28_logt_4", "n_4096_logq_27_28_28_logt_5",
                                    "n_4096_logq_27_28_28_logt_6", "insecure_n_8_logq_5x18_logt_5"};

Test(bfv_secret, decrypt_undoes_encrypt_at_every_level)
{
    for (size_t s = 0; s < ARRAY_COUNT(names); s++) {
        struct bfv_context *context = context_for(names[s]);
        struct bfv_secret_key *secret = secret_for(context, (uint8_t)s);
        const size_t n = bfv_context_degree(context);
        const uint32_t t = bfv_context_plaintext_modulus(context)->value;
        uint32_t *message = poly_alloc(n, 1);
        uint32_t *back = poly_alloc(n, 1);
        for (size_t k = 0; k < n; k++)
            message[k] = (uint32_t)((k * k + s) % t);
        struct bfv_ciphertext ct = encrypted(context, secret, message, 7, 8);
        double budget = budget_of(context, secret, &ct);
        for (size_t moduli = bfv_context_ciphertext_moduli(context); moduli >= 1; moduli--) {
            bfv_ciphertext_switch_down(context, &ct, moduli);
            cr_assert_eq(bfv_decrypt(context, secret, &ct, back, NULL), STATUS_OK);
            cr_assert_arr_eq(back, message, n * sizeof *back);
            const double left = budget_of(context, secret, &ct);
            cr_assert(left > 0 && left <= budget + 1e-9, "%f of %f", left, budget);
            budget = left;
            bfv_ciphertext_to_form(context, &ct, BFV_EVALUATION);
            cr_assert_eq(bfv_decrypt(context, secret, &ct, back, NULL), STATUS_OK);
            cr_assert_arr_eq(back, message, n * sizeof *back, "evaluation form reads the same");
            bfv_ciphertext_to_form(context, &ct, BFV_COEFFICIENT);
        }
        bfv_ciphertext_deinit(&ct);
        mem_free(message);
        mem_free(back);
        bfv_secret_key_free(secret);
        bfv_context_free(context);
    }
}

/* Every message value at every rounding distance: c0 = floor(Q m / t) + noise, c1 = 0. */
Test(bfv_secret, decryption_rounds_to_the_nearest)
{
    struct bfv_context *context = context_for("n_4096_logq_27_28_28_logt_5");
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct bfv_ciphertext ct = ciphertext_for(context, 2, 1, BFV_COEFFICIENT);
    const uint64_t q = 134176769;
    uint32_t back[4096];
    for (uint64_t k = 0; k < 4096; k++)
        ct.words[k] = (uint32_t)((k * (q / 4096) + k * k % 31) % q);
    cr_assert_eq(bfv_decrypt(context, secret, &ct, back, NULL), STATUS_OK);
    for (uint64_t k = 0; k < 4096; k++)
        cr_assert_eq(back[k], ((uint64_t)34 * ct.words[k] + q) / (2 * q) % 17);
    bfv_ciphertext_deinit(&ct);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

Test(bfv_secret, noise_budget_of_known_phases)
{
    struct bfv_context *context = context_for("n_4096_logq_27_28_28_logt_5");
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct bfv_ciphertext ct = ciphertext_for(context, 2, 2, BFV_COEFFICIENT);
    cr_assert(isinf(budget_of(context, secret, &ct)), "a phase of zero");
    /* Phase 1: t x = 17, budget log2(Q / 34). Phase -1 is as far away. */
    ct.words[5] = ct.words[4096 + 5] = 1;
    const double expected = log2(36009008896565249.0 / 34);
    cr_assert_float_eq(budget_of(context, secret, &ct), expected, 1e-6);
    ct.words[5] = 134176768;
    ct.words[4096 + 5] = 268369920;
    cr_assert_float_eq(budget_of(context, secret, &ct), expected, 1e-6);
    bfv_ciphertext_deinit(&ct);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

Test(bfv_secret, fresh_budget_is_the_references)
{
    struct bfv_context *context = context_for("n_4096_logq_27_28_28_logt_5");
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct drbg drbg;
    const struct random_source source = byte_source(&drbg, 9);
    uint32_t message[4096] = {1, 2, 3};
    struct bfv_seeded seeded;
    struct bfv_ciphertext ct = ciphertext_for(context, 2, 2, BFV_COEFFICIENT);
    uint32_t back[4096];
    bfv_seeded_init(&seeded);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(bfv_encrypt_seeded(context, secret, message, &source, &seeded, NULL),
                     STATUS_OK);
        cr_assert_eq(seeded.poly0.size, 28160);
        cr_assert_eq(bfv_ciphertext_read_seeded(context, bytes_view(&seeded.poly0),
                                                span_of(seeded.seed, 32), &ct, NULL),
                     STATUS_OK);
        cr_assert_eq(bfv_decrypt(context, secret, &ct, back, NULL), STATUS_OK);
        cr_assert_arr_eq(back, message, sizeof back);
        const double budget = budget_of(context, secret, &ct);
        cr_assert(budget > 45 && budget < 47.5, "%f, spec/bfv.md section 10 says 46.2", budget);
    }
    bfv_seeded_deinit(&seeded);
    bfv_ciphertext_deinit(&ct);
    drbg_deinit(&drbg);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

Test(bfv_secret, keys_are_written_and_read)
{
    struct bfv_context *context = context_for("insecure_n_8_logq_5x18_logt_5");
    struct bfv_secret_key *secret = secret_for(context, 3);
    struct bfv_secret_key *again = NULL;
    struct error error;
    struct bytes bytes;
    bytes_init(&bytes, 1000);
    bfv_secret_key_write(secret, &bytes);
    cr_assert_eq(bytes.size, 2 + 5 * 18);
    cr_assert_eq(bfv_secret_key_read(context, bytes_view(&bytes), &again, NULL), STATUS_OK);
    cr_assert_arr_eq(bfv_secret_key_poly(again), bfv_secret_key_poly(secret), 5 * 8 * 4);
    bfv_secret_key_free(again);
    again = NULL;
    for (size_t size = 0; size < bytes.size; size++)
        cr_assert_eq(
            bfv_secret_key_read(context, span_part(bytes_view(&bytes), 0, size), &again, NULL),
            STATUS_MALFORMED);
    for (size_t at = 2; at < bytes.size; at++) {
        bytes.data[at] ^= 1;
        cr_assert_eq(bfv_secret_key_read(context, bytes_view(&bytes), &again, &error),
                     STATUS_MALFORMED, "byte %zu", at);
        bytes.data[at] ^= 1;
    }
    cr_assert_str_eq(error.message, "secret key: not a ternary polynomial of these parameters");
    cr_assert_null(again);
    bytes_deinit(&bytes);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

static enum status failing(void *state, uint8_t *out, size_t size, struct error *err)
{
    size_t *const left = state;
    if (*left == 0)
        return error_set(err, STATUS_IO, "no randomness");
    (*left)--;
    memset(out, 5, size);
    return STATUS_OK;
}

Test(bfv_secret, every_random_read_and_allocation_may_fail)
{
    struct bfv_context *context = context_for("insecure_n_8_logq_5x18_logt_5");
    const uint32_t message[8] = {1};
    bool done = false;
    for (size_t reads = 0; !done; reads++) {
        size_t left = reads;
        const struct random_source source = {.fill = failing, .state = &left};
        struct bfv_secret_key *secret = NULL;
        struct bfv_seeded seeded;
        bfv_seeded_init(&seeded);
        enum status status = bfv_secret_key_new(context, &source, &secret, NULL);
        if (status == STATUS_OK)
            status = bfv_encrypt_seeded(context, secret, message, &source, &seeded, NULL);
        done = status == STATUS_OK;
        cr_assert_eq(status, reads < 3 ? STATUS_IO : STATUS_OK);
        bfv_seeded_deinit(&seeded);
        bfv_secret_key_free(secret);
    }
    done = false;
    for (size_t nth = 1; !done; nth++) {
        size_t left = 100;
        const struct random_source source = {.fill = failing, .state = &left};
        struct bfv_secret_key *secret = NULL;
        struct bfv_seeded seeded;
        struct bfv_ciphertext ct = ciphertext_for(context, 2, 4, BFV_COEFFICIENT);
        uint32_t back[8];
        double budget;
        bfv_seeded_init(&seeded);
        mem_fail_nth(nth);
        enum status status = bfv_secret_key_new(context, &source, &secret, NULL);
        if (status == STATUS_OK)
            status = bfv_encrypt_seeded(context, secret, message, &source, &seeded, NULL);
        if (status == STATUS_OK)
            status = bfv_decrypt(context, secret, &ct, back, NULL);
        if (status == STATUS_OK)
            status = bfv_noise_budget_vartime(context, secret, &ct, &budget, NULL);
        done = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, done ? STATUS_OK : STATUS_NOMEM, "allocation %zu", nth);
        cr_assert(!done || nth > 10);
        bfv_ciphertext_deinit(&ct);
        bfv_seeded_deinit(&seeded);
        bfv_secret_key_free(secret);
    }
    bfv_context_free(context);
}
