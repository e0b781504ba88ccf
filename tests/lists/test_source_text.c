/* The text of a source: layers, limits, what is no list. tests/tools/sources.test.py has the rest.
 */
#include "lists/source_text.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "a.example\n", as gzip packs it. */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0,    0,    0,    0,    0,    2,    0xff,
                                 0x4b, 0xd4, 0x4b, 0xad, 0x48, 0xcc, 0x2d, 0xc8, 0x49, 0xe5,
                                 0x02, 0,    0xbd, 0xe5, 0xb7, 0xa0, 0x0a, 0,    0,    0};

static char path[] = "/tmp/source_text.XXXXXX";

static void set_up(void)
{
    const int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
}

TestSuite(source_text, .init = set_up, .fini = tear_down);

static void put(struct span bytes)
{
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, bytes, NULL), STATUS_OK);
}

Test(source_text, lines)
{
    static const struct {
        const char *text;
        uint64_t lines;
    } cases[] = {{"", 0}, {"a", 1}, {"a\n", 1}, {"\n", 1}, {"a\nb", 2}, {"a\n\nb\n", 3}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct source_text text = {.text = span_of_text(cases[i].text)};
        cr_assert_eq(source_text_lines(&text), cases[i].lines, "%s", cases[i].text);
    }
}

Test(source_text, plain_and_packed)
{
    struct source_text text = {0};
    struct error err = {0};
    put(span_of_text("a.example\n"));
    cr_assert_eq(source_text_read(path, 10, &text, &err), STATUS_OK, "%s", err.message);
    cr_assert(span_equal(text.text, span_of_text("a.example\n")));
    cr_assert_eq(text.bytes, 10);
    source_text_deinit(&text);
    put(span_of(packed, sizeof packed));
    cr_assert_eq(source_text_read(path, 100, &text, &err), STATUS_OK, "%s", err.message);
    cr_assert(span_equal(text.text, span_of_text("a.example\n")));
    cr_assert_eq(text.bytes, sizeof packed);
    source_text_deinit(&text);
    put(span_of_text(""));
    cr_assert_eq(source_text_read(path, 100, &text, &err), STATUS_OK, "%s", err.message);
    cr_assert_eq(text.text.size, 0);
    source_text_deinit(&text);
}

Test(source_text, what_is_no_list)
{
    static const struct {
        const char *text;
        bool is_good;
    } cases[] = {
        {"<", true},           {"<!DOCTYPE htm", true},       {"<htm", true},
        {"<html", false},      {"\xef\xbb\xbf<HTML>", false}, {" \r\n\t<!doctype HTML>", false},
        {"a\n<html>\n", true}, {"\xef\xbb\xbf", true},        {"\xef\xbb\xbf \n", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const enum status status = source_text_check(span_of_text(cases[i].text), 100, NULL);
        cr_assert_eq(status, cases[i].is_good ? STATUS_OK : STATUS_MALFORMED, "%s", cases[i].text);
    }
    struct error err = {0};
    cr_assert_eq(source_text_check(span_of("abc\0", 4), 100, &err), STATUS_MALFORMED);
    cr_assert_str_eq(err.message, "line 1: byte 3 of the text is NUL: this is no list");
    cr_assert_eq(source_text_check(span_of(packed, sizeof packed), 9, &err), STATUS_TOO_LARGE);
    cr_assert_eq(source_text_check(span_of(packed, sizeof packed), 10, &err), STATUS_OK);
}

Test(source_text, survives_each_failed_allocation)
{
    put(span_of(packed, sizeof packed));
    for (size_t n = 1;; n++) {
        struct source_text text = {0};
        mem_fail_nth(n);
        const enum status status = source_text_read(path, 100, &text, NULL);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, was_reached ? STATUS_NOMEM : STATUS_OK);
        source_text_deinit(&text);
        if (!was_reached)
            break;
    }
}
