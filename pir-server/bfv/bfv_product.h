/* bfv_product - the two multiplications of a query: with database plaintexts, and of ciphertexts.
 *
 * Dimension 0   bfv_plaintext_dot(): selectors times plaintexts, summed over the rows of a column.
 * Dimension 1   pairs of ciphertexts are lifted, multiplied and summed, and scaled once by t/Q; the
 *               integers are the reference's (BEHZ with its 32-bit constants), so are the bytes.
 *               Only at the top level (L moduli).
 * Source        spec/bfv.md section 9; Bajard, Eynard, Hasan, Zucca, eprint 2016/510. */
#ifndef BLINDLIST_BFV_PRODUCT_H
#define BLINDLIST_BFV_PRODUCT_H

#include "pir-server/bfv/bfv_expand.h"

/* Plaintexts in evaluation form as the dot product reads them: the L * N words of plaintext p are
 * cut into tiles of BFV_TILE_WORDS (N below that: one tile), tile k at
 *     words[p] + k * tile_stride
 * A whole polynomial has tile_stride = bfv_tile_words(). Tiles of many plaintexts side by side (so
 * that no two rows lie a power of two apart) have tile_stride = their number times that. Values are
 * in [0, q_i). NULL stands for a plaintext of zeros. */
#define BFV_TILE_WORDS 64
struct bfv_plaintext_rows {
    const uint32_t *const *words; /* [columns * rows], column after column; borrowed */
    size_t tile_stride;           /* in words */
};
/* min(BFV_TILE_WORDS, N): divides N. */
size_t bfv_tile_words(const struct bfv_context *context);

/* ret[c] = sum over r < row_count of selector[first + r] * plaintext[c * row_count + r].
 *   ret        [column_count] two polynomials, L moduli; evaluation form on return */
void bfv_plaintext_dot(struct bfv_workspace *workspace, const struct bfv_selectors *selectors,
                       size_t first, size_t row_count, const struct bfv_plaintext_rows *plaintexts,
                       size_t column_count, struct bfv_ciphertext *ret);

/* A ciphertext ready for multiplication: over the moduli q and the auxiliary base, evaluation form.
 */
struct bfv_lifted;
enum status bfv_lifted_new(const struct bfv_context *context, struct bfv_lifted **ret,
                           struct error *err) MUST_CHECK;
void bfv_lifted_free(struct bfv_lifted *lifted); /* takes NULL */
/* ciphertext: two polynomials, L moduli, either form; left alone. */
void bfv_lift(struct bfv_workspace *workspace, const struct bfv_ciphertext *ciphertext,
              struct bfv_lifted *ret);

/* Sum of products in the workspace: begin, add each pair, finish. At most
 * BFV_PRODUCT_MAX_PAIRS pairs: with more the scaled sum could leave the auxiliary base. */
#define BFV_PRODUCT_MAX_PAIRS 1024
void bfv_product_begin(struct bfv_workspace *workspace);
void bfv_product_add(struct bfv_workspace *workspace, const struct bfv_lifted *x,
                     const struct bfv_lifted *y);
/* ret: three polynomials, L moduli; coefficient form on return. */
void bfv_product_finish(struct bfv_workspace *workspace, struct bfv_ciphertext *ret);

#endif
