/* gzip - compressed response bodies (RFC 1952) put together from parts that were compressed
 * beforehand, through zlib.
 *
 * A part is a run of deflate blocks that refers to nothing outside of itself, so parts may follow
 * one another in any order. Threads  any; a finished part may be shared. */
#ifndef BLINDLIST_SERVICE_GZIP_H
#define BLINDLIST_SERVICE_GZIP_H

#include "base/bytes.h"

struct gzip_part {
    struct bytes deflated;
    size_t plain_size;
    uint32_t crc; /* of the plain bytes */
};
/* A part of nothing, which gzip_part_make() fills once. */
void gzip_part_init(struct gzip_part *part);
void gzip_part_deinit(struct gzip_part *part);
/* The same bytes for the same input. STATUS_TOO_LARGE beyond 2 GiB. */
enum status gzip_part_make(struct span plain, struct gzip_part *part, struct error *err) MUST_CHECK;

/* Appends the file of `parts` [count] and, behind them and as it is, `tail`. */
enum status gzip_join(const struct gzip_part *const *parts, size_t count, struct span tail,
                      struct bytes *ret, struct error *err) MUST_CHECK;

#endif
