/* Include and exclude patterns. */
#include "lists/entry_filter.h"

#include "base/mem.h"
#include "tests/patience.h"

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

#define SOME 6
/* Each list ends with a NULL. */
struct scenario {
    const char *include[SOME];
    const char *exclude[SOME];
    const char *kept[SOME];
    const char *left_out[SOME];
};

static void check(const struct scenario *scenario)
{
    struct entry_filter *filter = make();
    for (size_t i = 0; scenario->include[i] != NULL; i++)
        add(filter, ENTRY_INCLUDE, scenario->include[i]);
    for (size_t i = 0; scenario->exclude[i] != NULL; i++)
        add(filter, ENTRY_EXCLUDE, scenario->exclude[i]);
    cr_assert_eq(entry_filter_is_empty(filter),
                 scenario->include[0] == NULL && scenario->exclude[0] == NULL);
    for (size_t i = 0; scenario->kept[i] != NULL; i++)
        cr_expect(keeps(filter, scenario->kept[i]), "%s", scenario->kept[i]);
    for (size_t i = 0; scenario->left_out[i] != NULL; i++)
        cr_expect_not(keeps(filter, scenario->left_out[i]), "%s", scenario->left_out[i]);
    entry_filter_free(filter);
}

Test(entry_filter, what_is_kept)
{
    static const struct scenario scenarios[] = {
        {.kept = {"", "a.example"}},
        {.include = {"\\.example$", "(?i)PARTNER"},
         .exclude = {"^good(\\.|-)"},
         .kept = {"a.example", "x.partner.test/y"},
         .left_out = {"a.test", "good.example", ""}},
        /* Not UTF-8: the byte is no character, the rest is searched. */
        {.exclude = {"^$", "\xc3\xbc"},
         .kept = {"u.example", "\xff\xfc.example"},
         .left_out = {"", "\xc3\xbc.example", "\xff\xc3\xbc.example"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(scenarios); i++)
        check(&scenarios[i]);
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

Test(entry_filter, a_pattern_that_backtracks_for_ever_is_an_error, .timeout = PATIENCE_OF_TEST_S)
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
