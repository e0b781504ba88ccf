#include "base/line_reader.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/blindlist-lines-XXXXXX";
static char path[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/list", folder);
}

static void remove_folder(void)
{
    folder_remove(folder);
}

TestSuite(line_reader, .init = make_folder, .fini = remove_folder);

static struct line_reader *open_text(struct span text)
{
    struct line_reader *reader = NULL;
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, text, NULL), STATUS_OK);
    cr_assert_eq(line_reader_open(path, &reader, NULL), STATUS_OK);
    cr_assert_eq(line_reader_size(reader), text.size);
    return reader;
}

static void expect_line(struct line_reader *reader, uint64_t number, struct span text,
                        bool is_too_long)
{
    struct line line;
    bool has_line = false;
    cr_assert_eq(line_reader_next(reader, &line, &has_line, NULL), STATUS_OK);
    cr_assert(has_line, "line %d is missing", (int)number);
    cr_assert_eq(line.number, number);
    cr_assert_eq(line.is_too_long, is_too_long, "line %d", (int)number);
    cr_assert_eq(line.text.size, text.size, "line %d has %zu bytes", (int)number, line.text.size);
    cr_assert(span_equal(line.text, text), "line %d", (int)number);
}

static void expect_end(struct line_reader *reader)
{
    struct line line;
    for (int twice = 0; twice < 2; twice++) {
        bool has_line = true;
        cr_assert_eq(line_reader_next(reader, &line, &has_line, NULL), STATUS_OK);
        cr_assert(!has_line);
    }
    if (line_reader_size(reader) > 0)
        cr_assert_eq(line_reader_position(reader), line_reader_size(reader));
}

Test(line_reader, ends_of_lines_and_of_the_file)
{
    static const struct {
        struct {
            const char *data;
            size_t size;
        } in;
        size_t count;
        const char *lines[4];
    } cases[] = {
        {{"", 0}, 0, {0}},
        {{"\n", 1}, 1, {""}},
        {{"\r\n", 2}, 1, {""}},
        {{"a", 1}, 1, {"a"}},
        {{"a\n", 2}, 1, {"a"}},
        {{"a\r\nb\r\n", 6}, 2, {"a", "b"}},
        {{"a\nb", 3}, 2, {"a", "b"}},
        {{"a\n\n\nb\n", 6}, 4, {"a", "", "", "b"}},
        {{"a\r\r\n", 4}, 1, {"a\r"}},   /* one CR only */
        {{"a\rb\n", 4}, 1, {"a\rb"}},   /* a CR inside is text */
        {{"a\r", 2}, 1, {"a\r"}},       /* no LF, so no line end to strip */
        {{"\xef\xbb\xbf", 3}, 1, {""}}, /* a mark and nothing else */
        {{"\xef\xbb\xbf"
          "a\n\xef\xbb\xbf"
          "b\n",
          10},
         2,
         {"a", "\xef\xbb\xbf"
               "b"}},
        {{"\xef\xbb", 2}, 1, {"\xef\xbb"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct line_reader *reader = open_text(span_of(cases[i].in.data, cases[i].in.size));
        for (int pass = 0; pass < 2; pass++) {
            for (size_t k = 0; k < cases[i].count; k++)
                expect_line(reader, k + 1, span_of_text(cases[i].lines[k]), false);
            expect_end(reader);
            cr_assert_eq(line_reader_rewind(reader, NULL), STATUS_OK);
            cr_assert_eq(line_reader_position(reader), 0);
        }
        line_reader_close(reader);
    }
}

Test(line_reader, nul_bytes_are_text)
{
    struct line_reader *reader = open_text(span_of("a\0b\n\0\n", 6));
    expect_line(reader, 1, span_of("a\0b", 3), false);
    expect_line(reader, 2, span_of("\0", 1), false);
    expect_end(reader);
    line_reader_close(reader);
}

/* Every combination of mark, line end and a length around the limit, with a line before and behind
 * so that the long one lies anywhere in the buffer. */
Test(line_reader, the_limit_is_exact)
{
    static uint8_t longer[LINE_MAX_BYTES + 16];
    memset(longer, 'x', sizeof longer);
    static const char *const ends[] = {"\n", "\r\n", ""};
    for (int mark = 0; mark < 2; mark++) {
        for (size_t e = 0; e < ARRAY_COUNT(ends); e++) {
            for (size_t size = LINE_MAX_BYTES - 3; size <= LINE_MAX_BYTES + 8; size++) {
                struct bytes text;
                bytes_init(&text, 1 << 20);
                if (mark)
                    bytes_append_text(&text, "\xef\xbb\xbf");
                else
                    bytes_append_text(&text, "before\n");
                bytes_append(&text, span_of(longer, size));
                bytes_append_text(&text, ends[e]);
                if (ends[e][0] != '\0')
                    bytes_append_text(&text, "behind\n");
                cr_assert_eq(bytes_status(&text, "x", NULL), STATUS_OK);
                struct line_reader *reader = open_text(bytes_view(&text));
                uint64_t number = 1;
                if (!mark)
                    expect_line(reader, number++, span_of_text("before"), false);
                const bool is_too_long = size > LINE_MAX_BYTES;
                expect_line(reader, number++, span_of(longer, is_too_long ? LINE_MAX_BYTES : size),
                            is_too_long);
                if (ends[e][0] != '\0')
                    expect_line(reader, number++, span_of_text("behind"), false);
                expect_end(reader);
                line_reader_close(reader);
                bytes_deinit(&text);
            }
        }
    }
}

Test(line_reader, a_huge_line_is_one_line)
{
    const size_t size = (size_t)5 << 20;
    struct bytes text;
    bytes_init(&text, (size_t)1 << 24);
    uint8_t *space = bytes_append_space(&text, size);
    cr_assert_not_null(space);
    memset(space, 'h', size);
    for (int ended = 0; ended < 2; ended++) {
        if (ended)
            bytes_append_text(&text, "\nnext\r\n");
        struct line_reader *reader = open_text(bytes_view(&text));
        expect_line(reader, 1, span_of(text.data, LINE_MAX_BYTES), true);
        if (ended)
            expect_line(reader, 2, span_of_text("next"), false);
        expect_end(reader);
        line_reader_close(reader);
    }
    bytes_deinit(&text);
}

Test(line_reader, many_lines_cross_the_buffer)
{
    struct bytes text;
    bytes_init(&text, (size_t)1 << 24);
    for (unsigned i = 0; i < 200000; i++)
        bytes_append_format(&text, "host-%u.example%s\n", i, i % 3 == 0 ? "\r" : "");
    struct line_reader *reader = open_text(bytes_view(&text));
    for (unsigned i = 0; i < 200000; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "host-%u.example", i);
        expect_line(reader, i + 1, span_of_text(expected), false);
    }
    expect_end(reader);
    line_reader_close(reader);
    bytes_deinit(&text);
}

Test(line_reader, pipes_are_read_but_not_rewound)
{
    int ends[2];
    struct error error;
    cr_assert_eq(pipe(ends), 0);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) { /* writes byte by byte: short reads on the other side */
        close(ends[0]);
        const char *text = "one\r\ntwo\nthree";
        for (; *text != '\0'; text++) {
            if (write(ends[1], text, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    struct line_reader *reader = NULL;
    cr_assert_eq(line_reader_open("-", &reader, NULL), STATUS_OK);
    cr_assert_eq(line_reader_size(reader), 0);
    expect_line(reader, 1, span_of_text("one"), false);
    expect_line(reader, 2, span_of_text("two"), false);
    expect_line(reader, 3, span_of_text("three"), false);
    expect_end(reader);
    cr_assert_eq(line_reader_rewind(reader, &error), STATUS_UNSUPPORTED);
    cr_assert_str_eq(error.message,
                     "standard input: is read twice, so it must be a file, not a pipe");
    line_reader_close(reader);
    waitpid(child, NULL, 0);
}

Test(line_reader, what_cannot_be_read_is_named)
{
    struct line_reader *reader = NULL;
    struct error error;
    cr_assert_eq(line_reader_open("/nowhere/list", &reader, &error), STATUS_NOT_FOUND);
    cr_assert_str_eq(error.message, "/nowhere/list: No such file or directory");
    cr_assert_eq(line_reader_open(folder, &reader, &error), STATUS_INVALID);
    cr_assert_not_null(strstr(error.message, "is a folder, not a file"));
    cr_assert_null(reader);
    line_reader_close(NULL);

    /* A descriptor that fails in the middle: standard input open for writing only. */
    int ends[2];
    struct line line;
    bool has_line = false;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(dup2(ends[1], STDIN_FILENO), STDIN_FILENO);
    cr_assert_eq(line_reader_open("-", &reader, NULL), STATUS_OK);
    cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_IO);
    cr_assert_str_eq(error.message, "standard input: Bad file descriptor");
    line_reader_close(reader);
}

Test(line_reader, nth_allocation_fails)
{
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text("x\n"), NULL), STATUS_OK);
    for (size_t nth = 1;; nth++) {
        struct line_reader *reader = NULL;
        struct error error;
        mem_fail_nth(nth);
        const enum status status = line_reader_open(path, &reader, &error);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, was_reached ? STATUS_NOMEM : STATUS_OK);
        cr_assert_eq(reader == NULL, was_reached);
        line_reader_close(reader);
        if (!was_reached) {
            cr_assert_eq(nth, 3);
            break;
        }
    }
}
