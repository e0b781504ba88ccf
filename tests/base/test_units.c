#include "base/units.h"

#include <criterion/criterion.h>

Test(units, sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"0B", 0},           {"7B", 7},         {"2KB", 2000},
                 {"2KiB", 2048},      {"3MB", 3000000},  {"3MiB", 3 << 20},
                 {"4GB", 4000000000}, {"1GiB", 1 << 30}, {"000000000000001B", 1}};
    static const char *const wrong[] = {"",     "1",    "MB",
                                        "1 MB", "1mb",  "-1B",
                                        "1.5B", "1TB",  "1MBx",
                                        "0x1B", "1s",   "0000000000000001B",
                                        "1M",   " 1MB", "999999999999999GB"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 99;
        cr_expect(units_parse_size(cases[i].text, &bytes), "%s", cases[i].text);
        cr_expect_eq(bytes, cases[i].bytes, "%s", cases[i].text);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t bytes = 99;
        cr_expect(!units_parse_size(wrong[i], &bytes), "%s", wrong[i]);
        cr_expect_eq(bytes, 99, "%s", wrong[i]);
    }
}

Test(units, durations)
{
    uint64_t seconds = 0;
    cr_expect(units_parse_duration("90s", &seconds) && seconds == 90);
    cr_expect(units_parse_duration("15m", &seconds) && seconds == 900);
    cr_expect(units_parse_duration("12h", &seconds) && seconds == 43200);
    cr_expect(units_parse_duration("7d", &seconds) && seconds == 604800);
    cr_expect(!units_parse_duration("7w", &seconds) && !units_parse_duration("7", &seconds));
}
