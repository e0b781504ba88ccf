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

/* A packed text, and what became of unpacking it. */
struct trial {
    struct bytes packed;
    struct bytes out;
    enum status status;
    struct error err;
};

static void trial_init(struct trial *trial, size_t out_max)
{
    bytes_init(&trial->packed, OUT_MAX);
    bytes_init(&trial->out, out_max);
    trial->err = (struct error){0};
}

/* Unpacks the first `size` bytes, again from nothing. */
static void trial_run(struct trial *trial, size_t size)
{
    trial->out.size = 0;
    trial->status =
        decompress(span_part(bytes_view(&trial->packed), 0, size), &trial->out, &trial->err);
}

static void trial_deinit(struct trial *trial)
{
    bytes_deinit(&trial->packed);
    bytes_deinit(&trial->out);
}

static void check_round_trip(size_t format, struct span text)
{
    struct trial trial;
    trial_init(&trial, OUT_MAX);
    packers[format](text, &trial.packed);
    cr_assert_eq(decompress_detect(bytes_view(&trial.packed)), formats[format]);
    trial_run(&trial, trial.packed.size);
    cr_assert_eq(trial.status, STATUS_OK, "%s", trial.err.message);
    cr_assert(span_equal(bytes_view(&trial.out), text));
    trial_deinit(&trial);
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
        struct trial trial;
        trial_init(&trial, OUT_MAX);
        packers[format](span_of_text("one\n"), &trial.packed);
        packers[format](span_of_text(""), &trial.packed);
        packers[format](span_of_text("two\n"), &trial.packed);
        trial_run(&trial, trial.packed.size);
        cr_assert_eq(trial.status, STATUS_OK);
        cr_assert(span_equal(bytes_view(&trial.out), span_of_text("one\ntwo\n")));
        trial_deinit(&trial);
    }
}

Test(decompress, cut_at_every_byte)
{
    struct bytes list;
    bytes_init(&list, OUT_MAX);
    make_list(40, &list);
    for (size_t format = 0; format < 2; format++) {
        struct trial trial;
        trial_init(&trial, OUT_MAX);
        packers[format](bytes_view(&list), &trial.packed);
        for (size_t size = 4; size < trial.packed.size; size++) {
            char expected[100];
            trial_run(&trial, size);
            cr_assert_eq(trial.status, STATUS_MALFORMED, "%s, %zu bytes", names[format], size);
            (void)snprintf(expected, sizeof expected, "%s, byte %zu: the stream is cut off",
                           names[format], size);
            cr_assert_str_eq(trial.err.message, expected, "%s", trial.err.message);
        }
        trial_deinit(&trial);
    }
    bytes_deinit(&list);
}

Test(decompress, something_behind_the_end)
{
    static const char *const expected[] = {
        "gzip, byte 24: something else stands behind the stream",
        "zstd, byte 13: something else stands behind the stream",
    };
    for (size_t format = 0; format < 2; format++) {
        struct trial trial;
        trial_init(&trial, OUT_MAX);
        packers[format](span_of_text("one\n"), &trial.packed);
        bytes_append_text(&trial.packed, "more");
        trial_run(&trial, trial.packed.size);
        cr_assert_eq(trial.status, STATUS_MALFORMED);
        cr_assert_str_eq(trial.err.message, expected[format], "%s", trial.err.message);
        trial_deinit(&trial);
    }
}

Test(decompress, a_flipped_bit_is_found)
{
    struct trial trial;
    struct bytes list;
    trial_init(&trial, OUT_MAX);
    bytes_init(&list, OUT_MAX);
    make_list(40, &list);
    pack_gzip(bytes_view(&list), &trial.packed);
    /* Byte 4 to 9 of the header (time, level, system) may be anything. */
    for (size_t at = 10; at < trial.packed.size; at++) {
        trial.packed.data[at] ^= 0x10;
        trial_run(&trial, trial.packed.size);
        cr_assert_eq(trial.status, STATUS_MALFORMED, "byte %zu", at);
        cr_assert_eq(strncmp(trial.err.message, "gzip, byte ", 11), 0, "%s", trial.err.message);
        trial.packed.data[at] ^= 0x10;
    }
    trial_deinit(&trial);
    bytes_deinit(&list);
}

Test(decompress, a_bomb_is_refused_early)
{
    struct bytes zeros;
    bytes_init(&zeros, OUT_MAX);
    memset(bytes_append_space(&zeros, 50000000), 'a', 50000000);
    for (size_t format = 0; format < 2; format++) {
        struct trial trial;
        trial_init(&trial, OUT_MAX);
        packers[format](bytes_view(&zeros), &trial.packed);
        trial_run(&trial, trial.packed.size);
        cr_assert_eq(trial.status, STATUS_TOO_LARGE);
        cr_assert_not_null(strstr(trial.err.message, "unpacks to more than 200 times its size"),
                           "%s", trial.err.message);
        cr_assert(trial.out.size < 3 * DECOMPRESS_FREE_BYTES, "%zu", trial.out.size);
        trial_deinit(&trial);
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
            struct trial trial;
            trial_init(&trial, list.size - less);
            packers[format](bytes_view(&list), &trial.packed);
            trial_run(&trial, trial.packed.size);
            cr_assert_eq(trial.status, less == 0 ? STATUS_OK : STATUS_TOO_LARGE, "%s",
                         trial.err.message);
            cr_assert(less == 0 ||
                          strstr(trial.err.message, "unpacks to more than 209999 bytes") != NULL,
                      "%s", trial.err.message);
            trial_deinit(&trial);
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
