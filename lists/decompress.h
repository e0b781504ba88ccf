/* decompress - gzip and zstd, told by their first bytes, with limits against bombs.
 *
 * A stream may have several members (gzip) or frames (zstd), one behind the other, and nothing
 * else. What it unpacks to is bounded by the maximum of the bytes it goes to, and by
 * DECOMPRESS_RATIO_MAX times its own size once it is above DECOMPRESS_FREE_BYTES: real lists pack
 * to a tenth, a bomb to a thousandth.
 *
 * Errors   say at which byte of the packed stream: cut off, damaged, more than a limit.
 * Threads  any.
 * Source   RFC 1952 (gzip, through zlib), RFC 8878 (zstd, through libzstd). */
#ifndef BLINDLIST_LISTS_DECOMPRESS_H
#define BLINDLIST_LISTS_DECOMPRESS_H

#include "base/bytes.h"

#define DECOMPRESS_RATIO_MAX  200
#define DECOMPRESS_FREE_BYTES ((size_t)1 << 20)

enum decompress_format { DECOMPRESS_NONE, DECOMPRESS_GZIP, DECOMPRESS_ZSTD, DECOMPRESS_OTHER };

/* By the first bytes. DECOMPRESS_OTHER: packed in a way that is not read (xz, bzip2, zip). */
enum decompress_format decompress_detect(struct span packed);

/* Appends what `packed` unpacks to. STATUS_INVALID for what is not packed at all,
 * STATUS_UNSUPPORTED for DECOMPRESS_OTHER, STATUS_MALFORMED for a damaged or cut stream,
 * STATUS_TOO_LARGE beyond a limit. On failure `ret` may have grown. */
enum status decompress(struct span packed, struct bytes *ret, struct error *err) MUST_CHECK;

#endif
