/* quantity - numbers as people read them.
 *
 *     printf("%s\n", quantity_size(bytes).text);
 *
 * Threads  no state. */
#ifndef BLINDLIST_BASE_QUANTITY_H
#define BLINDLIST_BASE_QUANTITY_H

#include <stdint.h>

struct quantity {
    char text[32];
};

/* "12.3 GB", "12.3 MB", "12.3 KB" (thousands) or, below 10,000, "123 bytes". */
struct quantity quantity_size(double bytes);
/* "1,234,567". */
struct quantity quantity_count(uint64_t count);
/* Two significant digits, or all of a number from 100 on, rounded: "0.045", "4.5", "1,235"; very
 * small and very large ones as "1.2e-07". */
struct quantity quantity_about(double value);
/* "12 s", "5 min", "3 h", "12 days": whole ones, rounded down, the next unit from two of it on;
 * below 0 as 0. */
struct quantity quantity_age(double seconds);

#endif
