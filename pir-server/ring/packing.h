/* packing - rows of residues as bit strings (spec/bfv.md section 6.1).
 *
 * A row of n values at `width` bits, most significant bit first, back to back, its last byte padded
 * with zero bits. With `skip` low bits dropped a value takes width - skip bits: value >> skip on
 * writing, << skip on reading.
 *
 * Ranges   1 <= width <= 32, skip < width.
 * Threads  any. */
#ifndef BLINDLIST_RING_PACKING_H
#define BLINDLIST_RING_PACKING_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a packed row; n <= 2^32. */
static inline size_t packed_row_bytes(size_t n, uint32_t width, uint32_t skip)
{
    return (size_t)(((uint64_t)n * (width - skip) + 7) / 8);
}

/* ret [packed_row_bytes(n, width, skip)]; row [n] with values below 2^width. */
void row_pack(uint8_t *ret, const uint32_t *row, size_t n, uint32_t width, uint32_t skip);
/* ret [n]; in [packed_row_bytes(n, width, skip)]. Padding bits are not looked at. */
void row_unpack(uint32_t *ret, const uint8_t *in, size_t n, uint32_t width, uint32_t skip);

#endif
