#include "pir-server/pir/pir_cost.h"

#include "base/checked.h"
#include "pir-server/ring/drbg.h"

static const char *const term_names[PIR_COST_TERM_COUNT] = {
    [PIR_COST_QUERY] = "query",
    [PIR_COST_DECOMPOSITION] = "decomposition",
    [PIR_COST_AUTOMORPHISM] = "automorphism",
    [PIR_COST_PLAINTEXT] = "plaintext",
    [PIR_COST_SELECTOR] = "selector",
    [PIR_COST_COLUMN] = "column",
    [PIR_COST_PRODUCT] = "product",
    [PIR_COST_REPLY] = "reply",
};

const char *pir_cost_term_name(enum pir_cost_term term)
{
    return term_names[term];
}

static unsigned ceil_log2(uint64_t value)
{
    unsigned log = 0;
    while (((uint64_t)1 << log) < value)
        log++;
    return log;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- counts ---- */

static uint64_t grid_selectors(const struct pir_cost_grid *grid)
{
    return grid->tables * (grid->rows + (grid->one_dimension ? 0 : grid->columns));
}

static uint64_t grid_plaintexts(const struct pir_cost_grid *grid)
{
    return grid->tables * grid->chunks * grid->rows * grid->columns;
}

struct switches {
    uint64_t decompositions;
    uint64_t automorphisms;
};

static bool has_element(const struct pir_evaluation_key_config *key, uint64_t element)
{
    for (size_t i = 0; i < key->galois_element_count; i++)
        if (key->galois_elements[i] == element)
            return true;
    return false;
}

/* The element of level 1, 2, .. of the expansion. */
static uint64_t level_element(uint64_t degree, unsigned level)
{
    return (degree >> (level - 1)) + 1;
}

uint64_t pir_cost_level_times(uint64_t degree, unsigned level,
                              const struct pir_evaluation_key_config *key)
{
    const uint64_t target = level_element(degree, level);
    uint64_t best = 3;
    for (size_t i = 0; i < key->galois_element_count; i++) {
        const uint64_t element = key->galois_elements[i];
        if (element <= target && element > best && ((element - 1) & (element - 2)) == 0)
            best = element;
    }
    return (target - 1) / (best - 1);
}

/* What expands one ciphertext into `count` selectors, as bfv_expand() does it: a node of a single
 * level takes a decomposition and an automorphism, one of two levels a decomposition and three, or
 * one where the second level finds no partner. */
static struct switches expansion_switches(uint64_t degree, uint64_t count, bool pairs_levels,
                                          const struct pir_evaluation_key_config *key)
{
    struct switches sum = {0, 0};
    const unsigned last = ceil_log2(count);
    for (unsigned level = 1; level <= last;) {
        const uint64_t nodes = (uint64_t)1 << (level - 1);
        const bool both =
            pairs_levels && level < last && (last - level) % 2 == 1 &&
            has_element(key, level_element(degree, level)) &&
            has_element(key, level_element(degree, level + 1)) &&
            has_element(key, level_element(degree, level) * level_element(degree, level + 1) &
                                 (2 * degree - 1));
        if (both) {
            sum.decompositions += nodes;
            sum.automorphisms += nodes + 2 * least(nodes, count - 2 * nodes);
        } else {
            const uint64_t switched =
                least(nodes, count - nodes) * pir_cost_level_times(degree, level, key);
            sum.decompositions += switched;
            sum.automorphisms += switched;
        }
        level += both ? 2 : 1;
    }
    return sum;
}

static struct pir_cost_counts count_work(uint64_t degree, const struct pir_cost_grid *grid,
                                         bool pairs_levels,
                                         const struct pir_evaluation_key_config *key)
{
    struct pir_cost_counts counts = {0};
    const uint64_t selectors = grid_selectors(grid);
    const uint64_t replies = grid->tables * grid->chunks;
    counts.count[PIR_COST_QUERY] = u64_div_up(selectors, degree);
    for (uint64_t left = selectors; left > 0; left -= least(left, degree)) {
        const struct switches part =
            expansion_switches(degree, least(left, degree), pairs_levels, key);
        counts.count[PIR_COST_DECOMPOSITION] += part.decompositions;
        counts.count[PIR_COST_AUTOMORPHISM] += part.automorphisms;
    }
    counts.count[PIR_COST_PLAINTEXT] = grid_plaintexts(grid);
    if (!grid->one_dimension) {
        counts.count[PIR_COST_SELECTOR] = grid->tables * grid->columns;
        counts.count[PIR_COST_COLUMN] = replies * grid->columns;
        counts.count[PIR_COST_PRODUCT] = replies;
    }
    counts.count[PIR_COST_REPLY] = replies;
    return counts;
}

/* A key switch transforms L (L + 1) rows forward or back, and twice L + 1 more. */
static uint64_t transform_words(uint64_t degree, uint64_t moduli)
{
    return (moduli + 1) * moduli * degree * ceil_log2(degree);
}

static uint64_t price(const struct bfv_parameters *encryption, const struct pir_cost_counts *counts,
                      const struct pir_cost_constants *constants)
{
    const bool as_measured = encryption->degree == constants->degree &&
                             encryption->moduli_count == constants->moduli_count;
    uint64_t total = 0;
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++) {
        uint64_t ns = constants->ns[i];
        if (!as_measured && i == PIR_COST_PLAINTEXT)
            ns = ns * encryption->degree * (encryption->moduli_count - 1) /
                 (constants->degree * (constants->moduli_count - 1));
        else if (!as_measured)
            ns = ns * transform_words(encryption->degree, encryption->moduli_count) /
                 transform_words(constants->degree, constants->moduli_count);
        total += counts->count[i] * ns;
    }
    return total;
}

/* ---- bytes ---- */

/* A field of `bytes` bytes in a Protobuf message: its number below 16, its length, itself. */
static uint64_t field_bytes(uint64_t bytes)
{
    uint64_t length_bytes = 1;
    for (uint64_t rest = bytes >> 7; rest > 0; rest >>= 7)
        length_bytes++;
    return 1 + length_bytes + bytes;
}

/* A varint field without its number is one shorter than the same as a length. */
static uint64_t number_bytes(uint64_t number)
{
    return field_bytes(number) - number;
}

/* A polynomial over the first `moduli` moduli, `skip` low bits dropped. */
static uint64_t poly_bytes(const struct bfv_parameters *encryption, size_t moduli, uint32_t skip)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < moduli; i++)
        bytes += u64_div_up(
            encryption->degree * (ceil_log2(encryption->coefficient_moduli[i]) - skip), 8);
    return bytes;
}

/* SerializedCiphertext, seeded. */
static uint64_t seeded_bytes(const struct bfv_parameters *encryption, size_t moduli)
{
    return field_bytes(field_bytes(poly_bytes(encryption, moduli, 0)) +
                       field_bytes(DRBG_SEED_BYTES));
}

static uint64_t query_bytes(const struct bfv_parameters *encryption, uint64_t ciphertexts,
                            uint64_t tables)
{
    return ciphertexts * field_bytes(seeded_bytes(encryption, encryption->moduli_count - 1)) +
           number_bytes(tables);
}

static uint64_t response_bytes(const struct bfv_parameters *encryption, uint64_t tables,
                               uint64_t chunks)
{
    uint32_t skips[2];
    bfv_parameters_response_skips(encryption, skips);
    const uint64_t polys =
        2 + poly_bytes(encryption, 1, skips[0]) + poly_bytes(encryption, 1, skips[1]);
    /* Two skips below 128, and the correction factor 1. */
    const uint64_t full = field_bytes(polys) + field_bytes(2) + number_bytes(1);
    return tables * field_bytes(chunks * field_bytes(field_bytes(full)));
}

static uint64_t evaluation_key_bytes(const struct bfv_parameters *encryption,
                                     const struct pir_evaluation_key_config *config)
{
    const uint64_t part =
        field_bytes((encryption->moduli_count - 1) *
                    field_bytes(seeded_bytes(encryption, encryption->moduli_count)));
    uint64_t galois = 0;
    for (size_t i = 0; i < config->galois_element_count; i++)
        galois += field_bytes(number_bytes(config->galois_elements[i]) + field_bytes(part));
    return field_bytes(galois) + (config->has_relin_key ? field_bytes(field_bytes(part)) : 0);
}

struct pir_prediction pir_cost_of_grid(const struct bfv_parameters *encryption,
                                       const struct pir_cost_grid *grid,
                                       const struct pir_evaluation_key_config *key,
                                       const struct pir_cost_constants *constants)
{
    struct pir_prediction prediction = {
        .counts = count_work(encryption->degree, grid, constants->pairs_levels, key)};
    prediction.query_ns = price(encryption, &prediction.counts, constants);
    prediction.query_bytes =
        query_bytes(encryption, prediction.counts.count[PIR_COST_QUERY], grid->tables);
    prediction.response_bytes = response_bytes(encryption, grid->tables, grid->chunks);
    prediction.evaluation_key_bytes = evaluation_key_bytes(encryption, key);
    prediction.shard_bytes = grid_plaintexts(grid) * (encryption->moduli_count - 1) *
                             encryption->degree * sizeof(uint32_t);
    return prediction;
}

enum status pir_cost_predict(const struct pir_parameters *parameters, unsigned bfv_flags,
                             const struct pir_cost_constants *constants, struct pir_prediction *ret,
                             struct error *err)
{
    struct pir_layout layout;
    const enum status st = pir_layout_init(parameters, bfv_flags, &layout, err);
    if (st != STATUS_OK)
        return st;
    const struct pir_cost_grid grid = {.tables = layout.table_count,
                                       .chunks = layout.chunk_count,
                                       .rows = layout.dimensions[0],
                                       .columns = layout.dimensions[1],
                                       .one_dimension = layout.dimension_count == 1};
    *ret = pir_cost_of_grid(&parameters->encryption, &grid, &parameters->evaluation_key,
                            constants != NULL ? constants : pir_cost_shipped());
    return STATUS_OK;
}
