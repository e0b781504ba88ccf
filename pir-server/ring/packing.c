#include "pir-server/ring/packing.h"

/* `held` bits wait in the low end of `window`; a value is put behind them, and whole 32-bit words
 * leave from the front. held stays below 32, so 64 bits are always enough. */
void row_pack(uint8_t *ret, const uint32_t *row, size_t n, uint32_t width, uint32_t skip)
{
    const uint32_t bits = width - skip;
    uint64_t window = 0;
    uint32_t held = 0;
    for (size_t i = 0; i < n; i++) {
        window = window << bits | row[i] >> skip;
        held += bits;
        if (held >= 32) {
            held -= 32;
            const uint32_t word = (uint32_t)(window >> held);
            ret[0] = (uint8_t)(word >> 24);
            ret[1] = (uint8_t)(word >> 16);
            ret[2] = (uint8_t)(word >> 8);
            ret[3] = (uint8_t)word;
            ret += 4;
        }
    }
    for (; held >= 8; held -= 8)
        *ret++ = (uint8_t)(window >> (held - 8));
    if (held > 0)
        *ret = (uint8_t)(window << (8 - held));
}

static uint64_t load_u64be(const uint8_t *in)
{
    return (uint64_t)in[0] << 56 | (uint64_t)in[1] << 48 | (uint64_t)in[2] << 40 |
           (uint64_t)in[3] << 32 | (uint64_t)in[4] << 24 | (uint64_t)in[5] << 16 |
           (uint64_t)in[6] << 8 | in[7];
}

/* Each value is cut out of the eight bytes that begin where it begins: at most 7 + 32 bits. No
 * value waits for the one before it. */
void row_unpack(uint32_t *ret, const uint8_t *in, size_t n, uint32_t width, uint32_t skip)
{
    const uint32_t bits = width - skip;
    const uint32_t mask = (uint32_t)(((uint64_t)1 << bits) - 1);
    const size_t size = packed_row_bytes(n, width, skip);
    /* Values that begin at least eight bytes before the end. */
    const uint64_t safe = size < 8 ? 0 : ((uint64_t)(size - 8) * 8 + 7) / bits + 1;
    const size_t whole = safe < n ? (size_t)safe : n;
    uint64_t at = 0; /* in bits */
    for (size_t i = 0; i < whole; i++, at += bits)
        ret[i] = ((uint32_t)(load_u64be(in + at / 8) >> (64 - bits - at % 8)) & mask) << skip;
    for (size_t i = whole; i < n; i++, at += bits) {
        uint64_t window = 0;
        uint32_t held = 0;
        for (size_t k = (size_t)(at / 8); held < at % 8 + bits; k++, held += 8)
            window = window << 8 | in[k];
        ret[i] = ((uint32_t)(window >> (held - bits - at % 8)) & mask) << skip;
    }
}
