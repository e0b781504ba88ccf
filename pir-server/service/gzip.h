/* gzip - compresses a response body (RFC 1952), through zlib. Threads  any. */
#ifndef BLINDLIST_SERVICE_GZIP_H
#define BLINDLIST_SERVICE_GZIP_H

#include "base/bytes.h"

/* Appends the compressed form of `in`; the same bytes for the same input. On failure `ret` is as
 * it was. */
enum status gzip_append(struct span in, struct bytes *ret, struct error *err) MUST_CHECK;

#endif
