#include "urls/list_reading.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "tests/patience.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What a reading told, a line each, and the keys. */
struct account {
    struct bytes told;
    struct bytes bytes;
    struct list_counts counts;
    struct row_set *rows;
};

static char folder[] = "/tmp/test_list_reading.XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}
static void remove_folder(void)
{
    folder_remove(folder);
}
TestSuite(list_reading, .init = make_folder, .fini = remove_folder);

static enum status on_key(void *context, const struct list_key *key, struct error *err)
{
    struct account *account = context;
    return row_set_add(account->rows, key->text, err);
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    struct account *account = context;
    bytes_append_format(&account->told, "%s:%llu %s ", place->file, (unsigned long long)place->line,
                        drop_reason_name(reason));
    bytes_append(&account->told, place->text);
    bytes_append_text(&account->told, "\n");
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    struct account *account = context;
    bytes_append_format(&account->told, "%s:%llu ~", place->file, (unsigned long long)place->line);
    bytes_append(&account->told, place->text);
    bytes_append_text(&account->told, " ");
    bytes_append(&account->told, key);
    bytes_append_text(&account->told, "\n");
}

static void on_bytes(void *context, struct span bytes)
{
    struct account *account = context;
    bytes_append(&account->bytes, bytes);
}

static void account_init(struct account *account)
{
    *account = (struct account){.rows = NULL};
    bytes_init(&account->told, SIZE_MAX / 2);
    bytes_init(&account->bytes, SIZE_MAX / 2);
}

static void account_deinit(struct account *account)
{
    bytes_deinit(&account->told);
    bytes_deinit(&account->bytes);
}

/* One parser, line after line: the definition. */
static void parse(const char *name, struct span text, struct account *ret)
{
    const struct list_sink sink = {
        .context = ret, .key = on_key, .drop = on_drop, .widen = on_widen};
    struct list_parser *parser = NULL;
    account_init(ret);
    cr_assert_eq(row_set_new(&ret->rows, NULL), STATUS_OK);
    cr_assert_eq(list_parser_new(NULL, &sink, &parser, NULL), STATUS_OK);
    if (span_starts_with(text, span_of("\xef\xbb\xbf", 3)))
        text = span_part(text, 3, text.size - 3);
    list_parser_begin(parser, name);
    cr_assert_eq(list_parser_text(parser, text, NULL), STATUS_OK);
    list_parser_take_counts(parser, &ret->counts);
    list_parser_free(parser);
    cr_assert_eq(row_set_finish(ret->rows, NULL, NULL), STATUS_OK);
}

static char *write_list(const char *name, struct span text)
{
    char *path = path_join(folder, name);
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, text, NULL), STATUS_OK);
    return path;
}

/* Compares a reading with `workers` + 1 threads with the definition. */
static void check_workers(const char *path, struct span text, const struct account *expected,
                          size_t workers)
{
    struct account got;
    const struct list_reading_sink sink = {
        .context = &got, .bytes = on_bytes, .drop = on_drop, .widen = on_widen};
    struct list_reading *reading = NULL;
    struct thread_pool *pool = NULL;
    account_init(&got);
    cr_assert_eq(thread_pool_new(workers, 1, &pool, NULL), STATUS_OK);
    cr_assert_eq(list_reading_new(NULL, &sink, pool, &reading, NULL), STATUS_OK);
    cr_assert_eq(list_reading_file(reading, path, false, &got.counts, NULL), STATUS_OK);
    cr_assert_eq(memcmp(&got.counts, &expected->counts, sizeof got.counts), 0);
    cr_assert(span_equal(bytes_view(&got.bytes), text));
    cr_assert(span_equal(bytes_view(&got.told), bytes_view(&expected->told)), "%zu workers",
              workers);
    struct row_set *rows = list_reading_rows(reading);
    cr_assert_eq(row_set_count(rows), got.counts.kept);
    cr_assert_eq(row_set_finish(rows, pool, NULL), STATUS_OK);
    cr_assert(span_equal(row_set_text(rows), row_set_text(expected->rows)));
    list_reading_free(reading);
    thread_pool_free(pool);
    account_deinit(&got);
}

static void check(const char *name, struct span text)
{
    struct account expected;
    char *path = write_list(name, text);
    parse(path, text, &expected);
    for (size_t workers = 0; workers < 4; workers += 1 + workers)
        check_workers(path, text, &expected, workers);
    row_set_free(expected.rows);
    account_deinit(&expected);
    mem_free(path);
}

Test(list_reading, small_texts)
{
    static const char *const texts[] = {
        "",
        "\n",
        "\xef\xbb\xbf",
        "\xef\xbb\xbf# list\r\nexample.com\r\nco.uk\r\nlast.example",
        "a.example\nwww.b.example\n\n||c.example^\n",
        "a.example\n[Adblock]\nb.example\n||c.example^",
        "\xef\xbb",
        "no end"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        check("small", span_of_text(texts[i]));
}

static void append_random_line(struct random_seeded *random, struct bytes *text)
{
    const unsigned long long number = random_seeded_below(random, 100000);
    switch (random_seeded_below(random, 12)) {
    case 0:
        bytes_append_format(text, "www.w%llu.example\n", number);
        break;
    case 1:
        bytes_append_format(text, "http://user@h%llu.example/%llu/\r\n", number, number);
        break;
    case 2:
        bytes_append_format(text, "0.0.0.0 a%llu.example b.example localhost # x\n", number);
        break;
    case 3:
        bytes_append_format(text, "||r%llu.example^$third-party\n", number);
        break;
    case 4:
        bytes_append_format(text, "# %llu\n", number);
        break;
    case 5:
        bytes_append_text(text, "co.uk\n");
        break;
    case 6:
        bytes_append_text(text, "\n");
        break;
    default:
        bytes_append_format(text, "h%llu.example/path\n", number);
        break;
    }
}

static void append_many(struct bytes *text, uint8_t c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes_append_u8(text, c);
}

/* Megabytes, so that there are several waves of many pieces; the header stands early, late or
 * nowhere, for it changes what all lines behind it mean. */
Test(list_reading, large_texts, .timeout = PATIENCE_OF_TEST_S)
{
    enum { LINES = 400000 };
    const uint8_t seed[RANDOM_SEED_BYTES] = {7};
    struct random_seeded random;
    (void)random_seeded_init(&random, seed);
    for (size_t header = 0; header <= LINES; header += LINES / 4) {
        struct bytes text;
        bytes_init(&text, (size_t)1 << 28);
        for (size_t i = 0; i < LINES; i++) {
            if (i == header + 17)
                bytes_append_text(&text, " [Adblock Plus 2.0]\n");
            append_random_line(&random, &text);
        }
        bytes_append_text(&text, "last.example");
        check("large", bytes_view(&text));
        bytes_deinit(&text);
    }
}

/* Lines about as long as the limit, a piece, a wave, with and without an end, first and last. */
Test(list_reading, long_lines, .timeout = PATIENCE_OF_TEST_S)
{
    static const size_t sizes[] = {LIST_LINE_MAX_BYTES - 1, LIST_LINE_MAX_BYTES,
                                   LIST_LINE_MAX_BYTES + 1, LIST_LINE_MAX_BYTES + 4,
                                   (size_t)1 << 17,         ((size_t)1 << 22) - 1,
                                   (size_t)1 << 22,         (size_t)9 << 20};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct bytes text;
        bytes_init(&text, (size_t)1 << 28);
        bytes_append_text(&text, "\xef\xbb\xbf");
        append_many(&text, 'a', sizes[i]);
        bytes_append_text(&text, "\nfirst.example\n");
        append_many(&text, 'b', sizes[i]);
        bytes_append_text(&text, "\nsecond.example\n");
        append_many(&text, ' ', sizes[i]);
        bytes_append_text(&text, "[Adblock\nthird.example\n");
        append_many(&text, 'c', sizes[i]);
        check("long", bytes_view(&text));
        bytes_deinit(&text);
    }
}

Test(list_reading, several_lists_and_no_sink)
{
    const struct list_reading_sink sink = {.context = NULL};
    struct list_reading *reading = NULL;
    struct list_counts counts = {0};
    char *a = write_list("a", span_of_text("a.example\n[Adblock]\nco.uk\n"));
    char *b = write_list("b", span_of_text("www.b.example\nco.uk\n"));
    cr_assert_eq(list_reading_new(NULL, &sink, NULL, &reading, NULL), STATUS_OK);
    cr_assert_eq(list_reading_file(reading, a, false, &counts, NULL), STATUS_OK);
    cr_assert_eq(list_reading_file(reading, b, false, &counts, NULL), STATUS_OK);
    cr_assert_eq(counts.lines, 5);
    cr_assert_eq(counts.kept, 2);
    cr_assert_eq(counts.dropped_for[DROP_PATTERN], 1, "the header is the first list's");
    cr_assert_eq(counts.dropped_for[DROP_PUBLIC_SUFFIX], 1);
    cr_assert_eq(row_set_count(list_reading_rows(reading)), 2);
    list_reading_free(reading);
    list_reading_free(NULL);
    mem_free(a);
    mem_free(b);
}

Test(list_reading, what_cannot_be_read_is_named)
{
    const struct list_reading_sink sink = {.context = NULL};
    struct list_reading *reading = NULL;
    struct error error;
    char *missing = path_join(folder, "missing");
    cr_assert_eq(list_reading_new(NULL, &sink, NULL, &reading, NULL), STATUS_OK);
    cr_assert_eq(list_reading_file(reading, missing, false, NULL, &error), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, missing));
    cr_assert_eq(list_reading_file(reading, folder, false, NULL, &error), STATUS_INVALID);
    list_reading_free(reading);
    mem_free(missing);
}

Test(list_reading, failed_allocations_are_statuses, .timeout = PATIENCE_OF_TEST_S)
{
    char *path = write_list("few", span_of_text("www.b.example\nco.uk\nc.example\n"));
    for (size_t n = 1;; n++) {
        struct account account;
        const struct list_reading_sink sink = {
            .context = &account, .drop = on_drop, .widen = on_widen};
        struct list_reading *reading = NULL;
        account_init(&account);
        mem_fail_nth(n);
        enum status status = list_reading_new(NULL, &sink, NULL, &reading, NULL);
        if (status == STATUS_OK)
            status = list_reading_file(reading, path, false, NULL, NULL);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        const bool sink_failed = account.told.status != STATUS_OK;
        list_reading_free(reading);
        account_deinit(&account);
        if (!failed) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        cr_assert(status == STATUS_NOMEM || sink_failed, "allocation %zu", n);
        cr_assert_lt(n, 200);
    }
    mem_free(path);
}
