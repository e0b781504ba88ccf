#include "bloom/formats/digest_set.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(digest_set, tells_new_from_known_while_it_grows)
{
    struct digest_set *set = NULL;
    bool is_new;
    cr_assert_eq(digest_set_new(&set, NULL), STATUS_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            cr_assert_eq(digest_set_add(set, span_of_text(text), &is_new, NULL), STATUS_OK);
            cr_assert_eq(is_new, round == 0, "%d", i);
        }
    }
    cr_assert_eq(digest_set_add(set, span_of(NULL, 0), &is_new, NULL), STATUS_OK);
    cr_assert(is_new);
    cr_assert_eq(digest_set_add(set, span_of("\0", 1), &is_new, NULL), STATUS_OK);
    cr_assert(is_new);
    digest_set_free(set);
    digest_set_free(NULL);
}

Test(digest_set, a_failed_growth_loses_nothing)
{
    struct digest_set *set = NULL;
    bool is_new;
    size_t failures = 0;
    for (size_t n = 1; n <= 2; n++) {
        mem_fail_nth(n);
        cr_assert_eq(digest_set_new(&set, NULL), STATUS_NOMEM);
    }
    mem_fail_nth(0);
    cr_assert_eq(digest_set_new(&set, NULL), STATUS_OK);
    for (int i = 0; i < 10000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        mem_fail_nth(1);
        const enum status status = digest_set_add(set, span_of_text(text), &is_new, NULL);
        mem_fail_nth(0);
        if (status != STATUS_OK) {
            cr_assert_eq(status, STATUS_NOMEM);
            failures++;
            cr_assert_eq(digest_set_add(set, span_of_text(text), &is_new, NULL), STATUS_OK);
        }
        cr_assert(is_new);
    }
    cr_assert_gt(failures, (size_t)0);
    cr_assert_eq(digest_set_add(set, span_of_text("0"), &is_new, NULL), STATUS_OK);
    cr_assert_not(is_new);
    digest_set_free(set);
}
