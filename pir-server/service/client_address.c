#include "pir-server/service/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_BYTES      8  /* a network of IPv6, which its owner fills as he likes */
#define IPV4_AT          12 /* of the 16 bytes */
#define BITS_MAX         128
#define RANGE_TEXT_BYTES 64

static const uint8_t IPV4_PREFIX[IPV4_AT] = {[10] = 0xff, [11] = 0xff};

static bool is_ipv4(const struct client_address *address)
{
    return memcmp(address->bytes, IPV4_PREFIX, IPV4_AT) == 0;
}

static void set_ipv4(const struct in_addr *from, struct client_address *ret)
{
    memcpy(ret->bytes, IPV4_PREFIX, IPV4_AT);
    memcpy(ret->bytes + IPV4_AT, from, sizeof *from);
}

bool client_address_of(const struct sockaddr *address, struct client_address *ret)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        set_ipv4(&v4.sin_addr, ret);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(ret->bytes, &v6.sin6_addr, sizeof ret->bytes);
        return true;
    }
    return false;
}

struct client_address client_address_group(const struct client_address *address)
{
    struct client_address group = *address;
    if (!is_ipv4(address))
        memset(group.bytes + GROUP_BYTES, 0, sizeof group.bytes - GROUP_BYTES);
    return group;
}

/* ---- ranges ---- */

static bool parse_address(const char *text, struct client_address *ret)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        set_ipv4(&v4, ret);
        return true;
    }
    return inet_pton(AF_INET6, text, ret->bytes) == 1;
}

/* The bits behind the slash, as they count in 16 bytes. */
static bool parse_bits(const char *text, unsigned before, unsigned *ret)
{
    const size_t size = strlen(text);
    if (size < 1 || size > 3 || strspn(text, "0123456789") != size)
        return false;
    *ret = before + (unsigned)strtoul(text, NULL, 10);
    return *ret <= BITS_MAX;
}

/* One range, as text of its own. */
static bool parse_range(char *text, struct address_ranges *ranges)
{
    struct client_address address;
    unsigned bits = BITS_MAX;
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!parse_address(text, &address))
        return false;
    const unsigned before = strchr(text, ':') == NULL ? 8 * IPV4_AT : 0;
    if (slash != NULL && !parse_bits(slash + 1, before, &bits))
        return false;
    ranges->list[ranges->count].address = address;
    ranges->list[ranges->count].bits = bits;
    ranges->count++;
    return true;
}

enum status address_ranges_parse(const char *text, struct address_ranges *ret, struct error *err)
{
    struct address_ranges ranges = {.count = 0};
    if (strcmp(text, "none") == 0) {
        *ret = ranges;
        return STATUS_OK;
    }
    for (const char *at = text;; at++) {
        char one[RANGE_TEXT_BYTES];
        const size_t size = strcspn(at, ",");
        if (ranges.count == ADDRESS_RANGES_MAX)
            return error_set(err, STATUS_TOO_LARGE, "more than %zu addresses", ADDRESS_RANGES_MAX);
        memcpy(one, at, size < sizeof one ? size : 0);
        one[size < sizeof one ? size : 0] = '\0';
        if (!parse_range(one, &ranges))
            return error_set(err, STATUS_INVALID,
                             "%.*s: not an IP address, nor a range such as 10.0.0.0/8", (int)size,
                             at);
        at += size;
        if (*at == '\0')
            break;
    }
    *ret = ranges;
    return STATUS_OK;
}

static bool has_prefix(const struct client_address *address, const struct client_address *prefix,
                       unsigned bits)
{
    const size_t whole = bits / 8;
    const unsigned rest = bits % 8;
    return memcmp(address->bytes, prefix->bytes, whole) == 0 &&
           (rest == 0 || (address->bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0);
}

bool address_ranges_hold(const struct address_ranges *ranges, const struct client_address *address)
{
    for (size_t i = 0; i < ranges->count; i++) {
        if (has_prefix(address, &ranges->list[i].address, ranges->list[i].bits))
            return true;
    }
    return false;
}
