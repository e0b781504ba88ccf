#include "pir-server/ring/ntt/ntt.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static struct ntt_tables *tables_with(const char *kernel_name, size_t n, uint64_t q)
{
    const struct cpu cpu = cpu_detect();
    const struct ntt_kernel *kernel;
    struct modulus modulus;
    struct ntt_tables *tables;
    const enum status status = ntt_kernel_choose(&cpu, kernel_name, n, &kernel, NULL);
    if (status == STATUS_UNSUPPORTED)
        return NULL;
    cr_assert_eq(status, STATUS_OK);
    cr_assert_eq(modulus_init(q, &modulus, NULL), STATUS_OK);
    cr_assert_eq(ntt_tables_new(n, &modulus, kernel, &tables, NULL), STATUS_OK);
    return tables;
}

static void check_row(size_t n, uint64_t q, uint32_t root, const uint32_t *in, const uint32_t *out,
                      size_t out_count)
{
    for (size_t k = 0; ntt_kernel_list(k) != NULL; k++) {
        struct ntt_tables *tables = tables_with(ntt_kernel_list(k), n, q);
        if (tables == NULL)
            continue;
        uint32_t *row = poly_alloc(n, 1);
        memcpy(row, in, n * sizeof *row);
        if (root != 0)
            cr_assert_eq(ntt_tables_root(tables), root);
        ntt_forward(row, row, tables);
        for (size_t i = 0; i < out_count; i++)
            cr_assert_eq(row[i], out[i], "n %zu, value %zu is %u", n, i, row[i]);
        ntt_inverse(row, row, tables);
        cr_assert_arr_eq(row, in, n * sizeof *row);
        mem_free(row);
        ntt_tables_free(tables);
    }
}

/* spec/bfv.md section 3. */
Test(ntt, small_vectors)
{
    const uint32_t count[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint32_t four[4] = {15, 11, 13, 16};
    const uint32_t eight_17[8] = {5, 0, 13, 8, 9, 11, 5, 8};
    const uint32_t eight_97[8] = {86, 56, 41, 67, 4, 4, 53, 85};
    check_row(4, 17, 2, count, four, 4);
    check_row(8, 17, 3, count, eight_17, 8);
    check_row(8, 97, 8, count, eight_97, 8);
}

Test(ntt, vector_of_x)
{
    uint32_t x[4096] = {0, 1};
    const uint32_t start[4] = {24149, 134152620, 52964221, 81212548};
    check_row(4096, group_a[0], 24149, x, start, 4);
}

Test(ntt, roots_of_group_a_and_i)
{
    static const struct {
        size_t n;
        uint64_t q;
        uint32_t root;
    } rows[] = {{4096, 134176769, 24149}, {4096, 268369921, 62736},  {4096, 268361729, 58939},
                {8192, 268369921, 65274}, {8192, 536690689, 130289}, {8, 131249, 17580},
                {8, 131297, 16189},       {8, 131441, 1472},         {8, 131489, 6723},
                {8, 131617, 20350}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ntt_tables *tables = tables_with(NULL, rows[i].n, rows[i].q);
        cr_assert_eq(ntt_tables_root(tables), rows[i].root, "row %zu", i);
        ntt_tables_free(tables);
    }
}

static void check_json_row(const json_t *row, const char *list)
{
    const size_t n = (size_t)json_integer_value(json_object_get(row, "n"));
    const uint64_t q = (uint64_t)json_integer_value(json_object_get(row, "q"));
    const json_t *values = json_object_get(row, list);
    const json_t *digest = json_object_get(row, "sha256");
    uint32_t *poly = poly_alloc(n, 1);
    for (uint64_t k = 0; k < n; k++)
        poly[k] = (uint32_t)((k * k % q + 1) % q);
    struct ntt_tables *tables = tables_with(NULL, n, q);
    ntt_forward(poly, poly, tables);
    for (size_t i = 0; i < json_array_size(values); i++)
        cr_assert_eq(poly[i], json_integer_value(json_array_get(values, i)));
    if (digest != NULL) {
        struct bytes words;
        bytes_init(&words, n * 4);
        for (size_t i = 0; i < n; i++)
            bytes_append_u32le(&words, poly[i]);
        cr_assert_str_eq(sha256_hex(bytes_view(&words)), json_string_value(digest));
        bytes_deinit(&words);
    }
    ntt_tables_free(tables);
    mem_free(poly);
}

Test(ntt, reference_vectors)
{
    char *path = path_join(vectors_folder(), "ntt.json");
    json_t *all = json_load_file(path, 0, NULL);
    mem_free(path);
    if (all == NULL)
        cr_skip_test("no ntt.json in the reference's vectors");
    check_json_row(json_object_get(all, "small"), "forward");
    const json_t *full = json_object_get(all, "full");
    cr_assert_gt(json_array_size(full), 0);
    for (size_t i = 0; i < json_array_size(full); i++)
        check_json_row(json_array_get(full, i), "first");
    json_decref(all);
}

/* Every kernel against ref over every degree: zeros, single ones, all q - 1, the top of the lazy
 * range, random; with guard words around the row. */
static void compare_kernels(size_t n, uint64_t modulus_value)
{
    const uint32_t q = (uint32_t)modulus_value;
    struct ntt_tables *ref = tables_with("ref", n, q);
    uint32_t *in = poly_alloc(n, 1);
    uint32_t *expected = poly_alloc(n, 1);
    uint32_t *guarded = poly_alloc(n + 32, 1);
    uint32_t *row = guarded + 16;
    for (size_t k = 0; ntt_kernel_list(k) != NULL; k++) {
        struct ntt_tables *tables = tables_with(ntt_kernel_list(k), n, q);
        if (tables == NULL)
            continue;
        for (unsigned pattern = 0; pattern < 8; pattern++) {
            fill_residues(in, n, q, pattern);
            for (size_t i = 0; i < n; i++) {
                const uint32_t fixed[] = {0, i == 0, i == n - 1, q - 1, 4 * q - 1, 2 * q, q};
                if (pattern < ARRAY_COUNT(fixed))
                    in[i] = fixed[pattern];
            }
            memset(guarded, 0x5a, (n + 32) * sizeof *guarded);
            ntt_forward_lazy(row, in, tables);
            for (size_t i = 0; i < n; i++)
                cr_assert_lt((uint64_t)row[i], 4 * (uint64_t)q);
            ntt_forward(expected, in, ref);
            memcpy(row, in, n * sizeof *in);
            ntt_forward_lazy(row, row, tables);
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(row[i] % q, expected[i]);
            ntt_forward(row, in, tables);
            cr_assert_arr_eq(row, expected, n * sizeof *row);
            memcpy(row, in, n * sizeof *in);
            ntt_forward(row, row, tables);
            cr_assert_arr_eq(row, expected, n * sizeof *row);

            /* Lazy input of the inverse, and back to where we were. */
            for (size_t i = 0; i < n; i++)
                if (i % 3 == 0)
                    expected[i] += q;
            ntt_inverse(row, expected, tables);
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(row[i], in[i] % q);
            memcpy(row, expected, n * sizeof *row);
            ntt_inverse(row, row, tables);
            ntt_inverse(expected, expected, ref);
            cr_assert_arr_eq(row, expected, n * sizeof *row);
            for (size_t i = 0; i < 16; i++) {
                cr_assert_eq(guarded[i], 0x5a5a5a5a);
                cr_assert_eq(guarded[n + 16 + i], 0x5a5a5a5a);
            }
        }
        ntt_tables_free(tables);
    }
    mem_free(in);
    mem_free(expected);
    mem_free(guarded);
    ntt_tables_free(ref);
}

Test(ntt, kernels_agree_with_ref)
{
    for (size_t n = NTT_DEGREE_MIN; n <= NTT_DEGREE_MAX; n *= 2) {
        /* The largest prime below 2^30 and one near the bottom that are 1 mod 2n. */
        uint64_t q = (MODULUS_MAX - 1) / (2 * n) * (2 * n) + 1;
        while (!modulus_is_prime_vartime(q))
            q -= 2 * n;
        compare_kernels(n, q);
        q = 2 * n + 1;
        while (!modulus_is_prime_vartime(q))
            q += 2 * n;
        compare_kernels(n, q);
        /* On both sides of 2^32 / 15, of 2^28 (default and auxiliary moduli) and of 2^27. */
        const uint64_t below[] = {UINT32_MAX / 15, (uint64_t)1 << 28, (uint64_t)1 << 27};
        for (size_t i = 0; i < ARRAY_COUNT(below); i++) {
            q = (below[i] - 1) / (2 * n) * (2 * n) + 1;
            while (!modulus_is_prime_vartime(q))
                q -= 2 * n;
            compare_kernels(n, q);
            do {
                q += 2 * n;
            } while (q <= below[i] || !modulus_is_prime_vartime(q));
            compare_kernels(n, q);
        }
    }
}

Test(ntt, products_are_negacyclic)
{
    enum { N = 16 };
    struct modulus q;
    cr_assert_eq(modulus_init(97, &q, NULL), STATUS_OK);
    struct ntt_tables *tables = tables_with(NULL, N, 97);
    uint32_t a[N], b[N], expected[N] = {0};
    fill_residues(a, N, 97, 1);
    fill_residues(b, N, 97, 2);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++) {
            uint32_t *const to = &expected[(i + k) % N];
            const uint32_t product = modulus_mul(&q, a[i], b[k]);
            *to = i + k < N ? modulus_add(&q, *to, product) : modulus_sub(&q, *to, product);
        }
    ntt_forward(a, a, tables);
    ntt_forward(b, b, tables);
    for (size_t i = 0; i < N; i++)
        a[i] = modulus_mul(&q, a[i], b[i]);
    ntt_inverse(a, a, tables);
    cr_assert_arr_eq(a, expected, sizeof a);
    ntt_tables_free(tables);
}

Test(ntt, bad_degrees_and_moduli_are_refused)
{
    const struct ntt_kernel *kernel = any_kernel(8);
    struct ntt_tables *tables = NULL;
    struct modulus q;
    struct error error;
    cr_assert_eq(modulus_init(97, &q, NULL), STATUS_OK);
    cr_assert_eq(ntt_tables_new(12, &q, kernel, &tables, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "degree 12 is not a power of two in 4..32768");
    cr_assert_eq(ntt_tables_new(0, &q, kernel, &tables, NULL), STATUS_INVALID);
    cr_assert_eq(ntt_tables_new(65536, &q, kernel, &tables, NULL), STATUS_INVALID);
    cr_assert_eq(ntt_tables_new(64, &q, kernel, &tables, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "modulus 97 is not 1 mod 128 (twice the degree)");
    cr_assert_eq(modulus_init(65, &q, NULL), STATUS_OK);
    cr_assert_eq(ntt_tables_new(8, &q, kernel, &tables, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "modulus 65 is not prime");
    cr_assert_null(tables);

    const struct cpu cpu = cpu_detect();
    cr_assert_eq(ntt_kernel_choose(&cpu, "fast", 8, &kernel, &error), STATUS_NOT_FOUND);
    cr_assert_str_eq(error.message, "no kernel is called fast");
}

Test(ntt, every_allocation_may_fail)
{
    struct modulus q;
    cr_assert_eq(modulus_init(97, &q, NULL), STATUS_OK);
    for (size_t nth = 1;; nth++) {
        struct ntt_tables *tables = NULL;
        mem_fail_nth(nth);
        const enum status status = ntt_tables_new(8, &q, any_kernel(8), &tables, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached) {
            cr_assert_eq(status, STATUS_OK);
            ntt_tables_free(tables);
            cr_assert_gt(nth, 4);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM);
        cr_assert_null(tables);
    }
}
