#include "pir-server/service/user_agent.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <stddef.h>

/* spec/service.md sections 1.5 and 1.7 */
Test(user_agent, parses_and_compares)
{
    static const struct {
        const char *value;
        enum platform_kind kind;
        uint64_t major, minor, patch;
        bool is_before;
    } cases[] = {
        {"com.apple.ciphermld/1.0 iOS/18.2 x", PLATFORM_IOS, 18, 2, 0, false},
        {"com.apple.ciphermld/1.2 (Macintosh; OS X 15.2; y) z", PLATFORM_MACOS, 15, 2, 0, false},
        {"iOS/18.1", PLATFORM_IOS, 18, 1, 0, true},
        {"iOS/18.1.9", PLATFORM_IOS, 18, 1, 9, true},
        {"iOS/18.2.15", PLATFORM_IOS, 18, 2, 1, false},
        {"iOS/17.6.1 y", PLATFORM_IOS, 17, 6, 1, true},
        {"iOS/26.1", PLATFORM_IOS, 26, 1, 0, false},
        {"iOS/18.10", PLATFORM_IOS, 18, 10, 0, false},
        {"x (Macintosh; OS X 15.1.1)", PLATFORM_MACOS, 15, 1, 1, true},
        {"x (Macintosh; OS X 14.9)", PLATFORM_MACOS, 14, 9, 0, true},
        {"iOS/17.0 iOS/18.3", PLATFORM_IOS, 18, 3, 0, false},
        {"iOS/18.3 iOS/19", PLATFORM_IOS, 18, 3, 0, false},
        {"Macintosh; OS X 14.0 iOS/18.2", PLATFORM_IOS, 18, 2, 0, false},
        {"iOS/18 (Macintosh; OS X 14.0)", PLATFORM_MACOS, 14, 0, 0, true},
        {"iOS/18", PLATFORM_UNKNOWN, 0, 0, 0, false},
        {"iOS/.2", PLATFORM_UNKNOWN, 0, 0, 0, false},
        {"ios/17.0", PLATFORM_UNKNOWN, 0, 0, 0, false},
        {"", PLATFORM_UNKNOWN, 0, 0, 0, false},
        {NULL, PLATFORM_UNKNOWN, 0, 0, 0, false},
        {"curl/8.0", PLATFORM_UNKNOWN, 0, 0, 0, false},
        {"iOS/9223372036854775807.0", PLATFORM_IOS, 9223372036854775807u, 0, 0, false},
        {"iOS/9223372036854775808.0", PLATFORM_UNKNOWN, 0, 0, 0, false},
        {"iOS/17.99999999999999999999", PLATFORM_UNKNOWN, 0, 0, 0, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct platform got = user_agent_parse(cases[i].value);
        const char *shown = cases[i].value != NULL ? cases[i].value : "absent";
        cr_expect_eq(got.kind, cases[i].kind, "%s", shown);
        cr_expect_eq(got.major, cases[i].major, "%s", shown);
        cr_expect_eq(got.minor, cases[i].minor, "%s", shown);
        cr_expect_eq(got.patch, cases[i].patch, "%s", shown);
        cr_expect_eq(platform_is_before_repeated_shards(&got), cases[i].is_before, "%s", shown);
    }
}
