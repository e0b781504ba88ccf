/* connection_watch - how many connections there are, and for how long each may take over what it is
 * doing.
 *
 * Times    each connection has one deadline for the phase it is in, which bytes move only as far as
 *          a least speed says; a thread looks through all of them and shuts down what is late, or
 *          whose client closed in the middle of a body. While the server itself works there is no
 *          deadline.
 * Numbers  an address may have so many connections (in IPv6 a network of 64 bits); one more is not
 *          taken. Of all together, one more than there may be makes the one go that is worth least,
 *          the longest in its phase first: a client that has asked for nothing worth an answer yet,
 *          when such hold more than a quarter of all; one that waits between two requests; one that
 *          is being slow. What was paid for, or is being worked on, stays.
 *
 * Threads  any. A connection's entry is used by the thread that serves it, and closed by it before
 *          its socket is. */
#ifndef BLINDLIST_SERVICE_CONNECTION_WATCH_H
#define BLINDLIST_SERVICE_CONNECTION_WATCH_H

#include "base/log.h"
#include "base/status.h"
#include "pir-server/service/client_address.h"

#include <stdint.h>

struct connection_watch;
struct watched_connection;

struct connection_limits {
    unsigned head_ms;          /* for a request's head, from the connection's start */
    unsigned idle_ms;          /* from a response to the end of the next request's head */
    unsigned body_ms;          /* for a body, beside what its size allows */
    unsigned send_ms;          /* for a response, beside what its size allows */
    uint64_t bytes_per_second; /* the least speed, > 0 */
    unsigned connections_max;  /* of all addresses, > 0 */
    unsigned address_max;      /* of one address; 0 = as many as there may be in all */
    const char *proxies;       /* address_ranges_parse(): whose connections are not counted so */
};

/* Borrows `log`; logs now and then how many connections it refused and ended, and not whose. */
enum status connection_watch_new(const struct connection_limits *limits, const struct log *log,
                                 struct connection_watch **ret, struct error *err) MUST_CHECK;
/* All connections are closed. Takes NULL. */
void connection_watch_free(struct connection_watch *watch);

/* May this address have one more connection? */
bool connection_watch_admits(struct connection_watch *watch, const struct sockaddr *address);
/* A new connection, waiting for its first head. NULL without memory. `fd` is borrowed. */
struct watched_connection *connection_watch_open(struct connection_watch *watch, int fd,
                                                 const struct sockaddr *address) MUST_CHECK;
/* Takes NULL. */
void connection_watch_close(struct watched_connection *connection);

/* What a request is worth, by its head. */
enum request_worth { REQUEST_REFUSED, REQUEST_FREE, REQUEST_PAID };
/* The head is there; the body follows. */
void connection_watch_body(struct watched_connection *connection, enum request_worth worth);
/* It is refused in the middle of it; what follows is thrown away. */
void connection_watch_refuse(struct watched_connection *connection);
/* `more` bytes of it arrived. */
void connection_watch_received(struct watched_connection *connection, uint64_t more);
/* The request is whole: we work. */
void connection_watch_work(struct watched_connection *connection);
/* A response of so many bytes is on its way. */
void connection_watch_send(struct watched_connection *connection, uint64_t size_bytes);
/* The response is out: waiting for the next head. */
void connection_watch_idle(struct watched_connection *connection);

struct connection_figures {
    size_t open;
    uint64_t refused; /* not taken from an address that had as many as it may have */
    uint64_t shed;    /* ended to make room */
    uint64_t late;    /* ended because the client was too slow, or gone */
};
void connection_watch_look(struct connection_watch *watch, struct connection_figures *ret);

#endif
