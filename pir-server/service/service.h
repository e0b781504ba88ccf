/* service - what the server answers: functions from struct http_request to struct http_response.
 *
 * Routes   route.h. /key, /queries and /report are slow: they run on threads of their own behind
 *          bounded queues; a full queue answers 503 with Retry-After. The rest is answered at once.
 * Order    of checks, the first failure answers (spec/service.md section 1.3): Host (400; no app
 *          has it: 404), route, token, User-Identifier, User-Agent, size of the body, form of the
 *          body, content.
 * Apps     all of a request is looked up in the app that has its Host (app.h). /healthz is of no
 *          app, nor is the Oblivious HTTP gateway: what it opens is answered as if it had come by
 *          itself (handle_gateway.c).
 * State    app_set.h what is served, store.h what is kept, key_cache.h decoded keys. All three may
 *          be used by any thread; a reload swaps the set.
 * Privacy  nothing of a request is logged: no identifier, key, use case asked for or shard.
 * Threads  all functions but new and free may be called from any; service_reload() and
 *          service_tend() by one at a time. */
#ifndef BLINDLIST_SERVICE_SERVICE_H
#define BLINDLIST_SERVICE_SERVICE_H

#include "base/log.h"
#include "pir-server/privacypass/key_seal.h"
#include "pir-server/service/app.h"
#include "pir-server/service/app_figures.h"
#include "pir-server/service/gateway.h"
#include "pir-server/service/http_server.h"
#include "pir-server/store/store.h"
#include "pir-server/wire/wire_limits.h"

#define SERVICE_QUEUE_LIMIT        256
#define SERVICE_UPLOAD_THREADS     2
#define SERVICE_UPLOAD_QUEUE_LIMIT 64
#define SERVICE_TICKETS_MAX        ((size_t)8192) /* tokens that wait for the disk */
/* This part of a queue is for what tokens pay for, when the rest is taken. */
#define SERVICE_PAID_SHARE          4
#define SERVICE_BATCH_MAX           WIRE_REQUESTS_MAX
#define SERVICE_KEY_CACHE_MAX_BYTES ((size_t)512 << 20)
/* Of what never changes under its name. */
#define SERVICE_CACHE_CONTROL_LONG "public, max-age=31536000, immutable"

struct service_options {
    const char *data;            /* folder of the datasets; borrowed */
    struct store *store;         /* borrowed */
    const struct app_list *apps; /* NULL: one app, app_config_default() */
    const struct key_seal *seal; /* copied; NULL = issuer keys are stored as they are */
    struct key_spans token_keys;
    bool has_gateway; /* opens encapsulated requests (gateway.h) */
    struct key_spans gateway_keys;
    const char *gateway_targets; /* gateway_targets_check() */
    const struct log *log;       /* borrowed */
    size_t compute_threads;      /* >= 1 */
    size_t queue_limit;          /* requests waiting for a compute thread */
    size_t batch_max;            /* queries in one body, at most WIRE_REQUESTS_MAX */
    size_t key_cache_bytes;
    bool protobuf_errors;    /* failures of /queries are Error messages, not JSON */
    bool verify;             /* reads all of a version before it is served */
    bool check_digests;      /* reads it behind the running service (digest_check.h) */
    unsigned bfv_flags;      /* 0 outside of tests */
    uint64_t (*now_s)(void); /* seconds since 1970 */
};
/* data, store and log are left to the caller; keys change as usual for their kinds. */
struct service_options service_options_default(void);

struct service;
/* Loads all datasets, opens issuers and reports; fails when an app has no dataset, or anything
 * cannot be opened. */
enum status service_new(const struct service_options *options, struct service **ret,
                        struct error *err) MUST_CHECK;
/* Nothing is under way any more. Takes NULL. */
void service_free(struct service *service);

/* The head alone: true when the request is worth its body; else `ret` is the answer. */
bool service_admit(void *service, const struct http_request *request, struct http_response *ret,
                   struct http_admission *ret_admission);
/* The answer of an admitted request: see struct http_handler. `ret` is initialised. */
void service_start(void *service, const struct http_request *request,
                   const struct http_admission *admission, struct http_response *ret,
                   void (*done)(void *done_context), void *done_context);
/* Counts what the HTTP server refused. */
void service_refused(void *service, const struct http_admission *admission, enum http_refusal why);
/* Both, waiting for other threads where it must. */
void service_answer(struct service *service, const struct http_request *request,
                    struct http_response *ret);

/* Loads the new `current` of each use case beside the old and swaps.
 *   apps  NULL: the apps as they are. What cannot be loaded is logged and stays as it was;
 *         STATUS_OK unless nothing could be loaded at all.
 *         Else the apps from now on, all or nothing: those that stay by their name keep issuer,
 *         counters and what they serve, others come and go. On failure all stays as it was. */
enum status service_reload(struct service *service, const struct app_list *apps,
                           struct error *err) MUST_CHECK;
/* Does what is due: makes, marks and removes keys of issuers and gateway, lets go of versions that
 * no cache names any more. For every minute; what fails is logged. */
void service_tend(struct service *service);
/* From now on queued and new work is answered with 503 at once; what is being computed ends. */
void service_stop(struct service *service);
/* Removes expired keys from the store; for now and then. */
void service_tidy(struct service *service);

/* Counts a reload that failed before it came to service_reload(). */
void service_reload_failed(struct service *service);

struct service_figures {
    size_t apps;
    size_t use_cases;
    size_t cached_keys;
    size_t cached_key_bytes;
};
struct service_figures service_look(struct service *service);

/* False: there is no gateway. */
bool service_look_at_gateway(struct service *service, struct gateway_figures *ret);

#endif
