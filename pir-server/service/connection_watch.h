/* connection_watch - ends connections that take too long over what they are doing.
 *
 * An idle timeout alone does not help against a client that sends one byte every few seconds: each
 * byte starts it anew. Here every connection has one deadline for the phase it is in, which bytes
 * move only as far as a least speed says; a thread looks through all of them and shuts down what is
 * late, or whose client closed in the middle of a body. While the server itself works there is no
 * deadline.
 *
 * Threads  any. A connection's entry is used by the thread that serves it, and closed by it before
 *          its socket is. */
#ifndef BLINDLIST_SERVICE_CONNECTION_WATCH_H
#define BLINDLIST_SERVICE_CONNECTION_WATCH_H

#include "base/status.h"

#include <stdint.h>

struct connection_watch;
struct watched_connection;

struct connection_times {
    unsigned head_ms;          /* for a request's head, from the connection's start */
    unsigned idle_ms;          /* from a response to the end of the next request's head */
    unsigned body_ms;          /* for a body, beside what its size allows */
    unsigned send_ms;          /* for a response, beside what its size allows */
    uint64_t bytes_per_second; /* the least speed, > 0 */
};

enum status connection_watch_new(const struct connection_times *times,
                                 struct connection_watch **ret, struct error *err) MUST_CHECK;
/* All connections are closed. Takes NULL. */
void connection_watch_free(struct connection_watch *watch);

/* A new connection, waiting for its first head. NULL without memory. `fd` is borrowed. */
struct watched_connection *connection_watch_open(struct connection_watch *watch, int fd) MUST_CHECK;
/* Takes NULL. */
void connection_watch_close(struct watched_connection *connection);

/* The head is there; the body follows. */
void connection_watch_body(struct watched_connection *connection);
/* `more` bytes of it arrived. */
void connection_watch_received(struct watched_connection *connection, uint64_t more);
/* The request is whole: we work. */
void connection_watch_work(struct watched_connection *connection);
/* A response of so many bytes is on its way. */
void connection_watch_send(struct watched_connection *connection, uint64_t size_bytes);
/* The response is out: waiting for the next head. */
void connection_watch_idle(struct watched_connection *connection);

#endif
