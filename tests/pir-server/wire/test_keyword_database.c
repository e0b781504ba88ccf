#include "pir-server/wire/keyword_database.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static struct error error;

struct seen {
    size_t rows;
    struct bytes all; /* keyword, '=', value, ';' of each row */
    size_t fail_at;   /* 0 = never */
};

static enum status take(void *context, struct span keyword, struct span value, struct error *err)
{
    struct seen *seen = context;
    seen->rows++;
    bytes_append(&seen->all, keyword);
    bytes_append_u8(&seen->all, '=');
    bytes_append(&seen->all, value);
    bytes_append_u8(&seen->all, ';');
    if (seen->rows == seen->fail_at)
        return error_set(err, STATUS_EXISTS, "no more");
    return STATUS_OK;
}

static enum status read_rows(struct span in, enum wire_form form, struct seen *ret)
{
    bytes_init(&ret->all, WIRE_HELP_MAX_BYTES);
    return keyword_database_read(in, form, take, ret, &error);
}

static void has_rows(struct span in, enum wire_form form, const char *expected)
{
    struct seen seen = {0};
    const enum status st = read_rows(in, form, &seen);
    cr_assert_eq(st, STATUS_OK, "%s", error.message);
    cr_assert(span_equal(bytes_view(&seen.all), span_of_text(expected)), "%.*s", (int)seen.all.size,
              (const char *)seen.all.data);
    bytes_deinit(&seen.all);
}

static void has_binary_rows(const char *hex, const char *expected)
{
    struct bytes in = from_hex(hex);
    has_rows(bytes_view(&in), WIRE_BINARY, expected);
    bytes_deinit(&in);
}

static void is_refused(const char *hex, enum status expected, const char *said)
{
    struct bytes in = from_hex(hex);
    struct seen seen = {0};
    cr_assert_eq(read_rows(bytes_view(&in), WIRE_BINARY, &seen), expected, "%s", hex);
    cr_assert(says(&error, said), "%s: %s", hex, error.message);
    bytes_deinit(&seen.all);
    bytes_deinit(&in);
}

Test(keyword_database, binary_rows)
{
    has_binary_rows("", "");
    has_binary_rows("0a06 0a0161 120131", "a=1;");
    has_binary_rows("0a06 120131 0a0161 0a00", "a=1;=;");
    has_binary_rows("0a06 0a0161 0a0162", "b=;");
    /* unknown fields of every wire type */
    has_binary_rows("1005 0a19 0a0161 1805 1a0178 21 0102030405060708 120132 2501020304 2d04030201",
                    "a=2;");
}

Test(keyword_database, broken_binary_is_refused)
{
    is_refused("0a06 0a0161 1201", STATUS_MALFORMED, "byte 0");
    is_refused("0a03 0a0161 0a05", STATUS_MALFORMED, "byte 5");
    is_refused("0a03 0a0261", STATUS_MALFORMED, "byte 0: row: not well-formed");
    is_refused("0805", STATUS_MALFORMED, "rows is no message");
    is_refused("0a02 0805", STATUS_MALFORMED, "its field 1 is no byte string");
    is_refused("0b", STATUS_MALFORMED, "not a keyword database");
    is_refused("00", STATUS_MALFORMED, "not a keyword database");
    is_refused("0affffffffffffffffff7f", STATUS_MALFORMED, "not a keyword database");
    is_refused("80808080808080808080808001", STATUS_MALFORMED, "not a keyword database");
    is_refused("255044462d312e37", STATUS_MALFORMED, "not a keyword database");
}

Test(keyword_database, text_rows)
{
    has_rows(span_of_text(""), WIRE_TEXT, "");
    has_rows(span_of_text("rows { keyword: 'a' value: '1' } rows: [ {}, < value: 'x\\x41' > ]"),
             WIRE_TEXT, "a=1;=;=xA;");
    struct seen seen = {0};
    cr_assert_eq(
        read_rows(span_of_text("rows {\n  keyword: 'a'\n  values: '1'\n}"), WIRE_TEXT, &seen),
        STATUS_MALFORMED);
    cr_assert(says(&error, "line 3, column 3"), "%s", error.message);
    bytes_deinit(&seen.all);
}

Test(keyword_database, a_row_can_end_the_reading)
{
    struct seen seen = {.fail_at = 2};
    cr_assert_eq(read_rows(span_of_text("rows {}\nrows {}\nrows {}"), WIRE_TEXT, &seen),
                 STATUS_EXISTS);
    cr_assert_eq(seen.rows, 2);
    cr_assert_str_eq(error.message, "line 2, column 6: no more");
    bytes_deinit(&seen.all);

    struct bytes in = from_hex("0a00 0a00 0a00");
    seen = (struct seen){.fail_at = 2};
    cr_assert_eq(read_rows(bytes_view(&in), WIRE_BINARY, &seen), STATUS_EXISTS);
    cr_assert_str_eq(error.message, "byte 2: no more");
    bytes_deinit(&seen.all);
    bytes_deinit(&in);
}

Test(keyword_database, a_row_has_a_limit)
{
    const size_t size = WIRE_ROW_MAX_BYTES + 100;
    uint8_t *in = mem_alloc(size, 1);
    struct seen seen = {0};
    memset(in, 'x', size);
    memcpy(in, "rows { keyword: '", 17);
    in[size - 2] = '\'';
    in[size - 1] = '}';
    cr_assert_eq(read_rows(span_of(in, size), WIRE_TEXT, &seen), STATUS_TOO_LARGE);
    bytes_deinit(&seen.all);
    /* 0a <size> in binary */
    memcpy(in, "\x0a\x81\x80\x80\x08", 5);
    cr_assert_eq(read_rows(span_of(in, size), WIRE_BINARY, &seen), STATUS_TOO_LARGE, "%s",
                 error.message);
    bytes_deinit(&seen.all);
    mem_free(in);
}

static void round_trip(const char *name)
{
    char folder[] = "/tmp/keyword_database.XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char *path = path_join(folder, name);
    struct keyword_database_writer *writer = NULL;
    cr_assert_eq(keyword_database_writer_new(path, &writer, &error), STATUS_OK);
    keyword_database_writer_add(writer, span_of_text("a"), span_of_text("1"));
    keyword_database_writer_add(writer, span_of("\0\xff\"", 3), span_of_text("\n\\"));
    keyword_database_writer_add(writer, span_of(NULL, 0), span_of(NULL, 0));
    cr_assert_eq(keyword_database_writer_commit(writer, &error), STATUS_OK, "%s", error.message);
    struct seen seen = {0};
    bytes_init(&seen.all, 1000);
    cr_assert_eq(keyword_database_read_file(path, take, &seen, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert(span_equal(bytes_view(&seen.all), span_of("a=1;\0\xff\"=\n\\;=;", 13)));
    bytes_deinit(&seen.all);

    /* A failure leaves the old file. */
    uint8_t *large = mem_alloc_zeroed(WIRE_ROW_MAX_BYTES + 1, 1);
    cr_assert_eq(keyword_database_writer_new(path, &writer, &error), STATUS_OK);
    keyword_database_writer_add(writer, span_of(large, WIRE_ROW_MAX_BYTES + 1), span_of(NULL, 0));
    keyword_database_writer_add(writer, span_of_text("b"), span_of_text("1"));
    cr_assert_eq(keyword_database_writer_commit(writer, &error), STATUS_TOO_LARGE);
    cr_assert_eq(keyword_database_writer_new(path, &writer, &error), STATUS_OK);
    keyword_database_writer_cancel(writer);
    keyword_database_writer_cancel(NULL);
    seen = (struct seen){0};
    bytes_init(&seen.all, 1000);
    cr_assert_eq(keyword_database_read_file(path, take, &seen, &error), STATUS_OK);
    cr_assert_eq(seen.rows, 3);
    bytes_deinit(&seen.all);
    mem_free(large);

    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text("\x0f"), &error), STATUS_OK);
    cr_assert_eq(keyword_database_read_file(path, take, &seen, &error), STATUS_MALFORMED);
    cr_assert(says(&error, path), "%s", error.message);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(keyword_database_read_file(path, take, &seen, &error), STATUS_NOT_FOUND);
    cr_assert_eq(rmdir(folder), 0);
    mem_free(path);
}

Test(keyword_database, files_in_text)
{
    round_trip("rows.txtpb");
}

Test(keyword_database, files_in_binary)
{
    round_trip("rows.binpb");
}

Test(keyword_database, text_is_written_as_the_reference_writes_it)
{
    char folder[] = "/tmp/keyword_database.XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char *path = path_join(folder, "rows.txtpb");
    struct keyword_database_writer *writer = NULL;
    struct bytes file;
    bytes_init(&file, 1000);
    cr_assert_eq(keyword_database_writer_new(path, &writer, &error), STATUS_OK);
    keyword_database_writer_add(writer, span_of_text("a"), span_of_text("1"));
    keyword_database_writer_add(writer, span_of(NULL, 0), span_of_text("1"));
    cr_assert_eq(keyword_database_writer_commit(writer, &error), STATUS_OK);
    cr_assert_eq(file_read(path, &file, &error), STATUS_OK);
    cr_assert(
        span_equal(bytes_view(&file), span_of_text("rows {\n  keyword: \"a\"\n  value: \"1\"\n}\n"
                                                   "rows {\n  value: \"1\"\n}\n")));
    bytes_deinit(&file);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(folder), 0);
    mem_free(path);
}

Test(keyword_database, reads_the_reference_databases)
{
    static const struct {
        const char *path;
        size_t rows;
    } sets[] = {
        {"pir/small/database.txtpb", 300},
        {"pir/sharded/database.txtpb", 8000},
        {"pir/fixed-buckets/database.txtpb", 3000},
    };
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        struct bytes file = vector_file(sets[i].path);
        struct seen seen = {0};
        if (file.size == 0)
            cr_skip_test("no reference vectors");
        cr_assert_eq(read_rows(bytes_view(&file), WIRE_TEXT, &seen), STATUS_OK, "%s",
                     error.message);
        cr_assert_eq(seen.rows, sets[i].rows, "%s", sets[i].path);
        bytes_deinit(&seen.all);
        bytes_deinit(&file);
    }
}

static enum status count(void *context, struct span keyword, struct span value, struct error *err)
{
    (void)err;
    *(size_t *)context += keyword.size + value.size > 0;
    return STATUS_OK;
}

/* Of processor time: many times what is usual, and nothing against what is quadratic. */
#define LATE_NS ((uint64_t)60000000000)

Test(keyword_database, a_million_rows_take_little_time_and_memory)
{
    struct bytes text;
    size_t rows = 0;
    bytes_init(&text, (size_t)256 << 20);
    for (unsigned i = 0; i < 1000000; i++)
        bytes_append_format(
            &text, "rows {\n  keyword: \"host%u.example.com/path\"\n  value: \"1\"\n}\n", i);
    struct rusage before;
    struct rusage after;
    getrusage(RUSAGE_SELF, &before);
    const uint64_t start = cpu_thread_ns();
    cr_assert_eq(keyword_database_read(bytes_view(&text), WIRE_TEXT, count, &rows, &error),
                 STATUS_OK);
    const uint64_t busy_ns = cpu_thread_ns() - start;
    getrusage(RUSAGE_SELF, &after);
    cr_assert_eq(rows, 1000000);
    cr_assert_lt(busy_ns, LATE_NS);
    cr_assert_lt(after.ru_maxrss - before.ru_maxrss, 8 * 1024);
    bytes_deinit(&text);
}

Test(keyword_database, every_failed_allocation_is_reported)
{
    for (size_t n = 1;; n++) {
        size_t rows = 0;
        mem_fail_nth(n);
        const enum status st = keyword_database_read(span_of_text("rows { keyword: 'a' }"),
                                                     WIRE_TEXT, count, &rows, NULL);
        const bool pending = mem_fail_pending();
        mem_fail_nth(0);
        if (pending) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 1);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
    }
}
