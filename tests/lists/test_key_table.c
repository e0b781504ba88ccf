#include "lists/key_table.h"

#include "base/mem.h"
#include "lists/key_index.h"
#include "urls/key_cover.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct random_seeded seeded;

static struct random_source source(void)
{
    return random_seeded_init(&seeded, (const uint8_t[RANDOM_SEED_BYTES]){3});
}

static struct key_table *make(void)
{
    struct key_table *table = NULL;
    cr_assert_eq(key_table_new(&table, NULL), STATUS_OK);
    return table;
}

static void add(struct key_table *table, const char *key, unsigned from, unsigned line)
{
    cr_assert_eq(key_table_add(table, span_of_text(key),
                               (struct key_origin){.source = (uint16_t)from, .line = line}, NULL),
                 STATUS_OK);
}

static void check_origin(const struct key_table *table, const char *key, size_t number,
                         unsigned from, unsigned line)
{
    const size_t index = key_table_find(table, span_of_text(key));
    cr_assert_neq(index, KEY_TABLE_NONE, "%s", key);
    cr_assert_lt(number, key_table_origin_count(table, index));
    const struct key_origin origin = key_table_origin(table, index, number);
    cr_expect_eq(origin.source, from, "%s came from %u", key, origin.source);
    cr_expect_eq(origin.line, line, "%s came from line %u", key, origin.line);
}

Test(key_table, keys_are_sorted_and_keep_all_their_origins)
{
    struct key_table *table = make();
    add(table, "b.com", 1, 70000);
    add(table, "a.com/x", 0, 9);
    add(table, "b.com", 0, 300);
    add(table, "a.com", 65535, UINT32_MAX);
    add(table, "b.com", 1, 7);
    add(table, "b.com", 1, 7); /* the same place twice is one */
    cr_assert_eq(key_table_finish(table, NULL, NULL), STATUS_OK);
    static const char *const keys[] = {"a.com", "a.com/x", "b.com"};
    cr_assert_eq(key_table_count(table), ARRAY_COUNT(keys));
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        cr_expect(span_equal(key_table_at(table, i), span_of_text(keys[i])), "%s", keys[i]);
        cr_expect_eq(key_table_find(table, span_of_text(keys[i])), i);
    }
    cr_expect_eq(key_table_origin_count(table, 2), 3);
    check_origin(table, "b.com", 0, 0, 300);
    check_origin(table, "b.com", 1, 1, 7);
    check_origin(table, "b.com", 2, 1, 70000);
    check_origin(table, "a.com", 0, 65535, UINT32_MAX);
    cr_expect_eq(key_table_find(table, span_of_text("a.com/")), KEY_TABLE_NONE);
    key_table_free(table);
}

Test(key_table, refuses_what_is_no_key)
{
    static uint8_t long_key[KEY_MAX_BYTES + 1];
    memset(long_key, 'a', sizeof long_key);
    struct key_table *table = make();
    const struct key_origin origin = {.source = 0, .line = 1};
    struct error error;
    cr_expect_eq(key_table_add(table, span_of("", 0), origin, &error), STATUS_INVALID);
    cr_expect_eq(key_table_add(table, span_of("a\0b", 3), origin, &error), STATUS_INVALID);
    cr_expect_eq(key_table_add(table, span_of(long_key, sizeof long_key), origin, &error),
                 STATUS_INVALID);
    cr_expect_str_eq(error.message,
                     "a key of 8199 bytes: keys are not empty, have no NUL byte and at most 8198");
    cr_expect_eq(key_table_add(table, span_of(long_key, KEY_MAX_BYTES), origin, NULL), STATUS_OK);
    cr_assert_eq(key_table_finish(table, NULL, NULL), STATUS_OK);
    cr_expect_eq(key_table_count(table), 1);
    key_table_free(table);
    key_table_free(NULL);
}

Test(key_table, empty_tables_are_fine)
{
    struct key_table *table = make();
    struct key_index *index = NULL;
    const struct random_source random = source();
    cr_assert_eq(key_table_finish(table, NULL, NULL), STATUS_OK);
    cr_expect_eq(key_table_count(table), 0);
    cr_expect_eq(key_table_find(table, span_of_text("a")), KEY_TABLE_NONE);
    cr_assert_eq(key_index_new(table, &random, &index, NULL), STATUS_OK);
    cr_expect_eq(key_index_find(index, span_of_text("a")), KEY_TABLE_NONE);
    key_index_free(index);
    key_index_free(NULL);
    key_table_free(table);
}

/* Sorted on a pool, and looked up by hash and by search, as a plain loop expects. */
Test(key_table, large_tables_are_sorted_and_searched)
{
    enum { SOURCES = 3, KEYS = 40000 };
    struct thread_pool *pool = NULL;
    struct key_table *table = make();
    struct key_index *index = NULL;
    const struct random_source random = source();
    cr_assert_eq(thread_pool_new(2, 1, &pool, NULL), STATUS_OK);
    for (unsigned source_index = 0; source_index < SOURCES; source_index++) {
        for (unsigned i = 0; i < KEYS; i++) {
            char key[32];
            snprintf(key, sizeof key, "h%u.example.com", i * (SOURCES - source_index) % KEYS);
            add(table, key, source_index, i + 1);
        }
    }
    cr_assert_eq(key_table_finish(table, pool, NULL), STATUS_OK);
    cr_assert_eq(key_index_new(table, &random, &index, NULL), STATUS_OK);
    cr_assert_eq(key_table_count(table), KEYS);
    size_t origins = 0;
    for (size_t i = 0; i < KEYS; i++) {
        const struct span key = key_table_at(table, i);
        if (i > 0)
            cr_assert_lt(span_compare(key_table_at(table, i - 1), key), 0);
        cr_assert_eq(key_index_find(index, key), i);
        cr_assert_eq(key_table_find(table, key), i);
        cr_assert_eq(key_index_find(index, span_part(key, 1, key.size - 1)), KEY_TABLE_NONE);
        cr_assert_eq(key_index_find(index, span_part(key, 0, key.size - 1)), KEY_TABLE_NONE);
        origins += key_table_origin_count(table, i);
    }
    cr_expect_eq(origins, SOURCES * KEYS);
    check_origin(table, "h5.example.com", 1, 2, 6);
    key_index_free(index);
    key_table_free(table);
    thread_pool_free(pool);
}

static enum status make_all(struct key_table **ret_table, struct key_index **ret_index)
{
    struct key_table *table = NULL;
    const struct random_source random = source();
    enum status status = key_table_new(&table, NULL);
    for (uint32_t i = 1; i <= 3 && status == STATUS_OK; i++)
        status = key_table_add(table, span_of_text("a.com"), (struct key_origin){.line = i}, NULL);
    if (status == STATUS_OK)
        status = key_table_finish(table, NULL, NULL);
    if (status == STATUS_OK)
        status = key_index_new(table, &random, ret_index, NULL);
    *ret_table = table;
    return status;
}

Test(key_table, every_failed_allocation_is_reported)
{
    for (size_t n = 1;; n++) {
        struct key_table *table = NULL;
        struct key_index *index = NULL;
        mem_fail_nth(n);
        const enum status status = make_all(&table, &index);
        const bool is_pending = mem_fail_pending();
        mem_fail_nth(0);
        if (status == STATUS_OK)
            cr_expect_eq(key_index_find(index, span_of_text("a.com")), 0);
        else
            cr_expect_eq(status, STATUS_NOMEM);
        key_index_free(index);
        key_table_free(table);
        if (is_pending) {
            cr_expect_gt(n, 5);
            return;
        }
    }
}
