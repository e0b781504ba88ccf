/* bfv_workspace_internal - the scratch of one thread, shared by the steps of a query. */
#ifndef BLINDLIST_BFV_WORKSPACE_INTERNAL_H
#define BLINDLIST_BFV_WORKSPACE_INTERNAL_H

#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/bfv/bfv_evaluation_key_internal.h"
#include "pir-server/bfv/bfv_workspace.h"

/* Automorphisms of one ciphertext at a time, at most. */
#define BFV_TURN_MOST 3
/* Words of a row that automorphisms and what follows them work on at once: what lies between stays
 * in the first cache. Half of a short row, for the halves of a row are treated differently. */
#define BFV_TURN_TILE_WORDS ((size_t)512)
static inline size_t bfv_turn_tile_words(size_t n)
{
    return n / 2 < BFV_TURN_TILE_WORDS ? n / 2 : BFV_TURN_TILE_WORDS;
}

#define BFV_EXPAND_MAX_LEVELS 15 /* log2 of the largest degree */

struct bfv_workspace {
    const struct bfv_context *context; /* borrowed */
    uint32_t *moved;                   /* [2][L][N] a ciphertext after its automorphism */
    uint32_t *repeated;                /* [2][L][N] one that has several automorphisms in turn */
    uint32_t *integers;                /* [L][N] the digits of key switching, coefficient form */
    uint32_t *digits;                  /* [L][N] those modulo one modulus, evaluation form */
    const uint32_t *digit_rows[BFV_MAX_LEVELS]; /* where each of them is */
    uint32_t *dropped;    /* [BFV_TURN_MOST][2][N] u_0, u_1 modulo P, coefficient form */
    uint32_t *terms;      /* [BFV_TURN_MOST][2][N] what they leave modulo one modulus */
    uint32_t *tile;       /* [BFV_TURN_MOST][2][tile] results of key switching */
    uint32_t *scratch;    /* [L + aux][N] */
    uint32_t *small;      /* [N] which of a row stand for less than 0 */
    uint64_t *product;    /* [3][L + aux][N] sums of products, lazily reduced */
    size_t product_terms; /* products in the fullest of those sums */
    /* [1 + 2 log2 N][2][L][N] between a query and its selectors: itself, and two for each level of
     * the expansion. */
    uint32_t *nodes;
};

/* Automorphisms of one ciphertext: (c0, c1) -> (c0(X^g) + u_0, u_1) for each of `parts`, the keys
 * for g. With more than one the digits are made once and moved by each automorphism in evaluation
 * form (hoisting: Halevi and Shoup, eprint 2018/244). A digit moved is not the digit of the moved
 * polynomial (-x instead of q - x), so other bits than the reference's, with as much noise;
 * bfv_turn_move() before bfv_turn_begin() gives the reference's for one automorphism. */
struct bfv_turn {
    struct bfv_workspace *workspace;
    const struct bfv_switch_key *parts[BFV_TURN_MOST];
    size_t count;
    size_t rows;       /* 1..L */
    const uint32_t *c; /* [2][rows][N] evaluation form in [0, q_i) */
    bool is_moved;     /* c is after its automorphism */
};
/* Moves c to `moved` [2][rows][N]; one part. */
void bfv_turn_move(struct bfv_turn *turn, uint32_t *moved);
/* Then, modulus by modulus in any order, the tiles of row i. */
void bfv_turn_begin(const struct bfv_turn *turn);
void bfv_turn_modulus(const struct bfv_turn *turn, size_t i);
/*   ret  [count][2][tile] words at .. at + tile - 1 of the results, evaluation form in [0, q_i) */
void bfv_turn_tile(const struct bfv_turn *turn, size_t i, size_t at, size_t tile, uint32_t *ret);

/* One automorphism in place, as the reference does it. Evaluation form, [2][rows][N] in [0, q_i).
 */
void bfv_switch_galois(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       size_t rows, uint32_t *c);

#endif
