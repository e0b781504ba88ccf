/* client_address - where a connection comes from, and lists of address ranges.
 *
 * Form  16 bytes as in IPv6; IPv4 is ::ffff:a.b.c.d. Threads  any. */
#ifndef BLINDLIST_SERVICE_CLIENT_ADDRESS_H
#define BLINDLIST_SERVICE_CLIENT_ADDRESS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CLIENT_ADDRESS_BYTES 16

struct client_address {
    uint8_t bytes[CLIENT_ADDRESS_BYTES];
};
/* False: it is neither IPv4 nor IPv6. */
bool client_address_of(const struct sockaddr *address, struct client_address *ret);
/* What one client has for itself: the address in IPv4, the first 64 bits in IPv6. */
struct client_address client_address_group(const struct client_address *address);

#define ADDRESS_RANGES_MAX ((size_t)32)

struct address_ranges {
    struct {
        struct client_address address;
        unsigned bits; /* of it that count, 0 to 128 */
    } list[ADDRESS_RANGES_MAX];
    size_t count;
};
/* "127.0.0.1,10.0.0.0/8,fd00::/8"; "none": no address. STATUS_INVALID names what is no address. */
enum status address_ranges_parse(const char *text, struct address_ranges *ret,
                                 struct error *err) MUST_CHECK;
bool address_ranges_hold(const struct address_ranges *ranges, const struct client_address *address);

#endif
