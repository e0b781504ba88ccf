#include "pir-server/privacypass/base64url.h"

#include "base/compiler.h"

#include <criterion/criterion.h>

static bool decodes(const char *text, const char *expected)
{
    uint8_t bytes[16];
    size_t size = 0;
    return base64url_decode(span_of_text(text), bytes, sizeof bytes, &size) &&
           span_equal(span_of(bytes, size), span_of_text(expected));
}

/* RFC 4648 section 10. */
Test(base64url, known_answers)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xfe", "-__-"}};
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct bytes text;
        bytes_init(&text, 64);
        base64url_append(&text, span_of_text(pairs[i][0]));
        cr_assert(span_equal(bytes_view(&text), span_of_text(pairs[i][1])), "%s", pairs[i][1]);
        cr_assert(decodes(pairs[i][1], pairs[i][0]), "%s", pairs[i][1]);
        bytes_deinit(&text);
    }
}

Test(base64url, both_alphabets_and_missing_padding)
{
    cr_assert(decodes("+//+", "\xfb\xff\xfe"));
    cr_assert(decodes("-/_+", "\xfb\xff\xfe"));
    cr_assert(decodes("Zg", "f"));
    cr_assert(decodes("Zm8", "fo"));
}

Test(base64url, refuses)
{
    static const char *const texts[] = {"Z",
                                        "Zm9vY",
                                        "Zg=",
                                        "Zg===",
                                        "Z===",
                                        "====",
                                        "Zm9v=",
                                        "Zm9v====",
                                        "Zm=9",
                                        "Z g=",
                                        "Zg==\n",
                                        " Zg==",
                                        "Zh==",
                                        "Zm9=",
                                        "Zg==Zg==",
                                        "Zm.v",
                                        "\xc3\xa4"
                                        "bc"};
    uint8_t bytes[16];
    size_t size = 77;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        cr_assert(!base64url_decode(span_of_text(texts[i]), bytes, sizeof bytes, &size), "%s",
                  texts[i]);
    cr_assert_eq(size, 77);
    cr_assert(!base64url_decode(span_of("Zg\0=", 4), bytes, sizeof bytes, &size));
}

Test(base64url, larger_than_expected_is_counted_and_not_stored)
{
    uint8_t bytes[4] = {0, 0, 0, 9};
    size_t size = 0;
    cr_assert(base64url_decode(span_of_text("Zm9vYmFy"), bytes, 3, &size));
    cr_assert_eq(size, 6);
    cr_assert_eq(memcmp(bytes, "foo\x09", 4), 0);
    cr_assert(!base64url_decode(span_of_text("Zm9vYm.y"), bytes, 3, &size));
}
