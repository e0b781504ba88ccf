#include "pir-server/service/gzip.h"

#include <criterion/criterion.h>
#include <string.h>
#include <zlib.h>

#define PARTS 3

static uint8_t data[200000];
static struct error error;

static struct gzip_part make_part(size_t size)
{
    struct gzip_part part;
    gzip_part_init(&part);
    cr_assert_eq(gzip_part_make(span_of(data, size), &part, &error), STATUS_OK, "%s",
                 error.message);
    return part;
}

/* What zlib makes of it: one member and nothing behind. */
static void expect_unpacks(struct span packed, const size_t sizes[PARTS], size_t tail)
{
    static uint8_t back[4 * sizeof data];
    size_t at = 0;
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.data,
                       .avail_in = (uInt)packed.size,
                       .next_out = back,
                       .avail_out = sizeof back};
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_expect_eq(stream.avail_in, 0);
    for (size_t i = 0; i < PARTS; at += sizes[i], i++)
        cr_expect_eq(memcmp(back + at, data, sizes[i]), 0, "part %zu", i);
    cr_expect_eq(memcmp(back + at, data, tail), 0);
    cr_expect_eq(stream.total_out, at + tail);
    inflateEnd(&stream);
}

Test(gzip, parts_and_a_tail_are_one_file)
{
    static const size_t sizes[][PARTS] = {{0, 0, 0}, {1, 0, 1025}, {100000, 70, 100000}};
    static const size_t tails[] = {0, 1, 65535, 65536, 140000};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 5);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct gzip_part parts[PARTS];
        const struct gzip_part *list[PARTS];
        for (size_t k = 0; k < PARTS; k++) {
            parts[k] = make_part(sizes[i][k]);
            list[k] = &parts[k];
        }
        for (size_t t = 0; t < ARRAY_COUNT(tails); t++) {
            struct bytes packed;
            bytes_init(&packed, (size_t)1 << 20);
            bytes_append_text(&packed, "before");
            cr_assert_eq(gzip_join(list, PARTS, span_of(data, tails[t]), &packed, &error),
                         STATUS_OK);
            expect_unpacks(span_part(bytes_view(&packed), 6, packed.size - 6), sizes[i], tails[t]);
            bytes_deinit(&packed);
        }
        for (size_t k = 0; k < PARTS; k++)
            gzip_part_deinit(&parts[k]);
    }
}

Test(gzip, a_part_is_smaller_than_what_it_holds)
{
    struct gzip_part part = make_part(sizeof data);
    cr_expect_lt(part.deflated.size, sizeof data / 10);
    gzip_part_deinit(&part);
}

Test(gzip, a_maximum_too_small_is_a_status)
{
    struct bytes packed;
    bytes_init(&packed, 10);
    cr_assert_eq(gzip_join(NULL, 0, span_of_text("some text that is too long"), &packed, &error),
                 STATUS_TOO_LARGE);
    bytes_deinit(&packed);
}
