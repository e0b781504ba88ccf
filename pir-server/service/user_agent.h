/* user_agent - which system asks, as far as its User-Agent tells (spec/service.md section 1.5).
 *
 * Only one thing depends on it: systems before iOS 18.2 and macOS 15.2 do not know
 * repeated_shard_config. What cannot be told is treated like the newest. Threads  any. */
#ifndef BLINDLIST_SERVICE_USER_AGENT_H
#define BLINDLIST_SERVICE_USER_AGENT_H

#include <stdbool.h>
#include <stdint.h>

enum platform_kind { PLATFORM_UNKNOWN, PLATFORM_IOS, PLATFORM_MACOS };

struct platform {
    enum platform_kind kind;
    uint64_t major; /* [0, 2^63) */
    uint64_t minor; /* [0, 2^63) */
    uint64_t patch; /* [0, 10) */
};

/* iOS: the last `iOS/` that two numbers with a dot follow, then perhaps a dot and one digit.
 * Otherwise macOS: the same behind `Macintosh; OS X `. A number beyond 63 bits: unknown. */
struct platform user_agent_parse(const char *value);

/* Known, and older than iOS 18.2 or macOS 15.2. */
bool platform_is_before_repeated_shards(const struct platform *platform);

#endif
