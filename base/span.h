/* span - borrowed bytes: a pointer and a size, never freed through the span.
 *
 * `data` may be NULL when `size` is 0. Whoever keeps a span says "borrows" in its header. */
#ifndef BLINDLIST_BASE_SPAN_H
#define BLINDLIST_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t size;
};

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){.data = data, .size = size};
}

/* The characters of a C string, without its NUL. */
static inline struct span span_of_text(const char *text)
{
    return (struct span){.data = (const uint8_t *)text, .size = strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Bytewise order, a prefix first: <0, 0 or >0. */
static inline int span_compare(struct span a, struct span b)
{
    const size_t common = a.size < b.size ? a.size : b.size;
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

static inline bool span_starts_with(struct span whole, struct span start)
{
    return whole.size >= start.size &&
           (start.size == 0 || memcmp(whole.data, start.data, start.size) == 0);
}

/* The part from `from` on, `size` bytes; the caller has checked that it lies inside. */
static inline struct span span_part(struct span whole, size_t from, size_t size)
{
    return (struct span){.data = from == 0 ? whole.data : whole.data + from, .size = size};
}

#endif
