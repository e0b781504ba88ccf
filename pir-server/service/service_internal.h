/* service_internal - what the handlers share. */
#ifndef BLINDLIST_SERVICE_SERVICE_INTERNAL_H
#define BLINDLIST_SERVICE_SERVICE_INTERNAL_H

#include "pir-server/service/catalog.h"
#include "pir-server/service/compute.h"
#include "pir-server/service/digest_check.h"
#include "pir-server/service/key_cache.h"
#include "pir-server/service/route.h"
#include "pir-server/service/service.h"

#include <pthread.h>
#include <stdatomic.h>

struct service {
    struct service_options options;
    struct context_registry *contexts;
    pthread_mutex_t catalog_lock; /* guards the pointer, held for nanoseconds */
    const struct catalog *catalog;
    struct key_cache *keys;
    struct compute *compute;
    struct digest_check *digests; /* NULL: nothing is read behind the service */
    struct thread_pool
        *uploads; /* /key, /report: wait for the disk, so not on the compute threads */
    atomic_bool is_stopping;
};

/* The catalog in force, held for the caller: catalog_unref(). */
const struct catalog *service_catalog(struct service *service);

/* An answer that comes later. */
struct pending {
    struct service *service;
    const struct http_request *request;
    struct http_response *response;
    void (*done)(void *done_context);
    void *done_context;
};

/* Handlers that answer at once. */
void handle_config(struct service *service, const struct http_request *request,
                   struct http_response *ret);
void handle_config_public(struct service *service, const struct http_request *request,
                          struct http_response *ret);
void handle_prefilter_manifest(struct service *service, const struct http_request *request,
                               const struct route_match *match, struct http_response *ret);
void handle_prefilter_bits(struct service *service, const struct http_request *request,
                           const struct route_match *match, struct http_response *ret);
void handle_health(struct service *service, struct http_response *ret);

/* Handlers that call back; see service_start(). */
void start_queries(const struct pending *pending);
/* Has a body received on a thread for uploads: 200 with an empty body, or the failure. */
typedef enum status receive_fn(struct service *service, const struct http_request *request,
                               struct error *err);
void start_upload(const struct pending *pending, enum route route, receive_fn *receive);
receive_fn receive_key;
receive_fn receive_report;

/* User hash and key identifier as one name. */
void key_cache_name(const struct store_user *user, const uint8_t key_id[WIRE_KEY_ID_BYTES],
                    uint8_t ret[KEY_CACHE_NAME_BYTES]);

/* Writes a failure to the log when it is ours to mend, and as the response. */
void respond_failure(struct service *service, enum route route, enum status status,
                     const struct error *err, struct http_response *ret);

#endif
