/* bfv_workspace_internal - the scratch of one thread, shared by the steps of a query. */
#ifndef BLINDLIST_BFV_WORKSPACE_INTERNAL_H
#define BLINDLIST_BFV_WORKSPACE_INTERNAL_H

#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/bfv/bfv_evaluation_key_internal.h"
#include "pir-server/bfv/bfv_workspace.h"

struct bfv_workspace {
    const struct bfv_context *context; /* borrowed */
    uint32_t *node;                    /* [2][L][N] expansion: the ciphertext that is split */
    uint32_t *moved;                   /* [2][L][N] a ciphertext after its automorphism */
    uint32_t *integers;                /* [L][N] the digits of key switching, coefficient form */
    uint32_t *digits; /* [L + 1][L][N] those modulo each modulus, evaluation form */
    const uint32_t *digit_rows[(BFV_MAX_LEVELS + 1) * BFV_MAX_LEVELS]; /* where each of them is */
    uint32_t *switched;   /* [2][L + 1][N] result of key switching before dropping P */
    uint32_t *turned;     /* [3][2][L][N] expansion: after key switching */
    uint32_t *scratch;    /* [L + aux][N] */
    uint32_t *small;      /* [N] which of a row stand for less than 0 */
    uint64_t *product;    /* [3][L + aux][N] sums of products, lazily reduced */
    size_t product_terms; /* products in the fullest of those sums */
};

/* (c0, c1) -> (c0(X^g) + u_0, u_1), with `part` the key for g. Evaluation form, [2][rows][N] in
 * [0, q_i), 1 <= rows <= L; to may be from. */
void bfv_switch_galois(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       const uint32_t *from, size_t rows, uint32_t *to);

/* The same for several keys at once, at the top level: the digits are made once and moved by each
 * automorphism in evaluation form (hoisting: Halevi and Shoup, eprint 2018/244). A digit moved is
 * not the digit of the moved polynomial (-x instead of q - x), so other bits, with as much noise.
 *   parts  [count] the keys;  to  [count] of [2][L][N], none of them `from` */
void bfv_switch_galois_hoisted(struct bfv_workspace *workspace,
                               const struct bfv_switch_key *const *parts, size_t count,
                               const uint32_t *from, uint32_t *const *to);

#endif
