/* handover - a second server takes the listening sockets of the first, so that a new program is in
 * charge before the old one ends.
 *
 *     first: handover_offer(path, fds, ...)
 *                                    second: handover_request(path, ...)    gets the sockets
 *                                            ... opens everything, listens ...
 *                                            handover_offer(path, fds, ...) is now the one to ask
 *                                            handover_complete()
 *     first: taken() is called; it answers what it has begun, and ends
 *
 * Both take connections in between; a second one that does not get so far changes nothing.
 *
 * Who      the first server gives its sockets to its own user and to root, the second one takes
 *          them of root and of a user that is named, as the system says who it is (SO_PEERCRED).
 * Form     a Unix stream socket at `path`; one byte with the sockets (SCM_RIGHTS) answers a
 *          connection, one byte back says that they are served.
 * Threads  an offer has one of its own. */
#ifndef BLINDLIST_SERVICE_HANDOVER_H
#define BLINDLIST_SERVICE_HANDOVER_H

#include "pir-server/service/listen_sockets.h"

#include <sys/types.h>

/* Asks who offers at `path`. *ret: the connection to it, -1 when nobody offers. STATUS_INVALID when
 * something else is at `path`, STATUS_UNAUTHORIZED when it is neither root's nor `user`'s,
 * STATUS_IO when it does not answer within seconds. */
enum status handover_request(const char *path, uid_t user, struct listen_sockets *sockets, int *ret,
                             struct error *err) MUST_CHECK;
/* The sockets are served. Closes the connection; -1 is fine. */
void handover_complete(int connection);

struct handover;
/* Offers the sockets at `path`, in place of who did so before. `taken` is called once, from the
 * offer's thread, when they are served by somebody else.
 *   fds  [count] borrowed for the offer's life, at most LISTEN_SOCKETS_MAX */
enum status handover_offer(const char *path, const int *fds, size_t count,
                           void (*taken)(void *context), void *context, struct handover **ret,
                           struct error *err) MUST_CHECK;
bool handover_is_taken(const struct handover *handover); /* NULL: no */
/* `taken` is not called any more. Takes NULL. */
void handover_free(struct handover *handover);

#endif
