/* pir_noise - how much noise budget the answers of a shape leave.
 *
 * Model   before the last modulus switch, in the mean, to within a bit:
 *             log2(Q) - 2 log2(N) - 3 log2(t) - (log2(D0 D1) + log2(A)) / 2
 *         Q being the product of the moduli of ciphertexts, A the automorphisms whose noise a
 *         selector holds: one of level l of h counts 2^(h - l) times, and a compressed key takes
 *         several for a level. Every plaintext, every selector and every automorphism adds noise
 *         that is independent of the others; a plaintext's coefficients and the product of two
 *         ciphertexts bring one t each, the room that is left is Q / 2t.
 *         tests/pir-server/pir/test_pir_answer_budget.c measures.
 * Spread  the budget of one answer is a third of a bit off the mean, that of one in a hundred a
 *         whole bit. Half a bit is needed (spec/bfv.md section 9).
 *
 * Threads  any. */
#ifndef BLINDLIST_PIR_PIR_NOISE_H
#define BLINDLIST_PIR_PIR_NOISE_H

#include "pir-server/pir/pir_cost.h"

/* The least that a shape is chosen with. */
#define PIR_NOISE_BUDGET_BITS_MIN 3.0

/* Of a grid of two dimensions; `key` lists what the expansion needs. Negative: wrong answers. */
double pir_noise_budget_bits(const struct bfv_parameters *encryption,
                             const struct pir_cost_grid *grid,
                             const struct pir_evaluation_key_config *key);

#endif
