/* bfv_evaluation_key_internal - how keys lie in memory, for key switching. */
#ifndef BLINDLIST_BFV_EVALUATION_KEY_INTERNAL_H
#define BLINDLIST_BFV_EVALUATION_KEY_INTERNAL_H

#include "pir-server/bfv/bfv_evaluation_key.h"

struct bfv_switch_key {
    const struct bfv_context *context; /* borrowed */
    uint32_t *words;   /* [L + 1 rows][L components][2][N], Montgomery form; those of the
                        q_i divided by P, as key switching ends */
    uint32_t *sources; /* [N] of a Galois key: its automorphism in evaluation form; else NULL */
    uint32_t have;     /* bit j: component j is read */
};

/* Component j, polynomial `number`, row of modulus i: [N] in [0, q_i). */
static inline const uint32_t *switch_key_row(const struct bfv_switch_key *key, size_t levels,
                                             size_t n, size_t i, size_t j, size_t number)
{
    return key->words + ((i * levels + j) * 2 + number) * n;
}

/* NULL when the key lacks it. */
const struct bfv_switch_key *bfv_evaluation_key_galois(const struct bfv_evaluation_key *key,
                                                       uint64_t element);
const struct bfv_switch_key *bfv_evaluation_key_relin(const struct bfv_evaluation_key *key);

#endif
