#include "pir-server/pir/pir_noise.h"

#include <math.h>

/* A query of several ciphertexts expands each for itself. */
static unsigned expansion_levels(uint64_t degree, uint64_t selectors)
{
    unsigned levels = 0;
    while (((uint64_t)1 << levels) < selectors && ((uint64_t)1 << levels) < degree)
        levels++;
    return levels;
}

double pir_noise_budget_bits(const struct bfv_parameters *encryption,
                             const struct pir_cost_grid *grid)
{
    double bits = 0;
    for (size_t i = 0; i + 1 < encryption->moduli_count; i++)
        bits += log2((double)encryption->coefficient_moduli[i]);
    const unsigned levels =
        expansion_levels(encryption->degree, grid->tables * (grid->rows + grid->columns));
    return bits - 2 * log2((double)encryption->degree) -
           3 * log2((double)encryption->plaintext_modulus) -
           (log2((double)grid->rows) + log2((double)grid->columns) + levels) / 2;
}
