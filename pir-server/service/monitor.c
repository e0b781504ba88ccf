#include "pir-server/service/monitor.h"

#include "base/mem.h"
#include "pir-server/service/service_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct monitor {
    struct service *service;
    struct http_server *_Atomic server;
    atomic_bool is_draining;
    struct process_watch process;
    uint64_t start_s;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool is_ending;
    struct monitor_state state;
    struct monitor_sample *samples; /* [MONITOR_SAMPLES], a ring */
    size_t sample_count;
    size_t next; /* to be written */
};

/* ---- samples ---- */

static void add_app(struct monitor_sample *sample, const struct app_counters *counters)
{
    struct app_figures figures;
    app_counters_look(counters, &figures);
    sample->queries += figures.queries;
    sample->tokens_issued += figures.tokens_issued;
    sample->tokens_spent += figures.tokens_spent;
}

static void add_requests(struct monitor_sample *sample, const struct metrics_figures *figures)
{
    for (size_t route = 0; route < ROUTE_COUNT; route++) {
        for (size_t i = 0; i < METRICS_STATUS_COUNT; i++) {
            sample->requests += figures->requests[route][i];
            if (metrics_statuses[i] >= 500)
                sample->failures += figures->requests[route][i];
        }
    }
}

void monitor_take(struct monitor *monitor, struct monitor_sample *ret)
{
    struct service *service = monitor->service;
    struct http_server *server = atomic_load(&monitor->server);
    struct metrics_figures figures;
    struct http_server_figures http = {.requests = 0};
    *ret = (struct monitor_sample){.at_us = metrics_now_us(),
                                   .waiting = compute_waiting_count(service->compute)};
    service_look_at_metrics(service, &figures);
    add_requests(ret, &figures);
    memcpy(ret->refusals, figures.refusals, sizeof ret->refusals);
    memcpy(ret->incidents, figures.incidents, sizeof ret->incidents);
    ret->total = figures.times[METRICS_TOTAL][ROUTE_QUERIES];
    ret->queue = figures.times[METRICS_QUEUE][ROUTE_QUERIES];
    process_watch_look(&monitor->process, &ret->process);
    if (server != NULL)
        http_server_look(server, &http);
    ret->connections = http.connections.open;
    const struct app_set *apps = service_apps(service);
    for (size_t i = 0; i < apps->app_count; i++)
        add_app(ret, apps->apps[i].counters);
    app_set_unref(apps);
}

static void keep_sample(struct monitor *monitor)
{
    struct monitor_sample sample;
    monitor_take(monitor, &sample);
    pthread_mutex_lock(&monitor->lock);
    monitor->samples[monitor->next] = sample;
    monitor->next = (monitor->next + 1) % MONITOR_SAMPLES;
    monitor->sample_count += monitor->sample_count < MONITOR_SAMPLES ? 1 : 0;
    pthread_mutex_unlock(&monitor->lock);
}

size_t monitor_history(struct monitor *monitor, struct monitor_sample ret[MONITOR_SAMPLES])
{
    pthread_mutex_lock(&monitor->lock);
    const size_t count = monitor->sample_count;
    const size_t first = (monitor->next + MONITOR_SAMPLES - count) % MONITOR_SAMPLES;
    for (size_t i = 0; i < count; i++)
        ret[i] = monitor->samples[(first + i) % MONITOR_SAMPLES];
    pthread_mutex_unlock(&monitor->lock);
    return count;
}

/* ---- the state ---- */

static void look_at_state(struct monitor *monitor)
{
    struct service *service = monitor->service;
    struct monitor_state state = {.is_known = true};
    struct error error;
    state.is_writable = store_probe(service->options.store, &error) == STATUS_OK;
    state.has_usage = state.is_writable &&
                      store_get_usage(service->options.store, &state.usage, NULL) == STATUS_OK;
    pthread_mutex_lock(&monitor->lock);
    const bool was_writable = !monitor->state.is_known || monitor->state.is_writable;
    if (!state.has_usage) {
        state.has_usage = monitor->state.has_usage;
        state.usage = monitor->state.usage;
    }
    monitor->state = state;
    pthread_mutex_unlock(&monitor->lock);
    if (!state.is_writable)
        metrics_count_incident(service->metrics, INCIDENT_STATE, 1);
    if (!state.is_writable && was_writable)
        log_write(service->options.log, LOG_ERROR, "not ready: the state is not writable: %s",
                  error.message);
    else if (state.is_writable && !was_writable)
        log_write(service->options.log, LOG_INFO, "the state is writable again");
}

void monitor_look_at_state(struct monitor *monitor, struct monitor_state *ret)
{
    pthread_mutex_lock(&monitor->lock);
    *ret = monitor->state;
    pthread_mutex_unlock(&monitor->lock);
}

/* ---- the thread ---- */

/* Until that second of the steady clock; true when it ends. */
static bool wait_until(struct monitor *monitor, time_t second)
{
    const struct timespec until = {.tv_sec = second};
    struct timespec now;
    pthread_mutex_lock(&monitor->lock);
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (monitor->is_ending || now.tv_sec >= second)
            break;
        pthread_cond_timedwait(&monitor->wake, &monitor->lock, &until);
    }
    const bool is_ending = monitor->is_ending;
    pthread_mutex_unlock(&monitor->lock);
    return is_ending;
}

static void *run(void *context)
{
    struct monitor *monitor = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t next_sample = now.tv_sec;
    do {
        look_at_state(monitor);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= next_sample) {
            keep_sample(monitor);
            next_sample = now.tv_sec + MONITOR_SAMPLE_S;
        }
    } while (!wait_until(monitor, now.tv_sec + MONITOR_STATE_S));
    return NULL;
}

enum status monitor_new(struct service *service, struct monitor **ret, struct error *err)
{
    enum status status = STATUS_OK;
    struct monitor *monitor = mem_alloc_zeroed(1, sizeof *monitor);
    if (monitor == NULL)
        return error_set(err, STATUS_NOMEM, "monitor: out of memory");
    monitor->service = service;
    monitor->start_s = service->options.now_s();
    process_watch_open(&monitor->process);
    pthread_mutex_init(&monitor->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&monitor->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    monitor->samples = mem_alloc_zeroed(MONITOR_SAMPLES, sizeof *monitor->samples);
    if (monitor->samples == NULL) {
        status = error_set(err, STATUS_NOMEM, "monitor: out of memory");
        goto done;
    }
    const int failed = pthread_create(&monitor->thread, NULL, run, monitor);
    if (failed != 0) {
        status = error_set_errno(err, failed, "monitor: cannot start a thread");
        goto done;
    }
    monitor->is_started = true;
    *ret = monitor;
    monitor = NULL;
done:
    monitor_free(monitor);
    return status;
}

void monitor_free(struct monitor *monitor)
{
    if (monitor == NULL)
        return;
    if (monitor->is_started) {
        pthread_mutex_lock(&monitor->lock);
        monitor->is_ending = true;
        pthread_cond_signal(&monitor->wake);
        pthread_mutex_unlock(&monitor->lock);
        pthread_join(monitor->thread, NULL);
    }
    process_watch_close(&monitor->process);
    mem_free(monitor->samples);
    pthread_cond_destroy(&monitor->wake);
    pthread_mutex_destroy(&monitor->lock);
    mem_free(monitor);
}

void monitor_serves(struct monitor *monitor, struct http_server *server)
{
    atomic_store(&monitor->server, server);
}

struct http_server *monitor_server(struct monitor *monitor)
{
    return atomic_load(&monitor->server);
}

void monitor_drains(struct monitor *monitor)
{
    atomic_store(&monitor->is_draining, true);
}

size_t monitor_reasons(struct monitor *monitor, const char *ret[MONITOR_REASONS_MAX])
{
    struct monitor_state state;
    size_t count = 0;
    monitor_look_at_state(monitor, &state);
    if (monitor_server(monitor) == NULL)
        ret[count++] = "starting";
    if (atomic_load(&monitor->is_draining))
        ret[count++] = "draining";
    if (service_look(monitor->service).use_cases == 0)
        ret[count++] = "no dataset";
    if (!state.is_known)
        ret[count++] = "the state was not looked at yet";
    else if (!state.is_writable)
        ret[count++] = "the state is not writable";
    return count;
}

uint64_t monitor_start_s(const struct monitor *monitor)
{
    return monitor->start_s;
}
