#include "lists/origins_file.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[] = {"ads", "schools/a.txt"};
static char folder[] = "/tmp/test_origins.XXXXXX";
static char path[64];

static struct key_table *table_of(const char *const *keys, size_t count)
{
    struct key_table *table = NULL;
    cr_assert_eq(key_table_new(&table, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        const struct key_origin origin = {.source = (uint16_t)(i % 2), .line = (uint32_t)i + 10};
        cr_assert_eq(key_table_add(table, span_of_text(keys[i]), origin, NULL), STATUS_OK);
    }
    cr_assert_eq(key_table_finish(table, NULL, NULL), STATUS_OK);
    return table;
}

/* Writes the file of a small selection; source_count 1 leaves some keys without a source. */
static enum status write_file(size_t source_count)
{
    static const char *const block[] = {"b.com", "x.b.com", "a.com", "c.com", "b.com"};
    static const char *const allow[] = {"a.com"};
    static const char *const cancel[] = {"c.com"};
    const struct key_selection_options options = {.keep_covered = false};
    const struct random_source random = random_system();
    struct key_table *tables[] = {table_of(block, 5), table_of(allow, 1), table_of(cancel, 1)};
    const struct key_tables all = {.block = tables[0], .allow = tables[1], .cancel = tables[2]};
    struct public_suffixes *suffixes = NULL;
    struct key_selection *selection = NULL;
    struct file_writer *writer = NULL;
    cr_assert_eq(public_suffixes_new(&suffixes, NULL), STATUS_OK);
    cr_assert_eq(key_selection_new(&all, &options, suffixes, &random, NULL, &selection, NULL),
                 STATUS_OK);
    cr_assert_eq(file_writer_new(path, FILE_MODE_PUBLIC, &writer, NULL), STATUS_OK);
    const enum status status =
        origins_file_write(writer, &all, selection, names, source_count, NULL);
    if (status == STATUS_OK)
        cr_assert_eq(file_writer_commit(writer, NULL), STATUS_OK);
    else
        file_writer_cancel(writer);
    key_selection_free(selection);
    public_suffixes_free(suffixes);
    for (size_t i = 0; i < 3; i++)
        key_table_free(tables[i]);
    return status;
}

static struct bytes file;

static void make(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/origins", folder);
    cr_assert_eq(write_file(2), STATUS_OK);
    bytes_init(&file, 4096);
    cr_assert_eq(file_read(path, &file, NULL), STATUS_OK);
}
static void unmake(void)
{
    bytes_deinit(&file);
    folder_remove(folder);
}
TestSuite(origins_file, .init = make, .fini = unmake);

static void check(const struct origins *origins, const char *text, const char *source,
                  uint32_t line, enum key_fate fate, const char *by)
{
    size_t index = 0;
    struct origins_key key;
    struct origins_key taker = {.key = span_of_text("")};
    cr_assert_eq(origins_find(origins, ORIGINS_BLOCK, span_of_text(text), &index, NULL), STATUS_OK);
    cr_assert_eq(origins_at(origins, ORIGINS_BLOCK, index, &key, NULL), STATUS_OK, "%s", text);
    cr_expect(span_equal(key.key, span_of_text(text)));
    cr_expect(span_equal(key.source, span_of_text(source)), "%s", text);
    cr_expect_eq(key.line, line, "%s", text);
    cr_expect_eq(key.fate, fate, "%s", text);
    if (key.by != KEY_TABLE_NONE)
        cr_assert_eq(origins_at(origins, origins_taker(key.fate), key.by, &taker, NULL), STATUS_OK);
    cr_expect(span_equal(taker.key, span_of_text(by)), "%s", text);
}

Test(origins_file, what_is_written_is_found)
{
    struct origins origins;
    size_t index = 0;
    cr_assert_eq(origins_open(bytes_view(&file), &origins, NULL), STATUS_OK);
    check(&origins, "b.com", "ads", 10, KEY_KEPT, "");
    check(&origins, "x.b.com", "schools/a.txt", 11, KEY_COVERED, "b.com");
    check(&origins, "a.com", "ads", 12, KEY_ALLOWED, "a.com");
    check(&origins, "c.com", "schools/a.txt", 13, KEY_CANCELLED, "c.com");
    cr_assert_eq(origins_find(&origins, ORIGINS_BLOCK, span_of_text("d.com"), &index, NULL),
                 STATUS_OK);
    cr_expect_eq(index, KEY_TABLE_NONE);
    struct origins_key key;
    cr_assert_eq(origins_find(&origins, ORIGINS_BLOCK, span_of_text("b.com"), &index, NULL),
                 STATUS_OK);
    cr_assert_eq(origins_at(&origins, ORIGINS_BLOCK, index, &key, NULL), STATUS_OK);
    cr_expect_eq(key.more_origins, 1);
    cr_expect_eq(origins_at(&origins, ORIGINS_BLOCK, 4, &key, NULL), STATUS_MALFORMED);
    cr_expect_eq(write_file(1), STATUS_INVALID, "a source without a name");
}

/* Reads all there is; what comes out does not matter. */
static void read_all(struct span bytes)
{
    struct origins origins;
    if (origins_open(bytes, &origins, NULL) != STATUS_OK)
        return;
    for (int table = 0; table < ORIGINS_TABLE_COUNT; table++) {
        for (size_t i = 0; i <= origins.counts[table]; i++) {
            struct origins_key key;
            size_t index = 0;
            if (origins_at(&origins, (enum origins_table)table, i, &key, NULL) == STATUS_OK)
                cr_assert_leq(
                    origins_find(&origins, (enum origins_table)table, key.key, &index, NULL),
                    STATUS_MALFORMED);
        }
    }
}

Test(origins_file, cut_short_it_is_refused_and_damage_stays_inside)
{
    struct origins origins;
    const struct span whole = bytes_view(&file);
    for (size_t size = 0; size <= whole.size; size++) {
        uint8_t *copy = mem_alloc(size + 1, 1); /* exact, for the sanitizers */
        cr_assert_not_null(copy);
        memcpy(copy, whole.data, size);
        cr_expect_eq(origins_open(span_of(copy, size), &origins, NULL),
                     size < whole.size ? STATUS_MALFORMED : STATUS_OK, "%zu bytes", size);
        mem_free(copy);
    }
    uint8_t *copy = mem_alloc(whole.size, 1);
    cr_assert_not_null(copy);
    for (size_t at = 0; at < whole.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, whole.data, whole.size);
            copy[at] ^= (uint8_t)(1U << bit);
            read_all(span_of(copy, whole.size));
        }
    }
    mem_free(copy);
}
