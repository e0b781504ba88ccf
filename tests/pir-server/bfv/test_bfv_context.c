#include "base/mem.h"
#include "pir-server/bfv/bfv_context_internal.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>

/* spec/bfv.md sections 1 and 9: constants of n_4096_logq_27_28_28_logt_5. */
Test(bfv_context, constants)
{
    struct bfv_context *context = context_for("n_4096_logq_27_28_28_logt_5");
    cr_assert_eq(bfv_context_degree(context), 4096);
    cr_assert_eq(bfv_context_ciphertext_moduli(context), 2);
    cr_assert_eq(bfv_context_plaintext_modulus(context)->value, 17);
    cr_assert_eq(context->q_mod_t, 15);
    cr_assert_eq(context->q_over_t[0], 126284017);
    cr_assert_eq(context->q_over_t[1], 31572931);
    cr_assert_eq(context->drop_inverse[2][0], 67096575);
    cr_assert_eq(context->drop_inverse[2][1], 32760);
    cr_assert_eq(context->drop_inverse[1][0], 8190);
    cr_assert_eq(context->aux->count, 3);
    cr_assert_eq(context->aux->modulus[0].value, 268460033);
    cr_assert_eq(context->aux->modulus[1].value, 268582913);
    cr_assert_eq(context->aux->modulus[2].value, 268640257);
    cr_assert_eq(context->capacity, 255, "of the auxiliary base; 256 for group A");
    cr_assert(modulus_is_prime_vartime(BFV_GAMMA));
    cr_assert_eq(BFV_GAMMA, (1u << 30) - 20405);
    bfv_context_free(context);
}

Test(bfv_context, sizes)
{
    struct bfv_context *context = context_for("n_4096_logq_27_28_28_logt_5");
    cr_assert_eq(bfv_poly_bytes(context, 2, 0), 28160);
    cr_assert_eq(bfv_poly_bytes(context, 3, 0), 42496);
    uint32_t skips[2];
    bfv_response_skips(context, skips);
    cr_assert_eq(bfv_ciphertext_full_bytes(context, 2, 1, skips), 12290);
    bfv_context_free(context);
    context = context_for("n_4096_logq_27_28_28_logt_4");
    bfv_response_skips(context, skips);
    cr_assert_eq(bfv_ciphertext_full_bytes(context, 2, 1, skips), 11266);
    bfv_context_free(context);
}

Test(bfv_context, kernels_are_forced_by_name)
{
    const struct bfv_parameters *parameters =
        &bfv_named_parameters_find("n_4096_logq_27_28_28_logt_5")->parameters;
    struct bfv_context *context = NULL;
    cr_assert_eq(bfv_context_new(parameters, 0, "ref", &context, NULL), STATUS_OK);
    cr_assert_str_eq(bfv_context_kernel_name(context), "ref");
    bfv_context_free(context);
    context = NULL;
    cr_assert_eq(bfv_context_new(parameters, 0, "fastest", &context, NULL), STATUS_NOT_FOUND);
    cr_assert_null(context);
}

Test(bfv_context, every_allocation_may_fail)
{
    const struct bfv_parameters *parameters =
        &bfv_named_parameters_find("insecure_n_8_logq_5x18_logt_5")->parameters;
    for (size_t nth = 1;; nth++) {
        struct bfv_context *context = NULL;
        mem_fail_nth(nth);
        const enum status status =
            bfv_context_new(parameters, BFV_ALLOW_INSECURE, NULL, &context, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached) {
            cr_assert_eq(status, STATUS_OK);
            bfv_context_free(context);
            cr_assert_gt(nth, 10 * 5);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM);
        cr_assert_null(context);
    }
}
