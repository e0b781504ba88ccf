/* bfv_expand - one query ciphertext into many: selector i encrypts coefficient i times 2^h.
 *
 * h = ceil(log2 count). spec/bfv.md section 7.5; the selectors equal the reference's bit for bit,
 * except where a key with composite elements (see bfv_expand()) makes it cheaper.
 *
 * Threads  a bfv_selectors belongs to one thread while it is written, then may be read by many. */
#ifndef BLINDLIST_BFV_EXPAND_H
#define BLINDLIST_BFV_EXPAND_H

#include "pir-server/bfv/bfv_workspace.h"

/* An array of ciphertexts of two polynomials over L moduli in evaluation form, laid out for the dot
 * product: strip by strip of row_strip_words(N) words, and in a strip selector by selector, the two
 * polynomials side by side. */
struct bfv_selectors;
enum status bfv_selectors_new(const struct bfv_context *context, size_t capacity,
                              struct bfv_selectors **ret, struct error *err) MUST_CHECK;
void bfv_selectors_free(struct bfv_selectors *selectors); /* takes NULL */
/* Selector i as a ciphertext of two polynomials, L moduli, evaluation form (on return). */
void bfv_selectors_get(const struct bfv_selectors *selectors, size_t i, struct bfv_ciphertext *ret);
/*   words  [2][L][N], evaluation form, in [0, q_i) */
void bfv_selectors_set(struct bfv_selectors *selectors, size_t i, const uint32_t *words);
/* Strip `strip` of selector i: [2][row_strip_words(N)]; those of selector i + 1 follow. */
const uint32_t *bfv_selectors_strip(const struct bfv_selectors *selectors, size_t i, size_t strip);

/* Whether a key with these elements (ascending or not) can expand into `count` selectors:
 * STATUS_NO_KEY names the element that cannot be had, alone or by repeating a smaller one. */
enum status bfv_expand_check_elements(const struct bfv_context *context, const uint32_t *elements,
                                      size_t element_count, size_t count,
                                      struct error *err) MUST_CHECK;
/* Expands `query` (two polynomials, L moduli, coefficient form; left alone) into selectors
 * first .. first + count - 1, 1 <= count <= N, inside the capacity (STATUS_INVALID otherwise).
 * Where the key has the product g h of the elements of two levels that follow each other, g of an
 * odd number of levels before the last, besides g and h, the two are done at once: one
 * decomposition for three automorphisms, 24 transforms (L = 2) instead of 36. The kernel "ref"
 * never does. STATUS_NO_KEY as above, before any work.
 *   part  of a power of two of parts: the selectors whose number is the part's modulo that, or none
 *         where there are few; all parts together write all, each in its thread. A part repeats
 *         what leads to its own: one node a level of 2, 4, .. parts. */
enum status bfv_expand(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                       const struct bfv_ciphertext *query, size_t count,
                       struct bfv_selectors *selectors, size_t first, struct bfv_part part,
                       struct error *err) MUST_CHECK;

#endif
