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

void row_unpack(uint32_t *ret, const uint8_t *in, size_t n, uint32_t width, uint32_t skip)
{
    const uint32_t bits = width - skip;
    const uint32_t mask = (uint32_t)(((uint64_t)1 << bits) - 1);
    const uint8_t *const end = in + packed_row_bytes(n, width, skip);
    uint64_t window = 0;
    uint32_t held = 0;
    for (size_t i = 0; i < n; i++) {
        if (held < bits) {
            if (end - in >= 4) {
                window = window << 32 | (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 |
                         (uint32_t)in[2] << 8 | in[3];
                in += 4;
                held += 32;
            } else {
                for (; held < bits; held += 8)
                    window = window << 8 | *in++;
            }
        }
        held -= bits;
        ret[i] = ((uint32_t)(window >> held) & mask) << skip;
    }
}
