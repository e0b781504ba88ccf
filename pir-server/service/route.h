/* route - which handler a method and path mean (spec/service.md section 1.1).
 *
 * Paths are compared by components: empty ones and a trailing '/' do not count, case does, a query
 * part is ignored. Each component is percent-decoded; one that decodes to a NUL or a '/' or is
 * longer than ROUTE_COMPONENT_MAX matches nothing. HEAD is known where GET serves a file.
 *
 * Threads  any; pure functions. */
#ifndef BLINDLIST_SERVICE_ROUTE_H
#define BLINDLIST_SERVICE_ROUTE_H

#include "pir-server/service/http_message.h"

#define ROUTE_COMPONENT_MAX 255

enum route {
    ROUTE_NONE, /* unknown path, or known path with another method: 404 */
    ROUTE_CONFIG,
    ROUTE_CONFIG_PUBLIC, /* GET /config */
    ROUTE_KEY,
    ROUTE_QUERIES,
    ROUTE_REPORT,
    ROUTE_ISSUER_DIRECTORY,
    ROUTE_TOKEN_KEY,
    ROUTE_ISSUE,
    ROUTE_HEALTH,
    ROUTE_PREFILTER_MANIFEST,
    ROUTE_PREFILTER_BITS,
    ROUTE_GATEWAY,      /* POST of an encapsulated request */
    ROUTE_GATEWAY_KEYS, /* GET of its key configurations */
    ROUTE_COUNT
};

struct route_match {
    enum route route;
    char use_case[ROUTE_COMPONENT_MAX + 1]; /* of the prefilter routes */
    char tag[ROUTE_COMPONENT_MAX + 1];      /* of ROUTE_PREFILTER_BITS */
};

void route_find(enum http_method method, const char *target, struct route_match *ret);

/* For logs: "config", "queries", ... never the path itself. */
const char *route_name(enum route route);
/* The largest body it takes; 0: what comes is thrown away. */
size_t route_body_max(enum route route);
/* struct http_admission; 0 counts as 1. */
unsigned route_body_weight(enum route route);
/* Does it cost a token? */
bool route_needs_token(enum route route);
/* Must User-Identifier and User-Agent be there? */
bool route_needs_identity(enum route route);
/* Is what it asks for looked up in an app? Others are the server's own. */
bool route_is_of_an_app(enum route route);
/* Is it answered by the compute threads instead of the thread that read the request? */
bool route_is_slow(enum route route);

#endif
