#include "pir-server/service/service.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/service/service_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define SECONDS_A_MINUTE         ((uint64_t)60)
#define FAILURES_LOGGED_A_MINUTE 20

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
        .token_keys = issuer_key_ring_kind.usual,
        .gateway_keys = gateway_key_ring_kind.usual,
        .now_s = system_now_s,
    };
}

static enum status prepare_threads(struct service *service, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < service->apps->app_count; i++) {
        const struct catalog *catalog = service->apps->apps[i].catalog;
        for (size_t k = 0; status == STATUS_OK && k < catalog->use_case_count; k++) {
            const struct catalog_version *version = catalog->use_cases[k].versions[0];
            status = compute_prepare(service->compute, version->context, &version->layout, err);
        }
    }
    return status;
}

/* Loads the apps of the list (NULL: as they are) beside those in force. */
static enum status load_apps(struct service *service, const struct app_list *list,
                             const struct app_set **ret, size_t *ret_failed, struct error *err)
{
    const struct service_options *options = &service->options;
    const struct app_source source = {
        .catalogs = {.data = options->data,
                     .registry = service->contexts,
                     .log = options->log,
                     .now_s = options->now_s(),
                     .verify = options->verify},
        .store = options->store,
        .seal = service->has_seal ? &service->seal : NULL,
        .token_keys = options->token_keys,
    };
    /* Only this thread replaces the pointer, so reading it here needs no lock. */
    const struct app_set *old = service->apps;
    return app_set_load(&source, list != NULL ? list : old->list, old, list != NULL, ret,
                        ret_failed, err);
}

static enum status load_first(struct service *service, struct error *err)
{
    const struct app_config everything = app_config_default();
    const struct app_list *list = service->options.apps;
    size_t failed = 0;
    enum status status = STATUS_OK;
    if (list == NULL)
        status = app_list_new(&everything, 1, &list, err);
    else
        app_list_ref(list);
    if (status != STATUS_OK)
        return status;
    status = load_apps(service, list, &service->apps, &failed, err);
    app_list_unref(list);
    return status;
}

static enum status open_gateway(struct service *service, struct error *err)
{
    const struct service_options *options = &service->options;
    const struct kept_keys_options keys = {.kind = &gateway_kept_keys,
                                           .store = options->store,
                                           .app = "",
                                           .seal = service->has_seal ? &service->seal : NULL,
                                           .spans = options->gateway_keys,
                                           .log = options->log};
    if (!options->has_gateway)
        return STATUS_OK;
    return gateway_new(&keys, options->gateway_targets, options->now_s(), &service->gateway, err);
}

/* What fails is logged, and stays as it was. */
static void tend_keys(struct service *service)
{
    const uint64_t now_s = service->options.now_s();
    struct error error;
    app_set_tend(service->apps, now_s, service->options.log);
    if (service->gateway != NULL && gateway_tend(service->gateway, now_s, &error) != STATUS_OK)
        log_write(service->options.log, LOG_ERROR, "gateway keys not looked after: %s",
                  error.message);
}

enum status service_new(const struct service_options *options, struct service **ret,
                        struct error *err)
{
    struct service *service = mem_alloc_zeroed(1, sizeof *service);
    if (service == NULL)
        return error_set(err, STATUS_NOMEM, "service: out of memory");
    service->options = *options;
    service->has_seal = options->seal != NULL;
    if (service->has_seal)
        service->seal = *options->seal;
    pthread_mutex_init(&service->apps_lock, NULL);
    service->nobody = app_counters_new();
    service->metrics = metrics_new();
    enum status status = service->nobody != NULL && service->metrics != NULL
                             ? STATUS_OK
                             : error_set(err, STATUS_NOMEM, "service: out of memory");
    if (status == STATUS_OK)
        status = context_registry_new(options->bfv_flags, &service->contexts, err);
    if (status == STATUS_OK)
        status = load_first(service, err);
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
    if (status == STATUS_OK)
        status = store_batch_new(options->store, SERVICE_TICKETS_MAX, options->now_s,
                                 &service->tickets, err);
    if (status == STATUS_OK)
        status = open_gateway(service, err);
    if (status == STATUS_OK && options->check_digests)
        status = digest_check_new(options->log, &service->digests, err);
    if (status != STATUS_OK)
        goto done;
    digest_check_start(service->digests, service->apps);
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
    /* Threads first, those that hand on before those that work, then what they use; contexts last.
     */
    digest_check_free(service->digests);
    store_batch_free(service->tickets);
    thread_pool_free(service->uploads);
    compute_free(service->compute);
    gateway_free(service->gateway);
    key_cache_free(service->keys);
    app_set_unref(service->apps);
    app_counters_unref(service->nobody);
    metrics_free(service->metrics);
    context_registry_free(service->contexts);
    key_seal_wipe(&service->seal);
    pthread_mutex_destroy(&service->apps_lock);
    mem_free(service);
}

const struct app_set *service_apps(struct service *service)
{
    pthread_mutex_lock(&service->apps_lock);
    const struct app_set *apps = app_set_ref(service->apps);
    pthread_mutex_unlock(&service->apps_lock);
    return apps;
}

enum status service_reload(struct service *service, const struct app_list *list, struct error *err)
{
    const struct app_set *fresh = NULL;
    const struct app_set *old = service->apps;
    size_t failed = 0;
    const enum status status = load_apps(service, list, &fresh, &failed, err);
    if (status != STATUS_OK) {
        service_reload_failed(service);
        return status;
    }
    metrics_count_incident(service->metrics, INCIDENT_DATASET, failed);
    pthread_mutex_lock(&service->apps_lock);
    service->apps = fresh;
    pthread_mutex_unlock(&service->apps_lock);
    app_set_unref(old);
    digest_check_start(service->digests, fresh);
    log_write(service->options.log, failed > 0 ? LOG_WARNING : LOG_INFO,
              "reloaded use_cases=%zu failed=%zu apps=%zu", app_set_use_case_count(fresh), failed,
              fresh->app_count);
    tend_keys(service);
    return STATUS_OK;
}

void service_reload_failed(struct service *service)
{
    metrics_count_incident(service->metrics, INCIDENT_RELOAD, 1);
}

void service_tend(struct service *service)
{
    const uint64_t now_s = service->options.now_s();
    struct error error;
    if (now_s >= service->apps->due_s && service_reload(service, NULL, &error) != STATUS_OK)
        log_write(service->options.log, LOG_ERROR, "old versions stay: %s", error.message);
    tend_keys(service);
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
        metrics_count_incident(service->metrics, INCIDENT_STATE, 1);
    if (status != STATUS_OK)
        log_write(service->options.log, LOG_WARNING, "store not tidied: %s", error.message);
    else if (removed > 0)
        log_write(service->options.log, LOG_INFO, "evaluation keys expired count=%zu", removed);
}

struct service_figures service_look(struct service *service)
{
    const struct key_cache_figures keys = key_cache_look(service->keys);
    const struct app_set *apps = service_apps(service);
    const struct service_figures figures = {.apps = apps->app_count,
                                            .use_cases = app_set_use_case_count(apps),
                                            .cached_keys = keys.entries,
                                            .cached_key_bytes = keys.bytes};
    app_set_unref(apps);
    return figures;
}

bool service_look_at_gateway(struct service *service, struct gateway_figures *ret)
{
    if (service->gateway != NULL)
        gateway_look(service->gateway, ret);
    return service->gateway != NULL;
}

void service_look_at_metrics(const struct service *service, struct metrics_figures *ret)
{
    metrics_look(service->metrics, ret);
    ret->incidents[INCIDENT_DAMAGE] = digest_check_damaged(service->digests);
}

struct store_user pending_user(const struct pending *pending)
{
    return store_user_of(pending->app->config->name,
                         pending->request->headers[HTTP_USER_IDENTIFIER]);
}

void key_cache_name(const struct store_user *user, const uint8_t key_id[WIRE_KEY_ID_BYTES],
                    uint8_t ret[KEY_CACHE_NAME_BYTES])
{
    static_assert(KEY_CACHE_NAME_BYTES == STORE_USER_HASH_BYTES + WIRE_KEY_ID_BYTES,
                  "a name is the two hashes");
    memcpy(ret, user->hash, STORE_USER_HASH_BYTES);
    memcpy(ret + STORE_USER_HASH_BYTES, key_id, WIRE_KEY_ID_BYTES);
}

void respond_failure(struct service *service, const struct http_request *request, enum route route,
                     enum status status, const struct error *err, struct http_response *ret)
{
    respond_failure_as(service, request, route, refusal_of_status(route, status), status, err, ret);
}

/* A full disk refuses each request: a few lines say so, the metrics count all. How many there were
 * in this minute before. */
static unsigned count_failure(struct service *service)
{
    const uint64_t minute = service->options.now_s() / SECONDS_A_MINUTE;
    uint64_t before = atomic_load(&service->failures_logged);
    uint64_t count;
    do
        count = before >> 16 == minute ? before & UINT16_MAX : 0;
    while (count < FAILURES_LOGGED_A_MINUTE &&
           !atomic_compare_exchange_weak(&service->failures_logged, &before,
                                         minute << 16 | (count + 1)));
    return (unsigned)count;
}

static void log_failure(struct service *service, const struct http_request *request,
                        enum route route, unsigned status, const struct error *err)
{
    const unsigned before = count_failure(service);
    if (before < FAILURES_LOGGED_A_MINUTE)
        log_write(service->options.log, LOG_WARNING,
                  "request failed id=%016" PRIx64 " route=%s status=%u: %s%s", request->id,
                  route_name(route), status, err->message,
                  before + 1 < FAILURES_LOGGED_A_MINUTE
                      ? ""
                      : "; no more of these are logged in this minute, all are counted");
}

void respond_failure_as(struct service *service, const struct http_request *request,
                        enum route route, enum refusal refusal, enum status status,
                        const struct error *err, struct http_response *ret)
{
    metrics_count_refusal(service->metrics, refusal);
    http_response_failure(ret, status, err);
    if (ret->status >= 500 && ret->status != 501)
        log_failure(service, request, route, ret->status, err);
}

void respond_refusal(struct service *service, enum refusal refusal, unsigned status,
                     const char *message, struct http_response *ret)
{
    metrics_count_refusal(service->metrics, refusal);
    http_response_error(ret, status, message);
}
