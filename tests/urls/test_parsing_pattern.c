/* Regular expressions of parsing configurations: those that two libraries read alike. */
#include "urls/parsing_pattern.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *refusal(const char *pattern)
{
    static struct error err;
    struct regex *regex = NULL;
    const enum status status = parsing_pattern_new(pattern, &regex, &err);
    cr_assert_eq(status == STATUS_OK, regex != NULL);
    regex_free(regex);
    return status == STATUS_OK ? "" : err.message;
}

Test(parsing_pattern, those_that_pass)
{
    static const char *const patterns[] = {
        "https?://(?<host>[^/]+)",
        "(?<a>x)(?:y)(?=z)(?!z)(?>z)(?<=z)(?<!z)(?#z)(?i)(?i-sm:z)(?x: a )",
        "(?<a1>[a-z\\]\\[[:digit:]-])",
        "\\Q(*[[&&\\E(?<a>\\(\\[\\\\)",
        "(?<a>b)\\k<a>",
        "(?<a>[^-a&b])",
        "(?<a>[\\w&]*+)\\Q(?R)",
    };
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++)
        cr_expect_str_eq(refusal(patterns[i]), "", "%s: %s", patterns[i], refusal(patterns[i]));
}

Test(parsing_pattern, those_that_devices_read_differently)
{
    static const struct {
        const char *pattern;
        const char *why;
    } cases[] = {
        {"a(?P<x>b)", "byte 1: a group of this kind, which devices read differently"},
        {"(?'x'b)", "byte 0: a group of this kind, which devices read differently"},
        {"(?<x>b)(?R)", "byte 7: a group of this kind, which devices read differently"},
        {"(?<x>b)(?1)", "byte 7: a group of this kind, which devices read differently"},
        {"(?<x>b)(?|c)", "byte 7: a group of this kind, which devices read differently"},
        {"(?<x>b)(?(1)c)", "byte 7: a group of this kind, which devices read differently"},
        {"(?<x>b)(?C1)", "byte 7: a group of this kind, which devices read differently"},
        {"(?<x>b)(?U)", "byte 7: a group of this kind, which devices read differently"},
        {"(*UTF)(?<x>b)", "byte 0: (*, which devices read differently"},
        {"(?<x>b)\\K", "byte 7: an escape of this kind, which devices read differently"},
        {"(?<x>b)\\g1", "byte 7: an escape of this kind, which devices read differently"},
        {"(?<x>b)\\k'x'", "byte 7: an escape of this kind, which devices read differently"},
        {"(?<x>\\C)", "byte 5: an escape of this kind, which devices read differently"},
        {"(?<x>[a[b])", "byte 7: [ inside brackets, which devices read differently"},
        {"(?<x>[a&&b])", "byte 7: && or -- inside brackets, which devices read differently"},
        {"(?<x>[a--b])", "byte 7: && or -- inside brackets, which devices read differently"},
        {"(?<x>[^]b])", "byte 7: ] first inside brackets, which devices read differently"},
        {"(?<a_b>c)", "byte 4: names of groups are ASCII letters and digits"},
        {"(?<\xc3\xbc>c)", "byte 3: names of groups are ASCII letters and digits"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_str_eq(refusal(cases[i].pattern), cases[i].why, "%s: %s", cases[i].pattern,
                         refusal(cases[i].pattern));
}

Test(parsing_pattern, those_that_are_none)
{
    static const char *const patterns[] = {
        "(?<x", "(?<x>",          "(?<>a)", "(?<1>a)", "(?<x>[a",  "(?<x>a)\\",
        "(?",   "(?<x>a)(?<x>b)", "(?<x>a", "[[:",     "(?<x>\\Q",
    };
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++)
        cr_expect_str_neq(refusal(patterns[i]), "", "%s", patterns[i]);
    cr_expect_str_eq(refusal(""), "has no named group, (?<name>...)");
    cr_expect_str_eq(refusal("(a)"), "has no named group, (?<name>...)");
}

Test(parsing_pattern, limits)
{
    char pattern[PARSING_PATTERN_MAX_BYTES + 2] = "(?<a>b)";
    memset(pattern + strlen(pattern), 'c', PARSING_PATTERN_MAX_BYTES - strlen(pattern));
    cr_assert_str_eq(refusal(pattern), "");
    pattern[PARSING_PATTERN_MAX_BYTES] = 'c';
    cr_assert_str_eq(refusal(pattern), "has 4097 bytes, at most 4096");
    char groups[200] = "(?<a>b)";
    for (size_t i = 1; i < PARSING_GROUPS_MAX; i++)
        strcat(groups, "(c)");
    cr_assert_str_eq(refusal(groups), "");
    strcat(groups, "(c)");
    cr_assert_str_eq(refusal(groups), "has 33 groups, at most 32");
}
