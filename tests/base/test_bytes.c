#include "base/bytes.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(bytes, integers_in_both_orders)
{
    struct bytes bytes;
    bytes_init(&bytes, 1000);
    bytes_append_u8(&bytes, 0x01);
    bytes_append_u16le(&bytes, 0x0302);
    bytes_append_u16be(&bytes, 0x0405);
    bytes_append_u32le(&bytes, 0x09080706);
    bytes_append_u32be(&bytes, 0x0a0b0c0d);
    bytes_append_u64le(&bytes, 0x1514131211100f0e);
    bytes_append_u64be(&bytes, 0x161718191a1b1c1d);
    cr_assert_eq(bytes.size, 29);
    for (size_t i = 0; i < bytes.size; i++)
        cr_assert_eq(bytes.data[i], i + 1);
    bytes_deinit(&bytes);
}

Test(bytes, grows_to_its_maximum_and_no_further)
{
    for (size_t max = 0; max < 300; max++) {
        struct bytes bytes;
        struct error error;
        bytes_init(&bytes, max);
        for (size_t i = 0; i < max; i++)
            bytes_append_u8(&bytes, (uint8_t)i);
        cr_assert_eq(bytes_status(&bytes, "x", &error), STATUS_OK);
        cr_assert_eq(bytes.size, max);
        bytes_append_u8(&bytes, 0);
        cr_assert_eq(bytes.size, max);
        cr_assert_eq(bytes_status(&bytes, "the reply", &error), STATUS_TOO_LARGE);
        char expected[64];
        snprintf(expected, sizeof expected, "the reply: larger than %zu bytes", max);
        cr_assert_str_eq(error.message, expected);
        for (size_t i = 0; i < max; i++)
            cr_assert_eq(bytes.data[i], (uint8_t)i);
        bytes_deinit(&bytes);
    }
}

Test(bytes, first_failure_sticks_until_cleared)
{
    struct bytes bytes;
    bytes_init(&bytes, 4);
    bytes_append_text(&bytes, "abc");
    bytes_append_text(&bytes, "de");
    bytes_append_text(&bytes, "f");
    cr_assert_eq(bytes.size, 3, "nothing is appended after a failure, even if it would fit");
    cr_assert_eq(bytes_status(&bytes, "x", NULL), STATUS_TOO_LARGE);
    bytes_clear(&bytes);
    bytes_append_text(&bytes, "wxyz");
    cr_assert_eq(bytes_status(&bytes, "x", NULL), STATUS_OK);
    cr_assert(span_equal(bytes_view(&bytes), span_of_text("wxyz")));
    bytes_deinit(&bytes);
}

Test(bytes, format_fills_to_the_last_byte)
{
    struct bytes bytes;
    bytes_init(&bytes, 6);
    bytes_append_format(&bytes, "%s-%d", "ab", 123);
    cr_assert_eq(bytes_status(&bytes, "x", NULL), STATUS_OK);
    cr_assert(span_equal(bytes_view(&bytes), span_of_text("ab-123")));
    bytes_append_format(&bytes, "%s", "");
    cr_assert_eq(bytes_status(&bytes, "x", NULL), STATUS_OK);
    bytes_append_format(&bytes, "%d", 1);
    cr_assert_eq(bytes_status(&bytes, "x", NULL), STATUS_TOO_LARGE);
    cr_assert_eq(bytes.size, 6);
    bytes_deinit(&bytes);

    bytes_init(&bytes, 1000000);
    size_t expected = 0;
    for (int i = 0; i < 10000; i++) {
        bytes_append_format(&bytes, "%d,", i);
        expected += i < 10 ? 2 : i < 100 ? 3 : i < 1000 ? 4 : 5;
    }
    cr_assert_eq(bytes.size, expected);
    cr_assert_eq(memcmp(bytes.data + bytes.size - 10, "9998,9999,", 10), 0);
    bytes_deinit(&bytes);
}

Test(bytes, space_is_null_on_failure_only)
{
    struct bytes bytes;
    bytes_init(&bytes, 10);
    cr_assert_not_null(bytes_append_space(&bytes, 0));
    uint8_t *space = bytes_append_space(&bytes, 10);
    cr_assert_not_null(space);
    memset(space, 7, 10);
    cr_assert_not_null(bytes_append_space(&bytes, 0));
    cr_assert_null(bytes_append_space(&bytes, 1));
    cr_assert_null(bytes_append_space(&bytes, SIZE_MAX));
    cr_assert_eq(bytes.size, 10);
    bytes_deinit(&bytes);
    cr_assert_eq(bytes.size, 0);
    bytes_deinit(&bytes);
}

Test(bytes, reserve_keeps_the_block_in_place)
{
    struct bytes bytes;
    bytes_init(&bytes, 5000);
    bytes_reserve(&bytes, 5000);
    const uint8_t *before = bytes.data;
    for (int i = 0; i < 5000; i++)
        bytes_append_u8(&bytes, 1);
    cr_assert_eq(bytes.data, before);
    bytes_reserve(&bytes, 5001);
    cr_assert_eq(bytes_status(&bytes, "x", NULL), STATUS_TOO_LARGE);
    bytes_deinit_secret(&bytes);
    bytes_deinit_secret(&bytes);
}

Test(bytes, nth_allocation_fails)
{
    for (size_t nth = 1;; nth++) {
        struct bytes bytes;
        struct error error;
        bytes_init(&bytes, 1 << 20);
        mem_fail_nth(nth);
        for (int i = 0; i < 5000; i++)
            bytes_append_u32le(&bytes, 1);
        bytes_append_format(&bytes, "%1000d", 1);
        bytes_reserve(&bytes, 1 << 19);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        const enum status status = bytes_status(&bytes, "x", &error);
        cr_assert_eq(status, was_reached ? STATUS_NOMEM : STATUS_OK);
        if (was_reached)
            cr_assert_str_eq(error.message, "x: out of memory");
        else
            cr_assert_eq(bytes.size, 21000);
        bytes_deinit(&bytes);
        if (!was_reached) {
            cr_assert_gt(nth, 5);
            break;
        }
    }
}
