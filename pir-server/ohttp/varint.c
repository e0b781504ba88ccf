#include "pir-server/ohttp/varint.h"

#include <assert.h>

#define LENGTH_SHIFT 6 /* the two top bits of a byte */
#define FIRST_BITS   0x3f

uint64_t reader_varint(struct reader *reader)
{
    const uint8_t first = reader_u8(reader);
    uint64_t value = first & FIRST_BITS;
    const struct span rest = reader_take(reader, ((size_t)1 << (first >> LENGTH_SHIFT)) - 1);
    for (size_t i = 0; i < rest.size; i++)
        value = value << 8 | rest.data[i];
    return reader->failed ? 0 : value;
}

static unsigned log2_bytes(uint64_t value)
{
    unsigned log2 = 0;
    while (value >> ((8u << log2) - 2) != 0)
        log2++;
    return log2;
}

size_t varint_bytes(uint64_t value)
{
    assert(value <= VARINT_MAX);
    return (size_t)1 << log2_bytes(value);
}

void bytes_append_varint(struct bytes *bytes, uint64_t value)
{
    const size_t size = varint_bytes(value);
    uint8_t form[VARINT_MAX_BYTES];
    for (size_t i = 0; i < size; i++)
        form[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    form[0] |= (uint8_t)(log2_bytes(value) << LENGTH_SHIFT);
    bytes_append(bytes, span_of(form, size));
}
