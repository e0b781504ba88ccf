/* service_internal - what the handlers share. */
#ifndef BLINDLIST_SERVICE_SERVICE_INTERNAL_H
#define BLINDLIST_SERVICE_SERVICE_INTERNAL_H

#include "pir-server/service/app_set.h"
#include "pir-server/service/compute.h"
#include "pir-server/service/digest_check.h"
#include "pir-server/service/gateway.h"
#include "pir-server/service/key_cache.h"
#include "pir-server/service/metrics.h"
#include "pir-server/service/route.h"
#include "pir-server/service/service.h"
#include "pir-server/store/store_batch.h"

#include <pthread.h>
#include <stdatomic.h>

struct service {
    _Atomic uint64_t failures_logged; /* the minute, then how many in it in the last 16 bits */
    struct service_options options;   /* apps and seal: not to be looked at any more */
    struct key_seal seal;
    bool has_seal;
    struct context_registry *contexts;
    pthread_mutex_t apps_lock; /* guards the pointer, held for nanoseconds */
    const struct app_set *apps;
    struct app_counters *nobody; /* of requests of no app */
    struct metrics *metrics;
    struct store_batch *tickets; /* where tokens are spent and counted */
    struct key_cache *keys;
    struct compute *compute;
    struct gateway *gateway;      /* NULL: there is none */
    struct digest_check *digests; /* NULL: nothing is read behind the service */
    struct thread_pool
        *uploads; /* /key, /report: wait for the disk, so not on the compute threads */
    atomic_bool is_stopping;
};

/* The apps in force, held for the caller: app_set_unref(). */
const struct app_set *service_apps(struct service *service);

/* All that is counted of the whole server. */
void service_look_at_metrics(const struct service *service, struct metrics_figures *ret);

/* A request on its way to its answer. What it points to stays until done() is called. */
struct pending {
    struct service *service;
    const struct served_app *app; /* NULL: of no app */
    const struct http_request *request;
    struct http_response *response;
    void (*done)(void *done_context);
    void *done_context;
    bool has_place; /* in the queue of the threads that work for its route: it was paid for */
};

/* Handlers that answer at once; they do not call done(). */
void handle_config(const struct pending *pending);
void handle_config_public(const struct pending *pending);
void handle_prefilter_manifest(const struct pending *pending, const struct route_match *match);
void handle_prefilter_bits(const struct pending *pending, const struct route_match *match);
void handle_issuer_directory(const struct pending *pending);
void handle_health(const struct pending *pending);
void handle_gateway_keys(const struct pending *pending);

/* Handlers that call back; see service_start(). */
void start_queries(const struct pending *pending);
/* Has a request answered on a thread that may wait for the disk: by `receive`, or its failure. */
typedef enum status receive_fn(const struct pending *pending, struct error *err);
void start_upload(const struct pending *pending, enum route route, receive_fn *receive);
receive_fn receive_config;
receive_fn receive_key;
receive_fn receive_report;
receive_fn receive_token_key;
void start_issue(const struct pending *pending);
void start_gateway(const struct pending *pending);
#define GATEWAY_REQUEST_TYPE "message/ohttp-req"
/* Does the head say that an encapsulated request follows? */
bool gateway_type_is_right(const struct http_request *request);
/* Does an app have this host, in its one spelling? */
bool service_serves_host(struct service *service, const char *host);
/* Puts an Error message in place of what respond_failure() said of a failed /queries.
 *   stale   the use case of which a configuration was named that is gone; else NULL */
void query_error_respond(const struct pending *pending, enum status status,
                         const struct catalog_use_case *stale);
/* Appends what POST /config tells of one use case to who sent this request. */
enum status config_write_one(const struct pending *pending, const struct catalog_use_case *use_case,
                             struct bytes *ret, struct error *err) MUST_CHECK;

/* ---- payment ---- */

/* What admit() finds out about the token of a request, for start(). */
struct payment {
    bool is_due;
    struct store_spend spend;
};
/* True when the route costs nothing, nothing costs anything, or there is a good token; else `ret`
 * is the answer. */
bool payment_check(struct service *service, const struct served_app *app, enum route route,
                   const struct http_request *request, struct payment *ret_payment,
                   struct http_response *ret);
/* Spends the token, then goes on with `proceed`, with a place in its queue; or answers. */
void payment_start(const struct pending *pending, enum route route, const struct payment *payment,
                   void (*proceed)(const struct pending *pending));

/* The user of a request, in its app. */
struct store_user pending_user(const struct pending *pending);
/* User hash and key identifier as one name. */
void key_cache_name(const struct store_user *user, const uint8_t key_id[WIRE_KEY_ID_BYTES],
                    uint8_t ret[KEY_CACHE_NAME_BYTES]);

/* Counts a failure, and writes it to the log when it is ours to mend, and as the response. */
void respond_failure(struct service *service, const struct http_request *request, enum route route,
                     enum status status, const struct error *err, struct http_response *ret);
/* The same where the status does not tell the reason. */
void respond_failure_as(struct service *service, const struct http_request *request,
                        enum route route, enum refusal refusal, enum status status,
                        const struct error *err, struct http_response *ret);
/* Counts a refusal, and answers with this message. */
void respond_refusal(struct service *service, enum refusal refusal, unsigned status,
                     const char *message, struct http_response *ret);

#endif
