/* http_server - the one place that knows libmicrohttpd: sockets on one side, handlers on the other.
 *
 * Threads    an epoll pool reads requests and sends responses. A handler that is slow is started
 *            with the connection suspended and calls back when its response is complete.
 * Order      the head alone decides: route, headers, size limit. A request that is refused gets its
 *            answer without its body being kept; up to HTTP_DISCARD_MAX_BYTES of it are read and
 *            thrown away so that the client sees the answer instead of a reset connection.
 * Memory     a body's memory grows with what arrives, whatever Content-Length says; all bodies in
 *            flight together stay below `bodies_max_bytes`, beyond it the answer is 503.
 *            A body is wiped when it is answered; a head, which is libmicrohttpd's, when the next
 *            request begins or the connection waits for one.
 * Time       see connection_watch.h. A client that is late is cut off.
 * Privacy    logs route, status, sizes and time at debug level; nothing of the request itself.
 * Signals    SIGPIPE must be ignored by the program. */
#ifndef BLINDLIST_SERVICE_HTTP_SERVER_H
#define BLINDLIST_SERVICE_HTTP_SERVER_H

#include "base/log.h"
#include "pir-server/service/connection_watch.h"
#include "pir-server/service/http_message.h"

#define HTTP_DISCARD_MAX_BYTES      ((uint64_t)64 << 20)
#define HTTP_HEAD_MAX_BYTES         ((size_t)32768) /* all of a request's head, and its buffer */
#define HTTP_FIELD_MAX_BYTES        ((size_t)8192)  /* one field: name and value */
#define HTTP_CONNECTIONS_MAX        4096
#define HTTP_ADDRESS_MAX            256
#define HTTP_PROXIES                "127.0.0.1,::1"
#define HTTP_BODIES_MAX_BYTES       ((size_t)512 << 20)
#define HTTP_IDLE_S                 30 /* without a byte in either direction */
#define HTTP_HEAD_MS                15000
#define HTTP_KEEP_ALIVE_MS          60000
#define HTTP_BODY_MS                30000
#define HTTP_SEND_MS                60000
#define HTTP_LEAST_BYTES_PER_SECOND 4096
#define HTTP_THREADS                2

/* What the server refuses by itself. */
enum http_refusal {
    HTTP_REFUSAL_HEAD,      /* a field of the head is too large: 431 */
    HTTP_REFUSAL_AMBIGUOUS, /* whose it is or where it ends is said in two ways, or not: 400 */
    HTTP_REFUSAL_BODY,      /* larger than its route takes: 413 */
    HTTP_REFUSAL_MEMORY     /* no room for its body: 503 */
};

/* What the requests are handed to. */
struct http_handler {
    void *context;
    /* Looks at the head (the body is empty yet). False: `ret` is the answer. */
    bool (*admit)(void *context, const struct http_request *request, struct http_response *ret,
                  struct http_admission *ret_admission);
    /* Begins; `done` is called exactly once, when `ret` is complete: before start() returns, or,
     * when the admission says is_slow, perhaps later and from any thread. request, admission and
     * ret stay where they are until then. */
    void (*start)(void *context, const struct http_request *request,
                  const struct http_admission *admission, struct http_response *ret,
                  void (*done)(void *done_context), void *done_context);
    /* A request that admit() did not refuse, nor start() get, is answered so.
     *   admission  what admit() said, if it was asked; else its note is zero
     * NULL: nobody wants to know. */
    void (*refused)(void *context, const struct http_admission *admission, enum http_refusal why);
};

struct http_server_options {
    const char *address; /* "127.0.0.1:8080", "[::1]:8080", port 0 = any free one */
    int fd; /* a socket that is bound to it (listen_sockets.h) and is taken; -1 = none yet */
    unsigned threads;
    size_t bodies_max_bytes;
    unsigned idle_s;
    struct connection_limits limits;
};
struct http_server_options http_server_options_default(void);

struct http_server;
/* Listens and serves; takes options->fd, also when it fails. Borrows handler and log. STATUS_IO
 * names the address ("127.0.0.1:8080: cannot listen: Address already in use"). */
enum status http_server_start(const struct http_server_options *options,
                              const struct http_handler *handler, const struct log *log,
                              struct http_server **ret, struct error *err) MUST_CHECK;
/* The address that is bound, with the real port. */
const char *http_server_address(const struct http_server *server);
struct http_server_figures {
    struct connection_figures connections;
    size_t requests;     /* under way */
    size_t bodies_bytes; /* memory of their bodies */
};
void http_server_look(struct http_server *server, struct http_server_figures *ret);
/* What it listens on; borrowed. */
int http_server_socket(const struct http_server *server);
/* Takes no new connection and closes each after its answer; waits until no request is under way, at
 * most so long. True: all are answered. */
bool http_server_drain(struct http_server *server, unsigned timeout_ms);
/* After a drain: waits until clients have closed the connections that they keep open, each of which
 * is told so with its next answer; at most so long. */
void http_server_linger(struct http_server *server, unsigned timeout_ms);
/* Ends everything, waiting for what start() began. Takes NULL. */
void http_server_free(struct http_server *server);

#endif
