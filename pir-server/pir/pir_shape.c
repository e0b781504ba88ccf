#include "pir-server/pir/pir_shape.h"

#include "base/checked.h"
#include "pir-server/bfv/bfv_product.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_noise.h"

#include <math.h>

void pir_shape_wish_init(struct pir_shape_wish *ret)
{
    *ret = (struct pir_shape_wish){.hash_function_count = 1,
                                   .growth_percent = PIR_SHAPE_GROWTH_PERCENT};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- head room ---- */

uint64_t pir_shape_slots(size_t bucket_bytes, size_t longest_value)
{
    const uint64_t slots =
        (bucket_bytes - HASH_BUCKET_EMPTY_BYTES) / (HASH_BUCKET_SLOT_BYTES + longest_value);
    return slots < 1 ? 1 : least(slots, HASH_BUCKET_SLOTS_MAX);
}

/* Terms of the Poisson distribution this many deviations above and below its mean are too small to
 * count. */
#define TAIL_DEVIATIONS 40

/* The chance that a Poisson variable of this mean exceeds `top`: the terms above it by those of
 * all, each from the one before, so that nothing but IEEE arithmetic decides (no exp(), no
 * lgamma()). mean  > 0, at most top */
static double overflow_chance(double mean, uint64_t top)
{
    const double width = TAIL_DEVIATIONS * (sqrt(mean) + 1);
    const double start = floor(mean); /* the largest term, taken as 1 */
    double all = 0;
    double above = 0;
    double term = 1;
    for (double k = start; k <= mean + width; k++) {
        all += term;
        above += k > (double)top ? term : 0;
        term *= mean / (k + 1);
    }
    term = 1;
    for (double k = start; k > 0 && k > mean - width; k--) {
        term *= k / mean;
        all += term;
    }
    return above / all;
}

/* Is one in PIR_SHAPE_OVERFLOW_ODDS enough for that many buckets? */
static bool is_roomy(double rows, double shards, uint64_t count, uint64_t slots)
{
    const double mean = rows / (double)count;
    return mean <= (double)slots &&
           (mean <= 0 ||
            shards * (double)count * overflow_chance(mean, slots) <= 1.0 / PIR_SHAPE_OVERFLOW_ODDS);
}

/* More buckets than any shape has: large values with one hash function could need them. */
#define BUCKETS_MAX ((uint64_t)1 << 40)

/* Twice as many buckets are always roomier; the least is found by halving. */
static uint64_t poisson_bucket_count(double rows, double shards, uint64_t slots)
{
    uint64_t enough = 1;
    while (enough < BUCKETS_MAX && !is_roomy(rows, shards, enough, slots))
        enough *= 2;
    uint64_t few = enough / 2; /* not enough; 0 is not either */
    while (enough - few > 1) {
        const uint64_t middle = few + (enough - few) / 2;
        if (is_roomy(rows, shards, middle, slots))
            enough = middle;
        else
            few = middle;
    }
    return enough;
}

uint64_t pir_shape_bucket_count(const struct pir_shape_load *load,
                                const struct pir_shape_wish *wish, size_t bucket_bytes)
{
    const uint64_t slots = pir_shape_slots(bucket_bytes, load->longest_value);
    const double rows = (double)load->rows * (100 + wish->growth_percent) / 100;
    const uint64_t functions = wish->hash_function_count;
    if (functions == 1)
        return poisson_bucket_count(rows, (double)load->shard_count, slots);
    const uint32_t fill = slots == 1 ? PIR_SHAPE_FILL_PERCENT_ALONE : PIR_SHAPE_FILL_PERCENT;
    const uint64_t count = (uint64_t)ceil(rows * 100 / ((double)slots * fill));
    return u64_div_up(count < 1 ? 1 : count, functions) * functions;
}

/* ---- the search ---- */

/* Buckets smaller than this part of a plaintext waste more on the spread of their fill than they
 * could save. */
#define PARTS_MAX 16
/* More plaintexts than this many times those of a single row never pay: the response grows with
 * them. */
#define CHUNKS_FACTOR_MAX 16

/* Which Galois keys a shape asks for. */
static const enum pir_key_compression COMPRESSIONS[] = {
    PIR_KEY_COMPRESSION_NONE, PIR_KEY_COMPRESSION_HYBRID, PIR_KEY_COMPRESSION_MAX};

struct search {
    const struct pir_shape_load *load;
    const struct pir_shape_wish *wish;
    const struct pir_cost_constants *constants;
    size_t plaintext_bytes;
    bool found;
    struct pir_parameters best;
    struct pir_prediction best_prediction;
    /* Of all shapes, for the message when none is within the limits. */
    bool any_too_noisy;
    bool any;                /* that leaves enough noise budget, */
    uint64_t least_response; /* and of those */
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

static void note_least(struct search *search, const struct pir_prediction *prediction)
{
    if (!search->any || prediction->response_bytes < search->least_response)
        search->least_response = prediction->response_bytes;
    if (!search->any || prediction->evaluation_key_bytes < search->least_key)
        search->least_key = prediction->evaluation_key_bytes;
    if (!search->any || prediction->shard_bytes < search->least_shard)
        search->least_shard = prediction->shard_bytes;
    search->any = true;
}

/* A grid of buckets of one size. */
struct candidate {
    struct pir_cost_grid grid;
    size_t bucket_bytes;
    uint64_t per_plaintext; /* buckets */
};

/* One shape with one set of keys. */
static void weigh(struct search *search, const struct candidate *candidate,
                  const struct pir_evaluation_key_config *key)
{
    const struct pir_shape_wish *wish = search->wish;
    const struct pir_cost_grid *grid = &candidate->grid;
    if (pir_noise_budget_bits(&search->load->encryption, grid, key) < PIR_NOISE_BUDGET_BITS_MIN) {
        search->any_too_noisy = true;
        return;
    }
    const struct pir_prediction prediction =
        pir_cost_of_grid(&search->load->encryption, grid, key, search->constants);
    note_least(search, &prediction);
    if (!within(prediction.evaluation_key_bytes, wish->max_key_bytes) ||
        !within(prediction.response_bytes, wish->max_response_bytes) ||
        !within(prediction.shard_bytes, wish->max_shard_bytes) ||
        (search->found && !is_better(&prediction, &search->best_prediction)))
        return;
    search->found = true;
    search->best_prediction = prediction;
    search->best = (struct pir_parameters){
        .encryption = search->load->encryption,
        .entry_count = grid->rows * grid->columns * candidate->per_plaintext,
        .entry_bytes = candidate->bucket_bytes,
        .dimensions = {grid->rows, grid->columns},
        .dimension_count = 2,
        .has_keyword_parameters = true,
        .hash_function_count = grid->tables,
        .has_sharding_function = true,
        .sharding = search->load->sharding,
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = grid->tables,
        .evaluation_key = *key,
    };
}

/* All keys that may go with it: those of the wish, or compressed ones and, from none on, composite
 * elements for one more pair of levels at a time. */
static void try_keys(struct search *search, const struct candidate *candidate, uint64_t selectors)
{
    const struct bfv_parameters *encryption = &search->load->encryption;
    if (search->wish->key != NULL) {
        if (pir_galois_elements_serve(search->wish->key, encryption->degree, selectors))
            weigh(search, candidate, search->wish->key);
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(COMPRESSIONS); i++) {
        struct pir_evaluation_key_config key = {.encryption = *encryption, .has_relin_key = true};
        pir_galois_elements(encryption->degree, selectors, COMPRESSIONS[i], key.galois_elements,
                            &key.galois_element_count);
        const size_t plain = key.galois_element_count;
        weigh(search, candidate, &key);
        for (size_t pairs = 1; COMPRESSIONS[i] == PIR_KEY_COMPRESSION_NONE; pairs++) {
            pir_galois_elements_pair(encryption->degree, selectors, pairs, key.galois_elements,
                                     &key.galois_element_count);
            if (key.galois_element_count != plain + pairs)
                break;
            weigh(search, candidate, &key);
        }
    }
}

static void try_grid(struct search *search, const struct candidate *candidate)
{
    const struct pir_cost_grid *grid = &candidate->grid;
    const uint64_t selectors = grid->tables * (grid->rows + grid->columns);
    const uint64_t plaintexts = grid->tables * grid->chunks * grid->rows * grid->columns;
    if (selectors > PIR_SELECTORS_MAX || plaintexts * candidate->per_plaintext > PIR_PLAINTEXTS_MAX)
        return;
    try_keys(search, candidate, selectors);
}

static void try_bucket_size(struct search *search, size_t bucket_bytes)
{
    const struct pir_shape_wish *wish = search->wish;
    const size_t plaintext = search->plaintext_bytes;
    const uint64_t buckets =
        pir_shape_bucket_count(search->load, wish, bucket_bytes) / wish->hash_function_count;
    const uint64_t needed = pir_plaintexts_needed(buckets, bucket_bytes, plaintext);
    struct candidate candidate = {.grid = {.tables = wish->hash_function_count,
                                           .chunks = u64_div_up(bucket_bytes, plaintext)},
                                  .bucket_bytes = bucket_bytes,
                                  .per_plaintext =
                                      bucket_bytes <= plaintext ? plaintext / bucket_bytes : 1};
    struct pir_cost_grid *grid = &candidate.grid;
    /* A column costs what a row does and its products: there are never more of them than rows. */
    for (grid->columns = 1; grid->columns <= BFV_PRODUCT_MAX_PAIRS; grid->columns++) {
        grid->rows = u64_div_up(needed, grid->columns);
        if (grid->rows < grid->columns)
            break;
        if (grid->rows <= PIR_SELECTORS_MAX)
            try_grid(search, &candidate);
    }
}

/* Rows beyond this fit no shape: PIR_PLAINTEXTS_MAX buckets of HASH_BUCKET_SLOTS_MAX. */
#define ROWS_MAX (PIR_PLAINTEXTS_MAX * HASH_BUCKET_SLOTS_MAX)

static enum status check(const struct pir_shape_load *load, const struct pir_shape_wish *wish,
                         struct error *err)
{
    if (wish->hash_function_count < 1 || wish->hash_function_count > KEYWORD_HASH_FUNCTIONS_MAX)
        return error_set(err, STATUS_INVALID, "hash function count: %zu is not in 1..%d",
                         wish->hash_function_count, KEYWORD_HASH_FUNCTIONS_MAX);
    if (wish->growth_percent > PIR_SHAPE_GROWTH_PERCENT_MAX)
        return error_set(err, STATUS_INVALID, "growth: %u %% is not in 0..%d",
                         (unsigned)wish->growth_percent, PIR_SHAPE_GROWTH_PERCENT_MAX);
    if (load->longest_value > HASH_BUCKET_VALUE_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a value has %zu bytes, at most %zu",
                         load->longest_value, HASH_BUCKET_VALUE_MAX);
    if (wish->bucket_bytes != 0 &&
        (wish->bucket_bytes > HASH_BUCKET_BYTES_MAX ||
         wish->bucket_bytes <
             HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES + load->longest_value))
        return error_set(err, STATUS_INVALID, "buckets of %zu bytes take no value of %zu",
                         wish->bucket_bytes, load->longest_value);
    if (load->rows > ROWS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "%llu rows fit no shape",
                         (unsigned long long)load->rows);
    return STATUS_OK;
}

static enum status none_found(const struct search *search, struct error *err)
{
    const struct pir_shape_wish *wish = search->wish;
    if (!search->any && search->any_too_noisy)
        return error_set(
            err, STATUS_TOO_LARGE,
            "%llu rows in a shard would leave too little noise budget with a plaintext "
            "modulus of %llu: more shards or a smaller one are needed",
            (unsigned long long)search->load->rows,
            (unsigned long long)search->load->encryption.plaintext_modulus);
    if (!search->any)
        return error_set(err, STATUS_TOO_LARGE, "%llu rows with values of %zu bytes fit no shape%s",
                         (unsigned long long)search->load->rows, search->load->longest_value,
                         wish->key != NULL ? " with these keys" : "");
    if (!within(search->least_response, wish->max_response_bytes))
        return error_set(err, STATUS_TOO_LARGE,
                         "a response takes at least %llu bytes, at most %llu are allowed",
                         (unsigned long long)search->least_response,
                         (unsigned long long)wish->max_response_bytes);
    if (!within(search->least_key, wish->max_key_bytes))
        return error_set(err, STATUS_TOO_LARGE,
                         "an evaluation key takes at least %llu bytes, at most %llu are allowed",
                         (unsigned long long)search->least_key,
                         (unsigned long long)wish->max_key_bytes);
    if (!within(search->least_shard, wish->max_shard_bytes))
        return error_set(err, STATUS_TOO_LARGE,
                         "a shard takes at least %llu bytes, at most %llu are allowed: more shards "
                         "make it smaller",
                         (unsigned long long)search->least_shard,
                         (unsigned long long)wish->max_shard_bytes);
    return error_set(err, STATUS_TOO_LARGE, "no shape is within all limits at once");
}

/* Two dimensions always: the reference's tools make no others.
 * Bucket sizes worth trying: whole parts of a plaintext that take a row, and whole plaintexts up to
 * the most rows that a bucket takes. */
static void try_bucket_sizes(struct search *search)
{
    const size_t slot = HASH_BUCKET_SLOT_BYTES + search->load->longest_value;
    const size_t single = HASH_BUCKET_EMPTY_BYTES + slot;
    const size_t most = HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOTS_MAX * slot;
    const size_t plaintext = search->plaintext_bytes;
    for (size_t parts = 1; parts <= PARTS_MAX && plaintext / parts >= single; parts++)
        try_bucket_size(search, plaintext / parts);
    const uint64_t first = u64_div_up(single, plaintext);
    for (uint64_t chunks = first < 2 ? 2 : first;
         chunks <= CHUNKS_FACTOR_MAX * first && (chunks - 1) * plaintext < most; chunks++)
        try_bucket_size(search, (size_t)chunks * plaintext);
}

enum status pir_shape_choose(const struct pir_shape_load *load, const struct pir_shape_wish *wish,
                             struct pir_parameters *ret, struct error *err)
{
    const enum status st = check(load, wish, err);
    if (st != STATUS_OK)
        return st;
    struct search search = {.load = load,
                            .wish = wish,
                            .constants =
                                wish->constants != NULL ? wish->constants : pir_cost_shipped(),
                            .plaintext_bytes = bfv_bytes_per_plaintext(&load->encryption)};
    if (wish->bucket_bytes != 0)
        try_bucket_size(&search, wish->bucket_bytes);
    else
        try_bucket_sizes(&search);
    if (!search.found)
        return none_found(&search, err);
    *ret = search.best;
    return STATUS_OK;
}
