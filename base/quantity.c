#include "base/quantity.h"

#include <math.h>
#include <stdio.h>

#define WHOLE_FROM      99.5 /* what is rounded to 100 */
#define TWO_DIGITS_FROM 9.95
#define POWERS_FROM     1e15 /* and below the other one, as 1.2e+16 */
#define POWERS_BELOW    1e-6

struct quantity quantity_size(double bytes)
{
    struct quantity size;
    if (bytes >= 1e9)
        snprintf(size.text, sizeof size.text, "%.1f GB", bytes / 1e9);
    else if (bytes >= 1e6)
        snprintf(size.text, sizeof size.text, "%.1f MB", bytes / 1e6);
    else if (bytes >= 1e4)
        snprintf(size.text, sizeof size.text, "%.1f KB", bytes / 1e3);
    else
        snprintf(size.text, sizeof size.text, "%.0f bytes", bytes);
    return size;
}

struct quantity quantity_count(uint64_t count)
{
    struct quantity grouped;
    char digits[sizeof grouped.text];
    const size_t size = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            grouped.text[at++] = ',';
        grouped.text[at++] = digits[i];
    }
    grouped.text[at] = '\0';
    return grouped;
}

struct quantity quantity_about(double value)
{
    struct quantity about = {"0"};
    int decimals = 0;
    if (value >= POWERS_FROM || (value > 0 && value < POWERS_BELOW)) {
        snprintf(about.text, sizeof about.text, "%.1e", value);
        return about;
    }
    if (value >= WHOLE_FROM)
        return quantity_count((uint64_t)llround(value));
    for (double shown = value; shown > 0 && shown < TWO_DIGITS_FROM; shown *= 10)
        decimals++;
    if (value > 0)
        snprintf(about.text, sizeof about.text, "%.*f", decimals, value);
    return about;
}

struct quantity quantity_age(double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}, {0, "s"}};
    struct quantity age;
    size_t i = 0;
    seconds = fmax(seconds, 0);
    while (seconds < 2 * units[i].seconds)
        i++;
    snprintf(age.text, sizeof age.text, "%.0f %s",
             floor(units[i].seconds > 0 ? seconds / units[i].seconds : seconds), units[i].name);
    return age;
}
