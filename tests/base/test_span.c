#include "base/span.h"

#include <criterion/criterion.h>

Test(span, order_is_bytewise_with_prefixes_first)
{
    static const char *const sorted[] = {"",   "A", "a",    "a.",   "a.b",
                                         "aa", "b", "\x7f", "\x80", "\xff"};
    const size_t count = sizeof sorted / sizeof sorted[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            const int order = span_compare(span_of_text(sorted[i]), span_of_text(sorted[k]));
            cr_assert_eq((order > 0) - (order < 0), (i > k) - (i < k), "%zu %zu", i, k);
            cr_assert_eq(span_equal(span_of_text(sorted[i]), span_of_text(sorted[k])), i == k);
        }
    }
}

Test(span, null_is_an_empty_span)
{
    const struct span none = span_of(NULL, 0);
    cr_assert(span_equal(none, span_of_text("")));
    cr_assert_eq(span_compare(none, none), 0);
    cr_assert(span_compare(none, span_of_text("a")) < 0);
    cr_assert(span_starts_with(none, none));
    cr_assert(span_starts_with(span_of_text("a"), none));
    cr_assert(!span_starts_with(none, span_of_text("a")));
    cr_assert_eq(span_part(none, 0, 0).size, 0);
}

Test(span, parts_and_starts)
{
    const struct span whole = span_of_text("host/path");
    cr_assert(span_starts_with(whole, span_of_text("host")));
    cr_assert(!span_starts_with(whole, span_of_text("hosts")));
    cr_assert(span_equal(span_part(whole, 5, 4), span_of_text("path")));
    cr_assert(span_equal(span_part(whole, 9, 0), span_of_text("")));
}
