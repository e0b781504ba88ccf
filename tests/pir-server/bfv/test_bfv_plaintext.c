#include "pir-server/bfv/bfv_plaintext.h"

#include "base/mem.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const names[] = {"n_4096_logq_27_28_28_logt_4", "n_4096_logq_27_28_28_logt_5",
                                    "n_4096_logq_27_28_28_logt_6", "insecure_n_8_logq_5x18_logt_5"};

Test(bfv_plaintext, bytes_come_back)
{
    for (size_t s = 0; s < ARRAY_COUNT(names); s++) {
        struct bfv_context *context = context_for(names[s]);
        const size_t n = bfv_context_degree(context);
        const size_t most = bfv_bytes_per_plaintext(bfv_context_parameters(context));
        const size_t moduli = bfv_context_ciphertext_moduli(context);
        uint8_t *bytes = mem_alloc(most + 1, 1);
        uint8_t *back = mem_alloc(most, 1);
        uint32_t *values = poly_alloc(n, 1);
        uint32_t *again = poly_alloc(n, 1);
        uint32_t *lifted = poly_alloc(n, moduli);
        uint32_t *scratch = poly_alloc(n, moduli);
        for (size_t size = 0; size <= most; size += size < 9 ? 1 : (most - size + 1) / 2 + 1) {
            for (size_t i = 0; i <= most; i++)
                bytes[i] = (uint8_t)(i * 151 + 13);
            cr_assert_eq(bfv_plaintext_encode(context, span_of(bytes, size), values, NULL),
                         STATUS_OK);
            cr_assert_eq(bfv_plaintext_decode(context, values, back, NULL), STATUS_OK);
            cr_assert(size == 0 || memcmp(back, bytes, size) == 0);
            for (size_t i = size; i < most; i++)
                cr_assert_eq(back[i], 0);
            bfv_plaintext_lift(context, values, lifted);
            cr_assert_eq(bfv_plaintext_unlift(context, lifted, scratch, again, NULL), STATUS_OK);
            cr_assert_arr_eq(again, values, n * sizeof *values);
        }
        struct error error;
        cr_assert_eq(bfv_plaintext_encode(context, span_of(bytes, most + 1), values, &error),
                     STATUS_TOO_LARGE);
        mem_free(bytes);
        mem_free(back);
        mem_free(values);
        mem_free(again);
        mem_free(lifted);
        mem_free(scratch);
        bfv_context_free(context);
    }
}

/* spec/keyword-pir.md section 4.3: a3 at four bits is 10, 3. */
Test(bfv_plaintext, most_significant_bits_first)
{
    struct bfv_context *context = context_for("insecure_n_8_logq_5x18_logt_5");
    const uint8_t bytes[] = {0xa3};
    const uint32_t expected[8] = {10, 3};
    uint32_t values[8];
    cr_assert_eq(bfv_plaintext_encode(context, span_of(bytes, 1), values, NULL), STATUS_OK);
    cr_assert_arr_eq(values, expected, sizeof values);
    bfv_context_free(context);
}

Test(bfv_plaintext, values_no_encoder_writes_are_refused)
{
    struct bfv_context *context = context_for("insecure_n_8_logq_5x18_logt_5");
    const size_t moduli = bfv_context_ciphertext_moduli(context);
    uint32_t values[8] = {0, 0, 16};
    uint32_t lifted[5 * 8], scratch[5 * 8], back[8];
    uint8_t bytes[4];
    struct error error;
    cr_assert_eq(bfv_plaintext_decode(context, values, bytes, &error), STATUS_MALFORMED);
    cr_assert_str_eq(error.message,
                     "a coefficient is not below 2^4: wrong key, or no noise budget left");
    bfv_plaintext_lift(context, values, lifted); /* 16 is a value mod 17, though */
    cr_assert_eq(bfv_plaintext_unlift(context, lifted, scratch, back, NULL), STATUS_OK);
    cr_assert_arr_eq(back, values, sizeof values);

    fill_residues(lifted, moduli * 8, 131249, 3);
    cr_assert_eq(bfv_plaintext_unlift(context, lifted, scratch, back, &error), STATUS_MALFORMED);
    /* Rows that disagree: 1 in the first, 2 in the others. */
    for (size_t i = 0; i < moduli * 8; i++)
        lifted[i] = i < 8 ? 1 : 2;
    cr_assert_eq(bfv_plaintext_unlift(context, lifted, scratch, back, NULL), STATUS_MALFORMED);
    bfv_context_free(context);
}
