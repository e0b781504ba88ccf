#include "pir-server/service/service.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/service/service_internal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static uint64_t system_now_s(void)
{
    return (uint64_t)time(NULL);
}

struct service_options service_options_default(void)
{
    return (struct service_options){
        .compute_threads = cpu_core_count(),
        .queue_limit = SERVICE_QUEUE_LIMIT,
        .batch_max = SERVICE_BATCH_MAX,
        .key_cache_bytes = SERVICE_KEY_CACHE_MAX_BYTES,
        .now_s = system_now_s,
    };
}

static enum status prepare_threads(struct service *service, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < service->catalog->use_case_count; i++) {
        const struct catalog_version *version = service->catalog->use_cases[i].versions[0];
        status = compute_prepare(service->compute, version->context, &version->layout, err);
    }
    return status;
}

enum status service_new(const struct service_options *options, struct service **ret,
                        struct error *err)
{
    struct service *service = mem_alloc_zeroed(1, sizeof *service);
    if (service == NULL)
        return error_set(err, STATUS_NOMEM, "service: out of memory");
    service->options = *options;
    pthread_mutex_init(&service->catalog_lock, NULL);
    size_t failed = 0;
    enum status status = context_registry_new(options->bfv_flags, &service->contexts, err);
    if (status == STATUS_OK)
        status = catalog_load(options->data, NULL, options->verify, service->contexts, options->log,
                              &service->catalog, &failed, err);
    if (status == STATUS_OK)
        status = key_cache_new(options->key_cache_bytes, &service->keys, err);
    if (status == STATUS_OK)
        status =
            compute_new(options->compute_threads, options->queue_limit, &service->compute, err);
    if (status == STATUS_OK)
        status = prepare_threads(service, err);
    if (status == STATUS_OK)
        status = thread_pool_new(SERVICE_UPLOAD_THREADS, SERVICE_UPLOAD_QUEUE_LIMIT,
                                 &service->uploads, err);
    if (status == STATUS_OK && options->check_digests)
        status = digest_check_new(options->log, &service->digests, err);
    if (status != STATUS_OK)
        goto done;
    digest_check_start(service->digests, service->catalog);
    *ret = service;
    service = NULL;
done:
    service_free(service);
    return status;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    /* Threads first, then what they use; contexts last. */
    digest_check_free(service->digests);
    thread_pool_free(service->uploads);
    compute_free(service->compute);
    key_cache_free(service->keys);
    catalog_unref(service->catalog);
    context_registry_free(service->contexts);
    pthread_mutex_destroy(&service->catalog_lock);
    mem_free(service);
}

const struct catalog *service_catalog(struct service *service)
{
    pthread_mutex_lock(&service->catalog_lock);
    const struct catalog *catalog = catalog_ref(service->catalog);
    pthread_mutex_unlock(&service->catalog_lock);
    return catalog;
}

enum status service_reload(struct service *service, struct error *err)
{
    const struct catalog *fresh = NULL;
    size_t failed = 0;
    /* Only this thread replaces the pointer, so reading it here needs no lock. */
    const struct catalog *old = service->catalog;
    const enum status status =
        catalog_load(service->options.data, old, service->options.verify, service->contexts,
                     service->options.log, &fresh, &failed, err);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&service->catalog_lock);
    service->catalog = fresh;
    pthread_mutex_unlock(&service->catalog_lock);
    catalog_unref(old);
    digest_check_start(service->digests, fresh);
    log_write(service->options.log, failed > 0 ? LOG_WARNING : LOG_INFO,
              "reloaded use_cases=%zu failed=%zu", fresh->use_case_count, failed);
    return STATUS_OK;
}

void service_stop(struct service *service)
{
    atomic_store(&service->is_stopping, true);
}

void service_tidy(struct service *service)
{
    size_t removed = 0;
    struct error error;
    const enum status status =
        store_purge(service->options.store, service->options.now_s(), &removed, &error);
    if (status != STATUS_OK)
        log_write(service->options.log, LOG_WARNING, "store not tidied: %s", error.message);
    else if (removed > 0)
        log_write(service->options.log, LOG_INFO, "evaluation keys expired count=%zu", removed);
}

struct service_figures service_look(struct service *service)
{
    const struct key_cache_figures keys = key_cache_look(service->keys);
    const struct catalog *catalog = service_catalog(service);
    const struct service_figures figures = {.use_cases = catalog->use_case_count,
                                            .cached_keys = keys.entries,
                                            .cached_key_bytes = keys.bytes};
    catalog_unref(catalog);
    return figures;
}

void key_cache_name(const struct store_user *user, const uint8_t key_id[WIRE_KEY_ID_BYTES],
                    uint8_t ret[KEY_CACHE_NAME_BYTES])
{
    static_assert(KEY_CACHE_NAME_BYTES == STORE_USER_HASH_BYTES + WIRE_KEY_ID_BYTES,
                  "a name is the two hashes");
    memcpy(ret, user->hash, STORE_USER_HASH_BYTES);
    memcpy(ret + STORE_USER_HASH_BYTES, key_id, WIRE_KEY_ID_BYTES);
}

void respond_failure(struct service *service, enum route route, enum status status,
                     const struct error *err, struct http_response *ret)
{
    http_response_failure(ret, status, err);
    if (ret->status >= 500 && ret->status != 501)
        log_write(service->options.log, LOG_WARNING, "request failed route=%s status=%u: %s",
                  route_name(route), ret->status, err->message);
}

/* ---- requests ---- */

void handle_health(struct service *service, struct http_response *ret)
{
    if (atomic_load(&service->is_stopping)) {
        http_response_error(ret, 503, "stopping");
        return;
    }
    ret->content_type = "application/json; charset=utf-8";
    ret->cache_control = "no-store";
    bytes_append_text(&ret->body, "{\"status\":\"ok\"}\n");
}

bool service_admit(void *context, const struct http_request *request, struct http_response *ret,
                   struct http_admission *ret_admission)
{
    struct service *service = context;
    struct route_match match;
    struct payment payment = {.is_due = false};
    route_find(request->method, request->target, &match);
    *ret_admission = (struct http_admission){.label = route_name(match.route),
                                             .is_slow = route_is_slow(match.route),
                                             .body_max = route_body_max(match.route),
                                             .body_weight = route_body_weight(match.route)};
    if (match.route == ROUTE_NONE) {
        http_response_empty(ret, 404);
        return false;
    }
    if (!payment_check(service, match.route, request, &payment, ret))
        return false;
    static_assert(sizeof payment <= sizeof ret_admission->note, "a payment fits into the note");
    memcpy(ret_admission->note, &payment, sizeof payment);
    ret_admission->is_slow |= payment.is_due;
    ret_admission->is_paid = payment.is_due;
    if (!route_needs_identity(match.route))
        return true;
    if (request->headers[HTTP_USER_IDENTIFIER] == NULL) {
        http_response_error(ret, 400, "Missing 'User-Identifier' header");
        return false;
    }
    if (request->headers[HTTP_USER_AGENT] == NULL) {
        http_response_error(ret, 400, "Missing 'User-Agent' header");
        return false;
    }
    return true;
}

/* What has been paid for, or costs nothing. */
static void proceed(const struct pending *pending)
{
    struct service *service = pending->service;
    const struct http_request *request = pending->request;
    struct http_response *ret = pending->response;
    struct route_match match;
    route_find(request->method, request->target, &match);
    switch (match.route) {
    case ROUTE_KEY:
        start_upload(pending, ROUTE_KEY, receive_key);
        return; /* they call done */
    case ROUTE_QUERIES:
        start_queries(pending);
        return;
    case ROUTE_REPORT:
        start_upload(pending, ROUTE_REPORT, receive_report);
        return;
    case ROUTE_TOKEN_KEY:
        start_upload(pending, ROUTE_TOKEN_KEY, receive_token_key);
        return;
    case ROUTE_ISSUE:
        start_issue(pending);
        return;
    case ROUTE_CONFIG:
        if (pending->has_place) {
            start_upload(pending, ROUTE_CONFIG, receive_config);
            return;
        }
        handle_config(service, request, ret);
        break;
    case ROUTE_CONFIG_PUBLIC:
        handle_config_public(service, request, ret);
        break;
    case ROUTE_ISSUER_DIRECTORY:
        handle_issuer_directory(service, request, ret);
        break;
    case ROUTE_HEALTH:
        handle_health(service, ret);
        break;
    case ROUTE_PREFILTER_MANIFEST:
        handle_prefilter_manifest(service, request, &match, ret);
        break;
    case ROUTE_PREFILTER_BITS:
        handle_prefilter_bits(service, request, &match, ret);
        break;
    case ROUTE_NONE:
    case ROUTE_COUNT:
        http_response_empty(ret, 404);
        break;
    }
    pending->done(pending->done_context);
}

void service_start(void *context, const struct http_request *request,
                   const struct http_admission *admission, struct http_response *ret,
                   void (*done)(void *done_context), void *done_context)
{
    const struct pending pending = {.service = context,
                                    .request = request,
                                    .response = ret,
                                    .done = done,
                                    .done_context = done_context};
    struct route_match match;
    struct payment payment;
    memcpy(&payment, admission->note, sizeof payment);
    if (!payment.is_due) {
        proceed(&pending);
        return;
    }
    route_find(request->method, request->target, &match);
    payment_start(&pending, match.route, &payment, proceed);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
};

static void wake(void *context)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->lock);
    waiting->is_done = true;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

void service_answer(struct service *service, const struct http_request *request,
                    struct http_response *ret)
{
    struct waiting waiting = {.is_done = false};
    struct http_admission admission;
    if (!service_admit(service, request, ret, &admission))
        return;
    pthread_mutex_init(&waiting.lock, NULL);
    pthread_cond_init(&waiting.changed, NULL);
    service_start(service, request, &admission, ret, wake, &waiting);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.is_done)
        pthread_cond_wait(&waiting.changed, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    pthread_cond_destroy(&waiting.changed);
    pthread_mutex_destroy(&waiting.lock);
}
