/* Each part ends with a sync flush: at a byte boundary, and not with a last block. The last block
 * is a stored one, which holds the tail or nothing. */
#include "pir-server/service/gzip.h"

#include <limits.h>
#include <zlib.h>

#define WINDOW_BITS_RAW  (-15)
#define MEMORY_LEVEL     8
#define FLUSH_MAX_BYTES  16 /* beside what deflateBound() counts */
#define STORED_MAX_BYTES ((size_t)65535)

static const uint8_t HEADER[] = {0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 0xff};

void gzip_part_init(struct gzip_part *part)
{
    *part = (struct gzip_part){.plain_size = 0};
    bytes_init(&part->deflated, UINT_MAX);
}

void gzip_part_deinit(struct gzip_part *part)
{
    bytes_deinit(&part->deflated);
}

enum status gzip_part_make(struct span plain, struct gzip_part *part, struct error *err)
{
    if (plain.size > UINT_MAX / 2)
        return error_set(err, STATUS_TOO_LARGE, "gzip: %zu bytes at once", plain.size);
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS_RAW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_set(err, STATUS_NOMEM, "gzip: out of memory");
    const size_t room = deflateBound(&stream, (uLong)plain.size) + FLUSH_MAX_BYTES;
    uint8_t *out = bytes_append_space(&part->deflated, room);
    enum status status = bytes_status(&part->deflated, "gzip", err);
    if (status != STATUS_OK)
        goto done;
    stream.next_in = (Bytef *)(uintptr_t)plain.data;
    stream.avail_in = (uInt)plain.size;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_out == 0) {
        bytes_clear(&part->deflated);
        status = error_set(err, STATUS_INTERNAL, "gzip: output larger than its bound");
        goto done;
    }
    part->deflated.size = stream.total_out;
    part->plain_size = plain.size;
    part->crc = (uint32_t)crc32(0, plain.data, (uInt)plain.size);
done:
    deflateEnd(&stream);
    return status;
}

static void append_stored(struct span tail, struct bytes *ret)
{
    size_t at = 0;
    do {
        const size_t left = tail.size - at;
        const size_t size = left < STORED_MAX_BYTES ? left : STORED_MAX_BYTES;
        bytes_append_u8(ret, size == left); /* the last block? */
        bytes_append_u16le(ret, (uint16_t)size);
        bytes_append_u16le(ret, (uint16_t)~size);
        bytes_append(ret, span_part(tail, at, size));
        at += size;
    } while (at < tail.size);
}

enum status gzip_join(const struct gzip_part *const *parts, size_t count, struct span tail,
                      struct bytes *ret, struct error *err)
{
    uLong crc = crc32(0, NULL, 0);
    size_t plain_size = tail.size;
    bytes_append(ret, span_of(HEADER, sizeof HEADER));
    for (size_t i = 0; i < count; i++) {
        bytes_append(ret, bytes_view(&parts[i]->deflated));
        crc = crc32_combine(crc, parts[i]->crc, (z_off_t)parts[i]->plain_size);
        plain_size += parts[i]->plain_size;
    }
    append_stored(tail, ret);
    if (tail.size > 0)
        crc = crc32_z(crc, tail.data, tail.size);
    bytes_append_u32le(ret, (uint32_t)crc);
    bytes_append_u32le(ret, (uint32_t)plain_size);
    return bytes_status(ret, "gzip", err);
}
