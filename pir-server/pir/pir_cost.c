#include "pir-server/pir/pir_cost.h"

#include "base/checked.h"
#include "pir-server/bfv/bfv_product.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/ring/drbg.h"

#include <math.h>
#include <string.h>

/* Standard deviations between the mean fill of a bucket and its top (one hash function): one bucket
 * in 10^10. */
#define FILL_DEVIATIONS 6.5

static const char *const term_names[PIR_COST_TERM_COUNT] = {
    [PIR_COST_QUERY] = "query",         [PIR_COST_KEY_SWITCH] = "keySwitch",
    [PIR_COST_PLAINTEXT] = "plaintext", [PIR_COST_SELECTOR] = "selector",
    [PIR_COST_COLUMN] = "column",       [PIR_COST_PRODUCT] = "product",
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

/* The numbers of a layout that cost depends on. */
struct grid {
    uint64_t tables;
    uint64_t chunks;
    uint64_t rows;    /* D0 */
    uint64_t columns; /* D1 */
    bool one_dimension;
};

static uint64_t grid_selectors(const struct grid *grid)
{
    return grid->tables * (grid->rows + (grid->one_dimension ? 0 : grid->columns));
}

static uint64_t grid_plaintexts(const struct grid *grid)
{
    return grid->tables * grid->chunks * grid->rows * grid->columns;
}

/* Key switches that expand one ciphertext into `count` selectors: each level applies the element
 * N / 2^(level - 1) + 1, which is the power of the largest key 2^k + 1 up to it (spec/bfv.md
 * section 7.5). */
static uint64_t expansion_switches(uint64_t degree, uint64_t count,
                                   const struct pir_evaluation_key_config *key)
{
    uint64_t switches = 0;
    for (unsigned level = 1; level <= ceil_log2(count); level++) {
        const uint64_t half = (uint64_t)1 << (level - 1);
        const uint64_t target = degree / half + 1;
        uint64_t best = 3;
        for (size_t i = 0; i < key->galois_element_count; i++) {
            const uint64_t element = key->galois_elements[i];
            if (element <= target && element > best && ((element - 1) & (element - 2)) == 0)
                best = element;
        }
        switches += least(half, count - half) * ((target - 1) / (best - 1));
    }
    return switches;
}

static struct pir_cost_counts count_work(uint64_t degree, const struct grid *grid,
                                         const struct pir_evaluation_key_config *key)
{
    struct pir_cost_counts counts = {0};
    const uint64_t selectors = grid_selectors(grid);
    const uint64_t whole = selectors / degree;
    const uint64_t replies = grid->tables * grid->chunks;
    counts.count[PIR_COST_QUERY] = u64_div_up(selectors, degree);
    counts.count[PIR_COST_KEY_SWITCH] =
        (whole > 0 ? whole * expansion_switches(degree, degree, key) : 0) +
        (selectors % degree > 0 ? expansion_switches(degree, selectors % degree, key) : 0);
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

static struct pir_prediction predict(const struct bfv_parameters *encryption,
                                     const struct grid *grid,
                                     const struct pir_evaluation_key_config *key,
                                     const struct pir_cost_constants *constants)
{
    struct pir_prediction prediction = {.counts = count_work(encryption->degree, grid, key)};
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
    const struct grid grid = {.tables = layout.table_count,
                              .chunks = layout.chunk_count,
                              .rows = layout.dimensions[0],
                              .columns = layout.dimensions[1],
                              .one_dimension = layout.dimension_count == 1};
    *ret = predict(&parameters->encryption, &grid, &parameters->evaluation_key,
                   constants != NULL ? constants : pir_cost_shipped());
    return STATUS_OK;
}

/* ---- buckets ---- */

static uint64_t slots_of(size_t bucket_bytes, size_t longest_value)
{
    const uint64_t slots =
        (bucket_bytes - HASH_BUCKET_EMPTY_BYTES) / (HASH_BUCKET_SLOT_BYTES + longest_value);
    return slots < 1 ? 1 : least(slots, HASH_BUCKET_SLOTS_MAX);
}

uint64_t pir_cost_bucket_count(uint64_t rows, size_t longest_value, size_t bucket_bytes,
                               size_t hash_function_count, uint32_t fill_percent)
{
    const uint64_t slots = slots_of(bucket_bytes, longest_value);
    const double top = (double)slots;
    double fill = fill_percent;
    if (fill_percent == 0)
        fill = hash_function_count == 1 ? PIR_COST_FILL_PERCENT
               : slots == 1             ? PIR_COST_FILL_PERCENT_ALONE
                                        : PIR_COST_FILL_PERCENT_MORE;
    double mean = top * fill / 100;
    if (hash_function_count == 1) {
        /* mean + d * sqrt(mean) = top, solved for sqrt(mean) */
        const double root =
            (sqrt(FILL_DEVIATIONS * FILL_DEVIATIONS + 4.0 * top) - FILL_DEVIATIONS) / 2;
        mean = fmin(root * root, mean);
    }
    const uint64_t count = (uint64_t)ceil((double)rows / mean);
    return u64_div_up(count < 1 ? 1 : count, hash_function_count) * hash_function_count;
}

/* ---- the search ---- */

/* Buckets smaller than this part of a plaintext waste more on the spread of their fill than they
 * could save. */
#define PARTS_MAX 16

/* Which Galois keys a shape asks for, the fastest first. */
static const enum pir_key_compression COMPRESSIONS[] = {
    PIR_KEY_COMPRESSION_NONE, PIR_KEY_COMPRESSION_HYBRID, PIR_KEY_COMPRESSION_MAX};

struct search {
    const struct pir_cost_request *request;
    const struct pir_cost_constants *constants;
    size_t plaintext_bytes;
    bool found;
    struct pir_parameters best;
    struct pir_prediction best_prediction;
    /* Of all shapes, for the message when none is within the limits. */
    bool any;
    uint64_t least_response;
    uint64_t least_key;
    uint64_t least_shard;
};

static bool within(uint64_t value, uint64_t limit)
{
    return limit == 0 || value <= limit;
}

/* Cheaper; of equals the one with fewer bytes to keep, then the one found first. */
static bool is_better(const struct pir_prediction *a, const struct pir_prediction *b)
{
    if (a->query_ns != b->query_ns)
        return a->query_ns < b->query_ns;
    return a->shard_bytes + a->evaluation_key_bytes < b->shard_bytes + b->evaluation_key_bytes;
}

/* One shape with one set of keys. False when these keys are too many. */
static bool weigh(struct search *search, const struct grid *grid, size_t bucket_bytes,
                  uint64_t per_plaintext, const struct pir_evaluation_key_config *key)
{
    const struct pir_cost_request *request = search->request;
    const struct pir_prediction prediction =
        predict(&request->encryption, grid, key, search->constants);
    if (!search->any || prediction.response_bytes < search->least_response)
        search->least_response = prediction.response_bytes;
    if (!search->any || prediction.evaluation_key_bytes < search->least_key)
        search->least_key = prediction.evaluation_key_bytes;
    if (!search->any || prediction.shard_bytes < search->least_shard)
        search->least_shard = prediction.shard_bytes;
    search->any = true;
    if (!within(prediction.evaluation_key_bytes, request->max_evaluation_key_bytes))
        return false;
    if (!within(prediction.response_bytes, request->max_response_bytes) ||
        !within(prediction.shard_bytes, request->max_shard_bytes) ||
        (search->found && !is_better(&prediction, &search->best_prediction)))
        return true;
    search->found = true;
    search->best_prediction = prediction;
    search->best = (struct pir_parameters){
        .encryption = request->encryption,
        .entry_count = grid->rows * grid->columns * per_plaintext,
        .entry_bytes = bucket_bytes,
        .dimensions = {grid->rows, grid->one_dimension ? 0 : grid->columns},
        .dimension_count = grid->one_dimension ? 1 : 2,
        .has_keyword_parameters = true,
        .hash_function_count = grid->tables,
        .has_sharding_function = true,
        .sharding = request->sharding,
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = grid->tables,
        .evaluation_key = *key,
    };
    return true;
}

static void try_grid(struct search *search, const struct grid *grid, size_t bucket_bytes,
                     uint64_t per_plaintext)
{
    const uint64_t selectors = grid_selectors(grid);
    /* One selector needs no expansion, which the reference's client does not know. */
    if (selectors < 2 || selectors > PIR_SELECTORS_MAX ||
        grid_plaintexts(grid) * per_plaintext > PIR_PLAINTEXTS_MAX)
        return;
    bool fits = false;
    for (size_t i = 0; i < ARRAY_COUNT(COMPRESSIONS) && !fits; i++) {
        struct pir_evaluation_key_config key = {.encryption = search->request->encryption,
                                                .has_relin_key = true};
        pir_galois_elements(search->request->encryption.degree, selectors, COMPRESSIONS[i],
                            key.galois_elements, &key.galois_element_count);
        fits = weigh(search, grid, bucket_bytes, per_plaintext, &key);
    }
}

static void try_bucket_size(struct search *search, size_t bucket_bytes)
{
    const struct pir_cost_request *request = search->request;
    const size_t plaintext = search->plaintext_bytes;
    const uint64_t per_plaintext = bucket_bytes <= plaintext ? plaintext / bucket_bytes : 1;
    const uint64_t buckets =
        pir_cost_bucket_count(request->rows, request->longest_value, bucket_bytes,
                              request->hash_function_count, request->fill_percent) /
        request->hash_function_count;
    const uint64_t needed = pir_plaintexts_needed(buckets, bucket_bytes, plaintext);
    struct grid grid = {.tables = request->hash_function_count,
                        .chunks = u64_div_up(bucket_bytes, plaintext)};
    for (grid.columns = 1; grid.columns <= least(needed, BFV_PRODUCT_MAX_PAIRS); grid.columns++) {
        grid.rows = u64_div_up(needed, grid.columns);
        if (grid.rows <= PIR_SELECTORS_MAX)
            try_grid(search, &grid, bucket_bytes, per_plaintext);
    }
    grid.one_dimension = true;
    grid.columns = 1;
    grid.rows = needed;
    if (request->one_dimension && needed <= PIR_SELECTORS_MAX)
        try_grid(search, &grid, bucket_bytes, per_plaintext);
}

static enum status check_request(const struct pir_cost_request *request, struct error *err)
{
    if (request->hash_function_count < 1 ||
        request->hash_function_count > KEYWORD_HASH_FUNCTIONS_MAX)
        return error_set(err, STATUS_INVALID, "hash function count: %zu is not in 1..%d",
                         request->hash_function_count, KEYWORD_HASH_FUNCTIONS_MAX);
    if (request->longest_value > HASH_BUCKET_VALUE_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a value has %zu bytes, at most %zu",
                         request->longest_value, HASH_BUCKET_VALUE_MAX);
    if (request->fill_percent > 100)
        return error_set(err, STATUS_INVALID, "bucket fill: %u %% is more than 100",
                         (unsigned)request->fill_percent);
    return STATUS_OK;
}

static enum status none_found(const struct search *search, struct error *err)
{
    const struct pir_cost_request *request = search->request;
    if (!search->any)
        return error_set(err, STATUS_TOO_LARGE, "%llu rows with values of %zu bytes fit no shape",
                         (unsigned long long)request->rows, request->longest_value);
    if (!within(search->least_response, request->max_response_bytes))
        return error_set(err, STATUS_TOO_LARGE,
                         "a response takes at least %llu bytes, at most %llu are allowed",
                         (unsigned long long)search->least_response,
                         (unsigned long long)request->max_response_bytes);
    if (!within(search->least_key, request->max_evaluation_key_bytes))
        return error_set(err, STATUS_TOO_LARGE,
                         "an evaluation key takes at least %llu bytes, at most %llu are allowed",
                         (unsigned long long)search->least_key,
                         (unsigned long long)request->max_evaluation_key_bytes);
    if (!within(search->least_shard, request->max_shard_bytes))
        return error_set(err, STATUS_TOO_LARGE,
                         "a shard takes at least %llu bytes, at most %llu are allowed: more shards "
                         "make it smaller",
                         (unsigned long long)search->least_shard,
                         (unsigned long long)request->max_shard_bytes);
    return error_set(err, STATUS_TOO_LARGE, "no shape is within all limits at once");
}

/* Bucket sizes worth trying: whole parts of a plaintext that take a row, and whole plaintexts up to
 * the most rows that a bucket takes. */
enum status pir_cost_choose(const struct pir_cost_request *request, struct pir_parameters *ret,
                            struct error *err)
{
    const enum status st = check_request(request, err);
    if (st != STATUS_OK)
        return st;
    struct search search = {.request = request,
                            .constants = request->constants != NULL ? request->constants
                                                                    : pir_cost_shipped(),
                            .plaintext_bytes = bfv_bytes_per_plaintext(&request->encryption)};
    const size_t slot = HASH_BUCKET_SLOT_BYTES + request->longest_value;
    const size_t single = HASH_BUCKET_EMPTY_BYTES + slot;
    const size_t most = HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOTS_MAX * slot;
    const size_t plaintext = search.plaintext_bytes;
    for (size_t parts = 1; parts <= PARTS_MAX && plaintext / parts >= single; parts++)
        try_bucket_size(&search, plaintext / parts);
    /* More chunks than twice a single row's never pay: the response grows with them. */
    const uint64_t first = u64_div_up(single, plaintext);
    for (uint64_t chunks = first < 2 ? 2 : first;
         chunks <= 2 * first && (chunks - 1) * plaintext < most; chunks++)
        try_bucket_size(&search, (size_t)chunks * plaintext);
    if (!search.found)
        return none_found(&search, err);
    *ret = search.best;
    return STATUS_OK;
}
