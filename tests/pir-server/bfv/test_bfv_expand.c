#include "pir-server/bfv/bfv_expand.h"

#include "base/mem.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <string.h>

static const char small[] = "insecure_n_8_logq_5x18_logt_5";
static const char logt_5[] = "n_4096_logq_27_28_28_logt_5";

/* What an expansion needs beside the query. */
struct expansion {
    struct bfv_context *context;
    struct bfv_secret_key *secret;
    struct drbg drbg;
    struct bfv_evaluation_key *key;
    struct bfv_workspace *workspace;
    struct bfv_selectors *selectors;
};

static void setup(struct expansion *e, const char *name, const char *kernel,
                  const uint32_t *elements, size_t element_count, size_t selector_count)
{
    cr_assert_eq(bfv_context_new(&bfv_named_parameters_find(name)->parameters, BFV_ALLOW_INSECURE,
                                 kernel, &e->context, NULL),
                 STATUS_OK);
    e->secret = secret_for(e->context, 1);
    struct random_source source = byte_source(&e->drbg, 2);
    e->key = evaluation_key_for(e->context, e->secret, elements, element_count, false, &source);
    cr_assert_eq(bfv_workspace_new(e->context, &e->workspace, NULL), STATUS_OK);
    cr_assert_eq(bfv_selectors_new(e->context, selector_count, &e->selectors, NULL), STATUS_OK);
}

static void teardown(struct expansion *e)
{
    bfv_selectors_free(e->selectors);
    bfv_workspace_free(e->workspace);
    bfv_evaluation_key_free(e->key);
    bfv_secret_key_free(e->secret);
    drbg_deinit(&e->drbg);
    bfv_context_free(e->context);
}

/* Expands a query whose coefficient k is (k + 1) / 2^h mod t and checks that selector k is the
 * constant k + 1; the least budget is returned. */
static double check_expansion(const char *name, const uint32_t *elements, size_t element_count,
                              size_t count)
{
    struct expansion e;
    setup(&e, name, NULL, elements, element_count, count + 3);
    struct bfv_context *const context = e.context;
    const size_t n = bfv_context_degree(context);
    const struct modulus *t = bfv_context_plaintext_modulus(context);
    uint32_t *message = poly_alloc(n, 1);
    uint32_t *back = poly_alloc(n, 1);
    struct bfv_ciphertext selector =
        ciphertext_for(context, 2, bfv_context_ciphertext_moduli(context), BFV_EVALUATION);
    uint32_t scale = 1;
    for (size_t power = 1; power < count; power *= 2)
        scale = modulus_mul(t, scale, 2);
    scale = modulus_inverse(t, scale);
    for (size_t k = 0; k < count; k++) {
        message[k] = modulus_mul(t, (uint32_t)(k + 1) % t->value, scale);
    }
    struct bfv_ciphertext query = encrypted(context, e.secret, message, 3, 4);
    cr_assert_eq(bfv_expand_check_elements(context, elements, element_count, count, NULL),
                 STATUS_OK);
    cr_assert_eq(bfv_expand(e.workspace, e.key, &query, count, e.selectors, 2, BFV_WHOLE, NULL),
                 STATUS_OK);
    double least = 1000;
    for (size_t k = 0; k < count; k++) {
        bfv_selectors_get(e.selectors, 2 + k, &selector);
        if (k % 3 == 1)
            bfv_ciphertext_to_form(context, &selector, BFV_COEFFICIENT);
        cr_assert_eq(bfv_decrypt(context, e.secret, &selector, back, NULL), STATUS_OK);
        cr_assert_eq(back[0], (k + 1) % t->value, "selector %zu of %zu", k, count);
        for (size_t i = 1; i < n; i++)
            cr_assert_eq(back[i], 0, "selector %zu, coefficient %zu", k, i);
        const double budget = budget_of(context, e.secret, &selector);
        least = budget < least ? budget : least;
    }
    mem_free(message);
    mem_free(back);
    bfv_ciphertext_deinit(&selector);
    bfv_ciphertext_deinit(&query);
    teardown(&e);
    return least;
}

/* All parts, the last one first, write what the whole writes. */
static void check_parts(const char *set, const uint32_t *elements, size_t element_count,
                        size_t count, size_t parts)
{
    struct expansion whole, cut;
    setup(&whole, set, NULL, elements, element_count, count + 3);
    setup(&cut, set, NULL, elements, element_count, count + 3);
    struct bfv_context *const context = whole.context;
    const size_t moduli = bfv_context_ciphertext_moduli(context);
    const size_t words = bfv_ciphertext_words(context, 2, moduli);
    uint32_t *message = poly_alloc(bfv_context_degree(context), 1);
    message[count / 2] = 1;
    struct bfv_ciphertext query = encrypted(context, whole.secret, message, 3, 4);
    struct bfv_ciphertext a = ciphertext_for(context, 2, moduli, BFV_EVALUATION);
    struct bfv_ciphertext b = ciphertext_for(context, 2, moduli, BFV_EVALUATION);
    cr_assert_eq(
        bfv_expand(whole.workspace, whole.key, &query, count, whole.selectors, 1, BFV_WHOLE, NULL),
        STATUS_OK);
    for (size_t part = parts; part-- > 0;)
        cr_assert_eq(bfv_expand(cut.workspace, whole.key, &query, count, cut.selectors, 1,
                                (struct bfv_part){.index = part, .count = parts}, NULL),
                     STATUS_OK);
    for (size_t k = 1; k <= count; k++) {
        bfv_selectors_get(whole.selectors, k, &a);
        bfv_selectors_get(cut.selectors, k, &b);
        cr_assert_arr_eq(a.words, b.words, words * sizeof *a.words, "selector %zu of %zu in %zu", k,
                         count, parts);
    }
    mem_free(message);
    bfv_ciphertext_deinit(&a);
    bfv_ciphertext_deinit(&b);
    bfv_ciphertext_deinit(&query);
    teardown(&whole);
    teardown(&cut);
}

Test(bfv_expand, parts_make_the_whole)
{
    static const uint32_t few[] = {257, 513, 1025, 2049, 4097};
    static const uint32_t composite[] = {257, 513, 1025, 2049, 4097, 6145, 1537};
    for (size_t parts = 1; parts <= 16; parts *= 2) {
        for (size_t count = 1; count <= 8; count++)
            check_parts(small, (const uint32_t[]){9, 3, 5}, 3, count, parts);
        check_parts(logt_5, few, 5, 29, parts);
        check_parts(logt_5, composite, 7, 32, parts);
        check_parts(logt_5, composite, 7, 19, parts);
    }
}

Test(bfv_expand, selectors_are_the_coefficients)
{
    static const uint32_t elements[] = {257, 513, 1025, 2049, 4097};
    (void)check_expansion(logt_5, NULL, 0, 1);
    (void)check_expansion(logt_5, elements, 5, 2);
    /* spec/bfv.md section 10: 38.6 bits after expansion to 5 values, 37.1 to 15. */
    const double five = check_expansion(logt_5, elements, 5, 5);
    cr_assert(five > 37.6 && five < 39.6, "%f", five);
    const double fifteen = check_expansion(logt_5, elements, 5, 15);
    cr_assert(fifteen > 36.1 && fifteen < 38.1, "%f", fifteen);
    (void)check_expansion(logt_5, elements, 5, 32);
}

Test(bfv_expand, all_counts_of_the_small_set)
{
    static const uint32_t elements[] = {9, 3, 5};
    for (size_t count = 1; count <= 8; count++)
        (void)check_expansion(small, elements, 3, count);
}

/* Compressed keys: 4097 = 129^32 and 1025^4 mod 8192. */
Test(bfv_expand, smaller_elements_are_repeated)
{
    static const uint32_t hybrid[] = {257, 1025};
    static const uint32_t most[] = {257};
    (void)check_expansion(logt_5, hybrid, 2, 20);
    (void)check_expansion(logt_5, most, 1, 20);
}

/* Two levels at a time, with composite elements (6145 = 2049 * 4097 mod 8192 and so on). Counts
 * that lack partners in one way or another; the budget stays within half a bit. */
Test(bfv_expand, pairs_of_levels_decrypt_and_keep_the_budget)
{
    static const size_t counts[] = {3, 4, 5, 6, 7, 8, 11, 13, 16, 17, 20, 23, 29, 32};
    for (size_t c = 0; c < ARRAY_COUNT(counts); c++) {
        uint32_t elements[16];
        size_t count = 0;
        unsigned levels = 0;
        while ((size_t)1 << levels < counts[c])
            levels++;
        for (unsigned level = 1; level <= levels; level++)
            elements[count++] = (8192u >> level) + 1;
        const double plain = check_expansion(logt_5, elements, count, counts[c]);
        for (unsigned last = levels; last >= 2; last -= 2)
            elements[count++] = elements[last - 2] * elements[last - 1] % 8192;
        const double paired = check_expansion(logt_5, elements, count, counts[c]);
        cr_assert(paired > plain - 0.5, "%zu selectors: %f bits, plain %f", counts[c], paired,
                  plain);
    }
    static const uint32_t small_elements[] = {9, 3, 5, 27 % 16, 15};
    for (size_t count = 1; count <= 8; count++)
        (void)check_expansion(small, small_elements, 5, count);
}

/* The kernel "ref" is the plain method, whatever the key has: the same bits with and without
 * composite elements, and as the fast kernels without. */
Test(bfv_expand, the_reference_kernel_never_pairs)
{
    static const uint32_t elements[] = {2049, 4097, 6145};
    uint32_t *words[2];
    for (size_t k = 0; k < 2; k++) {
        struct expansion e;
        setup(&e, logt_5, k == 0 ? "ref" : NULL, elements, k == 0 ? 3 : 2, 4);
        const uint32_t message[4096] = {1, 2, 3};
        struct bfv_ciphertext query = encrypted(e.context, e.secret, message, 3, 4);
        struct bfv_ciphertext selector = ciphertext_for(e.context, 2, 2, BFV_EVALUATION);
        cr_assert_eq(bfv_expand(e.workspace, e.key, &query, 4, e.selectors, 0, BFV_WHOLE, NULL),
                     STATUS_OK);
        words[k] = poly_alloc(4096, 16);
        for (size_t i = 0; i < 4; i++) {
            bfv_selectors_get(e.selectors, i, &selector);
            memcpy(words[k] + i * 16384, selector.words, 16384 * sizeof(uint32_t));
        }
        bfv_ciphertext_deinit(&query);
        bfv_ciphertext_deinit(&selector);
        teardown(&e);
    }
    cr_assert_arr_eq(words[0], words[1], 65536 * sizeof(uint32_t));
    mem_free(words[0]);
    mem_free(words[1]);
}

Test(bfv_expand, keys_that_cannot_are_refused_before_any_work)
{
    static const uint32_t large[] = {4097, 2049, 1025};
    struct expansion e;
    setup(&e, logt_5, NULL, large, 1, 4);
    struct bfv_context *const context = e.context;
    struct error error;
    /* 3^2048 is 1 mod 8192, not 4097; 4096 + 2049 is no power of two plus one. */
    static const uint32_t useless[] = {3, 6145, 8191};
    cr_assert_eq(bfv_expand_check_elements(context, useless, 3, 2, &error), STATUS_NO_KEY);
    cr_assert_str_eq(error.message,
                     "the evaluation key has no Galois element for 4097, alone or by repetition");
    cr_assert_eq(bfv_expand_check_elements(context, NULL, 0, 2, NULL), STATUS_NO_KEY);
    cr_assert_eq(bfv_expand_check_elements(context, NULL, 0, 1, NULL), STATUS_OK);
    cr_assert_eq(bfv_expand_check_elements(context, large, 3, 8, NULL), STATUS_OK);
    cr_assert_eq(bfv_expand_check_elements(context, large, 3, 9, &error), STATUS_NO_KEY);
    cr_assert_eq(bfv_expand_check_elements(context, large, 3, 0, &error), STATUS_INVALID);
    cr_assert_eq(bfv_expand_check_elements(context, large, 3, 4097, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "4097 selectors: a query holds 1..4096");

    struct bfv_ciphertext query = ciphertext_for(context, 2, 2, BFV_COEFFICIENT);
    cr_assert_eq(bfv_expand(e.workspace, e.key, &query, 2, e.selectors, 2, BFV_WHOLE, NULL),
                 STATUS_OK);
    cr_assert_eq(bfv_expand(e.workspace, e.key, &query, 3, e.selectors, 0, BFV_WHOLE, NULL),
                 STATUS_NO_KEY);
    cr_assert_eq(bfv_expand(e.workspace, e.key, &query, 2, e.selectors, 3, BFV_WHOLE, &error),
                 STATUS_INVALID);
    cr_assert_str_eq(error.message, "2 selectors from 3 on: there is room for 4");
    cr_assert_eq(bfv_expand(e.workspace, e.key, &query, 2, e.selectors, SIZE_MAX, BFV_WHOLE, NULL),
                 STATUS_INVALID);
    bfv_ciphertext_deinit(&query);
    teardown(&e);
}

Test(bfv_expand, allocations_may_fail)
{
    struct bfv_context *context = context_for(small);
    struct bfv_selectors *selectors = NULL;
    for (size_t nth = 1; nth <= 2; nth++) {
        mem_fail_nth(nth);
        cr_assert_eq(bfv_selectors_new(context, 4, &selectors, NULL), STATUS_NOMEM);
        cr_assert(!mem_fail_pending());
        cr_assert_null(selectors);
    }
    mem_fail_nth(0);
    cr_assert_eq(bfv_selectors_new(context, SIZE_MAX / 4, &selectors, NULL), STATUS_NOMEM);
    bfv_context_free(context);
}
