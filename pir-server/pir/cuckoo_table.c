/* Cuckoo hashing with buckets of many slots (Dietzfelbinger and Weidling 2007): a row goes to the
 * first of its buckets with room, else it takes the place of a random victim, which is then placed
 * in the same way. Buckets are linked lists through flat arrays of row numbers, so a table costs a
 * few bytes a row and a few a bucket, and starting over is a memset. */
#include "pir-server/pir/cuckoo_table.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/random.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/sha256.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Expansion: the caller's factor this many times, then at least the larger one, so that a factor
 * next to 1 cannot keep the work going for hours; and an end. */
#define PATIENT_EXPANSIONS      ((size_t)16)
#define IMPATIENT_FACTOR        1.5
#define EXPANSION_LIMIT         ((uint64_t)64)
#define EXPANSION_LIMIT_BUCKETS ((uint64_t)1024)

#define NO_ROW UINT32_MAX

/* Rows whose buckets are looked for together. */
#define ROWS_AT_ONCE ((size_t)512)

struct cuckoo_table {
    struct cuckoo_config config;
    const struct sha256_many_kernel *kernel;
    const struct cuckoo_row *rows; /* sorted by hash; borrowed */
    size_t row_count;
    uint64_t bucket_count;  /* of one table */
    size_t expansion_count; /* times the table was built again with more buckets */
    size_t longest_bucket;
    uint32_t *first;      /* [tables * buckets]: row, or NO_ROW */
    uint32_t *used_bytes; /* [tables * buckets]: serialized size */
    uint8_t *used_slots;  /* [tables * buckets] */
    uint32_t *next;       /* [rows]: the next row in the same bucket, or NO_ROW */
    uint32_t *indices;    /* [rows][tables]: the row's bucket in each table */
};

enum status cuckoo_config_validate(const struct cuckoo_config *config, struct error *err)
{
    if (config->hash_function_count < 1 || config->hash_function_count > KEYWORD_HASH_FUNCTIONS_MAX)
        return error_set(err, STATUS_INVALID, "hash function count: %zu is not in 1..%d",
                         config->hash_function_count, KEYWORD_HASH_FUNCTIONS_MAX);
    if (config->max_eviction_count < 1)
        return error_set(err, STATUS_INVALID, "maximal eviction count: 0 is not in 1 and up");
    if (config->bucket_bytes < HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES ||
        config->bucket_bytes > HASH_BUCKET_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "serialized bucket size: %zu is not in %zu..%zu",
                         config->bucket_bytes, HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES,
                         HASH_BUCKET_BYTES_MAX);
    if (config->slot_count < 1 || config->slot_count > HASH_BUCKET_SLOTS_MAX)
        return error_set(err, STATUS_INVALID, "slot count: %zu is not in 1..%zu",
                         config->slot_count, HASH_BUCKET_SLOTS_MAX);
    if (!config->allow_expansion) {
        if (config->fixed_bucket_count < 1 || config->fixed_bucket_count > CUCKOO_BUCKETS_MAX)
            return error_set(err, STATUS_INVALID, "fixed bucket count: %llu is not in 1..%llu",
                             (unsigned long long)config->fixed_bucket_count,
                             (unsigned long long)CUCKOO_BUCKETS_MAX);
        return STATUS_OK;
    }
    if (!(config->expansion_factor > 1.0) || !isfinite(config->expansion_factor))
        return error_set(err, STATUS_INVALID, "expansion factor: %g is not above 1",
                         config->expansion_factor);
    if (!(config->target_load_factor > 0.0 && config->target_load_factor < 1.0))
        return error_set(err, STATUS_INVALID, "target load factor: %g is not between 0 and 1",
                         config->target_load_factor);
    return STATUS_OK;
}

static size_t row_bytes(const struct cuckoo_row *row)
{
    return HASH_BUCKET_SLOT_BYTES + row->value.size;
}

static uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return u64_div_up(value, multiple) * multiple;
}

/* A count computed in floating point, back in range. */
static uint64_t count_of(double value)
{
    return value >= (double)CUCKOO_BUCKETS_MAX ? CUCKOO_BUCKETS_MAX + 1 : (uint64_t)ceil(value);
}

/* Buckets of all tables to begin with: as the reference counts them. */
static uint64_t first_bucket_count(const struct cuckoo_table *table)
{
    const struct cuckoo_config *config = &table->config;
    if (!config->allow_expansion)
        return round_up(config->fixed_bucket_count, config->hash_function_count);
    uint64_t bytes = 1;
    for (size_t i = 0; i < table->row_count; i++)
        bytes += row_bytes(&table->rows[i]);
    const uint64_t full = u64_div_up(bytes, config->bucket_bytes);
    return round_up(count_of((double)full / config->target_load_factor),
                    config->hash_function_count);
}

static uint64_t next_bucket_count(const struct cuckoo_table *table, uint64_t count)
{
    double factor = table->config.expansion_factor;
    if (table->expansion_count >= PATIENT_EXPANSIONS && factor < IMPATIENT_FACTOR)
        factor = IMPATIENT_FACTOR;
    uint64_t more = count_of((double)count * factor);
    if (more <= count)
        more = count + 1;
    return round_up(more, table->config.hash_function_count);
}

static int compare_rows(const void *a, const void *b)
{
    const uint64_t x = ((const struct cuckoo_row *)a)->hash;
    const uint64_t y = ((const struct cuckoo_row *)b)->hash;
    return (x > y) - (x < y);
}

/* Rows of a partition are; sorting them again would cost as much as placing them. */
static bool is_sorted(const struct cuckoo_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (rows[i - 1].hash > rows[i].hash)
            return false;
    return true;
}

static enum status check_rows(const struct cuckoo_table *table, struct error *err)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct cuckoo_row *row = &table->rows[i];
        if (row->value.size > HASH_BUCKET_VALUE_MAX)
            return error_set(err, STATUS_TOO_LARGE, "a value has %zu bytes, at most %zu",
                             row->value.size, HASH_BUCKET_VALUE_MAX);
        if (HASH_BUCKET_EMPTY_BYTES + row_bytes(row) > table->config.bucket_bytes)
            return error_set(err, STATUS_TOO_LARGE,
                             "a value of %zu bytes does not fit a bucket of %zu", row->value.size,
                             table->config.bucket_bytes);
        if (i > 0 && row[-1].hash == row->hash)
            return error_set(err, STATUS_EXISTS, "two rows have the key hash %016llx",
                             (unsigned long long)row->hash);
    }
    return STATUS_OK;
}

/* Makes the arrays for `bucket_count` buckets a table, all empty, and finds each row's buckets. */
static enum status prepare(struct cuckoo_table *table, uint64_t bucket_count, struct error *err)
{
    const size_t tables = table->config.hash_function_count;
    const size_t total = (size_t)bucket_count * tables; /* <= CUCKOO_BUCKETS_MAX + tables */

    mem_free(table->first);
    mem_free(table->used_bytes);
    mem_free(table->used_slots);
    table->bucket_count = bucket_count;
    table->first = mem_alloc(total, sizeof *table->first);
    table->used_bytes = mem_alloc(total, sizeof *table->used_bytes);
    table->used_slots = mem_alloc_zeroed(total, sizeof *table->used_slots);
    if (table->first == NULL || table->used_bytes == NULL || table->used_slots == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for %zu buckets", total);
    for (size_t i = 0; i < total; i++) {
        table->first[i] = NO_ROW;
        table->used_bytes[i] = HASH_BUCKET_EMPTY_BYTES;
    }
    uint64_t hashes[ROWS_AT_ONCE];
    for (size_t row = 0; row < table->row_count; row += ROWS_AT_ONCE) {
        const size_t left = table->row_count - row;
        const size_t now = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        for (size_t i = 0; i < now; i++)
            hashes[i] = table->rows[row + i].hash;
        keyword_bucket_indices_many(table->kernel, hashes, now, bucket_count, tables,
                                    table->indices + row * tables);
    }
    return STATUS_OK;
}

static size_t bucket_of(const struct cuckoo_table *table, uint32_t row, size_t function)
{
    const size_t tables = table->config.hash_function_count;
    return function * (size_t)table->bucket_count + table->indices[(size_t)row * tables + function];
}

static void put(struct cuckoo_table *table, size_t bucket, uint32_t row)
{
    table->next[row] = table->first[bucket];
    table->first[bucket] = row;
    table->used_slots[bucket]++;
    table->used_bytes[bucket] += (uint32_t)row_bytes(&table->rows[row]);
}

/* `link` is the place that names the row: the bucket's `first` or its predecessor's `next`. */
static void take(struct cuckoo_table *table, size_t bucket, uint32_t *link)
{
    const uint32_t row = *link;
    *link = table->next[row];
    table->used_slots[bucket]--;
    table->used_bytes[bucket] -= (uint32_t)row_bytes(&table->rows[row]);
}

/* Among all rows in `row`'s buckets that would make enough room for it, takes out the one with
 * number `pick`, puts `row` in its place and returns it; with pick = SIZE_MAX only counts them.
 *   *ret_count  of such rows, when counting */
static uint32_t replace(struct cuckoo_table *table, uint32_t row, size_t pick, size_t *ret_count)
{
    const size_t wanted = row_bytes(&table->rows[row]);
    size_t count = 0;
    for (size_t i = 0; i < table->config.hash_function_count; i++) {
        const size_t bucket = bucket_of(table, row, i);
        for (uint32_t *link = &table->first[bucket]; *link != NO_ROW; link = &table->next[*link]) {
            const uint32_t victim = *link;
            if (table->used_bytes[bucket] - row_bytes(&table->rows[victim]) + wanted >
                table->config.bucket_bytes)
                continue;
            if (count++ != pick)
                continue;
            take(table, bucket, link);
            put(table, bucket, row);
            return victim;
        }
    }
    *ret_count = count;
    return NO_ROW;
}

/* False when the row, or one that it drove out, finds no place. */
static bool insert(struct cuckoo_table *table, uint32_t row, struct random_seeded *random)
{
    const struct cuckoo_config *config = &table->config;
    for (size_t left = config->max_eviction_count;; left--) {
        for (size_t i = 0; i < config->hash_function_count; i++) {
            const size_t bucket = bucket_of(table, row, i);
            if (table->used_slots[bucket] < config->slot_count &&
                table->used_bytes[bucket] + row_bytes(&table->rows[row]) <= config->bucket_bytes) {
                put(table, bucket, row);
                return true;
            }
        }
        /* With one bucket for a row, changing places cannot make room. */
        if (left == 0 || config->hash_function_count == 1)
            return false;
        size_t count = 0;
        (void)replace(table, row, SIZE_MAX, &count);
        if (count == 0)
            return false;
        row = replace(table, row, (size_t)random_seeded_below(random, count), &count);
    }
}

static bool insert_all(struct cuckoo_table *table, const uint8_t seed[RANDOM_SEED_BYTES])
{
    struct random_seeded random;
    (void)random_seeded_init(&random, seed);
    for (size_t row = 0; row < table->row_count; row++)
        if (!insert(table, (uint32_t)row, &random))
            return false;
    return true;
}

/* Seed of the victims' generator: the rows' hashes and sizes, in order of the hashes. */
static void seed_from_rows(const struct cuckoo_table *table, uint8_t seed[RANDOM_SEED_BYTES])
{
    static_assert(RANDOM_SEED_BYTES == SHA256_BYTES, "a digest is a seed");
    struct sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < table->row_count; i++) {
        sha256_add_u64le(&hash, table->rows[i].hash);
        sha256_add_u64le(&hash, table->rows[i].value.size);
    }
    sha256_finish(&hash, seed);
}

static enum status build(struct cuckoo_table *table, struct error *err)
{
    const size_t tables = table->config.hash_function_count;
    uint8_t seed[RANDOM_SEED_BYTES] = {0};
    uint64_t count = first_bucket_count(table);
    uint64_t limit =
        count > CUCKOO_BUCKETS_MAX / EXPANSION_LIMIT ? CUCKOO_BUCKETS_MAX : count * EXPANSION_LIMIT;
    if (limit < EXPANSION_LIMIT_BUCKETS * tables)
        limit = EXPANSION_LIMIT_BUCKETS * tables;
    if (tables > 1)
        seed_from_rows(table, seed);

    for (;;) {
        if (count > CUCKOO_BUCKETS_MAX)
            return error_set(err, STATUS_TOO_LARGE, "%llu buckets, at most %llu",
                             (unsigned long long)count, (unsigned long long)CUCKOO_BUCKETS_MAX);
        const enum status st = prepare(table, count / tables, err);
        if (st != STATUS_OK)
            return st;
        if (insert_all(table, seed))
            return STATUS_OK;
        if (!table->config.allow_expansion)
            return error_set(err, STATUS_TOO_LARGE,
                             "a bucket overflows: %zu rows do not fit %llu buckets of %zu bytes "
                             "and %zu slots",
                             table->row_count, (unsigned long long)count,
                             table->config.bucket_bytes, table->config.slot_count);
        const uint64_t more = next_bucket_count(table, count);
        if (more > limit)
            return error_set(err, STATUS_TOO_LARGE,
                             "a bucket overflows: %zu rows do not fit even %llu buckets of %zu "
                             "bytes and %zu slots",
                             table->row_count, (unsigned long long)count,
                             table->config.bucket_bytes, table->config.slot_count);
        count = more;
        table->expansion_count++;
    }
}

enum status cuckoo_table_new(struct cuckoo_row *rows, size_t row_count,
                             const struct cuckoo_config *config,
                             const struct sha256_many_kernel *kernel, struct cuckoo_table **ret,
                             struct error *err)
{
    struct cuckoo_table *table = NULL;
    size_t index_count;
    enum status st = cuckoo_config_validate(config, err);
    if (st != STATUS_OK)
        goto done;
    if (row_count >= NO_ROW || !size_mul(row_count, config->hash_function_count, &index_count)) {
        st = error_set(err, STATUS_TOO_LARGE, "%zu rows in one shard, at most %u", row_count,
                       NO_ROW - 1);
        goto done;
    }
    table = mem_alloc_zeroed(1, sizeof *table);
    if (table != NULL) {
        table->next = mem_alloc(row_count, sizeof *table->next);
        table->indices = mem_alloc(index_count, sizeof *table->indices);
    }
    if (table == NULL || table->next == NULL || table->indices == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a table of %zu rows", row_count);
        goto done;
    }
    if (!is_sorted(rows, row_count))
        qsort(rows, row_count, sizeof *rows, compare_rows);
    table->config = *config;
    table->kernel = kernel;
    table->rows = rows;
    table->row_count = row_count;
    st = check_rows(table, err);
    if (st == STATUS_OK)
        st = build(table, err);
    if (st != STATUS_OK)
        goto done;
    table->longest_bucket = HASH_BUCKET_EMPTY_BYTES;
    for (size_t i = 0; i < (size_t)table->bucket_count * config->hash_function_count; i++)
        if (table->used_bytes[i] > table->longest_bucket)
            table->longest_bucket = table->used_bytes[i];
    *ret = table;
    table = NULL;
done:
    cuckoo_table_free(table);
    return st;
}

void cuckoo_table_free(struct cuckoo_table *table)
{
    if (table == NULL)
        return;
    mem_free(table->first);
    mem_free(table->used_bytes);
    mem_free(table->used_slots);
    mem_free(table->next);
    mem_free(table->indices);
    mem_free(table);
}

uint64_t cuckoo_table_bucket_count(const struct cuckoo_table *table)
{
    return table->bucket_count;
}

size_t cuckoo_table_longest_bucket(const struct cuckoo_table *table)
{
    return table->longest_bucket;
}

size_t cuckoo_table_write_bucket(const struct cuckoo_table *table, size_t function, uint64_t index,
                                 uint8_t *out)
{
    struct hash_bucket_slot slots[HASH_BUCKET_SLOTS_MAX];
    const size_t bucket = function * (size_t)table->bucket_count + (size_t)index;
    const size_t count = table->used_slots[bucket];
    /* Rows were put in front in the order of their hashes, evictions aside: fill from the back,
     * then one insertion sort over what is nearly sorted. */
    size_t at = count;
    for (uint32_t row = table->first[bucket]; row != NO_ROW; row = table->next[row]) {
        slots[--at].hash = table->rows[row].hash;
        slots[at].value = table->rows[row].value;
    }
    for (size_t i = 1; i < count; i++) {
        const struct hash_bucket_slot slot = slots[i];
        size_t to = i;
        for (; to > 0 && slots[to - 1].hash > slot.hash; to--)
            slots[to] = slots[to - 1];
        slots[to] = slot;
    }
    return hash_bucket_write(slots, count, out);
}
