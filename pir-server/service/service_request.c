/* The way of a request through the service: which app it is for, whether it is admitted, what its
 * handler is, and what is done when it is answered. */
#include "pir-server/service/http_host.h"
#include "pir-server/service/service_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* What admit() tells start(). */
struct admitted {
    uint64_t app; /* its serial; 0 = none */
    enum route route;
    struct payment payment;
};

/* A request between start() and its answer. */
struct visit {
    struct pending pending;
    const struct app_set *apps; /* held */
    enum route route;
    int64_t start_us;
    bool is_in_queries; /* counted among those under way */
    void (*done)(void *done_context);
    void *done_context;
};

void handle_health(const struct pending *pending)
{
    struct http_response *ret = pending->response;
    if (atomic_load(&pending->service->is_stopping)) {
        http_response_error(ret, 503, "stopping");
        return;
    }
    ret->content_type = "application/json; charset=utf-8";
    http_response_cache(ret, "no-store");
    bytes_append_text(&ret->body, "{\"status\":\"ok\"}\n");
}

/* ---- whose it is ---- */

/* The app that has the host of the request; NULL when none has. False: that is no host. */
static bool find_app(const struct app_set *apps, const struct http_request *request,
                     const struct served_app **ret)
{
    char host[HTTP_HOST_BYTES];
    const char *field = request->headers[HTTP_HOST];
    if (!http_host_of_field(field != NULL ? field : "", host))
        return false;
    *ret = app_set_find_host(apps, host);
    return true;
}

bool service_serves_host(struct service *service, const char *host)
{
    const struct app_set *apps = service_apps(service);
    const bool is_served = app_set_find_host(apps, host) != NULL;
    app_set_unref(apps);
    return is_served;
}

static struct app_counters *counters_of(struct service *service, const struct served_app *app)
{
    return app != NULL ? app->counters : service->nobody;
}

static void count_answer(struct service *service, const struct served_app *app, enum route route,
                         unsigned status)
{
    app_count_request(counters_of(service, app), route, status);
    metrics_count_request(service->metrics, route, status);
}

/* ---- admission ---- */

static bool admit(struct service *service, const struct served_app *app, enum route route,
                  const struct http_request *request, struct http_response *ret,
                  struct admitted *ret_admitted)
{
    const bool is_gateway = route == ROUTE_GATEWAY || route == ROUTE_GATEWAY_KEYS;
    if (route == ROUTE_NONE || (app == NULL && route_is_of_an_app(route)) ||
        (is_gateway && service->gateway == NULL)) {
        metrics_count_refusal(service->metrics, REFUSAL_NOT_FOUND);
        http_response_empty(ret, 404);
        return false;
    }
    if (route == ROUTE_GATEWAY && !gateway_type_is_right(request)) {
        http_response_error(ret, 415, "nothing but " GATEWAY_REQUEST_TYPE " is taken here");
        return false;
    }
    ret_admitted->app = app != NULL ? app->serial : 0;
    if (!payment_check(service, app, route, request, &ret_admitted->payment, ret))
        return false;
    if (!route_needs_identity(route))
        return true;
    if (request->headers[HTTP_USER_IDENTIFIER] == NULL) {
        respond_refusal(service, REFUSAL_MISSING_HEADER, 400, "Missing 'User-Identifier' header",
                        ret);
        return false;
    }
    if (request->headers[HTTP_USER_AGENT] == NULL) {
        respond_refusal(service, REFUSAL_MISSING_HEADER, 400, "Missing 'User-Agent' header", ret);
        return false;
    }
    return true;
}

bool service_admit(void *context, const struct http_request *request, struct http_response *ret,
                   struct http_admission *ret_admission)
{
    struct service *service = context;
    const struct app_set *apps = service_apps(service);
    const struct served_app *app = NULL;
    struct route_match match;
    struct admitted admitted = {.app = 0};
    bool is_admitted = false;
    route_find(request->method, request->target, &match);
    admitted.route = match.route;
    *ret_admission = (struct http_admission){.label = route_name(match.route),
                                             .is_slow = route_is_slow(match.route),
                                             .body_max = route_body_max(match.route),
                                             .body_weight = route_body_weight(match.route)};
    if (!find_app(apps, request, &app)) {
        respond_refusal(service, REFUSAL_HOST, 400, "the Host header names no host, or several",
                        ret);
    } else {
        if (!route_is_of_an_app(match.route))
            app = NULL;
        is_admitted = admit(service, app, match.route, request, ret, &admitted);
    }
    if (!is_admitted)
        count_answer(service, app, match.route, ret->status);
    static_assert(sizeof admitted <= sizeof ret_admission->note, "what is told fits into the note");
    memcpy(ret_admission->note, &admitted, sizeof admitted);
    ret_admission->is_slow |= admitted.payment.is_due;
    ret_admission->is_paid = admitted.payment.is_due;
    app_set_unref(apps);
    return is_admitted;
}

void service_refused(void *context, const struct http_admission *admission, enum http_refusal why)
{
    static const struct {
        enum refusal refusal;
        unsigned status;
    } table[] = {
        [HTTP_REFUSAL_HEAD] = {REFUSAL_HEAD_TOO_LARGE, 431},
        [HTTP_REFUSAL_AMBIGUOUS] = {REFUSAL_AMBIGUOUS_HEAD, 400},
        [HTTP_REFUSAL_BODY] = {REFUSAL_TOO_LARGE, 413},
        [HTTP_REFUSAL_MEMORY] = {REFUSAL_MEMORY, 503},
    };
    struct service *service = context;
    struct admitted admitted;
    memcpy(&admitted, admission->note, sizeof admitted);
    metrics_count_refusal(service->metrics, table[why].refusal);
    metrics_count_request(service->metrics, admitted.route, table[why].status);
}

/* ---- what has been paid for, or costs nothing ---- */

static void proceed(const struct pending *pending)
{
    struct route_match match;
    route_find(pending->request->method, pending->request->target, &match);
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
    case ROUTE_GATEWAY:
        start_gateway(pending);
        return;
    case ROUTE_CONFIG:
        if (pending->has_place) {
            start_upload(pending, ROUTE_CONFIG, receive_config);
            return;
        }
        handle_config(pending);
        break;
    case ROUTE_CONFIG_PUBLIC:
        handle_config_public(pending);
        break;
    case ROUTE_ISSUER_DIRECTORY:
        handle_issuer_directory(pending);
        break;
    case ROUTE_HEALTH:
        handle_health(pending);
        break;
    case ROUTE_PREFILTER_MANIFEST:
        handle_prefilter_manifest(pending, &match);
        break;
    case ROUTE_PREFILTER_BITS:
        handle_prefilter_bits(pending, &match);
        break;
    case ROUTE_GATEWAY_KEYS:
        handle_gateway_keys(pending);
        break;
    case ROUTE_NONE:
    case ROUTE_COUNT:
        http_response_empty(pending->response, 404);
        break;
    }
    pending->done(pending->done_context);
}

/* ---- start and end ---- */

static void finish(void *context)
{
    const struct visit visit = *(struct visit *)context;
    struct service *service = visit.pending.service;
    mem_free(context);
    if (visit.is_in_queries)
        app_leave_queries(counters_of(service, visit.pending.app));
    count_answer(service, visit.pending.app, visit.route, visit.pending.response->status);
    metrics_observe_since(service->metrics, METRICS_TOTAL, visit.route, visit.start_us);
    app_set_unref(visit.apps);
    visit.done(visit.done_context);
}

/* Is it still the app that admitted the request, and has it room for one more? */
static bool enter(struct visit *visit, const struct admitted *admitted)
{
    const struct served_app *app = visit->pending.app;
    if ((app != NULL ? app->serial : 0) != admitted->app)
        return false;
    if (visit->route != ROUTE_QUERIES)
        return true;
    visit->is_in_queries = app_enter_queries(app->counters, app->config->limits.queries_under_way);
    return visit->is_in_queries;
}

void service_start(void *context, const struct http_request *request,
                   const struct http_admission *admission, struct http_response *ret,
                   void (*done)(void *done_context), void *done_context)
{
    struct service *service = context;
    struct admitted admitted;
    struct route_match match;
    struct visit *visit = mem_alloc(1, sizeof *visit);
    memcpy(&admitted, admission->note, sizeof admitted);
    route_find(request->method, request->target, &match);
    if (visit == NULL) {
        metrics_count_refusal(service->metrics, REFUSAL_MEMORY);
        http_response_failure(ret, STATUS_NOMEM, NULL);
        metrics_count_request(service->metrics, match.route, ret->status);
        done(done_context);
        return;
    }
    *visit = (struct visit){.apps = service_apps(service),
                            .route = match.route,
                            .start_us = metrics_now_us(),
                            .done = done,
                            .done_context = done_context,
                            .pending = {.service = service,
                                        .request = request,
                                        .response = ret,
                                        .done = finish,
                                        .done_context = visit}};
    if (!route_is_of_an_app(match.route) || !find_app(visit->apps, request, &visit->pending.app))
        visit->pending.app = NULL;
    if (!enter(visit, &admitted)) {
        metrics_count_refusal(service->metrics, REFUSAL_APP_LIMIT);
        http_response_failure(ret, STATUS_BUSY, NULL);
        finish(visit);
    } else if (admitted.payment.is_due) {
        payment_start(&visit->pending, match.route, &admitted.payment, proceed);
    } else {
        proceed(&visit->pending);
    }
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
