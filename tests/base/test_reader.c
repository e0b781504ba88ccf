#include "base/reader.h"

#include <criterion/criterion.h>

Test(reader, reads_integers_in_both_orders)
{
    const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7};
    struct reader reader;
    reader_init(&reader, span_of(in, sizeof in));
    cr_assert_eq(reader_u8(&reader), 1);
    cr_assert_eq(reader_u16le(&reader), 0x0302);
    cr_assert_eq(reader_u32be(&reader), 0x04050607);
    cr_assert_eq(reader_finish(&reader, "x", NULL), STATUS_OK);
}

Test(reader, first_failure_sticks_and_is_named)
{
    const uint8_t in[] = {1, 2, 3};
    struct reader reader;
    struct error error;
    reader_init(&reader, span_of(in, sizeof in));
    cr_assert_eq(reader_u8(&reader), 1);
    cr_assert_eq(reader_u32le(&reader), 0);
    cr_assert_eq(reader_u8(&reader), 0, "nothing is read after a failure");
    cr_assert_eq(reader_take(&reader, 0).size, 0);
    cr_assert_eq(reader_finish(&reader, "thing", &error), STATUS_MALFORMED);
    cr_assert_str_eq(error.message, "thing, byte 1: needs 4 bytes, 2 left");
}

Test(reader, bytes_left_over_are_an_error)
{
    struct reader reader;
    struct error error;
    reader_init(&reader, span_of_text("abc"));
    (void)reader_take(&reader, 1);
    cr_assert_eq(reader_check(&reader, "thing", &error), STATUS_OK);
    cr_assert_eq(reader_finish(&reader, "thing", &error), STATUS_MALFORMED);
    cr_assert_str_eq(error.message, "thing, byte 1: 2 bytes too many");
}
