#include "pir-server/pir/pir_noise.h"

#include <math.h>

/* A query of several ciphertexts expands each for itself. Two selectors at least: one level. */
static double automorphisms(uint64_t degree, uint64_t selectors,
                            const struct pir_evaluation_key_config *key)
{
    const uint64_t most = selectors < degree ? selectors : degree;
    double sum = 0;
    for (unsigned level = 1; (uint64_t)1 << (level - 1) < most; level++)
        sum = 2 * sum + (double)pir_cost_level_times(degree, level, key);
    return sum;
}

double pir_noise_budget_bits(const struct bfv_parameters *encryption,
                             const struct pir_cost_grid *grid,
                             const struct pir_evaluation_key_config *key)
{
    double bits = 0;
    for (size_t i = 0; i + 1 < encryption->moduli_count; i++)
        bits += log2((double)encryption->coefficient_moduli[i]);
    const double added =
        automorphisms(encryption->degree, grid->tables * (grid->rows + grid->columns), key);
    return bits - 2 * log2((double)encryption->degree) -
           3 * log2((double)encryption->plaintext_modulus) -
           (log2((double)grid->rows) + log2((double)grid->columns) + log2(added)) / 2;
}
