#include "base/units.h"

#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 15

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit size_units[] = {
    {"B", 1},
    {"KB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
};
static const struct unit duration_units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

static bool parse(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < DIGITS_MAX; digits++)
        number = 10 * number + (uint64_t)(text[digits] - '0');
    for (size_t i = 0; i < count && digits > 0; i++) {
        if (strcmp(text + digits, units[i].name) != 0)
            continue;
        if (number > UINT64_MAX / units[i].factor)
            return false;
        *ret = number * units[i].factor;
        return true;
    }
    return false;
}

bool units_parse_size(const char *text, uint64_t *ret_bytes)
{
    return parse(text, size_units, ARRAY_COUNT(size_units), ret_bytes);
}

bool units_parse_duration(const char *text, uint64_t *ret_s)
{
    return parse(text, duration_units, ARRAY_COUNT(duration_units), ret_s);
}
