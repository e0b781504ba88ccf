/* bfv_workspace_internal - the scratch of one thread, shared by the steps of a query. */
#ifndef BLINDLIST_BFV_WORKSPACE_INTERNAL_H
#define BLINDLIST_BFV_WORKSPACE_INTERNAL_H

#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/bfv/bfv_evaluation_key_internal.h"
#include "pir-server/bfv/bfv_workspace.h"

struct bfv_workspace {
    const struct bfv_context *context; /* borrowed */
    uint32_t *moved;                   /* [2][L][N] a ciphertext after its automorphism */
    uint32_t *integers;                /* [L][N] the digits of key switching, coefficient form */
    uint32_t *digits;                  /* [L][N] digits modulo one modulus, evaluation form */
    uint32_t *switched;                /* [2][L + 1][N] result of key switching before dropping P */
    uint32_t *turned;                  /* [2][L][N] expansion: ciphertext after key switching */
    uint32_t *scratch;                 /* [L + aux][N] */
    uint32_t *small;      /* [2][N] r of the lift; which of a row stand for less than 0 */
    uint64_t *product;    /* [3][L + aux][N] sums of products, lazily reduced */
    size_t product_terms; /* products in the fullest of those sums */
};

/* (c0, c1) -> (c0(X^g) + u_0, u_1), with `part` the key for g. Evaluation form, [2][rows][N] in
 * [0, q_i), 1 <= rows <= L; to may be from. */
void bfv_switch_galois(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       const uint32_t *from, size_t rows, uint32_t *to);

#endif
