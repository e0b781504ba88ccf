#include "base/sorted_lines.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char text[] = "a\nab\nb.c\nb.c/d\nz\n";

static bool has(const char *line)
{
    return sorted_lines_has(span_of_text(text), span_of_text(line));
}

Test(sorted_lines, every_line_is_found_and_nothing_between)
{
    static const char *const lines[] = {"a", "ab", "b.c", "b.c/d", "z"};
    static const char *const others[] = {"",     "A",      "aa", "abc", "b",
                                         "b.c/", "b.c/d/", "y",  "zz",  "a\nab"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect(has(lines[i]), "%s", lines[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_not(has(others[i]), "%s", others[i]);
}

Test(sorted_lines, the_place_of_a_line_that_is_not_there_is_that_of_the_next)
{
    cr_expect_eq(sorted_lines_find(span_of_text(text), span_of_text("")), 0);
    cr_expect_eq(sorted_lines_find(span_of_text(text), span_of_text("aa")), 2);
    cr_expect_eq(sorted_lines_find(span_of_text(text), span_of_text("b.c/")), 9);
    cr_expect_eq(sorted_lines_find(span_of_text(text), span_of_text("zz")), sizeof text - 1);
}

Test(sorted_lines, a_text_without_lines_or_without_a_last_end)
{
    const struct span none = span_of(NULL, 0);
    const struct span open = span_of_text("a\nb");
    cr_expect_eq(sorted_lines_find(none, span_of_text("a")), 0);
    cr_expect_not(sorted_lines_has(none, span_of_text("")));
    cr_expect(sorted_lines_has(open, span_of_text("b")));
    cr_expect_eq(sorted_lines_find(open, span_of_text("c")), open.size);
    cr_expect_eq(sorted_lines_at(open, 2).size, 1);
}

Test(sorted_lines, a_thousand_lines)
{
    char many[16000];
    char line[16];
    size_t size = 0;
    for (unsigned i = 0; i < 1000; i++)
        size += (size_t)snprintf(many + size, sizeof many - size, "%06u.com\n", 3 * i);
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(line, sizeof line, "%06u.com", i);
        cr_expect_eq(sorted_lines_has(span_of(many, size), span_of_text(line)), i % 3 == 0, "%s",
                     line);
    }
}
