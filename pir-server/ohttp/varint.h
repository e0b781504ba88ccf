/* varint - the integers of QUIC and binary HTTP (RFC 9000 section 16): the two top bits of the
 * first byte say how many bytes there are.
 *
 *     00  1 byte    6 bits         10  4 bytes  30 bits
 *     01  2 bytes  14 bits         11  8 bytes  62 bits
 *
 * Big-endian. Longer forms than a number needs are read, the shortest is written. */
#ifndef BLINDLIST_OHTTP_VARINT_H
#define BLINDLIST_OHTTP_VARINT_H

#include "base/bytes.h"
#include "base/reader.h"

#include <stdint.h>

#define VARINT_MAX       (((uint64_t)1 << 62) - 1)
#define VARINT_MAX_BYTES 8

/* As the other functions of reader.h: zero when it failed. */
uint64_t reader_varint(struct reader *reader);
/* `value` is at most VARINT_MAX. */
void bytes_append_varint(struct bytes *bytes, uint64_t value);
/* How many bytes that appends. */
size_t varint_bytes(uint64_t value);

#endif
