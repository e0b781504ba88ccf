/* gateway - the Oblivious HTTP gateway of a running server: its keys, the hosts that it opens
 * requests for, and its figures. What it does with a request is in handle_gateway.c.
 *
 * Targets  a request is for a host of an app that is served here (app_set.h) and, when targets are
 *          named, for one of them. Nothing is ever forwarded to another machine.
 * Figures  sums since the start, nothing of any request.
 * Threads  any; gateway_tend() by one at a time. */
#ifndef BLINDLIST_SERVICE_GATEWAY_H
#define BLINDLIST_SERVICE_GATEWAY_H

#include "pir-server/service/gateway_keys.h"

#include <stdbool.h>

#define GATEWAY_TARGETS_MAX ((size_t)256)

/* What became of an encapsulated request. The first three are answered in clear. */
enum gateway_event {
    GATEWAY_MALFORMED,      /* no encapsulated request */
    GATEWAY_UNKNOWN_KEY,    /* sealed for a key or with algorithms that are not ours */
    GATEWAY_NOT_OPENED,     /* does not open */
    GATEWAY_INNER_REFUSED,  /* opened: no binary HTTP request, or nothing that we may answer */
    GATEWAY_TARGET_REFUSED, /* opened: for a host that is not served through the gateway */
    GATEWAY_HANDED_ON,      /* opened, and given to the handlers */
    GATEWAY_EVENT_COUNT
};
/* "malformed", "unknown-key", ...; static. */
const char *gateway_event_name(enum gateway_event event);

/* Checks the names of targets, separated by commas; NULL = any. STATUS_INVALID. */
enum status gateway_targets_check(const char *targets, struct error *err) MUST_CHECK;

struct gateway;
/* Of kept_keys_new(), for gateway_kept_keys; targets: copied. */
enum status gateway_new(const struct kept_keys_options *options, const char *targets,
                        uint64_t now_s, struct gateway **ret, struct error *err) MUST_CHECK;
void gateway_free(struct gateway *gateway); /* takes NULL */
/* What is due for the keys; on failure they stay as they are. */
enum status gateway_tend(struct gateway *gateway, uint64_t now_s, struct error *err) MUST_CHECK;

const struct kept_keys_view *gateway_view(struct gateway *gateway); /* held */
/* May requests be for this host, in its one spelling (http_host.h)? */
bool gateway_has_target(const struct gateway *gateway, const char *host);

void gateway_count(struct gateway *gateway, enum gateway_event event);

struct gateway_figures {
    uint64_t events[GATEWAY_EVENT_COUNT];
    size_t keys;             /* that open requests */
    uint64_t published_at_s; /* not-before of the key that is published */
};
void gateway_look(struct gateway *gateway, struct gateway_figures *ret);

#endif
