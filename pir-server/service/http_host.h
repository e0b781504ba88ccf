/* http_host - host names in one spelling, so that they compare byte for byte.
 *
 * Spelling  lower case, no port, no dot at the end; an IPv6 address in brackets and in its shortest
 *           form: "pir.example.com", "192.0.2.1", "[2001:db8::1]". Letters, digits, '-', '.' and
 *           '_' make a name; no part of it is empty.
 * Source    RFC 9110 section 7.2, RFC 9112 section 3.2; RFC 3986 section 3.2.2.
 * Threads   any; pure functions. */
#ifndef BLINDLIST_SERVICE_HTTP_HOST_H
#define BLINDLIST_SERVICE_HTTP_HOST_H

#include <stdbool.h>

#define HTTP_HOST_BYTES 256 /* 253 of a name and more, and the end */

/* A Host field: a host and perhaps a port, blanks around. "" is the empty field, which is allowed.
 * False when it is none: also what two Host fields yield, joined with ", ". */
bool http_host_of_field(const char *value, char ret[HTTP_HOST_BYTES]);
/* A host in a configuration: neither empty nor with a port. */
bool http_host_of_name(const char *name, char ret[HTTP_HOST_BYTES]);

#endif
