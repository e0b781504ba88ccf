#include "lists/decompress.h"

#include "base/mem.h"

#include <zlib.h>
#include <zstd.h>

#define PIECE_BYTES ((size_t)1 << 16)
/* zlib counts its input in 32 bits. */
#define GZIP_INPUT_BYTES ((size_t)1 << 30)
/* inflateInit2(): the largest window, and 16 for "gzip only". */
#define GZIP_WINDOW_BITS (MAX_WBITS + 16)
/* 128 MiB, as the zstd tool takes without being told. */
#define ZSTD_WINDOW_LOG_MAX 27

struct unpacking {
    const char *name; /* of the format */
    struct span packed;
    size_t taken; /* bytes of `packed` that the library has read */
    uint8_t *piece;
    struct bytes *out;
    size_t out_before;
};

/* ---- which format ---- */

static const struct magic {
    const char *bytes;
    size_t size;
    enum decompress_format format;
    const char *name;
} magics[] = {
    {"\x1f\x8b", 2, DECOMPRESS_GZIP, "gzip"},
    {"\x28\xb5\x2f\xfd", 4, DECOMPRESS_ZSTD, "zstd"},
    {"\xfd"
     "7zXZ\0",
     6, DECOMPRESS_OTHER, "xz"},
    {"BZh", 3, DECOMPRESS_OTHER, "bzip2"},
    {"PK\x03\x04", 4, DECOMPRESS_OTHER, "zip"},
};

static const struct magic *find_magic(struct span packed)
{
    for (size_t i = 0; i < ARRAY_COUNT(magics); i++) {
        if (span_starts_with(packed, span_of(magics[i].bytes, magics[i].size)))
            return &magics[i];
    }
    return NULL;
}

enum decompress_format decompress_detect(struct span packed)
{
    const struct magic *magic = find_magic(packed);
    return magic != NULL ? magic->format : DECOMPRESS_NONE;
}

/* ---- what both have in common ---- */

static struct span rest(const struct unpacking *work)
{
    return span_part(work->packed, work->taken, work->packed.size - work->taken);
}

/* Takes over `size` bytes of the piece, if the limits allow. */
static enum status put(struct unpacking *work, size_t size, struct error *err)
{
    struct bytes *out = work->out;
    bytes_append(out, span_of(work->piece, size));
    if (out->status == STATUS_TOO_LARGE)
        return error_set(err, STATUS_TOO_LARGE, "%s, byte %zu: unpacks to more than %zu bytes",
                         work->name, work->taken, out->max_size);
    if (out->status != STATUS_OK)
        return bytes_status(out, work->name, err);
    const size_t grown = out->size - work->out_before;
    if (grown > DECOMPRESS_FREE_BYTES && grown / DECOMPRESS_RATIO_MAX > work->taken)
        return error_set(err, STATUS_TOO_LARGE,
                         "%s, byte %zu: unpacks to more than %d times its size", work->name,
                         work->taken, DECOMPRESS_RATIO_MAX);
    return STATUS_OK;
}

static enum status cut_off(const struct unpacking *work, struct error *err)
{
    return error_set(err, STATUS_MALFORMED, "%s, byte %zu: the stream is cut off", work->name,
                     work->packed.size);
}

static enum status damaged(const struct unpacking *work, const char *what, struct error *err)
{
    return error_set(err, STATUS_MALFORMED, "%s, byte %zu: %s", work->name, work->taken, what);
}

/* Behind the end of a member: nothing, or another one. */
static enum status check_next(const struct unpacking *work, enum decompress_format format,
                              struct error *err)
{
    const struct span next = rest(work);
    return next.size == 0 || decompress_detect(next) == format
               ? STATUS_OK
               : damaged(work, "something else stands behind the stream", err);
}

/* ---- gzip ---- */

static void *take_memory(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return mem_alloc(count, size);
}

static void give_memory(void *unused, void *block)
{
    (void)unused;
    mem_free(block);
}

/* One call of inflate(): as much as fits the piece. *ret_code is Z_OK or Z_STREAM_END. */
static enum status inflate_piece(struct unpacking *work, z_stream *stream, int *ret_code,
                                 struct error *err)
{
    const struct span input = rest(work);
    const size_t offered = input.size < GZIP_INPUT_BYTES ? input.size : GZIP_INPUT_BYTES;
    stream->next_in = (Bytef *)(uintptr_t)input.data;
    stream->avail_in = (uInt)offered;
    stream->next_out = work->piece;
    stream->avail_out = (uInt)PIECE_BYTES;
    const int code = inflate(stream, Z_NO_FLUSH);
    work->taken += offered - stream->avail_in;
    if (code == Z_MEM_ERROR)
        return error_set(err, STATUS_NOMEM, "gzip: out of memory");
    if (code == Z_BUF_ERROR)
        return cut_off(work, err);
    if (code == Z_NEED_DICT)
        return damaged(work, "needs a dictionary", err);
    if (code != Z_OK && code != Z_STREAM_END)
        return damaged(work, stream->msg != NULL ? stream->msg : "the stream is damaged", err);
    *ret_code = code;
    return put(work, PIECE_BYTES - stream->avail_out, err);
}

static enum status unpack_gzip(struct unpacking *work, struct error *err)
{
    z_stream stream = {.zalloc = take_memory, .zfree = give_memory};
    int code = inflateInit2(&stream, GZIP_WINDOW_BITS);
    if (code != Z_OK)
        return error_set(err, STATUS_NOMEM, "gzip: out of memory");
    enum status status = STATUS_OK;
    while (status == STATUS_OK && work->taken < work->packed.size) {
        status = inflate_piece(work, &stream, &code, err);
        if (status == STATUS_OK && code == Z_STREAM_END) {
            status = check_next(work, DECOMPRESS_GZIP, err);
            (void)inflateReset(&stream); /* fails for no stream only */
        }
    }
    /* What did not fit the last piece; the input is used up. */
    while (status == STATUS_OK && code == Z_OK)
        status = inflate_piece(work, &stream, &code, err);
    (void)inflateEnd(&stream);
    return status;
}

/* ---- zstd ---- */

static enum status unpack_zstd(struct unpacking *work, struct error *err)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream == NULL)
        return error_set(err, STATUS_NOMEM, "zstd: out of memory");
    enum status status = STATUS_OK;
    size_t left = 1; /* 0 = a frame is complete */
    (void)ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    while (status == STATUS_OK && (left != 0 || work->taken < work->packed.size)) {
        const struct span input = rest(work);
        ZSTD_inBuffer in = {.src = input.data, .size = input.size};
        ZSTD_outBuffer out = {.dst = work->piece, .size = PIECE_BYTES};
        left = ZSTD_decompressStream(stream, &out, &in);
        work->taken += in.pos;
        if (ZSTD_isError(left))
            status = damaged(work, ZSTD_getErrorName(left), err);
        else if (in.pos == 0 && out.pos == 0)
            status = cut_off(work, err);
        else
            status = put(work, out.pos, err);
        if (status == STATUS_OK && left == 0)
            status = check_next(work, DECOMPRESS_ZSTD, err);
    }
    ZSTD_freeDStream(stream);
    return status;
}

enum status decompress(struct span packed, struct bytes *ret, struct error *err)
{
    const struct magic *magic = find_magic(packed);
    if (magic == NULL)
        return error_set(err, STATUS_INVALID, "neither gzip nor zstd");
    if (magic->format == DECOMPRESS_OTHER)
        return error_set(err, STATUS_UNSUPPORTED, "packed with %s; gzip and zstd are read",
                         magic->name);
    struct unpacking work = {
        .name = magic->name, .packed = packed, .out = ret, .out_before = ret->size};
    work.piece = mem_alloc(PIECE_BYTES, 1);
    if (work.piece == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", magic->name);
    const enum status status =
        magic->format == DECOMPRESS_GZIP ? unpack_gzip(&work, err) : unpack_zstd(&work, err);
    mem_free(work.piece);
    return status;
}
