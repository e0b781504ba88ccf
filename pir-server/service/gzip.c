#include "pir-server/service/gzip.h"

#include <limits.h>
#include <zlib.h>

#define WINDOW_BITS_GZIP (15 + 16)
#define MEMORY_LEVEL     8

enum status gzip_append(struct span in, struct bytes *ret, struct error *err)
{
    if (in.size > UINT_MAX / 2)
        return error_set(err, STATUS_TOO_LARGE, "gzip: %zu bytes at once", in.size);
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_set(err, STATUS_NOMEM, "gzip: out of memory");

    const size_t before = ret->size;
    const size_t room = deflateBound(&stream, (uLong)in.size);
    enum status status = STATUS_OK;
    uint8_t *out = bytes_append_space(ret, room);
    if (out == NULL) {
        status = bytes_status(ret, "gzip", err);
        goto done;
    }
    stream.next_in = (Bytef *)(uintptr_t)in.data;
    stream.avail_in = (uInt)in.size;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_FINISH) == Z_STREAM_END) {
        ret->size = before + stream.total_out;
    } else {
        ret->size = before;
        status = error_set(err, STATUS_INTERNAL, "gzip: output larger than its bound");
    }
done:
    deflateEnd(&stream);
    return status;
}
