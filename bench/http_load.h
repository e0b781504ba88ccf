/* http_load - requests prepared beforehand, over connections kept open, and how long answers take.
 *
 * Closed   so many clients, each of which sends its next request when it has its answer: what a
 *          server can do at most.
 * Poisson  requests arrive at random times at a mean rate, whatever the server does: what a device
 *          has to wait. Time counts from the arrival, so a late start is part of it.
 * Cost     one thread; its processor time is told, since it shares the machine with the server.
 * Errors   end the program (bench_fail()): an answer other than 200, or 503 under load, too.
 * Threads  one at a time. */
#ifndef BLINDLIST_BENCH_HTTP_LOAD_H
#define BLINDLIST_BENCH_HTTP_LOAD_H

#include "base/bytes.h"

#define HTTP_LOAD_CONNECTIONS_MAX ((size_t)256)

struct http_load;
/* address  "127.0.0.1:8080" */
struct http_load *http_load_new(const char *address, size_t connections);
void http_load_free(struct http_load *load); /* takes NULL */

/* Appends a whole request: head and body. */
void http_load_request(const char *method, const char *target, const char *user, struct span body,
                       struct bytes *ret);

/* One request over the first connection; appends the answer's body. */
void http_load_ask(struct http_load *load, struct span request, struct bytes *ret_body);

struct http_load_figures {
    size_t answers; /* within the time */
    double per_second;
    uint64_t p50_ns; /* from request, or arrival, to the answer's last byte */
    uint64_t p99_ns;
    uint64_t max_ns;
    uint64_t client_cpu_ns; /* of this thread */
    size_t refused;         /* 503; in none of the figures above but client_cpu_ns */
};

/* Requests are taken in turn, [count]; `clients` in [1, connections]. */
struct http_load_figures http_load_closed(struct http_load *load, const struct span *requests,
                                          size_t count, size_t clients, double seconds);
struct http_load_figures http_load_poisson(struct http_load *load, const struct span *requests,
                                           size_t count, double per_second, double seconds);

#endif
