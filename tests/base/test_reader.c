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

Test(reader, every_width)
{
    const uint8_t in[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                          12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22};
    struct reader reader;
    reader_init(&reader, span_of(in, sizeof in));
    cr_assert_eq(reader_u16be(&reader), 0x0102);
    cr_assert_eq(reader_u32le(&reader), 0x06050403);
    cr_assert_eq(reader_u64be(&reader), 0x0708090a0b0c0d0e);
    cr_assert_eq(reader_u64le(&reader), 0x161514131211100f);
    cr_assert_eq(reader_left(&reader), 0);
    cr_assert_eq(reader_finish(&reader, "x", NULL), STATUS_OK);
}

Test(reader, takes_borrow_from_the_input)
{
    const struct span in = span_of_text("headbody");
    struct reader reader;
    reader_init(&reader, in);
    cr_assert_eq(reader_take(&reader, 4).data, in.data);
    const struct span rest = reader_rest(&reader);
    cr_assert_eq(rest.data, in.data + 4);
    cr_assert_eq(rest.size, 4);
    cr_assert_eq(reader_rest(&reader).size, 0);
    cr_assert_eq(reader_finish(&reader, "x", NULL), STATUS_OK);
}

Test(reader, hostile_sizes_and_empty_input)
{
    struct reader reader;
    reader_init(&reader, span_of(NULL, 0));
    cr_assert_eq(reader_take(&reader, 0).size, 0);
    cr_assert_eq(reader_finish(&reader, "x", NULL), STATUS_OK);
    cr_assert_eq(reader_u8(&reader), 0);
    cr_assert_eq(reader_finish(&reader, "x", NULL), STATUS_MALFORMED);

    reader_init(&reader, span_of_text("abc"));
    (void)reader_u8(&reader);
    cr_assert_eq(reader_take(&reader, SIZE_MAX).size, 0);
    cr_assert(reader.failed);
    cr_assert_eq(reader_left(&reader), 0);
    cr_assert_eq(reader_rest(&reader).size, 0);
}
