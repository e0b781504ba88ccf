/* http_message - a request and a response as the handlers see them: no socket, no library.
 *
 * Request  method, target and the few headers that anything here looks at; the body is whole. All
 *          of it is borrowed from the adapter (or the test) until the response is complete.
 * Response status, the headers that we ever send, and one body: owned bytes, or borrowed bytes with
 *          a release function (a mapped file, a dataset version's configuration). To HEAD the
 *          handler answers as to GET; whoever sends leaves the body out.
 * Memory   http_response_init() in the caller's storage, http_response_deinit() releases the body.
 * Threads  one at a time. */
#ifndef BLINDLIST_SERVICE_HTTP_MESSAGE_H
#define BLINDLIST_SERVICE_HTTP_MESSAGE_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };
/* By its exact spelling ("GET"); anything else is HTTP_OTHER. */
enum http_method http_method_of(const char *name);

enum http_header {
    HTTP_HOST,
    HTTP_USER_IDENTIFIER,
    HTTP_USER_AGENT,
    HTTP_AUTHORIZATION,
    HTTP_CONTENT_TYPE,
    HTTP_ACCEPT_ENCODING,
    HTTP_IF_NONE_MATCH,
    HTTP_IF_RANGE,
    HTTP_RANGE,
    HTTP_HEADER_COUNT
};
/* The header's name, lower case, static. */
const char *http_header_name(enum http_header header);

struct http_request {
    uint64_t id; /* drawn for this request; for the log, and shown to nobody else */
    enum http_method method;
    const char *target; /* path as sent, still percent-encoded; a query part is ignored */
    /* Values; NULL = absent. Several lines of one name are joined with ", ". */
    const char *headers[HTTP_HEADER_COUNT];
    struct span body;
};

#define HTTP_ADMISSION_NOTE_BYTES 96

/* What a request's head says about the rest of its way. */
struct http_admission {
    const char *label;                       /* names the route in the log; static */
    bool is_slow;                            /* start() may be done later, from another thread */
    bool is_paid;                            /* goes before what is not, when there is too much */
    size_t body_max;                         /* largest body; 0: what comes is thrown away */
    unsigned body_weight;                    /* memory for a byte of it, with all that is made of
                                              * it while it is answered; 0 counts as 1 */
    uint8_t note[HTTP_ADMISSION_NOTE_BYTES]; /* the handler's own, from admit() to start() */
};

/* Largest body of any response: 10 MiB of queries yield less than that in answers. */
#define HTTP_RESPONSE_MAX_BYTES ((size_t)64 << 20)
/* A strong entity tag: quotes and 64 hex digits. */
#define HTTP_ETAG_BYTES          72
#define HTTP_CONTENT_RANGE_BYTES 80
#define HTTP_CACHE_CONTROL_BYTES 48

struct http_response {
    unsigned status; /* HTTP status code */
    struct bytes body;
    /* When `release` is set, these bytes are the body and `body` is empty. */
    struct span borrowed;
    void (*release)(void *owner);
    void *owner;
    const char *content_type;                     /* static; NULL = none */
    char cache_control[HTTP_CACHE_CONTROL_BYTES]; /* "" = none */
    char etag[HTTP_ETAG_BYTES];                   /* "" = none */
    char content_range[HTTP_CONTENT_RANGE_BYTES]; /* "" = none */
    const char *content_security_policy;          /* of a page; static; NULL = none */
    bool accepts_ranges;
    bool is_gzip;
    bool varies_by_encoding;
    unsigned retry_after_s; /* 0 = none */
};

/* Status 200, no header, empty body. */
void http_response_init(struct http_response *response);
void http_response_deinit(struct http_response *response);
/* Back to the state after http_response_init(), so that an error can replace a half-built one. */
void http_response_reset(struct http_response *response);

static inline struct span http_response_body(const struct http_response *response)
{
    return response->release != NULL ? response->borrowed : bytes_view(&response->body);
}

/* The header fields of a response, but for those about a connection and its length. */
#define HTTP_RESPONSE_FIELDS_MAX 9
struct http_response_fields {
    size_t count;
    struct {
        const char *name; /* lower case, static */
        const char *value;
    } lines[HTTP_RESPONSE_FIELDS_MAX];
    char retry_after[16];
};
/* Borrows from the response; `ret` stays where it is while it is used. */
void http_response_list_fields(const struct http_response *response,
                               struct http_response_fields *ret);

/* Whether caches may keep it; a text shorter than HTTP_CACHE_CONTROL_BYTES. */
void http_response_cache(struct http_response *response, const char *cache_control);
/* Replaces whatever is there by `status` and an empty body. */
void http_response_empty(struct http_response *response, unsigned status);
/* Replaces whatever is there by `status` and {"error":{"message":"…"}}. */
void http_response_error(struct http_response *response, unsigned status, const char *message);
/* The same with status and message of a failure; see http_status_of(). 503 gets Retry-After.
 *   err  NULL: for a status of 500 and more, whose message is the status's name */
void http_response_failure(struct http_response *response, enum status status,
                           const struct error *err);

/* The one table that turns a status into an HTTP status code. */
unsigned http_status_of(enum status status);

#define HTTP_RETRY_AFTER_S 2

#endif
