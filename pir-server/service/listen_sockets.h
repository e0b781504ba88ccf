/* listen_sockets - the sockets that a server listens on, bound by itself or by somebody before it.
 *
 * A service manager hands sockets over at the start of a process, a server before this one by
 * handover.h; they are told by the address that they are bound to. What connects while nobody
 * takes connections waits in such a socket and is not lost.
 *
 * Memory   a set is plain storage of the caller and owns its sockets.
 * Threads  one at a time. */
#ifndef BLINDLIST_SERVICE_LISTEN_SOCKETS_H
#define BLINDLIST_SERVICE_LISTEN_SOCKETS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define LISTEN_SOCKETS_MAX 8

struct listen_sockets {
    int fds[LISTEN_SOCKETS_MAX];
    size_t count;
};

/* Takes the socket, also when it fails: STATUS_INVALID when it is no listening one. */
enum status listen_sockets_adopt(struct listen_sockets *sockets, int fd,
                                 struct error *err) MUST_CHECK;
/* The socket for an address (http_address.h): the adopted one that is bound to it, which leaves the
 * set, or a new one, bound. Port 0 is always a new one. Does not listen yet unless adopted. */
enum status listen_sockets_take(struct listen_sockets *sockets, const char *address, int *ret,
                                struct error *err) MUST_CHECK;
/* Closes what nobody took. */
void listen_sockets_deinit(struct listen_sockets *sockets);

#endif
