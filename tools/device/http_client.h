/* http_client - requests of a device over HTTP or HTTPS, one connection kept open.
 *
 * With a gateway every request goes there, sealed (oblivious.h), as a device's go through Apple's
 * relay; the gateway's keys are fetched before the first one, and again when it does not have them
 * any more. What is told of an exchange is the status inside and the bodies that travelled.
 * Over HTTPS HTTP/2 is spoken where the server offers it, as devices and Apple's relay do.
 * No redirects, no cookies, no proxies but the environment's; a response body has a limit, a
 * transfer that stalls ends. Status codes are the caller's business.
 *
 * Secret   what stands in Authorization is given with each request, so that it goes to no other;
 *          nothing of it is in a message.
 * Memory   http_client_new/_free; a response body is appended to bytes of the caller.
 * Threads  one client belongs to one thread. */
#ifndef BLINDLIST_TOOLS_DEVICE_HTTP_CLIENT_H
#define BLINDLIST_TOOLS_DEVICE_HTTP_CLIENT_H

#include "base/bytes.h"

#include <stdio.h>

struct http_client;

#define HTTP_CONNECT_TIMEOUT_S 10
/* A transfer of less than 100 bytes a second for this long is given up. */
#define HTTP_STALL_TIMEOUT_S 60

struct http_client_options {
    const char *base_url; /* http:// or https://, host, optional port, optional path prefix */
    const char *user_agent;
    const char *user_identifier; /* in the header User-Identifier of every POST; NULL = none */
    const char *content_type;    /* of every POST */
    const char *gateway; /* base URL of an Oblivious HTTP gateway; NULL = straight to the server */
    const char *ca_path; /* PEM: whose certificates count; NULL = those that the system trusts */
    const char *connect_to; /* "HOST:PORT" to connect to instead of what URLs say; NULL = nothing */
};

/* STATUS_INVALID for another base URL. */
enum status http_client_new(const struct http_client_options *options, struct http_client **ret,
                            struct error *err) MUST_CHECK;
void http_client_free(struct http_client *client); /* takes NULL */

/* Appends the host of the base URL, without port. */
enum status http_client_host(const struct http_client *client, struct bytes *ret,
                             struct error *err) MUST_CHECK;

/* Why the last GET or POST had no answer. */
enum http_failure {
    HTTP_FAILURE_NONE,
    HTTP_FAILURE_REACH,   /* no such name, nobody listens, or no answer to the first packets */
    HTTP_FAILURE_TLS,     /* no handshake, or a certificate that does not count */
    HTTP_FAILURE_TRANSFER /* afterwards */
};
enum http_failure http_client_failure(const struct http_client *client);
/* Appends the value of a header field of the last answer to a GET or POST, of several of a name the
 * last; false when it has none. */
bool http_client_header(const struct http_client *client, const char *name, struct bytes *ret);

struct http_exchange {
    long status;       /* of HTTP */
    size_t sent_bytes; /* body */
    size_t got_bytes;  /* body, as it travelled */
    bool is_http2;
    bool is_of_gateway;  /* its refusal, in clear: nobody behind it was asked */
    double milliseconds; /* from sending to the last byte */
};

/* `reference` is a whole http:// or https:// URL; anything else is a path that is put behind the
 * base URL. `authorization` is the value of that header, NULL = none. A transfer that fails is
 * STATUS_IO, one beyond body's maximum STATUS_TOO_LARGE; every HTTP status is STATUS_OK. `body` is
 * cleared first. */
enum status http_client_get(struct http_client *client, const char *reference,
                            const char *authorization, struct bytes *body,
                            struct http_exchange *ret, struct error *err) MUST_CHECK;
enum status http_client_post(struct http_client *client, const char *reference,
                             const char *authorization, struct span request, struct bytes *body,
                             struct http_exchange *ret, struct error *err) MUST_CHECK;

/* One of several POSTs that travel at the same time. */
struct http_post {
    struct span request;
    struct bytes body; /* initialised by the caller, cleared first */
    struct http_exchange exchange;
};
/* All of them to one place, each over a connection of its own where need be. A transfer that fails
 * is a failure of the whole. */
enum status http_client_post_all(struct http_client *client, const char *reference,
                                 const char *authorization, struct http_post *posts, size_t count,
                                 struct error *err) MUST_CHECK;

/* A line about the exchange to `trace`, ending with h2 after HTTP/2; NULL: nothing. */
void http_exchange_trace(FILE *trace, const char *method, const char *path,
                         const struct http_exchange *exchange);
/* STATUS_OK for 200; else a status with a message that holds the HTTP status and what the server,
 * or the gateway, said: 410 STATUS_STALE_CONFIG, 404 STATUS_NOT_FOUND, 401 STATUS_UNAUTHORIZED, 503
 * STATUS_BUSY, all others STATUS_INVALID. */
enum status http_exchange_check(const struct http_exchange *exchange, const char *what,
                                struct span body, struct error *err) MUST_CHECK;

#endif
