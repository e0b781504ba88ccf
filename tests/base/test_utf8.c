#include "base/utf8.h"

#include <criterion/criterion.h>

static void expect(const char *text, size_t bytes)
{
    cr_assert_eq(utf8_character_bytes(span_of_text(text)), bytes, "%s", text);
}

Test(utf8, characters_have_one_to_four_bytes)
{
    expect("a", 1);
    expect("\x7f", 1);
    expect("\xc2\x80", 2);
    expect("\xdf\xbf more", 2);
    expect("\xe0\xa0\x80", 3);
    expect("\xef\xbf\xbf", 3);
    expect("\xf0\x90\x80\x80", 4);
    expect("\xf4\x8f\xbf\xbf", 4);
}

Test(utf8, what_is_none_has_none)
{
    expect("", 0);
    expect("\x80", 0);
    expect("\xc3", 0); /* cut short */
    expect("\xe2\x82", 0);
    expect("\xf0\x9f\x99", 0);
    expect("\xc3(", 0);
    expect("\xc0\xaf", 0); /* longer than need be */
    expect("\xe0\x9f\xbf", 0);
    expect("\xf0\x8f\xbf\xbf", 0);
    expect("\xed\xa0\x80", 0);     /* a surrogate */
    expect("\xf4\x90\x80\x80", 0); /* beyond the last */
    expect("\xff", 0);
}

Test(utf8, texts_with_nul_and_texts_that_end_within_a_character)
{
    cr_assert_eq(utf8_character_bytes(span_of("\0", 1)), 1);
    cr_assert_eq(utf8_character_bytes(span_of("\xe2\x82\xac", 2)), 0);
    cr_assert_eq(utf8_prefix_bytes(span_of("", 0)), 0);
    cr_assert_eq(utf8_prefix_bytes(span_of("a\0\xe2\x82\xac", 5)), 5);
    cr_assert_eq(utf8_prefix_bytes(span_of("a\0\xe2\x82\xac", 4)), 2);
    cr_assert_eq(utf8_prefix_bytes(span_of("ab\xff"
                                           "c",
                                           4)),
                 2);
}
