#include "pir-server/ohttp/varint.h"

#include "base/compiler.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static uint64_t read_one(const char *hex, size_t *ret_left)
{
    struct bytes bytes = from_hex(hex);
    struct reader reader;
    reader_init(&reader, bytes_view(&bytes));
    const uint64_t value = reader_varint(&reader);
    cr_assert(!reader.failed, "%s", hex);
    *ret_left = reader_left(&reader);
    bytes_deinit(&bytes);
    return value;
}

/* RFC 9000 appendix A.1, and the ends of each form. */
Test(varint, values)
{
    static const struct {
        uint64_t value;
        const char *hex;
    } cases[] = {{151288809941952652u, "c2197c5eff14e88c"},
                 {494878333, "9d7f3e7d"},
                 {15293, "7bbd"},
                 {37, "25"},
                 {0, "00"},
                 {63, "3f"},
                 {64, "4040"},
                 {16383, "7fff"},
                 {16384, "80004000"},
                 {1073741823, "bfffffff"},
                 {1073741824, "c000000040000000"},
                 {VARINT_MAX, "ffffffffffffffff"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        size_t left = 99;
        struct bytes written = room();
        struct bytes expected = from_hex(cases[i].hex);
        cr_assert_eq(read_one(cases[i].hex, &left), cases[i].value, "%s", cases[i].hex);
        cr_assert_eq(left, 0);
        bytes_append_varint(&written, cases[i].value);
        assert_same(bytes_view(&written), bytes_view(&expected), cases[i].hex);
        cr_assert_eq(varint_bytes(cases[i].value), expected.size);
        bytes_deinit(&expected);
        bytes_deinit(&written);
    }
}

Test(varint, longer_forms_than_needed)
{
    static const char *const forms[] = {"25", "4025", "80000025", "c000000000000025"};
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        size_t left = 99;
        cr_assert_eq(read_one(forms[i], &left), 37);
        cr_assert_eq(left, 0);
    }
}

Test(varint, cut_short)
{
    static const char *const forms[] = {"41", "bf0000", "ff000000000000", ""};
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        struct bytes bytes = from_hex(forms[i]);
        struct reader reader;
        reader_init(&reader, bytes_view(&bytes));
        cr_assert_eq(reader_varint(&reader), 0);
        cr_assert(reader.failed, "%s", forms[i]);
        bytes_deinit(&bytes);
    }
}
