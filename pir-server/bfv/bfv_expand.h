/* bfv_expand - one query ciphertext into many: selector i encrypts coefficient i times 2^h.
 *
 * h = ceil(log2 count). spec/bfv.md section 7.5; the selectors equal the reference's bit for bit.
 *
 * Threads  a bfv_selectors belongs to one thread while it is written, then may be read by many. */
#ifndef BLINDLIST_BFV_EXPAND_H
#define BLINDLIST_BFV_EXPAND_H

#include "pir-server/bfv/bfv_workspace.h"

/* An array of ciphertexts of two polynomials over L moduli, laid out for the dot product. */
struct bfv_selectors;
enum status bfv_selectors_new(const struct bfv_context *context, size_t capacity,
                              struct bfv_selectors **ret, struct error *err) MUST_CHECK;
void bfv_selectors_free(struct bfv_selectors *selectors); /* takes NULL */
/* A view of selector i; its form is what bfv_expand() was asked for. */
struct bfv_ciphertext bfv_selector(const struct bfv_selectors *selectors, size_t i);

/* Whether a key with these elements (ascending or not) can expand into `count` selectors:
 * STATUS_NO_KEY names the element that cannot be had, alone or by repeating a smaller one. */
enum status bfv_expand_check_elements(const struct bfv_context *context, const uint32_t *elements,
                                      size_t element_count, size_t count,
                                      struct error *err) MUST_CHECK;
/* Expands `query` (two polynomials, L moduli, coefficient form; left alone) into selectors
 * first .. first + count - 1, 1 <= count <= N, inside the capacity (STATUS_INVALID otherwise).
 *   forms  [count] the form each selector is wanted in; NULL = all in coefficient form
 * STATUS_NO_KEY as above, before any work. */
enum status bfv_expand(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                       const struct bfv_ciphertext *query, size_t count, const enum bfv_form *forms,
                       struct bfv_selectors *selectors, size_t first, struct error *err) MUST_CHECK;

#endif
