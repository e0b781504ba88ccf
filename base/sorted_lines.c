#include "base/sorted_lines.h"

struct span sorted_lines_at(struct span text, size_t at)
{
    const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
    return span_part(text, at, (end != NULL ? (size_t)(end - text.data) : text.size) - at);
}

size_t sorted_lines_find(struct span text, struct span line)
{
    size_t low = 0; /* a line starts here, and all before are below */
    size_t high = text.size;
    while (low < high) {
        size_t start = low + (high - low) / 2;
        while (start > low && text.data[start - 1] != '\n')
            start--;
        const struct span at = sorted_lines_at(text, start);
        if (span_compare(at, line) < 0) {
            const size_t next = start + at.size + 1;
            low = next < text.size ? next : text.size;
        } else {
            high = start;
        }
    }
    return low;
}

bool sorted_lines_has(struct span text, struct span line)
{
    const size_t at = sorted_lines_find(text, line);
    return at < text.size && span_equal(sorted_lines_at(text, at), line);
}
