/* url_address - IP addresses in hosts: strict reading, one canonical spelling.
 *
 * Threads  no state; any. */
#ifndef BLINDLIST_URLS_URL_ADDRESS_H
#define BLINDLIST_URLS_URL_ADDRESS_H

#include "base/span.h"

#define URL_IPV6_TEXT_BYTES ((size_t)41) /* "[" 8 groups of 4 with 7 colons "]" */

/* Four decimal numbers in [0, 255] without leading zeros: ret = a.b.c.d as bytes. */
bool url_read_ipv4(struct span text, uint8_t ret[4]);
/* RFC 4291 section 2.2, without brackets and zone, dotted IPv4 allowed at the end. */
bool url_read_ipv6(struct span text, uint8_t ret[16]);
/* "[2001:db8::1]": RFC 5952 section 4 without its dotted IPv4; returns the size. */
size_t url_write_ipv6(const uint8_t address[16], uint8_t ret[URL_IPV6_TEXT_BYTES]);

#endif
