#include "base/utf8.h"

#include <stdint.h>

size_t utf8_character_bytes(struct span text)
{
    const uint8_t *at = text.data;
    if (text.size == 0 || at[0] > 0xf4 || (at[0] >= 0x80 && at[0] < 0xc2))
        return 0;
    const size_t size = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (size > text.size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Longer than need be, surrogates, beyond the last. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

size_t utf8_prefix_bytes(struct span text)
{
    size_t at = 0;
    for (size_t size = 1; size > 0; at += size)
        size = utf8_character_bytes(span_part(text, at, text.size - at));
    return at;
}
