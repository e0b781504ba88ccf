#include "urls/row_set.h"

#include "base/mem.h"
#include "base/random.h"
#include "tests/patience.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct row_set *make(void)
{
    struct row_set *rows = NULL;
    cr_assert_eq(row_set_new(&rows, NULL), STATUS_OK);
    return rows;
}

static void finish(struct row_set *rows)
{
    cr_assert_eq(row_set_finish(rows, NULL, NULL), STATUS_OK);
}

static void check_sorted(const struct row_set *rows)
{
    for (size_t i = 1; i < row_set_count(rows); i++)
        cr_assert_lt(span_compare(row_set_at(rows, i - 1), row_set_at(rows, i)), 0, "row %zu", i);
}

Test(row_set, sorts_bytewise_and_drops_repeats)
{
    static const char *const in[] = {"b", "a", "ab", "a/", "", "b", "\xff", "A", "ab"};
    static const char *const out[] = {"", "A", "a", "a/", "ab", "b", "\xff"};
    struct row_set *rows = make();
    for (size_t i = 0; i < ARRAY_COUNT(in); i++)
        cr_assert_eq(row_set_add(rows, span_of_text(in[i]), NULL), STATUS_OK);
    cr_assert_eq(row_set_count(rows), ARRAY_COUNT(in));
    finish(rows);
    cr_assert_eq(row_set_count(rows), ARRAY_COUNT(out));
    for (size_t i = 0; i < ARRAY_COUNT(out); i++)
        cr_assert(span_equal(row_set_at(rows, i), span_of_text(out[i])), "row %zu", i);
    cr_assert(span_equal(row_set_text(rows), span_of_text("\nA\na\na/\nab\nb\n\xff\n")));
    cr_assert(row_set_has(rows, span_of_text("a/")));
    cr_assert(row_set_has(rows, span_of_text("")));
    cr_assert_not(row_set_has(rows, span_of_text("a//")));
    row_set_free(rows);
}

Test(row_set, an_empty_set_is_fine)
{
    struct row_set *rows = make();
    finish(rows);
    cr_assert_eq(row_set_count(rows), 0);
    cr_assert_not(row_set_has(rows, span_of_text("a")));
    row_set_free(rows);
    row_set_free(NULL);
}

/* NUL bytes look like the end of a key in the cached words. */
Test(row_set, nul_bytes_and_ends_are_told_apart)
{
    struct row_set *rows = make();
    static const uint8_t zeros[40];
    for (size_t size = 0; size <= 40; size++) {
        for (int twice = 0; twice < 2; twice++)
            cr_assert_eq(row_set_add(rows, span_of(zeros, 40 - size), NULL), STATUS_OK);
    }
    finish(rows);
    cr_assert_eq(row_set_count(rows), 41);
    check_sorted(rows);
    row_set_free(rows);
}

static int by_bytes(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    return span_compare(*x, *y);
}

/* Against qsort, on keys with few distinct bytes, so that many share long beginnings. */
Test(row_set, agrees_with_qsort)
{
    enum { KEYS = 20000, LONGEST = 40 };
    static uint8_t bytes[KEYS][LONGEST];
    static struct span spans[KEYS];
    const uint8_t seed[RANDOM_SEED_BYTES] = {1};
    struct random_seeded random;
    (void)random_seeded_init(&random, seed);
    for (unsigned alphabet = 1; alphabet <= 256; alphabet *= 4) {
        struct row_set *rows = make();
        for (size_t i = 0; i < KEYS; i++) {
            const size_t size = (size_t)random_seeded_below(&random, LONGEST + 1);
            for (size_t j = 0; j < size; j++)
                bytes[i][j] = (uint8_t)random_seeded_below(&random, alphabet);
            spans[i] = span_of(bytes[i], size);
            cr_assert_eq(row_set_add(rows, spans[i], NULL), STATUS_OK);
        }
        finish(rows);
        qsort(spans, KEYS, sizeof spans[0], by_bytes);
        size_t unique = 0;
        for (size_t i = 0; i < KEYS; i++) {
            if (i > 0 && span_equal(spans[i], spans[i - 1]))
                continue;
            cr_assert_lt(unique, row_set_count(rows));
            cr_assert(span_equal(row_set_at(rows, unique), spans[i]), "alphabet %u, row %zu",
                      alphabet, unique);
            unique++;
        }
        cr_assert_eq(unique, row_set_count(rows));
        row_set_free(rows);
    }
}

/* Keys in order, with repeats and with one key out of order at either end or inside. */
Test(row_set, keys_in_order_and_nearly_so)
{
    enum { KEYS = 1000 };
    for (size_t wrong = 0; wrong <= KEYS; wrong += KEYS / 4) {
        struct row_set *rows = make();
        for (size_t i = 0; i < KEYS; i++) {
            char text[32];
            const size_t value = i == wrong ? 0 : i / 2 * 2 + 1;
            const int size = snprintf(text, sizeof text, "shared.example/%04zu", value);
            cr_assert_eq(row_set_add(rows, span_of(text, (size_t)size), NULL), STATUS_OK);
        }
        finish(rows);
        cr_assert_eq(row_set_count(rows), KEYS / 2 + (wrong < KEYS ? 1 : 0));
        check_sorted(rows);
        row_set_free(rows);
    }
}

/* Sizes that would take minutes if the sort were quadratic. */
Test(row_set, hostile_inputs_stay_fast, .timeout = PATIENCE_OF_TEST_S)
{
    struct row_set *rows = make();
    for (size_t i = 0; i < 1000000; i++)
        cr_assert_eq(row_set_add(rows, span_of_text("ads.example.com/the/same"), NULL), STATUS_OK);
    finish(rows);
    cr_assert_eq(row_set_count(rows), 1);
    row_set_free(rows);

    rows = make();
    static uint8_t longest[8192];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < 20000; i++) {
        const size_t size = 8192 - i % 4096;
        longest[size - 1] = (uint8_t)('b' + i % 7);
        cr_assert_eq(row_set_add(rows, span_of(longest, size), NULL), STATUS_OK);
        longest[size - 1] = 'a';
    }
    finish(rows);
    check_sorted(rows);
    row_set_free(rows);

    rows = make();
    for (size_t i = 0; i < 200000; i++) { /* organ pipe */
        char text[32];
        const int size = snprintf(text, sizeof text, "%07zu", i < 100000 ? i : 200000 - i);
        cr_assert_eq(row_set_add(rows, span_of(text, (size_t)size), NULL), STATUS_OK);
    }
    finish(rows);
    cr_assert_eq(row_set_count(rows), 100001);
    check_sorted(rows);
    row_set_free(rows);
}

Test(row_set, every_failed_allocation_is_a_status)
{
    for (size_t n = 1;; n++) {
        struct row_set *rows = NULL;
        mem_fail_nth(n);
        enum status status = row_set_new(&rows, NULL);
        size_t added = 0;
        for (size_t i = 0; i < 40000 && status == STATUS_OK; i++) {
            char text[64];
            const int size = snprintf(text, sizeof text, "%063zu", i);
            status = row_set_add(rows, span_of(text, (size_t)size), NULL);
            added += status == STATUS_OK;
        }
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        if (failed)
            cr_assert_eq(status, STATUS_NOMEM);
        if (rows != NULL) {
            cr_assert_eq(row_set_count(rows), added);
            finish(rows);
            check_sorted(rows);
        }
        row_set_free(rows);
        if (!failed)
            break;
        cr_assert_lt(n, 50);
    }
}

Test(row_set, every_failed_allocation_at_the_end_is_a_status)
{
    for (size_t n = 1;; n++) {
        struct row_set *rows = make();
        cr_assert_eq(row_set_add(rows, span_of_text("b"), NULL), STATUS_OK);
        cr_assert_eq(row_set_add(rows, span_of_text("a"), NULL), STATUS_OK);
        mem_fail_nth(n);
        const enum status status = row_set_finish(rows, NULL, NULL);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, failed ? STATUS_NOMEM : STATUS_OK, "allocation %zu", n);
        row_set_free(rows);
        if (!failed)
            break;
        cr_assert_lt(n, 20);
    }
}

/* Numbered keys, most of them with the same first eight bytes, in a scattered order, some twice. */
static void add_scattered(struct row_set *rows, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        char text[64];
        const size_t number = i * 7919 % 100003;
        const int size =
            snprintf(text, sizeof text, "%s%zu", number % 3 == 0 ? "" : "a long beginning", number);
        cr_assert_eq(row_set_add(rows, span_of(text, (size_t)size), NULL), STATUS_OK);
    }
}

Test(row_set, parts_and_threads_make_no_difference)
{
    enum { KEYS = 150000, PARTS = 7 };
    const size_t share = (KEYS - 5) / PARTS;
    struct row_set *expected = make();
    add_scattered(expected, 0, KEYS);
    finish(expected);
    cr_assert_eq(row_set_count(expected), 100003);
    check_sorted(expected);
    for (size_t workers = 0; workers < 4; workers++) {
        struct thread_pool *pool = NULL;
        struct row_set *parts[PARTS + 1];
        struct row_set *rows = make();
        cr_assert_eq(thread_pool_new(workers, 1, &pool, NULL), STATUS_OK);
        add_scattered(rows, 0, 5);
        for (size_t i = 0; i < PARTS; i++) {
            parts[i] = make();
            add_scattered(parts[i], 3, 1); /* gone with the next line */
            row_set_clear(parts[i]);
            add_scattered(parts[i], 5 + i * share, share);
        }
        parts[PARTS] = make();
        const size_t before = 5 + share * PARTS;
        add_scattered(rows, before, KEYS - before);
        cr_assert_eq(row_set_join(rows, parts, PARTS + 1, pool, NULL), STATUS_OK);
        cr_assert_eq(row_set_count(rows), KEYS);
        cr_assert_eq(row_set_finish(rows, pool, NULL), STATUS_OK);
        cr_assert_eq(row_set_count(rows), row_set_count(expected));
        cr_assert(span_equal(row_set_text(rows), row_set_text(expected)), "%zu workers", workers);
        for (size_t i = 0; i <= PARTS; i++)
            row_set_free(parts[i]);
        row_set_free(rows);
        thread_pool_free(pool);
    }
    row_set_free(expected);
}
