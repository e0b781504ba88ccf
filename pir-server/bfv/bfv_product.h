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

/* A matrix of plaintexts in evaluation form as the dot product reads it. The L * N words of each
 * are cut into tiles of bfv_tile_words(); there lies tile 0 of all plaintexts, column after column,
 * then tile 1 of all, and so on. Plaintexts of zeros are left out. Values are in [0, q_i). */
struct bfv_plaintext_matrix {
    const uint32_t *words; /* [L N / tile][count][tile]; aligned to a cache line for speed */
    size_t count;          /* plaintexts that are there */
    const uint16_t *rows;  /* [count]: row of each */
    const uint32_t *column_counts; /* [column_count]: plaintexts of each column; sum = count */
    size_t column_count;
};
/* min(a cache line, N): divides N. */
#define BFV_TILE_WORDS 16
size_t bfv_tile_words(const struct bfv_context *context);

/* One query's selectors, and what becomes of them. */
struct bfv_dot {
    const struct bfv_selectors *selectors;
    struct bfv_ciphertext *ret; /* [column_count] two polynomials, L moduli; evaluation form then */
};
/* ret[c] = sum over the plaintexts of column c of selector[first + row] * plaintext, for each of
 * `count` queries, in one pass over the plaintexts.
 *   part  of the tiles, one behind the other */
void bfv_plaintext_dot(const struct bfv_context *context, const struct bfv_dot *queries,
                       size_t count, size_t first, const struct bfv_plaintext_matrix *plaintexts,
                       struct bfv_part part);

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
/* Adds the sum of another workspace, whose products others added there. `other` has less room then.
 */
void bfv_product_merge(struct bfv_workspace *workspace, struct bfv_workspace *other);
/* ret: three polynomials, L moduli; coefficient form on return. */
void bfv_product_finish(struct bfv_workspace *workspace, struct bfv_ciphertext *ret);

#endif
