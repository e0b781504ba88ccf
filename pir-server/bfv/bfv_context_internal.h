/* bfv_context_internal - the constants of a context, for the files of this room.
 *
 * Indices  i, k number the moduli q (L of them, then P); b numbers the auxiliary base Bsk, whose
 *          last member is m_sk. Q is the product of the moduli of the level at hand.
 * Source   spec/bfv.md sections 5, 8.1 and 9. */
#ifndef BLINDLIST_BFV_CONTEXT_INTERNAL_H
#define BLINDLIST_BFV_CONTEXT_INTERNAL_H

#include "pir-server/bfv/bfv_context.h"

/* The prime that decryption rounds with: 2^30 - 20405. */
#define BFV_GAMMA 1073721419u
/* m~, the auxiliary power of two of the lift. */
#define BFV_LIFT_BITS 16
/* Ciphertext moduli, at most; P is one more. */
#define BFV_MAX_LEVELS (BFV_MAX_MODULI - 1)
/* The auxiliary base is as long as the moduli, one more, and what large t and N need on top. */
#define BFV_MAX_AUX RNS_MAX_MODULI

/* Powers X^-(f s) for s = 1, 2, 4, .. below N in evaluation form: at psi^(2 rev(i) + 1) one is
 * psi^-(f s (2 rev(i) + 1)), the same for s neighbours. So that of s takes N/s words, and all of
 * them below 2 N: for each modulus their values and, behind those, the Shoup quotients. */
struct bfv_monomials {
    uint32_t *words; /* [L][2][2 N + ROW_BLOCKS_SLACK] */
};

struct bfv_context {
    struct bfv_parameters parameters;
    size_t degree;
    size_t levels; /* L */
    const struct ntt_kernel *kernel;
    bool is_plain;        /* the kernel is "ref": no hoisting */
    struct modulus plain; /* t */
    struct modulus gamma;
    struct rns_basis *basis; /* q_0 .. q_{L-1}, P */
    struct rns_basis *aux;   /* Bsk, m_sk last */
    size_t capacity;         /* products a 64-bit sum holds, for every modulus of basis and aux */

    /* Switching down: inverse of modulus k modulo modulus i < k, and q_k/2 rounded down plus a
     * multiple of q_i that is at least q_k. */
    uint32_t drop_inverse[BFV_MAX_MODULI][BFV_MAX_MODULI];
    uint32_t drop_offset[BFV_MAX_MODULI][BFV_MAX_MODULI];

    /* Expansion: X^-1, X^-2, X^-4, ..; and X^-3, X^-6, X^-12, .. for third children of four. */
    struct bfv_monomials monomials;
    struct bfv_monomials monomials_3;
    /* psi^(-N/2) mod q_i: what X^(-N/2) is in the first half of evaluation form; minus that in the
     * second. */
    uint32_t quarter[BFV_MAX_LEVELS];

    /* Encryption: Q mod t, floor(Q/t) mod q_i. */
    uint32_t q_mod_t;
    uint32_t q_over_t[BFV_MAX_LEVELS];

    /* Decryption with k + 1 moduli: gamma t (Q/q_i)^-1 mod q_i; -q_i^-1 mod t and mod gamma. */
    uint32_t decrypt_factor[BFV_MAX_LEVELS][BFV_MAX_LEVELS];
    uint32_t decrypt_plain[BFV_MAX_LEVELS];
    uint32_t decrypt_gamma[BFV_MAX_LEVELS];
    uint32_t gamma_inverse; /* mod t */

    /* What follows and is marked * are factors of row_combine(), one for each row.
     * Lift (step 1): m~ (Q/q_i)^-1 mod q_i; -q_i^-1 mod m~; * (Q/q_i) m~^-1 mod b for each y_i,
     * then Q m~^-1 mod b for r. */
    uint32_t lift_factor[BFV_MAX_LEVELS];
    uint32_t lift_small[BFV_MAX_LEVELS];
    uint32_t lift_aux[BFV_MAX_AUX][BFV_MAX_LEVELS + 1];

    /* Scale (step 3): t (Q/q_i)^-1 mod q_i; * -q_i^-1 mod b for each z_i, then t Q^-1 mod b for
     * the row of b itself. */
    uint32_t scale_factor[BFV_MAX_LEVELS];
    uint32_t scale_aux[BFV_MAX_AUX][BFV_MAX_LEVELS + 1];

    /* Back from Bsk, B its product without m_sk: (B/b)^-1 mod b; * b^-1 mod m_sk for each row, then
     * -B^-1 mod m_sk for that of m_sk; * B/b mod q_i for each row, then -B mod q_i for alpha taken
     * as [0, m_sk), then m_sk B mod q_i where alpha stands for alpha - m_sk. */
    uint32_t back_factor[BFV_MAX_AUX];
    uint32_t back_sk[BFV_MAX_AUX];
    uint32_t back_q[BFV_MAX_LEVELS][BFV_MAX_AUX + 1];
};

/* Words `at` and on of row i of the power for s = 2^(level - 1); `at` a multiple of the tile. */
static inline struct row_blocks bfv_monomial(const struct bfv_context *context,
                                             const struct bfv_monomials *monomials, size_t i,
                                             unsigned level, size_t at)
{
    const size_t words = 2 * context->degree;
    const uint32_t *const values = monomials->words + i * 2 * (words + ROW_BLOCKS_SLACK) + words -
                                   (words >> (level - 1)) + (at >> (level - 1));
    return (struct row_blocks){
        .values = values, .quotients = values + words + ROW_BLOCKS_SLACK, .log2_block = level - 1};
}

/* P is divided out in two terms, x_i P^-1 and this one, (y - h) (-P^-1) mod q_i with
 * h = floor(P / 2) and y = (x_p + h) mod P: its transform can be added in evaluation form. The
 * first is in the keys already.
 *   x_p  [n] coefficient form in [0, P);  ret  [n] in [0, 2 q_i] */
void bfv_drop_term(const struct bfv_context *context, size_t i, const uint32_t *x_p, uint32_t *ret);

#endif
