/* Patterns with bounded matching. */
#include "urls/regex.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/patience.h"

#include <criterion/criterion.h>

struct match {
    const char *pattern;
    const char *text;
    bool expected;
};

Test(regex, finds_anywhere)
{
    static const struct match cases[] = {
        {"b", "abc", true},
        {"^b", "abc", false},
        {"B", "abc", false},
        {"(?i)B", "abc", true},
        {"^$", "", true},
        {"", "abc", true},
        {"\xc3\xbc", "x\xc3\xbc", true},
        {"x", "", false},
        {".", "\xff", false},
    };
    struct regex_matcher *matcher = NULL;
    cr_assert_eq(regex_matcher_new(0, &matcher, NULL), STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct regex *regex = NULL;
        bool found = !cases[i].expected;
        cr_assert_eq(regex_new(span_of_text(cases[i].pattern), false, &regex, NULL), STATUS_OK);
        cr_assert_eq(regex_matches(matcher, regex, span_of_text(cases[i].text), &found, NULL),
                     STATUS_OK);
        cr_expect_eq(found, cases[i].expected, "%s in %s", cases[i].pattern, cases[i].text);
        regex_free(regex);
    }
    regex_matcher_free(matcher);
}

Test(regex, groups)
{
    const struct span text = span_of_text("HTTPS://Example.com/x");
    struct regex *regex = NULL;
    struct regex_matcher *matcher = NULL;
    struct span got;
    bool found = false;
    cr_assert_eq(
        regex_new(span_of_text("^(https?)://(?<host>[^/]+)(?<none>!)?(/.*)"), true, &regex, NULL),
        STATUS_OK);
    cr_assert_eq(regex_group_count(regex), 4);
    cr_assert_null(regex_group_name(regex, 1));
    cr_assert_str_eq(regex_group_name(regex, 2), "host");
    cr_assert_str_eq(regex_group_name(regex, 3), "none");
    cr_assert_null(regex_group_name(regex, 4));
    cr_assert_eq(regex_matcher_new(4, &matcher, NULL), STATUS_OK);
    cr_assert_eq(regex_matches(matcher, regex, text, &found, NULL), STATUS_OK);
    cr_assert(found);
    cr_assert(regex_matcher_group(matcher, text, 2, &got));
    cr_assert(span_equal(got, span_of_text("Example.com")));
    cr_assert_not(regex_matcher_group(matcher, text, 3, &got));
    cr_assert(regex_matcher_group(matcher, text, 4, &got));
    cr_assert(span_equal(got, span_of_text("/x")));
    cr_assert_not(regex_matcher_group(matcher, text, 5, &got), "more than were asked for");
    regex_matcher_free(matcher);
    regex_free(regex);
}

Test(regex, refuses_what_is_none)
{
    struct regex *regex = NULL;
    struct error err = {0};
    cr_assert_eq(regex_new(span_of_text("a[b"), false, &regex, &err), STATUS_INVALID);
    cr_assert_str_eq(err.message, "no regular expression: missing terminating ] for character "
                                  "class at byte 3");
    cr_assert_eq(regex_new(span_of_text("\\C"), false, &regex, &err), STATUS_INVALID);
    cr_assert_eq(regex_new(span_of_text("(?<a>x)(?<a>y)"), false, &regex, &err), STATUS_INVALID);
    cr_assert_null(regex);
}

Test(regex, a_match_is_bounded, .timeout = PATIENCE_OF_TEST_S)
{
    char text[65];
    struct regex *regex = NULL;
    struct regex_matcher *matcher = NULL;
    struct error err = {0};
    bool found = false;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 2] = 'b';
    text[sizeof text - 1] = '\0';
    cr_assert_eq(regex_matcher_new(1, &matcher, NULL), STATUS_OK);
    cr_assert_eq(regex_new(span_of_text("^(a|a?)+$"), false, &regex, NULL), STATUS_OK);
    cr_assert_eq(regex_matches(matcher, regex, span_of_text(text), &found, &err), STATUS_INVALID);
    cr_assert_str_eq(err.message, "the pattern takes too long on a text of 64 bytes");
    regex_matcher_free(matcher);
    regex_free(regex);
}

Test(regex, out_of_memory)
{
    for (size_t n = 1, pending = 0; pending == 0; n++) {
        struct regex *regex = NULL;
        struct regex_matcher *matcher = NULL;
        mem_fail_nth(n);
        enum status status = regex_new(span_of_text("(?<a>[a-z]+)"), true, &regex, NULL);
        if (status == STATUS_OK)
            status = regex_matcher_new(1, &matcher, NULL);
        pending = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert(status == STATUS_NOMEM || status == STATUS_OK);
        cr_assert_eq(status == STATUS_OK, matcher != NULL);
        regex_free(regex);
        regex_matcher_free(matcher);
    }
}
