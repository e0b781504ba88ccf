#include "pir-server/service/http_fields.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <stddef.h>

Test(http_fields, accept_encoding)
{
    static const struct {
        const char *value;
        bool gzip;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"x-gzip", true},
        {"gzip, deflate, br", true},
        {"br, gzip", true}, /* the reference looks at the start only */
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
        {"deflate, br", false},
        {"identity", false},
        {"*", true},
        {"*;q=0", false},
        {"gzip;q=0, *", false},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"gzip;q=0.001", true},
        {"gzip;Q=0.5", true},
        {"gzip ; q=0.5", true},
        {"gzip;x", false}, /* this stops the reference process */
        {"gzip;x, *", true},
        {"gzip;q=", false},
        {"gzip;q=2", false},
        {"gzip;q=1.001", false},
        {"gzip;q=0.5 nonsense", false},
        {"gzip deflate", false},
        {"gzipped", false},
        {",,gzip,,", true},
        {";q=1", false},
        {"\x01\xff,gzip", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(accept_encoding_has_gzip(cases[i].value), cases[i].gzip, "%s",
                     cases[i].value != NULL ? cases[i].value : "absent");
}

Test(http_fields, if_none_match)
{
    static const char etag[] = "\"abc\"";
    static const struct {
        const char *value;
        bool matches;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"\"abc\"", true},
        {"W/\"abc\"", true},
        {"*", true},
        {" * ", true},
        {"\"x\", \"abc\"", true},
        {"\"x\",W/\"abc\" ", true},
        {"\"ab\"", false},
        {"\"abcd\"", false},
        {"abc", false},
        {"\"abc", false},
        {"\"x\" \"abc\"", false},
        {"*, \"x\"", false},
        {"\"x\",", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(if_none_match_matches(cases[i].value, etag), cases[i].matches, "%s",
                     cases[i].value != NULL ? cases[i].value : "absent");
}

Test(http_fields, byte_range)
{
    static const struct {
        const char *value;
        enum byte_range kind;
        uint64_t first;
        uint64_t size;
    } cases[] = {
        {NULL, RANGE_WHOLE, 0, 0},
        {"", RANGE_WHOLE, 0, 0},
        {"bytes=0-9", RANGE_PART, 0, 10},
        {"BYTES=0-0", RANGE_PART, 0, 1},
        {"bytes=90-", RANGE_PART, 90, 10},
        {"bytes=90-1000", RANGE_PART, 90, 10},
        {"bytes=99-99", RANGE_PART, 99, 1},
        {"bytes=-1", RANGE_PART, 99, 1},
        {"bytes=-100", RANGE_PART, 0, 100},
        {"bytes=-1000", RANGE_PART, 0, 100},
        {"bytes=-99999999999999999999999", RANGE_PART, 0, 100},
        {"bytes=0-99999999999999999999999", RANGE_PART, 0, 100},
        {"bytes=100-", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=100-200", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999-", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-4", RANGE_WHOLE, 0, 0},
        {"bytes=a-b", RANGE_WHOLE, 0, 0},
        {"bytes=5", RANGE_WHOLE, 0, 0},
        {"bytes=", RANGE_WHOLE, 0, 0},
        {"bytes=-", RANGE_WHOLE, 0, 0},
        {"bytes=0-4,6-9", RANGE_WHOLE, 0, 0},
        {"bytes=0-4x", RANGE_WHOLE, 0, 0},
        {"lines=0-4", RANGE_WHOLE, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t first = 0;
        uint64_t size = 0;
        const enum byte_range kind = byte_range_parse(cases[i].value, 100, &first, &size);
        const char *shown = cases[i].value != NULL ? cases[i].value : "absent";
        cr_expect_eq(kind, cases[i].kind, "%s", shown);
        if (kind == RANGE_PART) {
            cr_expect_eq(first, cases[i].first, "%s", shown);
            cr_expect_eq(size, cases[i].size, "%s", shown);
        }
    }
    uint64_t first = 0;
    uint64_t size = 0;
    cr_expect_eq(byte_range_parse("bytes=-5", 0, &first, &size), RANGE_UNSATISFIABLE);
    cr_expect_eq(byte_range_parse("bytes=0-", 0, &first, &size), RANGE_UNSATISFIABLE);
}
