#include "pir-server/ring/rns.h"

#include "base/mem.h"
#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint64_t two[] = {17, 97};

/* spec/bfv.md section 7.1. */
Test(rns, automorphism_vector)
{
    struct rns_basis *basis = basis_for(8, two, 1);
    const uint32_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint32_t expected[8] = {1, 13, 7, 2, 12, 8, 3, 11};
    const uint32_t expected_sources[8] = {4, 5, 7, 6, 1, 0, 2, 3};
    uint32_t out[8], sources[8];
    poly_automorphism(out, in, 3, basis, 1);
    cr_assert_arr_eq(out, expected, sizeof out);
    automorphism_eval_sources(sources, 3, 8);
    cr_assert_arr_eq(sources, expected_sources, sizeof sources);
    rns_basis_free(basis);
}

Test(rns, automorphism_is_the_same_in_both_forms)
{
    enum { N = 16 };
    struct rns_basis *basis = basis_for(N, (const uint64_t[]){97, 193}, 2);
    uint32_t in[2 * N], out[2 * N], eval[2 * N], moved[2 * N], sources[N];
    for (uint32_t g = 3; g < 2 * N; g += 2) {
        for (size_t i = 0; i < 2; i++)
            fill_residues(in + i * N, N, basis->modulus[i].value, g + i);
        poly_automorphism(out, in, g, basis, 2);
        poly_forward(out, basis, 2);
        memcpy(eval, in, sizeof in);
        poly_forward(eval, basis, 2);
        automorphism_eval_sources(sources, g, N);
        for (size_t i = 0; i < 2 * N; i++)
            moved[i] = eval[i / N * N + sources[i % N]];
        cr_assert_arr_eq(out, moved, sizeof out, "element %u", g);
        cr_assert(automorphism_is_valid(g, N));
    }
    cr_assert(!automorphism_is_valid(1, N));
    cr_assert(!automorphism_is_valid(4, N));
    cr_assert(!automorphism_is_valid(2 * N + 1, N));
    cr_assert(!automorphism_is_valid(UINT64_MAX, N));
    rns_basis_free(basis);
}

Test(rns, sums_products_and_shifts)
{
    enum { N = 8 };
    struct rns_basis *basis = basis_for(N, two, 2);
    uint32_t a[2 * N], b[2 * N], sum[2 * N], back[2 * N];
    for (size_t i = 0; i < 2; i++) {
        fill_residues(a + i * N, N, basis->modulus[i].value, i);
        fill_residues(b + i * N, N, basis->modulus[i].value, i + 10);
    }
    poly_add(sum, a, b, basis, 2);
    poly_negate(back, b, basis, 2);
    poly_add(back, back, sum, basis, 2);
    cr_assert_arr_eq(back, a, sizeof a);
    poly_negate(back, a, basis, 2);
    poly_add(back, back, a, basis, 2);
    for (size_t i = 0; i < 2 * N; i++)
        cr_assert_eq(back[i], 0);

    const int32_t small[N] = {-8, 0, 1, -1, 2, 8, -3, 7};
    poly_from_small(sum, small, basis, 2);
    for (size_t i = 0; i < 2 * N; i++) {
        const int32_t q = (int32_t)basis->modulus[i / N].value;
        cr_assert_eq(sum[i], (uint32_t)((small[i % N] + q) % q));
    }
    rns_basis_free(basis);
}

Test(rns, bad_bases_are_refused)
{
    struct rns_basis *basis = NULL;
    struct error error;
    const struct ntt_kernel *kernel = any_kernel(8);
    const uint64_t twice[] = {17, 97, 17};
    cr_assert_eq(rns_basis_new(8, twice, 3, kernel, &basis, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "modulus 17 is there twice");
    cr_assert_eq(rns_basis_new(8, twice, 0, kernel, &basis, NULL), STATUS_INVALID);
    cr_assert_eq(rns_basis_new(8, twice, RNS_MAX_MODULI + 1, kernel, &basis, NULL), STATUS_INVALID);
    const uint64_t huge[] = {((uint64_t)1 << 60) - 16383};
    cr_assert_eq(rns_basis_new(8, huge, 1, kernel, &basis, NULL), STATUS_INVALID);
    cr_assert_null(basis);
    cr_assert_null(poly_alloc(SIZE_MAX, 2));
}

Test(rns, every_allocation_may_fail)
{
    for (size_t nth = 1;; nth++) {
        struct rns_basis *basis = NULL;
        mem_fail_nth(nth);
        const enum status status = rns_basis_new(8, two, 2, any_kernel(8), &basis, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached) {
            cr_assert_eq(status, STATUS_OK);
            rns_basis_free(basis);
            cr_assert_gt(nth, 8);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM);
        cr_assert_null(basis);
    }
}
