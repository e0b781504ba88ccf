/* gzip and zstd: what fits, what is cut, what is damaged, what is a bomb. */
#include "lists/decompress.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_MAX ((size_t)64 << 20)

static void pack_gzip(struct span text, struct bytes *ret)
{
    z_stream stream = {0};
    cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t bound = deflateBound(&stream, text.size);
    const size_t before = ret->size;
    stream.next_out = bytes_append_space(ret, bound);
    stream.avail_out = (uInt)bound;
    stream.next_in = (Bytef *)(uintptr_t)text.data;
    stream.avail_in = (uInt)text.size;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    ret->size = before + stream.total_out;
    deflateEnd(&stream);
}

static void pack_zstd(struct span text, struct bytes *ret)
{
    const size_t bound = ZSTD_compressBound(text.size);
    const size_t before = ret->size;
    uint8_t *space = bytes_append_space(ret, bound);
    const size_t got = ZSTD_compress(space, bound, text.data, text.size, 3);
    cr_assert(!ZSTD_isError(got));
    ret->size = before + got;
}

static void (*const packers[])(struct span, struct bytes *) = {pack_gzip, pack_zstd};
static const char *const names[] = {"gzip", "zstd"};
static const enum decompress_format formats[] = {DECOMPRESS_GZIP, DECOMPRESS_ZSTD};

/* A list of some megabytes, the same each time. */
static void make_list(size_t lines, struct bytes *ret)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < lines; i++) {
        state = state * 1664525u + 1013904223u;
        bytes_append_format(ret, "host%08x.example\n", state);
    }
}

static void check_round_trip(size_t format, struct span text)
{
    struct bytes packed;
    struct bytes out;
    struct error err = {0};
    bytes_init(&packed, OUT_MAX);
    bytes_init(&out, OUT_MAX);
    packers[format](text, &packed);
    cr_assert_eq(decompress_detect(bytes_view(&packed)), formats[format]);
    cr_assert_eq(decompress(bytes_view(&packed), &out, &err), STATUS_OK, "%s", err.message);
    cr_assert(span_equal(bytes_view(&out), text));
    bytes_deinit(&packed);
    bytes_deinit(&out);
}

Test(decompress, round_trip)
{
    struct bytes list;
    bytes_init(&list, OUT_MAX);
    make_list(200000, &list);
    for (size_t format = 0; format < 2; format++) {
        check_round_trip(format, span_of_text(""));
        check_round_trip(format, span_of_text("a"));
        check_round_trip(format, bytes_view(&list));
        /* Around the size of one piece. */
        for (size_t size = 65534; size <= 65538; size++)
            check_round_trip(format, span_part(bytes_view(&list), 0, size));
    }
    bytes_deinit(&list);
}

Test(decompress, members_one_behind_the_other)
{
    for (size_t format = 0; format < 2; format++) {
        struct bytes packed;
        struct bytes out;
        bytes_init(&packed, OUT_MAX);
        bytes_init(&out, OUT_MAX);
        packers[format](span_of_text("one\n"), &packed);
        packers[format](span_of_text(""), &packed);
        packers[format](span_of_text("two\n"), &packed);
        cr_assert_eq(decompress(bytes_view(&packed), &out, NULL), STATUS_OK);
        cr_assert(span_equal(bytes_view(&out), span_of_text("one\ntwo\n")));
        bytes_deinit(&packed);
        bytes_deinit(&out);
    }
}

Test(decompress, cut_at_every_byte)
{
    for (size_t format = 0; format < 2; format++) {
        struct bytes packed;
        struct bytes list;
        bytes_init(&packed, OUT_MAX);
        bytes_init(&list, OUT_MAX);
        make_list(40, &list);
        packers[format](bytes_view(&list), &packed);
        for (size_t size = 4; size < packed.size; size++) {
            struct bytes out;
            struct error err = {0};
            char expected[100];
            bytes_init(&out, OUT_MAX);
            const enum status status =
                decompress(span_part(bytes_view(&packed), 0, size), &out, &err);
            cr_assert_eq(status, STATUS_MALFORMED, "%s, %zu bytes", names[format], size);
            (void)snprintf(expected, sizeof expected, "%s, byte %zu: the stream is cut off",
                           names[format], size);
            cr_assert_str_eq(err.message, expected, "%s", err.message);
            bytes_deinit(&out);
        }
        bytes_deinit(&packed);
        bytes_deinit(&list);
    }
}

Test(decompress, something_behind_the_end)
{
    static const char *const expected[] = {
        "gzip, byte 24: something else stands behind the stream",
        "zstd, byte 13: something else stands behind the stream",
    };
    for (size_t format = 0; format < 2; format++) {
        struct bytes packed;
        struct bytes out;
        struct error err = {0};
        bytes_init(&packed, OUT_MAX);
        bytes_init(&out, OUT_MAX);
        packers[format](span_of_text("one\n"), &packed);
        bytes_append_text(&packed, "more");
        cr_assert_eq(decompress(bytes_view(&packed), &out, &err), STATUS_MALFORMED);
        cr_assert_str_eq(err.message, expected[format], "%s", err.message);
        bytes_deinit(&packed);
        bytes_deinit(&out);
    }
}

Test(decompress, a_flipped_bit_is_found)
{
    struct bytes packed;
    struct bytes list;
    bytes_init(&packed, OUT_MAX);
    bytes_init(&list, OUT_MAX);
    make_list(40, &list);
    pack_gzip(bytes_view(&list), &packed);
    /* Byte 4 to 9 of the header (time, level, system) may be anything. */
    for (size_t at = 10; at < packed.size; at++) {
        struct bytes out;
        struct error err = {0};
        bytes_init(&out, OUT_MAX);
        packed.data[at] ^= 0x10;
        cr_assert_eq(decompress(bytes_view(&packed), &out, &err), STATUS_MALFORMED, "byte %zu", at);
        cr_assert_eq(strncmp(err.message, "gzip, byte ", 11), 0, "%s", err.message);
        packed.data[at] ^= 0x10;
        bytes_deinit(&out);
    }
    bytes_deinit(&packed);
    bytes_deinit(&list);
}

Test(decompress, a_bomb_is_refused_early)
{
    struct bytes zeros;
    bytes_init(&zeros, OUT_MAX);
    memset(bytes_append_space(&zeros, 50000000), 'a', 50000000);
    for (size_t format = 0; format < 2; format++) {
        struct bytes packed;
        struct bytes out;
        struct error err = {0};
        bytes_init(&packed, OUT_MAX);
        bytes_init(&out, OUT_MAX);
        packers[format](bytes_view(&zeros), &packed);
        cr_assert_eq(decompress(bytes_view(&packed), &out, &err), STATUS_TOO_LARGE);
        cr_assert_not_null(strstr(err.message, "unpacks to more than 200 times its size"), "%s",
                           err.message);
        cr_assert(out.size < 3 * DECOMPRESS_FREE_BYTES, "%zu", out.size);
        bytes_deinit(&packed);
        bytes_deinit(&out);
    }
    bytes_deinit(&zeros);
}

Test(decompress, the_maximum_holds_to_the_byte)
{
    struct bytes list;
    bytes_init(&list, OUT_MAX);
    make_list(10000, &list);
    for (size_t format = 0; format < 2; format++) {
        for (size_t less = 0; less < 2; less++) {
            struct bytes packed;
            struct bytes out;
            struct error err = {0};
            bytes_init(&packed, OUT_MAX);
            bytes_init(&out, list.size - less);
            packers[format](bytes_view(&list), &packed);
            const enum status status = decompress(bytes_view(&packed), &out, &err);
            cr_assert_eq(status, less == 0 ? STATUS_OK : STATUS_TOO_LARGE, "%s", err.message);
            cr_assert(less == 0 || strstr(err.message, "unpacks to more than 209999 bytes") != NULL,
                      "%s", err.message);
            bytes_deinit(&packed);
            bytes_deinit(&out);
        }
    }
    bytes_deinit(&list);
}

Test(decompress, names_what_it_does_not_read)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum status status;
        const char *message;
    } cases[] = {
        {"BZh91AY", 7, STATUS_UNSUPPORTED, "packed with bzip2; gzip and zstd are read"},
        {"\xfd\x37zXZ\0\0", 7, STATUS_UNSUPPORTED, "packed with xz; gzip and zstd are read"},
        {"PK\3\4abc", 7, STATUS_UNSUPPORTED, "packed with zip; gzip and zstd are read"},
        {"a.example", 9, STATUS_INVALID, "neither gzip nor zstd"},
        {"", 0, STATUS_INVALID, "neither gzip nor zstd"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes out;
        struct error err = {0};
        bytes_init(&out, OUT_MAX);
        cr_assert_eq(decompress(span_of(cases[i].bytes, cases[i].size), &out, &err),
                     cases[i].status);
        cr_assert_str_eq(err.message, cases[i].message, "%s", err.message);
        bytes_deinit(&out);
    }
}

Test(decompress, survives_each_failed_allocation)
{
    struct bytes list;
    struct bytes packed;
    bytes_init(&list, OUT_MAX);
    bytes_init(&packed, OUT_MAX);
    make_list(20000, &list);
    pack_gzip(bytes_view(&list), &packed);
    for (size_t n = 1;; n++) {
        struct bytes out;
        bytes_init(&out, OUT_MAX);
        mem_fail_nth(n);
        const enum status status = decompress(bytes_view(&packed), &out, NULL);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, was_reached ? STATUS_NOMEM : STATUS_OK);
        bytes_deinit(&out);
        if (!was_reached)
            break;
    }
    bytes_deinit(&list);
    bytes_deinit(&packed);
}
