/* service - what the server answers: functions from struct http_request to struct http_response.
 *
 * Routes   route.h. /key, /queries and /report are slow: they run on threads of their own behind
 * bounded queues; a full queue answers 503 with Retry-After. The rest is answered at once. Order of
 * checks, the first failure answers (spec/service.md section 1.3): route, then (later) the token,
 * User-Identifier, User-Agent, size of the body, form of the body, content. State    catalog.h what
 * is served, store.h what is kept, key_cache.h decoded keys. All three may be used by any thread; a
 * reload swaps the catalog. Privacy  nothing of a request is logged: no identifier, key, use case
 * asked for or shard. Threads  all functions but new and free may be called from any;
 * service_reload() by one at a time.
 */
#ifndef BLINDLIST_SERVICE_SERVICE_H
#define BLINDLIST_SERVICE_SERVICE_H

#include "base/log.h"
#include "pir-server/service/http_message.h"
#include "pir-server/service/issuer.h"
#include "pir-server/service/report_log.h"
#include "pir-server/store/store.h"
#include "pir-server/store/store_batch.h"
#include "pir-server/wire/wire_limits.h"

#define SERVICE_QUEUE_LIMIT        256
#define SERVICE_UPLOAD_THREADS     2
#define SERVICE_UPLOAD_QUEUE_LIMIT 64
/* This part of a queue is for what tokens pay for, when the rest is taken. */
#define SERVICE_PAID_SHARE          4
#define SERVICE_BATCH_MAX           WIRE_REQUESTS_MAX
#define SERVICE_KEY_CACHE_MAX_BYTES ((size_t)512 << 20)
/* Seconds for which shared caches may keep what changes with an update. */
#define SERVICE_CACHE_CONTROL_SHORT "public, max-age=300"
#define SERVICE_CACHE_CONTROL_LONG  "public, max-age=31536000, immutable"

struct service_options {
    const char *data;           /* folder of the datasets; borrowed */
    struct store *store;        /* borrowed */
    struct report_log *reports; /* borrowed; NULL: reports are counted and dropped */
    struct issuer *issuer; /* borrowed; NULL: nobody is asked for a token, and none is issued */
    struct store_batch *tickets; /* borrowed; with an issuer: where tokens are spent and counted */
    const struct log *log;       /* borrowed */
    size_t compute_threads;      /* >= 1 */
    size_t queue_limit;          /* requests waiting for a compute thread */
    size_t batch_max;            /* queries in one body, at most WIRE_REQUESTS_MAX */
    size_t key_cache_bytes;
    bool verify;             /* reads all of a version before it is served */
    bool check_digests;      /* reads it behind the running service (digest_check.h) */
    unsigned bfv_flags;      /* 0 outside of tests */
    uint64_t (*now_s)(void); /* seconds since 1970 */
};
/* data, store and log are left to the caller. */
struct service_options service_options_default(void);

struct service;
/* Loads all datasets; fails when there is none or one cannot be opened. */
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
/* Both, waiting for other threads where it must. */
void service_answer(struct service *service, const struct http_request *request,
                    struct http_response *ret);

/* Loads the new `current` of each use case beside the old and swaps. What fails is logged and stays
 * as it was; STATUS_OK unless nothing could be loaded at all. */
enum status service_reload(struct service *service, struct error *err) MUST_CHECK;
/* From now on queued and new work is answered with 503 at once; what is being computed ends. */
void service_stop(struct service *service);
/* Removes expired keys from the store; for now and then. */
void service_tidy(struct service *service);

struct service_figures {
    size_t use_cases;
    size_t cached_keys;
    size_t cached_key_bytes;
};
struct service_figures service_look(struct service *service);

#endif
