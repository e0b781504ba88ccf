#include "pir-server/pir/pir_parameters.h"

#include "base/checked.h"
#include "pir-server/bfv/bfv_product.h"
#include "pir-server/pir/hash_bucket.h"

#include <string.h>

static unsigned floor_log2(uint64_t value)
{
    unsigned log = 0;
    while (value >>= 1)
        log++;
    return log;
}

static unsigned ceil_log2(uint64_t value)
{
    return value <= 1 ? 0 : floor_log2(value - 1) + 1;
}

static uint64_t next_power_of_two(uint64_t value)
{
    return (uint64_t)1 << ceil_log2(value);
}

uint64_t pir_plaintexts_needed(uint64_t entry_count, uint64_t entry_bytes, uint64_t plaintext_bytes)
{
    return entry_bytes <= plaintext_bytes ? u64_div_up(entry_count, plaintext_bytes / entry_bytes)
                                          : entry_count;
}

void pir_dimensions(uint64_t plaintexts, uint64_t batch_size, bool uneven,
                    uint64_t ret_dimensions[PIR_DIMENSIONS_MAX])
{
    uint64_t root = (uint64_t)1 << (ceil_log2(plaintexts) / 2 + 1);
    while (root * root > plaintexts)
        root = (root + plaintexts / root) / 2; /* Newton's method from above: floor(sqrt) */
    uint64_t rows = root;
    uint64_t columns = root;
    if (rows * columns < plaintexts)
        rows++;
    if (rows * columns < plaintexts)
        columns++;
    ret_dimensions[0] = rows;
    ret_dimensions[1] = columns;
    if (!uneven)
        return;

    const uint64_t limit = next_power_of_two((rows + columns) * batch_size);
    while (next_power_of_two((rows + columns) * batch_size) <= limit) {
        ret_dimensions[0] = rows;
        ret_dimensions[1] = columns;
        if (columns == 1)
            return;
        columns--;
        rows = u64_div_up(plaintexts, columns);
    }
}

void pir_galois_elements(uint64_t degree, uint64_t selector_count,
                         enum pir_key_compression compression,
                         uint32_t ret_elements[PIR_GALOIS_ELEMENTS_MAX], size_t *ret_count)
{
    const unsigned log_degree = floor_log2(degree);
    const uint64_t expanded = selector_count < degree ? selector_count : degree;
    const unsigned low = log_degree - ceil_log2(expanded) + 1;
    unsigned high = log_degree;
    size_t count = 0;

    if (compression != PIR_KEY_COMPRESSION_NONE) {
        /* From here on the powers of one element reach all larger ones (section 6). */
        const unsigned middle = (log_degree + 2) / 2;
        high = low > middle ? low : middle;
    }
    for (unsigned k = low; k <= high; k++)
        ret_elements[count++] = ((uint32_t)1 << k) + 1;
    if (compression == PIR_KEY_COMPRESSION_HYBRID) {
        const unsigned middle = (log_degree + high + 1) / 2;
        const unsigned extra = high > middle ? high : middle;
        if (extra > high)
            ret_elements[count++] = ((uint32_t)1 << extra) + 1;
    }
    *ret_count = count;
}

static bool has_element(const uint32_t *elements, size_t count, uint64_t element)
{
    for (size_t i = 0; i < count; i++)
        if (elements[i] == element)
            return true;
    return false;
}

void pir_galois_elements_pair(uint64_t degree, uint64_t selector_count, size_t pairs,
                              uint32_t elements[PIR_GALOIS_ELEMENTS_MAX], size_t *count)
{
    const uint64_t expanded = selector_count < degree ? selector_count : degree;
    const unsigned levels = ceil_log2(expanded);
    for (unsigned last = levels; pairs > 0 && last >= 2; last -= 2, pairs--) {
        const uint64_t next = (degree >> (last - 1)) + 1; /* level `last` */
        const uint64_t own = (degree >> (last - 2)) + 1;
        const uint32_t both = (uint32_t)(own * next & (2 * degree - 1));
        if (!has_element(elements, *count, own) || !has_element(elements, *count, next) ||
            has_element(elements, *count, both) || *count == PIR_GALOIS_ELEMENTS_MAX)
            continue;
        size_t at = (*count)++;
        for (; at > 0 && elements[at - 1] > both; at--)
            elements[at] = elements[at - 1];
        elements[at] = both;
    }
}

enum status pir_evaluation_key_config_merge(struct pir_evaluation_key_config *all,
                                            const struct pir_evaluation_key_config *more,
                                            struct error *err)
{
    struct pir_evaluation_key_config merged = *all;
    if (merged.encryption.moduli_count == 0)
        merged.encryption = more->encryption;
    for (size_t i = 0; i < more->galois_element_count; i++) {
        const uint32_t element = more->galois_elements[i];
        size_t at = 0;
        while (at < merged.galois_element_count && merged.galois_elements[at] < element)
            at++;
        if (at < merged.galois_element_count && merged.galois_elements[at] == element)
            continue;
        if (merged.galois_element_count == PIR_GALOIS_ELEMENTS_MAX)
            return error_set(err, STATUS_TOO_LARGE, "more than %zu Galois elements",
                             PIR_GALOIS_ELEMENTS_MAX);
        memmove(&merged.galois_elements[at + 1], &merged.galois_elements[at],
                (merged.galois_element_count - at) * sizeof merged.galois_elements[0]);
        merged.galois_elements[at] = element;
        merged.galois_element_count++;
    }
    merged.has_relin_key = merged.has_relin_key || more->has_relin_key;
    *all = merged;
    return STATUS_OK;
}

/* The largest listed 2^a + 1 up to `target` = 2^(a+b) + 1, applied 2^b times, must be `target`
 * itself: spec/bfv.md section 7.5. */
static bool level_is_served(const struct pir_evaluation_key_config *config, unsigned log_degree,
                            unsigned target_log)
{
    unsigned best = 0;
    for (size_t i = 0; i < config->galois_element_count; i++) {
        const uint32_t below = config->galois_elements[i] - 1;
        if ((below & (below - 1)) == 0 && floor_log2(below) <= target_log &&
            floor_log2(below) > best)
            best = floor_log2(below);
    }
    if (best == 0)
        return false;
    return best == target_log || best + target_log >= log_degree + 2;
}

/* The first level of the expansion that the elements do not serve; 0 = none. */
static unsigned unserved_level(const struct pir_evaluation_key_config *config, uint64_t degree,
                               uint64_t selector_count)
{
    const unsigned log_degree = floor_log2(degree);
    const uint64_t expanded = selector_count < degree ? selector_count : degree;
    for (unsigned level = 1; level <= ceil_log2(expanded); level++)
        if (!level_is_served(config, log_degree, log_degree - level + 1))
            return level;
    return 0;
}

bool pir_galois_elements_serve(const struct pir_evaluation_key_config *config, uint64_t degree,
                               uint64_t selector_count)
{
    return unserved_level(config, degree, selector_count) == 0;
}

static enum status check_evaluation_key(const struct pir_parameters *p,
                                        const struct pir_layout *layout, struct error *err)
{
    const struct pir_evaluation_key_config *config = &p->evaluation_key;
    if (!bfv_parameters_equal(&config->encryption, &p->encryption))
        return error_set(err, STATUS_INVALID,
                         "evaluation_key_config: encryption parameters differ from the shard's");
    if (config->galois_element_count > PIR_GALOIS_ELEMENTS_MAX)
        return error_set(err, STATUS_INVALID,
                         "evaluation_key_config: %zu galois_elements, at most %zu",
                         config->galois_element_count, PIR_GALOIS_ELEMENTS_MAX);
    for (size_t i = 0; i < config->galois_element_count; i++) {
        const uint32_t element = config->galois_elements[i];
        if (element % 2 == 0 || element < 3 || element >= 2 * layout->degree)
            return error_set(err, STATUS_INVALID,
                             "evaluation_key_config: galois element %u is not odd in [3, %zu)",
                             element, 2 * layout->degree);
        for (size_t k = 0; k < i; k++)
            if (config->galois_elements[k] == element)
                return error_set(err, STATUS_INVALID,
                                 "evaluation_key_config: galois element %u is listed twice",
                                 element);
    }
    if (layout->dimension_count > 1 && !config->has_relin_key)
        return error_set(err, STATUS_INVALID,
                         "evaluation_key_config: no relinearization key, two dimensions need one");
    const unsigned level = unserved_level(config, layout->degree, layout->selector_count);
    if (level != 0)
        return error_set(err, STATUS_INVALID,
                         "evaluation_key_config: no galois element reaches %zu, which expanding "
                         "%zu selectors needs",
                         (layout->degree >> (level - 1)) + 1, layout->selector_count);
    return STATUS_OK;
}

static enum status check_kind(const struct pir_parameters *p, struct error *err)
{
    if (p->algorithm != PIR_ALGORITHM_MUL_PIR)
        return error_set(err, STATUS_UNSUPPORTED,
                         "algorithm: %u is not supported, only PIR_ALGORITHM_MUL_PIR",
                         (unsigned)p->algorithm);
    if (!p->has_keyword_parameters)
        return error_set(err, STATUS_UNSUPPORTED,
                         "keyword_pir_params: absent, and index databases are not supported");
    if (p->encoding_entry_size)
        return error_set(err, STATUS_UNSUPPORTED,
                         "encoding_entry_size: index databases are not supported");
    return STATUS_OK;
}

static enum status check_numbers(const struct pir_parameters *p, struct error *err)
{
    if (p->hash_function_count < 1 || p->hash_function_count > KEYWORD_HASH_FUNCTIONS_MAX)
        return error_set(err, STATUS_INVALID, "num_hash_functions: %llu is not in 1..%d",
                         (unsigned long long)p->hash_function_count, KEYWORD_HASH_FUNCTIONS_MAX);
    if (p->batch_size != p->hash_function_count)
        return error_set(err, STATUS_INVALID, "batch_size: %llu, but num_hash_functions is %llu",
                         (unsigned long long)p->batch_size,
                         (unsigned long long)p->hash_function_count);
    if (p->sharding.function != SHARDING_SHA256 && p->sharding.function != SHARDING_DOUBLE_MOD)
        return error_set(err, STATUS_INVALID, "sharding_function: unknown function %d",
                         (int)p->sharding.function);
    if (p->sharding.function == SHARDING_DOUBLE_MOD && p->sharding.other_shard_count == 0)
        return error_set(err, STATUS_INVALID, "double_mod: other_shard_count is 0");
    if (p->entry_count < 1 || p->entry_count > PIR_PLAINTEXTS_MAX)
        return error_set(err, STATUS_INVALID, "num_entries: %llu is not in 1..%llu",
                         (unsigned long long)p->entry_count,
                         (unsigned long long)PIR_PLAINTEXTS_MAX);
    if (p->entry_bytes < 1 || p->entry_bytes > HASH_BUCKET_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "entry_size: %llu is not in 1..%zu",
                         (unsigned long long)p->entry_bytes, HASH_BUCKET_BYTES_MAX);
    if (p->dimension_count < 1 || p->dimension_count > PIR_DIMENSIONS_MAX)
        return error_set(err, STATUS_INVALID, "dimensions: %zu given, 1 or 2 are possible",
                         p->dimension_count);
    if (p->dimension_count > 1 && p->dimensions[1] > BFV_PRODUCT_MAX_PAIRS)
        return error_set(err, STATUS_INVALID, "dimensions: %llu columns, at most %d",
                         (unsigned long long)p->dimensions[1], BFV_PRODUCT_MAX_PAIRS);
    for (size_t i = 0; i < p->dimension_count; i++)
        if (p->dimensions[i] < 1 || p->dimensions[i] > PIR_SELECTORS_MAX)
            return error_set(err, STATUS_INVALID, "dimensions: %llu is not in 1..%llu",
                             (unsigned long long)p->dimensions[i],
                             (unsigned long long)PIR_SELECTORS_MAX);
    return STATUS_OK;
}

/* Numbers in range, so no sum below overflows 64 bits: 64 tables * 2^24 chunks * 2^14 * 2^14 fits;
 * the file's own limit is much smaller. */
static enum status derive(const struct pir_parameters *p, struct pir_layout *layout,
                          struct error *err)
{
    const uint64_t rows = p->dimensions[0];
    const uint64_t columns = p->dimension_count > 1 ? p->dimensions[1] : 1;

    layout->degree = (size_t)p->encryption.degree;
    layout->moduli_count = p->encryption.moduli_count - 1;
    layout->plaintext_bytes = bfv_bytes_per_plaintext(&p->encryption);
    if (layout->plaintext_bytes == 0)
        return error_set(err, STATUS_INVALID, "a plaintext holds less than one byte");
    layout->entry_bytes = (size_t)p->entry_bytes;
    layout->entry_count = p->entry_count;
    layout->entries_per_plaintext = layout->entry_bytes <= layout->plaintext_bytes
                                        ? layout->plaintext_bytes / layout->entry_bytes
                                        : 1;
    layout->chunk_count = (size_t)u64_div_up(layout->entry_bytes, layout->plaintext_bytes);
    layout->table_count = (size_t)p->hash_function_count;
    layout->dimensions[0] = (size_t)rows;
    layout->dimensions[1] = (size_t)columns;
    layout->dimension_count = p->dimension_count;

    const uint64_t used = u64_div_up(p->entry_count, layout->entries_per_plaintext);
    if (used > rows * columns)
        return error_set(err, STATUS_INVALID,
                         "dimensions: %llu x %llu plaintexts do not hold %llu entries of %llu "
                         "bytes, which take %llu",
                         (unsigned long long)rows, (unsigned long long)columns,
                         (unsigned long long)p->entry_count, (unsigned long long)p->entry_bytes,
                         (unsigned long long)used);
    const uint64_t total = layout->table_count * layout->chunk_count * rows * columns;
    if (total > PIR_PLAINTEXTS_MAX)
        return error_set(err, STATUS_INVALID, "dimensions: %llu plaintexts, at most %llu",
                         (unsigned long long)total, (unsigned long long)PIR_PLAINTEXTS_MAX);
    layout->used_plaintext_count = (size_t)used;
    layout->block_plaintext_count = (size_t)(rows * columns);
    layout->plaintext_count = (size_t)total;

    layout->selectors_per_index = (size_t)(p->dimension_count > 1 ? rows + columns : rows);
    layout->selector_count = layout->selectors_per_index * layout->table_count;
    if (layout->selector_count > PIR_SELECTORS_MAX)
        return error_set(err, STATUS_INVALID,
                         "dimensions: a query needs %zu selectors, at most %llu",
                         layout->selector_count, (unsigned long long)PIR_SELECTORS_MAX);
    layout->query_ciphertext_count = (size_t)u64_div_up(layout->selector_count, layout->degree);
    return STATUS_OK;
}

enum status pir_layout_init(const struct pir_parameters *parameters, unsigned bfv_flags,
                            struct pir_layout *ret, struct error *err)
{
    struct pir_layout layout = {0};
    enum status st = check_kind(parameters, err);
    if (st == STATUS_OK)
        st = bfv_parameters_validate(&parameters->encryption, bfv_flags, err);
    if (st == STATUS_OK)
        st = check_numbers(parameters, err);
    if (st == STATUS_OK)
        st = derive(parameters, &layout, err);
    if (st == STATUS_OK)
        st = check_evaluation_key(parameters, &layout, err);
    if (st == STATUS_OK)
        *ret = layout;
    return st;
}

enum status pir_parameters_validate(const struct pir_parameters *parameters, struct error *err)
{
    struct pir_layout layout;
    return pir_layout_init(parameters, 0, &layout, err);
}

bool pir_evaluation_key_config_equal(const struct pir_evaluation_key_config *a,
                                     const struct pir_evaluation_key_config *b)
{
    return bfv_parameters_equal(&a->encryption, &b->encryption) &&
           a->galois_element_count == b->galois_element_count &&
           memcmp(a->galois_elements, b->galois_elements,
                  a->galois_element_count * sizeof a->galois_elements[0]) == 0 &&
           a->has_relin_key == b->has_relin_key;
}

static bool sharding_equal(const struct sharding *a, const struct sharding *b)
{
    return a->function == b->function &&
           (a->function == SHARDING_SHA256 || a->other_shard_count == b->other_shard_count);
}

bool pir_symmetric_equal(const struct pir_parameters *a, const struct pir_parameters *b)
{
    return a->is_symmetric == b->is_symmetric &&
           memcmp(a->symmetric_public_key, b->symmetric_public_key, PIR_SYMMETRIC_KEY_BYTES) == 0;
}

bool pir_parameters_equal(const struct pir_parameters *a, const struct pir_parameters *b)
{
    return bfv_parameters_equal(&a->encryption, &b->encryption) &&
           a->entry_count == b->entry_count && a->entry_bytes == b->entry_bytes &&
           a->dimension_count == b->dimension_count &&
           memcmp(a->dimensions, b->dimensions, a->dimension_count * sizeof a->dimensions[0]) ==
               0 &&
           a->has_keyword_parameters == b->has_keyword_parameters &&
           a->hash_function_count == b->hash_function_count && pir_symmetric_equal(a, b) &&
           sharding_equal(&a->sharding, &b->sharding) && a->algorithm == b->algorithm &&
           a->batch_size == b->batch_size &&
           pir_evaluation_key_config_equal(&a->evaluation_key, &b->evaluation_key) &&
           a->encoding_entry_size == b->encoding_entry_size;
}
