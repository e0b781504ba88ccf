/* Include and exclude patterns. */
#include "lists/entry_filter.h"

#include "base/mem.h"

#include <criterion/criterion.h>

static bool keeps(struct entry_filter *filter, const char *entry)
{
    bool ret = false;
    struct error err = {0};
    cr_assert_eq(entry_filter_keeps(filter, span_of_text(entry), &ret, &err), STATUS_OK, "%s",
                 err.message);
    return ret;
}

static void add(struct entry_filter *filter, enum entry_filter_kind kind, const char *pattern)
{
    struct error err = {0};
    cr_assert_eq(entry_filter_add(filter, kind, pattern, &err), STATUS_OK, "%s", err.message);
}

static struct entry_filter *make(void)
{
    struct entry_filter *filter = NULL;
    cr_assert_eq(entry_filter_new(&filter, NULL), STATUS_OK);
    return filter;
}

Test(entry_filter, without_patterns_keeps_all)
{
    struct entry_filter *filter = make();
    cr_assert(entry_filter_is_empty(filter));
    cr_assert(keeps(filter, ""));
    cr_assert(keeps(filter, "a.example"));
    entry_filter_free(filter);
}

Test(entry_filter, include_then_exclude)
{
    struct entry_filter *filter = make();
    add(filter, ENTRY_INCLUDE, "\\.example$");
    add(filter, ENTRY_INCLUDE, "(?i)PARTNER");
    add(filter, ENTRY_EXCLUDE, "^good(\\.|-)");
    cr_assert_not(entry_filter_is_empty(filter));
    cr_assert(keeps(filter, "a.example"));
    cr_assert(keeps(filter, "x.partner.test/y"));
    cr_assert_not(keeps(filter, "a.test"));
    cr_assert_not(keeps(filter, "good.example"));
    cr_assert_not(keeps(filter, ""));
    entry_filter_free(filter);
}

Test(entry_filter, exclude_alone)
{
    struct entry_filter *filter = make();
    add(filter, ENTRY_EXCLUDE, "^$");
    add(filter, ENTRY_EXCLUDE, "\xc3\xbc");
    cr_assert_not(keeps(filter, ""));
    cr_assert(keeps(filter, "u.example"));
    cr_assert_not(keeps(filter, "\xc3\xbc.example"));
    /* Not UTF-8: the byte is no character, the rest is searched. */
    cr_assert(keeps(filter, "\xff\xfc.example"));
    cr_assert_not(keeps(filter, "\xff\xc3\xbc.example"));
    entry_filter_free(filter);
}

Test(entry_filter, refuses_what_is_no_pattern)
{
    struct entry_filter *filter = make();
    struct error err = {0};
    cr_assert_eq(entry_filter_add(filter, ENTRY_INCLUDE, "a[", &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.message, "at byte 2"), "%s", err.message);
    cr_assert_eq(entry_filter_add(filter, ENTRY_INCLUDE, "\\Ca", &err), STATUS_INVALID);
    char longest[ENTRY_PATTERN_MAX_BYTES + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_assert_eq(entry_filter_add(filter, ENTRY_INCLUDE, longest, &err), STATUS_TOO_LARGE);
    for (size_t i = 0; i < ENTRY_PATTERNS_MAX; i++)
        add(filter, ENTRY_EXCLUDE, "x");
    cr_assert_eq(entry_filter_add(filter, ENTRY_EXCLUDE, "x", &err), STATUS_TOO_LARGE);
    entry_filter_free(filter);
}

Test(entry_filter, a_pattern_that_backtracks_for_ever_is_an_error, .timeout = 20)
{
    struct entry_filter *filter = make();
    char entry[4097];
    bool ret = false;
    struct error err = {0};
    memset(entry, 'a', sizeof entry - 1);
    entry[sizeof entry - 2] = 'b';
    entry[sizeof entry - 1] = '\0';
    add(filter, ENTRY_EXCLUDE, "^(a+)+$");
    cr_assert_eq(entry_filter_keeps(filter, span_of_text(entry), &ret, &err), STATUS_INVALID);
    cr_assert_str_eq(err.message, "exclude pattern 0 takes too long on an entry of 4096 bytes");
    entry_filter_free(filter);
}

Test(entry_filter, survives_each_failed_allocation)
{
    for (size_t n = 1;; n++) {
        struct entry_filter *filter = NULL;
        bool ret;
        mem_fail_nth(n);
        enum status status = entry_filter_new(&filter, NULL);
        if (status == STATUS_OK)
            status = entry_filter_add(filter, ENTRY_INCLUDE, "(a|b)+c", NULL);
        if (status == STATUS_OK)
            status = entry_filter_keeps(filter, span_of_text("abac"), &ret, NULL);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert(status == STATUS_OK || status == STATUS_NOMEM);
        entry_filter_free(filter);
        if (!was_reached)
            break;
    }
}
