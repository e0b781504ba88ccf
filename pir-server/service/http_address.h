/* http_address - where a server listens: "127.0.0.1:8080", "[::1]:8080".
 *
 * Only numbers, no names: what is bound must not depend on a resolver. Threads  any. */
#ifndef BLINDLIST_SERVICE_HTTP_ADDRESS_H
#define BLINDLIST_SERVICE_HTTP_ADDRESS_H

#include "base/status.h"

#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

#define HTTP_ADDRESS_BYTES 72

/* STATUS_INVALID when it is no address and port. *ret is for freeaddrinfo(). */
enum status http_address_parse(const char *address, struct addrinfo **ret,
                               struct error *err) MUST_CHECK;
/* Is it an address of this machine alone (127.0.0.0/8, ::1)? */
enum status http_address_is_loopback(const char *address, bool *ret, struct error *err) MUST_CHECK;
/* What a socket is bound to, with the real port; "" when that cannot be told. */
void http_address_of_socket(int fd, char ret[HTTP_ADDRESS_BYTES]);

#endif
