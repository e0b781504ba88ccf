#include "pir-server/service/user_agent.h"

#include <stddef.h>
#include <string.h>

enum number { NUMBER_NONE, NUMBER_FITS, NUMBER_TOO_LARGE };

/* All digits at *at. */
static enum number parse_number(const char **at, uint64_t *ret)
{
    const char *p = *at;
    uint64_t value = 0;
    bool fits = true;
    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10)
            fits = false;
        else
            value = value * 10 + digit;
    }
    if (p == *at)
        return NUMBER_NONE;
    *at = p;
    *ret = value;
    return fits ? NUMBER_FITS : NUMBER_TOO_LARGE;
}

/* The last place where `marker` is followed by a version. false: there is none. */
static bool find_version(const char *value, const char *marker, enum platform_kind kind,
                         struct platform *ret)
{
    const size_t marker_size = strlen(marker);
    bool found = false;
    for (const char *at = strstr(value, marker); at != NULL; at = strstr(at + 1, marker)) {
        const char *p = at + marker_size;
        struct platform version = {.kind = kind};
        const enum number major = parse_number(&p, &version.major);
        if (major == NUMBER_NONE || *p != '.')
            continue;
        p++;
        const enum number minor = parse_number(&p, &version.minor);
        if (minor == NUMBER_NONE)
            continue;
        if (p[0] == '.' && p[1] >= '0' && p[1] <= '9')
            version.patch = (uint64_t)(p[1] - '0');
        if (major == NUMBER_TOO_LARGE || minor == NUMBER_TOO_LARGE)
            version = (struct platform){.kind = PLATFORM_UNKNOWN};
        *ret = version;
        found = true;
    }
    return found;
}

struct platform user_agent_parse(const char *value)
{
    struct platform platform = {.kind = PLATFORM_UNKNOWN};
    if (value != NULL && !find_version(value, "iOS/", PLATFORM_IOS, &platform)) {
        const bool is_mac = find_version(value, "Macintosh; OS X ", PLATFORM_MACOS, &platform);
        (void)is_mac;
    }
    return platform;
}

bool platform_is_before_repeated_shards(const struct platform *platform)
{
    uint64_t major = 0;
    switch (platform->kind) {
    case PLATFORM_UNKNOWN:
        return false;
    case PLATFORM_IOS:
        major = 18;
        break;
    case PLATFORM_MACOS:
        major = 15;
        break;
    }
    if (platform->major != major)
        return platform->major < major;
    return platform->minor < 2;
}
