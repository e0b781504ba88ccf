/* checked - sums and products of sizes that may overflow.
 *
 * Each function returns false and leaves *ret alone when the exact result does not fit. */
#ifndef BLINDLIST_BASE_CHECKED_H
#define BLINDLIST_BASE_CHECKED_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool MUST_CHECK size_add(size_t a, size_t b, size_t *ret)
{
    if (a > SIZE_MAX - b)
        return false;
    *ret = a + b;
    return true;
}

static inline bool MUST_CHECK size_mul(size_t a, size_t b, size_t *ret)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *ret = a * b;
    return true;
}

/* ceil(a / b); b > 0. Cannot overflow. */
static inline uint64_t u64_div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

#endif
