/* Which other lists a list stands for. */
#include "urls/list_includes.h"

#include "base/bytes.h"
#include "base/compiler.h"

#include <criterion/criterion.h>
#include <stdio.h>

static enum status gather(void *context, uint64_t line, struct span name, struct error *err)
{
    struct bytes *out = context;
    bytes_append_format(out, "%llu ", (unsigned long long)line);
    bytes_append(out, name);
    bytes_append_text(out, ";");
    return span_equal(name, span_of_text("stop")) ? error_set(err, STATUS_CANCELLED, "enough")
                                                  : STATUS_OK;
}

Test(list_includes, by_line)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"\n\n", ""},
        {"!#include a", "1 a;"},
        {"! c\r\n  !#include a/b.txt \r\n||h^\n!#include c", "2 a/b.txt;4 c;"},
        {"!#if x\n!#include a\n!#if y\n!#endif\n!#include b\n!#endif\n!#include c\n", "7 c;"},
        {"!#if x\n!#include a\n!#else\n!#include b\n", ""},
        {"!#endif\n!#include a\n", "2 a;"},
        {"!#include\n!#include  \n", "1 ;2 ;"},
        {"! !#include a\n||h/!#include b\n!#includes c\n", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes out;
        bytes_init(&out, 1000);
        cr_assert_eq(list_includes_each(span_of_text(cases[i].text), gather, &out, NULL),
                     STATUS_OK);
        bytes_append_u8(&out, 0);
        cr_expect_str_eq((const char *)out.data, cases[i].expected, "%s", cases[i].text);
        bytes_deinit(&out);
    }
}

Test(list_includes, a_failing_visit_ends_it)
{
    struct bytes out;
    bytes_init(&out, 1000);
    cr_assert_eq(
        list_includes_each(span_of_text("!#include stop\n!#include a\n"), gather, &out, NULL),
        STATUS_CANCELLED);
    cr_assert_eq(out.size, strlen("1 stop;"));
    bytes_deinit(&out);
}

Test(list_includes, names_below)
{
    static const char *const good[] = {"a", "a.txt", "a/b/c-1_2~+.txt", "...", "a..b"};
    static const char *const bad[] = {
        "",    "/a",   "a/", "a//b", "..", "../a", "a/../b",   ".",           "a/./b",
        "a b", "a\\b", "a?", "a%2e", "a:", "a\n",  "\xc3\xbc", "https://a/b",
    };
    char longest[LIST_INCLUDE_NAME_MAX_BYTES + 2];
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        cr_expect(list_include_is_below(span_of_text(good[i])), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_expect_not(list_include_is_below(span_of_text(bad[i])), "%s", bad[i]);
    memset(longest, 'a', sizeof longest - 1);
    cr_expect(list_include_is_below(span_of(longest, LIST_INCLUDE_NAME_MAX_BYTES)));
    cr_expect_not(list_include_is_below(span_of(longest, LIST_INCLUDE_NAME_MAX_BYTES + 1)));
}
