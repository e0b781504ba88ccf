#include "pir-server/bfv/bfv_product.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <string.h>

static const char small[] = "insecure_n_8_logq_5x18_logt_5";
static const char logt_5[] = "n_4096_logq_27_28_28_logt_5";

/* Tiled and whole plaintexts, nil rows and columns, against a plain sum of products. */
static void check_dot(const char *name, const char *kernel, size_t rows, size_t columns)
{
    struct bfv_context *context = NULL;
    cr_assert_eq(bfv_context_new(&bfv_named_parameters_find(name)->parameters, BFV_ALLOW_INSECURE,
                                 kernel, &context, NULL),
                 STATUS_OK);
    const struct rns_basis *basis = bfv_context_basis(context);
    const size_t n = bfv_context_degree(context);
    const size_t levels = bfv_context_ciphertext_moduli(context);
    const size_t words = levels * n;
    const size_t tile = bfv_tile_words(context);
    const size_t count = rows * columns;
    struct bfv_workspace *workspace;
    struct bfv_selectors *selectors;
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    cr_assert_eq(bfv_selectors_new(context, rows + 1, &selectors, NULL), STATUS_OK);
    struct bfv_ciphertext *chosen = mem_alloc(rows + 1, sizeof *chosen);
    for (size_t r = 0; r <= rows; r++) {
        struct bfv_ciphertext *const selector = &chosen[r];
        *selector = ciphertext_for(context, 2, levels, BFV_EVALUATION);
        for (size_t i = 0; i < 2 * levels; i++) {
            const uint32_t q = basis->modulus[i % levels].value;
            fill_residues(selector->words + i * n, n, q, r * 100 + i);
            selector->words[i * n + r % n] = q - 1;
        }
        bfv_selectors_set(selectors, r, selector->words);
    }
    uint32_t *plain = poly_alloc(words, count);
    uint32_t *tiled = poly_alloc(words, count);
    uint16_t *filled_rows = mem_alloc(count, sizeof *filled_rows);
    uint32_t *column_counts = mem_alloc_zeroed(columns, sizeof *column_counts);
    bool *is_nil = mem_alloc(count, sizeof *is_nil);
    size_t filled = 0;
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < levels; i++)
            fill_residues(plain + p * words + i * n, n, basis->modulus[i].value, p * 7 + i);
        is_nil[p] = p % 5 == 3 || (columns > 1 && p / rows == 1);
        if (is_nil[p])
            continue;
        filled_rows[filled++] = (uint16_t)(p % rows);
        column_counts[p / rows]++;
    }
    size_t number = 0;
    for (size_t p = 0; p < count; p++) {
        for (size_t at = 0; at < words && !is_nil[p]; at += tile)
            memcpy(tiled + at * filled + number * tile, plain + p * words + at,
                   tile * sizeof *tiled);
        number += !is_nil[p];
    }
    struct bfv_ciphertext *results = mem_alloc(columns, sizeof *results);
    for (size_t c = 0; c < columns; c++)
        results[c] = ciphertext_for(context, 2, levels, BFV_COEFFICIENT);
    const struct bfv_plaintext_matrix matrix = {.words = tiled,
                                                .count = filled,
                                                .rows = filled_rows,
                                                .column_counts = column_counts,
                                                .column_count = columns};
    const struct bfv_dot query = {.selectors = selectors, .ret = results};
    bfv_plaintext_dot(context, &query, 1, 1, &matrix, BFV_WHOLE);
    for (size_t c = 0; c < columns; c++) {
        cr_assert_eq(results[c].form, BFV_EVALUATION);
        for (size_t at = 0; at < 2 * words; at += 3) {
            const uint32_t q = basis->modulus[at % words / n].value;
            uint64_t sum = 0;
            for (size_t r = 0; r < rows; r++)
                if (!is_nil[c * rows + r])
                    sum = (sum + (uint64_t)chosen[1 + r].words[at] *
                                     plain[(c * rows + r) * words + at % words]) %
                          q;
            cr_assert_eq(results[c].words[at], sum);
        }
        bfv_ciphertext_deinit(&results[c]);
    }
    for (size_t r = 0; r <= rows; r++)
        bfv_ciphertext_deinit(&chosen[r]);
    mem_free(chosen);
    mem_free(results);
    mem_free(plain);
    mem_free(tiled);
    mem_free(filled_rows);
    mem_free(column_counts);
    mem_free(is_nil);
    bfv_selectors_free(selectors);
    bfv_workspace_free(workspace);
    bfv_context_free(context);
}

Test(bfv_product, dot_equals_a_plain_sum)
{
    check_dot(logt_5, NULL, 5, 3);
    check_dot(logt_5, "ref", 1, 1);
    check_dot(small, NULL, 3, 2);
}

/* More rows than 64-bit sums hold products: 255 of them with the auxiliary base's limit. */
Test(bfv_product, long_columns_are_folded)
{
    check_dot(small, NULL, 600, 2);
}

/* Values of q - 1 everywhere, 300 rows: the sums come as near to 2^64 as they can. */
Test(bfv_product, dot_of_largest_values)
{
    struct bfv_context *context = context_for(logt_5);
    struct bfv_workspace *workspace;
    struct bfv_selectors *selectors;
    enum { ROWS = 300 };
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    cr_assert_eq(bfv_selectors_new(context, ROWS, &selectors, NULL), STATUS_OK);
    struct bfv_ciphertext selector = ciphertext_for(context, 2, 2, BFV_EVALUATION);
    uint32_t *plain = poly_alloc(4096, 2);
    uint32_t *tiles = poly_alloc(8192, ROWS);
    uint16_t rows[ROWS];
    const uint32_t column_count = ROWS;
    const size_t tile = bfv_tile_words(context);
    for (size_t i = 0; i < 8192; i++)
        plain[i] = (uint32_t)group_a[i / 4096] - 1;
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(selector.words, plain, 8192 * sizeof *plain);
        memcpy(selector.words + 8192, plain, 8192 * sizeof *plain);
        bfv_selectors_set(selectors, r, selector.words);
        rows[r] = (uint16_t)r;
        for (size_t at = 0; at < 8192; at += tile)
            memcpy(tiles + at * ROWS + r * tile, plain + at, tile * sizeof *tiles);
    }
    const struct bfv_plaintext_matrix all = {.words = tiles,
                                             .count = ROWS,
                                             .rows = rows,
                                             .column_counts = &column_count,
                                             .column_count = 1};
    struct bfv_ciphertext result = ciphertext_for(context, 2, 2, BFV_EVALUATION);
    const struct bfv_dot query = {.selectors = selectors, .ret = &result};
    bfv_plaintext_dot(context, &query, 1, 0, &all, BFV_WHOLE);
    for (size_t i = 0; i < 4 * 4096; i++)
        cr_assert_eq(result.words[i], ROWS, "(-1)(-1) = 1, %zu", i);
    mem_free(plain);
    mem_free(tiles);
    bfv_ciphertext_deinit(&selector);
    bfv_ciphertext_deinit(&result);
    bfv_selectors_free(selectors);
    bfv_workspace_free(workspace);
    bfv_context_free(context);
}

/* Sum of `pairs` products, relinearized and switched down, decrypts to the sum of the products of
 * the messages. */
static double check_products_in(struct bfv_context *context, size_t pairs, bool in_evaluation_form)
{
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct drbg drbg;
    struct random_source source = byte_source(&drbg, 2);
    struct bfv_evaluation_key *key = evaluation_key_for(context, secret, NULL, 0, true, &source);
    const size_t n = bfv_context_degree(context);
    const size_t levels = bfv_context_ciphertext_moduli(context);
    const struct modulus *t = bfv_context_plaintext_modulus(context);
    struct bfv_workspace *workspace;
    struct bfv_lifted *x, *y;
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    cr_assert_eq(bfv_lifted_new(context, &x, NULL), STATUS_OK);
    cr_assert_eq(bfv_lifted_new(context, &y, NULL), STATUS_OK);
    uint32_t *sparse = poly_alloc(n, 1);
    uint32_t *dense = poly_alloc(n, 1);
    uint32_t *expected = poly_alloc(n, 1);
    uint32_t *product = poly_alloc(n, 1);
    struct bfv_ciphertext result = ciphertext_for(context, 3, levels, BFV_EVALUATION);
    bfv_product_begin(workspace);
    for (size_t p = 0; p < pairs; p++) {
        memset(sparse, 0, n * sizeof *sparse);
        sparse[p % n] = (uint32_t)(p + 1) % t->value;
        sparse[(3 * p + 5) % n] = t->value - 1;
        fill_residues(dense, n, t->value, p);
        struct bfv_ciphertext a = encrypted(context, secret, sparse, (uint8_t)(10 + p), 30);
        struct bfv_ciphertext b = encrypted(context, secret, dense, (uint8_t)(60 + p), 31);
        if (in_evaluation_form)
            bfv_ciphertext_to_form(context, &b, BFV_EVALUATION);
        bfv_lift(workspace, &a, x);
        bfv_lift(workspace, &b, y);
        bfv_product_add(workspace, x, y);
        multiply_plain(context, sparse, dense, product);
        for (size_t k = 0; k < n; k++)
            expected[k] = modulus_add(t, expected[k], product[k]);
        bfv_ciphertext_deinit(&a);
        bfv_ciphertext_deinit(&b);
    }
    bfv_product_finish(workspace, &result);
    cr_assert_eq(bfv_decrypt(context, secret, &result, product, NULL), STATUS_OK);
    cr_assert_arr_eq(product, expected, n * sizeof *product);
    const double before = budget_of(context, secret, &result);
    cr_assert_eq(bfv_relinearize(workspace, key, &result, NULL), STATUS_OK);
    cr_assert_eq(bfv_decrypt(context, secret, &result, product, NULL), STATUS_OK);
    cr_assert_arr_eq(product, expected, n * sizeof *product);
    const double after = budget_of(context, secret, &result);
    cr_assert_gt(after, before - 3);
    bfv_ciphertext_switch_down(context, &result, 1);
    cr_assert_eq(bfv_decrypt(context, secret, &result, product, NULL), STATUS_OK);
    cr_assert_arr_eq(product, expected, n * sizeof *product);
    bfv_ciphertext_deinit(&result);
    mem_free(sparse);
    mem_free(dense);
    mem_free(expected);
    mem_free(product);
    bfv_lifted_free(x);
    bfv_lifted_free(y);
    bfv_workspace_free(workspace);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(secret);
    drbg_deinit(&drbg);
    bfv_context_free(context);
    return after;
}

static double check_products(const char *name, size_t pairs, bool in_evaluation_form)
{
    return check_products_in(context_for(name), pairs, in_evaluation_form);
}

Test(bfv_product, sums_of_products_decrypt)
{
    (void)check_products("n_4096_logq_27_28_28_logt_4", 2, false);
    (void)check_products("n_4096_logq_27_28_28_logt_5", 3, true);
    (void)check_products("n_4096_logq_27_28_28_logt_6", 2, true);
    (void)check_products(small, 2, false);
}

/* The most moduli there can be, each as wide as can be: sums are folded everywhere. */
Test(bfv_product, widest_parameters)
{
    struct bfv_parameters parameters = bfv_named_parameters_find(small)->parameters;
    parameters.degree = 16;
    parameters.plaintext_modulus = 65537;
    for (size_t count = 2; count <= BFV_MAX_MODULI; count += 6) {
        uint64_t prime = MODULUS_MAX / 32 * 32 + 1;
        for (size_t i = 0; i < count; i++) {
            do
                prime -= 32;
            while (!modulus_is_prime_vartime(prime));
            parameters.coefficient_moduli[i] = prime;
        }
        parameters.moduli_count = count;
        struct bfv_context *context = NULL;
        struct error error = {.message = ""};
        cr_assert_eq(bfv_context_new(&parameters, BFV_ALLOW_INSECURE, NULL, &context, &error),
                     STATUS_OK, "%s", error.message);
        if (count == 2) /* one modulus of 30 bits carries no product at this t */
            bfv_context_free(context);
        else
            cr_assert_gt(check_products_in(context, 3, count % 4 == 0), 80);
    }
}

/* Folding of the sums changes no bit: 200 pairs one way, and the same sum another way. */
Test(bfv_product, many_pairs_are_folded)
{
    struct bfv_context *context = context_for(small);
    struct bfv_secret_key *secret = secret_for(context, 1);
    struct bfv_workspace *workspace;
    struct bfv_lifted *x;
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    cr_assert_eq(bfv_lifted_new(context, &x, NULL), STATUS_OK);
    const uint32_t message[8] = {1, 2, 3};
    struct bfv_ciphertext ct = encrypted(context, secret, message, 3, 4);
    bfv_lift(workspace, &ct, x);
    struct bfv_ciphertext often = ciphertext_for(context, 3, 4, BFV_COEFFICIENT);
    struct bfv_ciphertext seldom = ciphertext_for(context, 3, 4, BFV_COEFFICIENT);
    const size_t capacity = context->capacity;
    bfv_product_begin(workspace);
    for (unsigned i = 0; i < 1000; i++)
        bfv_product_add(workspace, x, x);
    bfv_product_finish(workspace, &often);
    context->capacity = 4;
    bfv_product_begin(workspace);
    for (unsigned i = 0; i < 1000; i++)
        bfv_product_add(workspace, x, x);
    bfv_product_finish(workspace, &seldom);
    context->capacity = capacity;
    cr_assert_arr_eq(often.words, seldom.words, 3 * 4 * 8 * sizeof(uint32_t));
    bfv_ciphertext_deinit(&often);
    bfv_ciphertext_deinit(&seldom);
    bfv_ciphertext_deinit(&ct);
    bfv_lifted_free(x);
    bfv_workspace_free(workspace);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

Test(bfv_product, allocations_may_fail)
{
    struct bfv_context *context = context_for(small);
    struct bfv_lifted *lifted = NULL;
    for (size_t nth = 1; nth <= 2; nth++) {
        mem_fail_nth(nth);
        cr_assert_eq(bfv_lifted_new(context, &lifted, NULL), STATUS_NOMEM);
        cr_assert_null(lifted);
    }
    mem_fail_nth(0);
    bfv_context_free(context);
}
