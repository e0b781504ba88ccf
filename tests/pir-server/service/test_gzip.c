#include "pir-server/service/gzip.h"

#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

Test(gzip, round_trip)
{
    static uint8_t data[100000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 5);
    static const size_t sizes[] = {0, 1, 1025, sizeof data};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct bytes packed;
        struct error error;
        bytes_init(&packed, (size_t)1 << 20);
        bytes_append_text(&packed, "before");
        cr_assert_eq(gzip_append(span_of(data, sizes[i]), &packed, &error), STATUS_OK);
        static uint8_t back[sizeof data + 1];
        z_stream stream = {.next_in = packed.data + 6,
                           .avail_in = (uInt)(packed.size - 6),
                           .next_out = back,
                           .avail_out = sizeof back};
        cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
        cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
        cr_assert_eq(stream.total_out, sizes[i]);
        cr_assert_eq(memcmp(back, data, sizes[i]), 0);
        inflateEnd(&stream);
        bytes_deinit(&packed);
    }
}

Test(gzip, a_maximum_too_small_is_a_status)
{
    struct bytes packed;
    struct error error;
    bytes_init(&packed, 10);
    cr_assert_eq(gzip_append(span_of_text("some text that is too long"), &packed, &error),
                 STATUS_TOO_LARGE);
    cr_assert_eq(packed.size, 0);
    bytes_deinit(&packed);
}
