#include "urls/url_address.h"

bool url_read_ipv4(struct span text, uint8_t ret[4])
{
    size_t at = 0;
    uint8_t bytes[4];
    for (size_t part = 0; part < 4; part++) {
        if (part > 0 && (at == text.size || text.data[at++] != '.'))
            return false;
        const size_t start = at;
        unsigned value = 0;
        while (at < text.size && at - start < 4 && text.data[at] >= '0' && text.data[at] <= '9')
            value = value * 10 + (unsigned)(text.data[at++] - '0');
        const size_t digits = at - start;
        if (digits == 0 || value > 255 || (digits > 1 && text.data[start] == '0'))
            return false;
        bytes[part] = (uint8_t)value;
    }
    if (at != text.size)
        return false;
    memcpy(ret, bytes, sizeof bytes);
    return true;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Groups before "::" go to the front, those behind it to the back. */
bool url_read_ipv6(struct span text, uint8_t ret[16])
{
    uint8_t bytes[16] = {0};
    size_t filled = 0;
    size_t gap = SIZE_MAX;
    size_t at = 0;
    if (text.size >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < text.size) {
        if (filled == 16)
            return false;
        uint8_t ipv4[4];
        if (filled <= 12 && url_read_ipv4(span_part(text, at, text.size - at), ipv4)) {
            memcpy(bytes + filled, ipv4, sizeof ipv4);
            filled += 4;
            at = text.size;
            break;
        }
        const size_t start = at;
        unsigned value = 0;
        while (at < text.size && at - start < 4 && hex_value(text.data[at]) >= 0)
            value = value * 16 + (unsigned)hex_value(text.data[at++]);
        if (at == start)
            return false;
        bytes[filled++] = (uint8_t)(value >> 8);
        bytes[filled++] = (uint8_t)(value & 0xff);
        if (at == text.size)
            break;
        if (text.data[at++] != ':' || at == text.size)
            return false;
        if (text.data[at] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = filled;
            at++;
        }
    }
    if (gap == SIZE_MAX ? filled != 16 : filled > 14)
        return false;
    if (gap != SIZE_MAX) {
        const size_t behind = filled - gap;
        memmove(bytes + 16 - behind, bytes + gap, behind);
        memset(bytes + gap, 0, 16 - filled);
    }
    memcpy(ret, bytes, sizeof bytes);
    return true;
}

size_t url_write_ipv6(const uint8_t address[16], uint8_t ret[URL_IPV6_TEXT_BYTES])
{
    unsigned groups[8];
    for (size_t i = 0; i < 8; i++)
        groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
    /* The first longest run of at least two zero groups becomes "::". */
    size_t best = 8;
    size_t best_length = 1;
    for (size_t i = 0; i < 8;) {
        size_t length = 0;
        while (i + length < 8 && groups[i + length] == 0)
            length++;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
        i += length > 0 ? length : 1;
    }
    size_t size = 0;
    ret[size++] = '[';
    for (size_t i = 0; i < 8; i++) {
        if (i == best) {
            ret[size++] = ':';
            i += best_length - 1;
            if (i == 7)
                ret[size++] = ':';
            continue;
        }
        if (i > 0)
            ret[size++] = ':';
        bool started = false;
        for (int shift = 12; shift >= 0; shift -= 4) {
            const unsigned digit = groups[i] >> shift & 15;
            started = started || digit != 0 || shift == 0;
            if (started)
                ret[size++] = (uint8_t) "0123456789abcdef"[digit];
        }
    }
    ret[size++] = ']';
    return size;
}
