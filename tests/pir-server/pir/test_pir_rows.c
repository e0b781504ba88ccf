#include "base/mem.h"
#include "pir-server/pir/pir_rows.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>

static const struct sharding BY_HASH = {.function = SHARDING_SHA256};

Test(pir_rows, every_row_is_in_its_shard_once_and_sorted)
{
    struct fixture_rows rows = fixture_rows_new(50000, 0, 3, 1);
    const struct pir_rows view = pir_rows_of_array(rows.rows, rows.count);
    const struct sharding double_mod = {.function = SHARDING_DOUBLE_MOD, .other_shard_count = 57};
    const struct sharding *shardings[] = {&BY_HASH, &double_mod};
    for (size_t s = 0; s < 2; s++) {
        struct pir_partition *partition = NULL;
        uint8_t *seen = mem_alloc_zeroed(rows.count, 1);
        size_t largest = 0;
        cr_assert_eq(pir_partition_new(&view, 10, shardings[s], NULL, &partition, NULL), STATUS_OK);
        for (uint64_t shard = 0; shard < 10; shard++) {
            size_t count;
            const struct pir_partition_entry *entries =
                pir_partition_shard(partition, shard, &count);
            if (count > largest)
                largest = count;
            for (size_t i = 0; i < count; i++) {
                const uint64_t hash = keyword_hash(rows.rows[entries[i].row].keyword);
                cr_assert_eq(entries[i].hash, hash);
                cr_assert_eq(sharding_shard_of(shardings[s], hash, 10), shard);
                cr_assert(i == 0 || entries[i - 1].hash < hash);
                cr_assert_eq(seen[entries[i].row]++, 0);
            }
        }
        cr_assert_eq(pir_partition_row_count(partition), rows.count);
        cr_assert_eq(pir_partition_largest_shard(partition), largest);
        cr_assert_eq(pir_partition_longest_value(partition), 3);
        cr_assert_eq(pir_partition_merged_count(partition), 0);
        pir_partition_free(partition);
        mem_free(seen);
    }
    fixture_rows_free(&rows);
}

/* Sorting deals entries out by their top bits; keywords can be picked so that all fall together. */
Test(pir_rows, keywords_picked_for_equal_top_bits_are_sorted)
{
    struct fixture_rows rows = fixture_rows_new(20000, 0, 1, 7);
    struct pir_row *picked = mem_alloc(rows.count, sizeof *picked);
    struct pir_partition *partition = NULL;
    size_t picked_count = 0;
    for (size_t i = 0; i < rows.count; i++)
        if (keyword_hash(rows.rows[i].keyword) >> 57 == 3)
            picked[picked_count++] = rows.rows[i];
    cr_assert_gt(picked_count, 100);
    const struct pir_rows view = pir_rows_of_array(picked, picked_count);
    cr_assert_eq(pir_partition_new(&view, 1, &BY_HASH, NULL, &partition, NULL), STATUS_OK);
    size_t count;
    const struct pir_partition_entry *entries = pir_partition_shard(partition, 0, &count);
    cr_assert_eq(count, picked_count);
    for (size_t i = 1; i < count; i++)
        cr_assert_lt(entries[i - 1].hash, entries[i].hash);
    pir_partition_free(partition);
    mem_free(picked);
    fixture_rows_free(&rows);
}

static struct span one_keyword(const void *context, size_t row)
{
    (void)row;
    return span_of_text(context);
}

Test(pir_rows, the_same_keyword_twice_is_refused_also_with_equal_values)
{
    struct fixture_rows rows = fixture_rows_new(1000, 1, 1, 2);
    struct pir_partition *partition = NULL;
    struct error error;
    rows.rows[700] = rows.rows[3];
    const struct pir_rows view = pir_rows_of_array(rows.rows, rows.count);
    cr_assert_eq(pir_partition_new(&view, 4, &BY_HASH, NULL, &partition, &error), STATUS_EXISTS);
    cr_assert_str_eq(error.message, "rows 3 and 700 have the same keyword");
    cr_assert_null(partition);
    fixture_rows_free(&rows);

    /* A million identical lines end at once, not after a million times a million looks. */
    const struct pir_rows identical = {.count = 1000000,
                                       .context = "example.com/",
                                       .keyword = one_keyword,
                                       .constant_value = span_of("1", 1)};
    cr_assert_eq(pir_partition_new(&identical, 1, &BY_HASH, NULL, &partition, &error),
                 STATUS_EXISTS);
    cr_assert_str_eq(error.message, "rows 0 and 1 have the same keyword");
}

Test(pir_rows, no_rows_make_empty_shards)
{
    const struct pir_rows none = pir_rows_of_array(NULL, 0);
    struct pir_partition *partition = NULL;
    size_t count = 1;
    cr_assert_eq(pir_partition_new(&none, 3, &BY_HASH, NULL, &partition, NULL), STATUS_OK);
    (void)pir_partition_shard(partition, 2, &count);
    cr_assert_eq(count, 0);
    cr_assert_eq(pir_partition_largest_shard(partition), 0);
    pir_partition_free(partition);
}

Test(pir_rows, refuses_shard_counts_out_of_range)
{
    const struct pir_rows none = pir_rows_of_array(NULL, 0);
    const struct sharding zero = {.function = SHARDING_DOUBLE_MOD};
    struct pir_partition *partition = NULL;
    cr_assert_eq(pir_partition_new(&none, 0, &BY_HASH, NULL, &partition, NULL), STATUS_INVALID);
    cr_assert_eq(pir_partition_new(&none, PIR_SHARDS_MAX + 1, &BY_HASH, NULL, &partition, NULL),
                 STATUS_INVALID);
    cr_assert_eq(pir_partition_new(&none, 2, &zero, NULL, &partition, NULL), STATUS_INVALID);
    const struct pir_rows many = {.count = UINT32_MAX};
    cr_assert_eq(pir_partition_new(&many, 1, &BY_HASH, NULL, &partition, NULL), STATUS_TOO_LARGE);
}

Test(pir_rows, every_failed_allocation_is_reported)
{
    struct fixture_rows rows = fixture_rows_new(100, 1, 1, 3);
    const struct pir_rows view = pir_rows_of_array(rows.rows, rows.count);
    size_t n = 1;
    for (;; n++) {
        struct pir_partition *partition = NULL;
        mem_fail_nth(n);
        const enum status st = pir_partition_new(&view, 4, &BY_HASH, NULL, &partition, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        pir_partition_free(partition);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
    }
    cr_assert_gt(n, 5);
    fixture_rows_free(&rows);
}
