#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "pir-server/pir/cuckoo_table.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"
#include "tests/patience.h"

#include <criterion/criterion.h>
#include <math.h>

static const uint8_t VALUES[HASH_BUCKET_VALUE_MAX + 1];

static struct random_seeded seeded(uint8_t seed)
{
    struct random_seeded random;
    const uint8_t bytes[RANDOM_SEED_BYTES] = {seed};
    (void)random_seeded_init(&random, bytes);
    return random;
}

static const struct sha256_many_kernel *kernel(void)
{
    const struct cpu cpu = cpu_detect();
    return sha256_many_kernel_for(&cpu);
}

/* Rows with random hashes and values of `least` .. `most` bytes. */
static struct cuckoo_row *make_rows(struct random_seeded *random, size_t count, size_t least,
                                    size_t most)
{
    struct cuckoo_row *rows = mem_alloc(count, sizeof *rows);
    cr_assert_not_null(rows);
    for (size_t i = 0; i < count; i++) {
        rows[i].hash = random_seeded_u64(random);
        rows[i].value =
            span_of(VALUES, least + (size_t)random_seeded_below(random, most - least + 1));
    }
    return rows;
}

static const struct cuckoo_config EXPANDING = {.hash_function_count = 2,
                                               .max_eviction_count = 100,
                                               .bucket_bytes = 1024,
                                               .slot_count = 255,
                                               .allow_expansion = true,
                                               .expansion_factor = 1.1,
                                               .target_load_factor = 0.9};

/* Looks every row up in its serialized buckets, as a client would; counts what is stored. */
static void check_table(const struct cuckoo_table *table, const struct cuckoo_config *config,
                        const struct cuckoo_row *rows, size_t count)
{
    const uint64_t buckets = cuckoo_table_bucket_count(table);
    const size_t longest = cuckoo_table_longest_bucket(table);
    uint8_t *out = mem_alloc(longest, 1);
    size_t stored = 0;
    size_t seen_longest = 0;
    cr_assert_leq(longest, config->bucket_bytes);
    for (size_t i = 0; i < count; i++) {
        uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
        bool found = false;
        struct span value = {0};
        keyword_bucket_indices(rows[i].hash, buckets, config->hash_function_count, indices);
        for (size_t f = 0; f < config->hash_function_count && !found; f++) {
            const size_t size = cuckoo_table_write_bucket(table, f, indices[f], out);
            cr_assert_eq(hash_bucket_find(span_of(out, size), rows[i].hash, &found, &value, NULL),
                         STATUS_OK);
        }
        cr_assert(found, "row %zu of %zu is lost", i, count);
        cr_assert_eq(value.size, rows[i].value.size);
    }
    for (size_t f = 0; f < config->hash_function_count; f++)
        for (uint64_t b = 0; b < buckets; b++) {
            struct hash_bucket_slot slots[HASH_BUCKET_SLOTS_MAX];
            size_t slot_count;
            const size_t size = cuckoo_table_write_bucket(table, f, b, out);
            if (size > seen_longest)
                seen_longest = size;
            cr_assert_eq(hash_bucket_parse(span_of(out, size), slots, &slot_count, NULL),
                         STATUS_OK);
            cr_assert_leq(slot_count, config->slot_count);
            for (size_t s = 1; s < slot_count; s++)
                cr_assert_lt(slots[s - 1].hash, slots[s].hash);
            stored += slot_count;
        }
    cr_assert_eq(stored, count);
    cr_assert_eq(seen_longest, longest);
    mem_free(out);
}

Test(cuckoo_table, every_row_of_random_tables_is_found, .timeout = PATIENCE_OF_TEST_S)
{
    struct random_seeded random = seeded(1);
    for (int round = 0; round < 150; round++) {
        struct cuckoo_config config = EXPANDING;
        struct cuckoo_table *table = NULL;
        struct error error;
        const size_t most = (size_t)random_seeded_below(&random, 300);
        const size_t least = (size_t)random_seeded_below(&random, most + 1);
        const size_t count = (size_t)random_seeded_below(&random, 1500);
        config.hash_function_count = 1 + (size_t)random_seeded_below(&random, 4);
        config.bucket_bytes = 11 + most + (size_t)random_seeded_below(&random, 2000);
        config.slot_count = 1 + (size_t)random_seeded_below(&random, 255);
        config.max_eviction_count = 1 + (size_t)random_seeded_below(&random, 100);
        if (config.hash_function_count == 1 && config.slot_count < 4)
            config.slot_count = 4; /* one slot a bucket would need the square of the rows */
        if (config.hash_function_count == 1 && config.bucket_bytes < 4 * (11 + most))
            config.bucket_bytes = 4 * (11 + most);
        struct cuckoo_row *rows = make_rows(&random, count, least, most);
        cr_assert_eq(cuckoo_table_new(rows, count, &config, kernel(), &table, &error), STATUS_OK,
                     "round %d: %s", round, error.message);
        check_table(table, &config, rows, count);
        cuckoo_table_free(table);
        mem_free(rows);
    }
}

/* The reference loses rows here: mixed sizes, a table that must expand while one is in hand. */
Test(cuckoo_table, mixed_sizes_at_the_limit_lose_nothing, .timeout = PATIENCE_OF_TEST_S)
{
    struct random_seeded random = seeded(2);
    for (int round = 0; round < 40; round++) {
        struct cuckoo_config config = EXPANDING;
        struct cuckoo_table *table = NULL;
        struct cuckoo_row *rows = mem_alloc(300, sizeof *rows);
        config.bucket_bytes = 120;
        config.max_eviction_count = 3;
        for (size_t i = 0; i < 300; i++) {
            rows[i].hash = random_seeded_u64(&random);
            rows[i].value = span_of(VALUES, random_seeded_below(&random, 3) == 0 ? 100 : 1);
        }
        cr_assert_eq(cuckoo_table_new(rows, 300, &config, kernel(), &table, NULL), STATUS_OK);
        check_table(table, &config, rows, 300);
        cuckoo_table_free(table);
        mem_free(rows);
    }
}

static void serialize(const struct cuckoo_table *table, size_t functions, struct bytes *out)
{
    bytes_init(out, 1u << 24);
    for (size_t f = 0; f < functions; f++)
        for (uint64_t b = 0; b < cuckoo_table_bucket_count(table); b++) {
            uint8_t bucket[4096];
            bytes_append(out, span_of(bucket, cuckoo_table_write_bucket(table, f, b, bucket)));
        }
    cr_assert_eq(bytes_status(out, "table", NULL), STATUS_OK);
}

Test(cuckoo_table, the_order_of_rows_changes_nothing)
{
    for (size_t functions = 1; functions <= 3; functions++) {
        struct random_seeded random = seeded(3);
        struct cuckoo_config config = EXPANDING;
        struct cuckoo_row *rows = make_rows(&random, 2000, 1, 60);
        struct cuckoo_row *shuffled = mem_alloc(2000, sizeof *shuffled);
        struct cuckoo_table *one = NULL;
        struct cuckoo_table *two = NULL;
        struct bytes a;
        struct bytes b;
        config.hash_function_count = functions;
        memcpy(shuffled, rows, 2000 * sizeof *rows);
        for (size_t i = 1999; i > 0; i--) {
            const size_t k = (size_t)random_seeded_below(&random, i + 1);
            const struct cuckoo_row row = shuffled[i];
            shuffled[i] = shuffled[k];
            shuffled[k] = row;
        }
        cr_assert_eq(cuckoo_table_new(rows, 2000, &config, kernel(), &one, NULL), STATUS_OK);
        cr_assert_eq(cuckoo_table_new(shuffled, 2000, &config, kernel(), &two, NULL), STATUS_OK);
        serialize(one, functions, &a);
        serialize(two, functions, &b);
        cr_assert(span_equal(bytes_view(&a), bytes_view(&b)));
        bytes_deinit(&a);
        bytes_deinit(&b);
        cuckoo_table_free(one);
        cuckoo_table_free(two);
        mem_free(rows);
        mem_free(shuffled);
    }
}

Test(cuckoo_table, no_rows_make_empty_buckets)
{
    struct cuckoo_config config = EXPANDING;
    struct cuckoo_table *table = NULL;
    uint8_t out[1];
    cr_assert_eq(cuckoo_table_new(NULL, 0, &config, kernel(), &table, NULL), STATUS_OK);
    cr_assert_eq(cuckoo_table_bucket_count(table), 1);
    cr_assert_eq(cuckoo_table_longest_bucket(table), 1);
    cr_assert_eq(cuckoo_table_write_bucket(table, 1, 0, out), 1);
    cuckoo_table_free(table);
    config.allow_expansion = false;
    config.fixed_bucket_count = 9; /* up to 10: two tables */
    cr_assert_eq(cuckoo_table_new(NULL, 0, &config, kernel(), &table, NULL), STATUS_OK);
    cr_assert_eq(cuckoo_table_bucket_count(table), 5);
    cuckoo_table_free(table);
}

/* Buckets that the reference begins with: m = ceil((1 + sum) / M), / load factor, multiple of h. */
Test(cuckoo_table, begins_with_as_many_buckets_as_the_reference)
{
    struct random_seeded random = seeded(4);
    struct cuckoo_config config = EXPANDING;
    struct cuckoo_table *table = NULL;
    struct cuckoo_row *rows = make_rows(&random, 500, 1, 1);
    cr_assert_eq(cuckoo_table_new(rows, 500, &config, kernel(), &table, NULL), STATUS_OK);
    cr_assert_eq(cuckoo_table_bucket_count(table), 4, "ceil(5501/1024) = 6, /0.9 = 7, even 8");
    cuckoo_table_free(table);
    mem_free(rows);
}

/* `count` hashes that fall into bucket 0 of `buckets`, for one hash function. */
static struct cuckoo_row *colliding_rows(size_t count, uint64_t buckets)
{
    struct cuckoo_row *rows = mem_alloc(count, sizeof *rows);
    size_t found = 0;
    for (uint64_t hash = 1; found < count; hash++) {
        uint64_t index;
        keyword_bucket_indices(hash, buckets, 1, &index);
        if (index == 0)
            rows[found++] = (struct cuckoo_row){.hash = hash, .value = span_of("1", 1)};
    }
    return rows;
}

Test(cuckoo_table, ten_thousand_keys_for_one_bucket_end_in_an_error_or_a_larger_table,
     .timeout = PATIENCE_OF_TEST_S)
{
    struct cuckoo_config config = EXPANDING;
    struct cuckoo_table *table = NULL;
    struct error error;
    config.hash_function_count = 1;
    config.bucket_bytes = 2048;
    /* The reference's first size for these rows: 110,001 bytes, 54 buckets full, 60 at 90 %. */
    struct cuckoo_row *rows = colliding_rows(10000, 60);
    cr_assert_eq(cuckoo_table_new(rows, 10000, &config, kernel(), &table, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_gt(cuckoo_table_bucket_count(table), 60);
    check_table(table, &config, rows, 10000);
    cuckoo_table_free(table);

    config.allow_expansion = false;
    config.fixed_bucket_count = 60;
    table = NULL;
    cr_assert_eq(cuckoo_table_new(rows, 10000, &config, kernel(), &table, &error),
                 STATUS_TOO_LARGE);
    cr_assert_null(table);
    cr_assert_not_null(strstr(error.message, "a bucket overflows"), "%s", error.message);
    mem_free(rows);
}

Test(cuckoo_table, an_impossible_table_ends, .timeout = PATIENCE_OF_TEST_S)
{
    /* One slot a bucket and one function: two thousand rows would need millions of buckets. */
    struct random_seeded random = seeded(5);
    struct cuckoo_config config = EXPANDING;
    struct cuckoo_table *table = NULL;
    struct cuckoo_row *rows = make_rows(&random, 2000, 1, 1);
    config.hash_function_count = 1;
    config.slot_count = 1;
    config.expansion_factor = 1.0000001;
    cr_assert_eq(cuckoo_table_new(rows, 2000, &config, kernel(), &table, NULL), STATUS_TOO_LARGE);
    mem_free(rows);
}

Test(cuckoo_table, refuses_what_cannot_be_stored)
{
    struct cuckoo_config config = EXPANDING;
    struct cuckoo_table *table = NULL;
    struct cuckoo_row twins[] = {{7, span_of("a", 1)}, {7, span_of("b", 1)}};
    cr_assert_eq(cuckoo_table_new(twins, 2, &config, kernel(), &table, NULL), STATUS_EXISTS);
    struct cuckoo_row large[] = {{7, span_of(VALUES, 1024 - 10)}};
    cr_assert_eq(cuckoo_table_new(large, 1, &config, kernel(), &table, NULL), STATUS_TOO_LARGE);
    config.bucket_bytes = HASH_BUCKET_BYTES_MAX;
    large[0].value.size = HASH_BUCKET_VALUE_MAX + 1;
    cr_assert_eq(cuckoo_table_new(large, 1, &config, kernel(), &table, NULL), STATUS_TOO_LARGE);
    cr_assert_null(table);
}

Test(cuckoo_table, refuses_a_configuration_out_of_range)
{
    struct error error;
    struct cuckoo_config config = EXPANDING;
    cr_assert_eq(cuckoo_config_validate(&config, &error), STATUS_OK);
#define REFUSED(field, bad)                                                                        \
    do {                                                                                           \
        config = EXPANDING;                                                                        \
        config.field = (bad);                                                                      \
        cr_expect_eq(cuckoo_config_validate(&config, &error), STATUS_INVALID, #field " = " #bad);  \
    } while (0)
    REFUSED(hash_function_count, 0);
    REFUSED(hash_function_count, KEYWORD_HASH_FUNCTIONS_MAX + 1);
    REFUSED(max_eviction_count, 0);
    REFUSED(bucket_bytes, 10);
    REFUSED(bucket_bytes, HASH_BUCKET_BYTES_MAX + 1);
    REFUSED(slot_count, 0);
    REFUSED(slot_count, 256);
    REFUSED(expansion_factor, 1.0);
    REFUSED(expansion_factor, (double)NAN);
    REFUSED(expansion_factor, (double)INFINITY);
    REFUSED(target_load_factor, 0.0);
    REFUSED(target_load_factor, 1.0);
    REFUSED(target_load_factor, -1.0);
    REFUSED(target_load_factor, (double)NAN);
    REFUSED(allow_expansion, false); /* and a fixed bucket count of 0 */
#undef REFUSED
}

Test(cuckoo_table, a_load_factor_next_to_zero_is_an_error_not_a_flood)
{
    struct cuckoo_config config = EXPANDING;
    struct cuckoo_table *table = NULL;
    config.target_load_factor = 1e-300;
    cr_assert_eq(cuckoo_table_new(NULL, 0, &config, kernel(), &table, NULL), STATUS_TOO_LARGE);
}

Test(cuckoo_table, every_failed_allocation_is_reported)
{
    struct random_seeded random = seeded(6);
    struct cuckoo_row *rows = make_rows(&random, 400, 1, 200);
    for (size_t n = 1;; n++) {
        struct cuckoo_config config = EXPANDING;
        struct cuckoo_table *table = NULL;
        config.bucket_bytes = 300;
        mem_fail_nth(n);
        const enum status st = cuckoo_table_new(rows, 400, &config, kernel(), &table, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        cuckoo_table_free(table);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 4);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
    }
    mem_free(rows);
}
