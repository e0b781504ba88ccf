#include "pir-server/bfv/bfv_evaluation_key.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_workspace.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <string.h>

static const char small[] = "insecure_n_8_logq_5x18_logt_5";

/* m(X^g), mod t. */
static void turn_plain(const uint32_t *in, uint32_t g, size_t n, uint32_t t, uint32_t *ret)
{
    for (size_t k = 0; k < n; k++) {
        const size_t to = k * g % (2 * n);
        ret[to % n] = to < n ? in[k] : (t - in[k]) % t;
    }
}

static void check_galois(const char *name, const uint32_t *elements, size_t count, double cost_bits)
{
    struct bfv_context *context = context_for(name);
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct drbg drbg;
    struct random_source source = byte_source(&drbg, 2);
    struct bfv_evaluation_key *key =
        evaluation_key_for(context, secret, elements, count, false, &source);
    struct bfv_workspace *workspace;
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    const size_t n = bfv_context_degree(context);
    const uint32_t t = bfv_context_plaintext_modulus(context)->value;
    uint32_t *message = poly_alloc(n, 1);
    uint32_t *expected = poly_alloc(n, 1);
    uint32_t *back = poly_alloc(n, 1);
    fill_residues(message, n, t, 5);
    for (size_t moduli = bfv_context_ciphertext_moduli(context); moduli >= 1; moduli--)
        for (size_t i = 0; i < count; i++) {
            struct bfv_ciphertext ct = encrypted(context, secret, message, 3, 4);
            bfv_ciphertext_switch_down(context, &ct, moduli);
            const double before = budget_of(context, secret, &ct);
            cr_assert_eq(bfv_apply_galois(workspace, key, elements[i], &ct, NULL), STATUS_OK);
            turn_plain(message, elements[i], n, t, expected);
            const double after = budget_of(context, secret, &ct);
            cr_assert_gt(after, before - cost_bits, "%zu moduli, %f of %f", moduli, after, before);
            cr_assert_eq(bfv_decrypt(context, secret, &ct, back, NULL), STATUS_OK);
            cr_assert_arr_eq(back, expected, n * sizeof *back, "element %u, %zu moduli",
                             elements[i], moduli);
            bfv_ciphertext_deinit(&ct);
        }
    struct bfv_ciphertext ct = encrypted(context, secret, message, 3, 4);
    struct error error;
    cr_assert_eq(bfv_apply_galois(workspace, key, 2 * n - 3, &ct, &error), STATUS_NO_KEY);
    bfv_ciphertext_deinit(&ct);
    mem_free(message);
    mem_free(expected);
    mem_free(back);
    bfv_workspace_free(workspace);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(secret);
    drbg_deinit(&drbg);
    bfv_context_free(context);
}

Test(bfv_evaluation_key, automorphisms_equal_those_of_the_message)
{
    static const uint32_t large[] = {3, 129, 4097, 6145, 8191};
    check_galois("n_4096_logq_27_28_28_logt_5", large, ARRAY_COUNT(large), 7);
    check_galois("n_4096_logq_27_28_28_logt_6", large, 1, 7);
    /* 18-bit moduli leave little at the lower levels, but enough. */
    static const uint32_t all[] = {3, 5, 7, 9, 11, 15};
    check_galois(small, all, ARRAY_COUNT(all), 8);
}

Test(bfv_evaluation_key, hostile_keys_are_refused)
{
    struct bfv_context *context = context_for(small);
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct drbg drbg;
    struct random_source source = byte_source(&drbg, 2);
    struct bfv_seeded parts[4];
    for (size_t j = 0; j < 4; j++)
        bfv_seeded_init(&parts[j]);
    struct error error;
    cr_assert_eq(bfv_galois_key_make(context, secret, 4, &source, parts, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "Galois element 4: must be odd and in 3..15");
    cr_assert_eq(bfv_galois_key_make(context, secret, 5, &source, parts, NULL), STATUS_OK);

    struct bfv_switch_key *part;
    struct bfv_evaluation_key *key;
    cr_assert_eq(bfv_evaluation_key_new(context, &key, NULL), STATUS_OK);
    static const uint64_t bad[] = {0, 1, 2, 4, 16, 17, UINT64_MAX, ((uint64_t)1 << 32) + 5};
    for (size_t i = 0; i <= ARRAY_COUNT(bad) + 2; i++) {
        cr_assert_eq(bfv_switch_key_new(context, &part, NULL), STATUS_OK);
        const struct span seed = span_of(parts[0].seed, 32);
        for (size_t j = 0; j < 4; j++) {
            if (i == ARRAY_COUNT(bad) && j == 2)
                continue; /* component 2 is missing */
            cr_assert_eq(
                bfv_switch_key_read_seeded(part, j, bytes_view(&parts[j].poly0), seed, &error),
                STATUS_OK);
        }
        cr_assert_eq(bfv_switch_key_read_seeded(part, 4, bytes_view(&parts[0].poly0), seed, &error),
                     STATUS_MALFORMED);
        cr_assert_str_eq(error.message, "key-switching key: more than 4 components");
        cr_assert_eq(bfv_switch_key_read_seeded(part, 1, bytes_view(&parts[0].poly0),
                                                span_of(parts[0].seed, 31), &error),
                     STATUS_MALFORMED);
        cr_assert_str_eq(error.message,
                         "key-switching key, component 1: seed: 31 bytes, must be 32");
        const uint64_t element = i < ARRAY_COUNT(bad) ? bad[i] : 5;
        const enum status status = bfv_evaluation_key_add_galois(key, element, part, &error);
        cr_assert_eq(status, i == ARRAY_COUNT(bad) + 1 ? STATUS_OK : STATUS_MALFORMED);
        if (i == ARRAY_COUNT(bad))
            cr_assert_str_eq(error.message, "key-switching key: component 2 of 4 is missing");
        if (i == ARRAY_COUNT(bad) + 2)
            cr_assert_str_eq(error.message, "Galois element 5 is there twice");
    }
    cr_assert_eq(bfv_evaluation_key_galois_count(key), 1);
    cr_assert(!bfv_evaluation_key_has_relin(key));
    struct bfv_workspace *workspace;
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    struct bfv_ciphertext three = ciphertext_for(context, 3, 4, BFV_COEFFICIENT);
    cr_assert_eq(bfv_relinearize(workspace, key, &three, &error), STATUS_NO_KEY);
    cr_assert_str_eq(error.message, "the evaluation key has no relinearization key");
    bfv_ciphertext_deinit(&three);
    bfv_workspace_free(workspace);
    for (size_t j = 0; j < 4; j++)
        bfv_seeded_deinit(&parts[j]);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(secret);
    drbg_deinit(&drbg);
    bfv_context_free(context);
}

/* Components may come in full form as well; the key is the same. */
Test(bfv_evaluation_key, full_components_are_read)
{
    struct bfv_context *context = context_for(small);
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct bfv_switch_key *part;
    struct bfv_evaluation_key *key;
    struct bfv_workspace *workspace;
    cr_assert_eq(bfv_switch_key_new(context, &part, NULL), STATUS_OK);
    for (uint8_t j = 0; j < 4; j++) {
        struct drbg drbg;
        const struct random_source source = byte_source(&drbg, j);
        struct bfv_ciphertext component = ciphertext_for(context, 2, 5, BFV_EVALUATION);
        struct bytes bytes;
        bytes_init(&bytes, 1000);
        cr_assert_eq(bfv_galois_key_component(context, secret, 3, j, byte_seed((uint8_t)(40 + j)),
                                              &source, &component, NULL),
                     STATUS_OK);
        bfv_ciphertext_write_full(context, &component, NULL, &bytes);
        cr_assert_eq(bfv_switch_key_read_full(part, j, bytes_view(&bytes), NULL, 0, 0, NULL),
                     STATUS_MALFORMED);
        cr_assert_eq(bfv_switch_key_read_full(part, j, bytes_view(&bytes), NULL, 0, 1, NULL),
                     STATUS_OK);
        bytes_deinit(&bytes);
        bfv_ciphertext_deinit(&component);
        drbg_deinit(&drbg);
    }
    cr_assert_eq(bfv_evaluation_key_new(context, &key, NULL), STATUS_OK);
    cr_assert_eq(bfv_evaluation_key_add_galois(key, 3, part, NULL), STATUS_OK);
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    const uint32_t message[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint32_t expected[8] = {1, 13, 7, 2, 12, 8, 3, 11}; /* spec/bfv.md section 7.1 */
    uint32_t back[8];
    struct bfv_ciphertext ct = encrypted(context, secret, message, 3, 4);
    cr_assert_eq(bfv_apply_galois(workspace, key, 3, &ct, NULL), STATUS_OK);
    cr_assert_eq(bfv_decrypt(context, secret, &ct, back, NULL), STATUS_OK);
    cr_assert_arr_eq(back, expected, sizeof back);
    bfv_ciphertext_deinit(&ct);
    bfv_workspace_free(workspace);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

Test(bfv_evaluation_key, elements_are_sorted_and_limited_and_their_memory_known)
{
    struct bfv_parameters parameters =
        bfv_named_parameters_find("insecure_n_8_logq_5x18_logt_5")->parameters;
    parameters.degree = 256; /* enough odd numbers below 2N */
    static const uint64_t moduli[] = {12289, 13313};
    memcpy(parameters.coefficient_moduli, moduli, sizeof moduli);
    parameters.moduli_count = 2;
    struct bfv_context *context = NULL;
    cr_assert_eq(bfv_context_new(&parameters, BFV_ALLOW_INSECURE, NULL, &context, NULL), STATUS_OK);
    struct bfv_evaluation_key *key;
    cr_assert_eq(bfv_evaluation_key_new(context, &key, NULL), STATUS_OK);
    uint8_t *zeros = mem_alloc_zeroed(bfv_poly_bytes(context, 2, 0), 1);
    struct error error;
    for (size_t i = 0; i <= BFV_MAX_GALOIS_KEYS; i++) {
        struct bfv_switch_key *part;
        cr_assert_eq(bfv_switch_key_new(context, &part, NULL), STATUS_OK);
        cr_assert_eq(bfv_switch_key_read_seeded(part, 0,
                                                span_of(zeros, bfv_poly_bytes(context, 2, 0)),
                                                span_of(zeros, 32), NULL),
                     STATUS_OK);
        const enum status status =
            bfv_evaluation_key_add_galois(key, (i * 74 + 3) % 512, part, &error);
        cr_assert_eq(status, i < BFV_MAX_GALOIS_KEYS ? STATUS_OK : STATUS_TOO_LARGE);
    }
    for (size_t i = 1; i < BFV_MAX_GALOIS_KEYS; i++)
        cr_assert_lt(bfv_evaluation_key_galois_element(key, i - 1),
                     bfv_evaluation_key_galois_element(key, i));
    /* Two rows of two polynomials and a permutation each; the structs are smaller than one more. */
    const size_t row_bytes = 256 * sizeof(uint32_t);
    cr_assert_gt(bfv_evaluation_key_memory_bytes(key), (BFV_MAX_GALOIS_KEYS * (4 + 1)) * row_bytes);
    cr_assert_lt(bfv_evaluation_key_memory_bytes(key), (BFV_MAX_GALOIS_KEYS * (4 + 2)) * row_bytes);
    mem_free(zeros);
    bfv_evaluation_key_free(key);
    bfv_context_free(context);
}

Test(bfv_evaluation_key, every_allocation_may_fail)
{
    struct bfv_context *context = context_for(small);
    struct bfv_secret_key *secret = secret_for(context, 1);
    bool done = false;
    for (size_t nth = 1; !done; nth++) {
        struct drbg drbg;
        const struct random_source source = byte_source(&drbg, 2);
        struct bfv_seeded parts[4];
        struct bfv_switch_key *part = NULL;
        struct bfv_evaluation_key *key = NULL;
        struct bfv_workspace *workspace = NULL;
        for (size_t j = 0; j < 4; j++)
            bfv_seeded_init(&parts[j]);
        mem_fail_nth(nth);
        enum status status = bfv_relin_key_make(context, secret, &source, parts, NULL);
        if (status == STATUS_OK)
            status = bfv_galois_key_make(context, secret, 5, &source, parts, NULL);
        if (status == STATUS_OK)
            status = bfv_switch_key_new(context, &part, NULL);
        for (size_t j = 0; j < 4 && status == STATUS_OK; j++)
            status = bfv_switch_key_read_seeded(part, j, bytes_view(&parts[j].poly0),
                                                span_of(parts[j].seed, 32), NULL);
        if (status == STATUS_OK)
            status = bfv_evaluation_key_new(context, &key, NULL);
        if (status == STATUS_OK) {
            status = bfv_evaluation_key_add_galois(key, 5, part, NULL);
            part = NULL;
        }
        if (status == STATUS_OK)
            status = bfv_workspace_new(context, &workspace, NULL);
        done = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, done ? STATUS_OK : STATUS_NOMEM, "allocation %zu", nth);
        cr_assert(!done || nth > 25);
        for (size_t j = 0; j < 4; j++)
            bfv_seeded_deinit(&parts[j]);
        bfv_workspace_free(workspace);
        bfv_switch_key_free(part);
        bfv_evaluation_key_free(key);
        drbg_deinit(&drbg);
    }
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}
