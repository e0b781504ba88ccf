#include "pir-server/bfv/bfv_ciphertext.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_context_internal.h"

#include <assert.h>
#include <string.h>

size_t bfv_ciphertext_words(const struct bfv_context *context, size_t poly_count,
                            size_t moduli_count)
{
    return poly_count * moduli_count * context->degree;
}

enum status bfv_ciphertext_init(const struct bfv_context *context, size_t poly_count,
                                size_t moduli_count, enum bfv_form form, struct bfv_ciphertext *ret,
                                struct error *err)
{
    assert(poly_count >= 1 && poly_count <= BFV_MAX_POLYS);
    assert(moduli_count >= 1 && moduli_count <= context->levels + 1);
    uint32_t *const words = poly_alloc(context->degree, poly_count * moduli_count);
    if (words == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a ciphertext of %zu polynomials",
                         poly_count);
    bfv_ciphertext_init_view(words, poly_count, moduli_count, form, ret);
    ret->is_view = false;
    return STATUS_OK;
}

void bfv_ciphertext_init_view(uint32_t *words, size_t poly_count, size_t moduli_count,
                              enum bfv_form form, struct bfv_ciphertext *ret)
{
    *ret = (struct bfv_ciphertext){.words = words,
                                   .poly_count = poly_count,
                                   .moduli_count = moduli_count,
                                   .form = form,
                                   .is_view = true};
}

void bfv_ciphertext_deinit(struct bfv_ciphertext *ciphertext)
{
    if (!ciphertext->is_view)
        mem_free(ciphertext->words);
    memset(ciphertext, 0, sizeof *ciphertext);
}

uint32_t *bfv_ciphertext_poly(const struct bfv_context *context,
                              const struct bfv_ciphertext *ciphertext, size_t number)
{
    return ciphertext->words + number * ciphertext->moduli_count * context->degree;
}

void bfv_ciphertext_to_form(const struct bfv_context *context, struct bfv_ciphertext *ciphertext,
                            enum bfv_form form)
{
    if (ciphertext->form == form)
        return;
    for (size_t p = 0; p < ciphertext->poly_count; p++) {
        uint32_t *const poly = bfv_ciphertext_poly(context, ciphertext, p);
        if (form == BFV_EVALUATION)
            poly_forward(poly, context->basis, ciphertext->moduli_count);
        else
            poly_inverse(poly, context->basis, ciphertext->moduli_count);
    }
    ciphertext->form = form;
}

/* y = (x_last + h) mod q_last with h = floor(q_last / 2), in coefficient form and in place. `last`
 * is the index of the modulus in the basis, whose row is x_last. */
static void drop_shift(const struct bfv_context *context, size_t last, uint32_t *x_last)
{
    const struct modulus *const q = &context->basis->modulus[last];
    row_add_constant(context->basis->rows, x_last, x_last, q->value / 2, context->degree, q);
}

/* New row i < last: (x_i + h - y) * q_last^-1 mod q_i, in place. drop_offset holds h mod q_i and a
 * multiple of q_i above q_last, so nothing goes below zero; the sum stays below 2^32 because q_i,
 * q_last < 2^30. */
static void drop_row(const struct bfv_context *context, size_t last, size_t i, uint32_t *x_i,
                     const uint32_t *y)
{
    row_scale_difference(context->basis->rows, x_i, x_i, y, context->drop_offset[last][i],
                         context->drop_inverse[last][i], context->degree,
                         &context->basis->modulus[i]);
}

void bfv_drop_term(const struct bfv_context *context, size_t i, const uint32_t *x_p, uint32_t *ret)
{
    const size_t p = context->levels;
    const struct modulus *const q = &context->basis->modulus[i];
    row_drop_lazy(context->basis->rows, ret, x_p, context->basis->modulus[p].value / 2,
                  modulus_negate(q, context->drop_inverse[p][i]), context->degree, q);
}

/* Works in place: the row that is dropped holds the shifted values, and the polynomials behind the
 * first one move up once all are done. */
void bfv_ciphertext_switch_down(const struct bfv_context *context,
                                struct bfv_ciphertext *ciphertext, size_t moduli_count)
{
    assert(ciphertext->form == BFV_COEFFICIENT);
    assert(moduli_count >= 1 && moduli_count <= ciphertext->moduli_count &&
           ciphertext->moduli_count <= context->levels);
    const size_t n = context->degree;
    for (size_t p = 0; p < ciphertext->poly_count; p++) {
        uint32_t *const poly = bfv_ciphertext_poly(context, ciphertext, p);
        for (size_t last = ciphertext->moduli_count - 1; last >= moduli_count; last--) {
            uint32_t *const dropped = poly + last * n;
            drop_shift(context, last, dropped);
            for (size_t i = 0; i < last; i++)
                drop_row(context, last, i, poly + i * n, dropped);
        }
    }
    for (size_t p = 1; p < ciphertext->poly_count; p++)
        memmove(ciphertext->words + p * moduli_count * n,
                ciphertext->words + p * ciphertext->moduli_count * n,
                moduli_count * n * sizeof *ciphertext->words);
    ciphertext->moduli_count = moduli_count;
}

void bfv_response_skips(const struct bfv_context *context, uint32_t ret_skips[2])
{
    bfv_parameters_response_skips(&context->parameters, ret_skips);
}
