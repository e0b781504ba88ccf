#include "pir-server/service/metrics_page.h"

#include "pir-server/service/exposition.h"
#include "pir-server/service/service_internal.h"

#include <stdio.h>

#define MICROSECONDS 1e6

/* ---- of the whole server ---- */

static void write_requests(struct bytes *page, const struct metrics_figures *figures)
{
    static const char name[] = "blindlist_requests_total";
    exposition_family(page, name, EXPOSITION_COUNTER,
                      "Requests answered, by route and HTTP status (0: any other).");
    for (size_t route = 0; route < ROUTE_COUNT; route++) {
        for (size_t i = 0; i < METRICS_STATUS_COUNT; i++) {
            char status[16];
            snprintf(status, sizeof status, "%u", metrics_statuses[i]);
            const struct exposition_label labels[] = {{"route", route_name((enum route)route)},
                                                      {"status", status}};
            if (figures->requests[route][i] > 0)
                exposition_count(page, name, labels, ARRAY_COUNT(labels),
                                 figures->requests[route][i]);
        }
    }
}

static void write_refusals(struct bytes *page, const struct metrics_figures *figures)
{
    static const char name[] = "blindlist_refusals_total";
    exposition_family(page, name, EXPOSITION_COUNTER, "Requests refused or failed, by reason.");
    for (size_t i = 0; i < REFUSAL_COUNT; i++) {
        const struct exposition_label label = {"reason", refusal_name((enum refusal)i)};
        if (label.value != NULL)
            exposition_count(page, name, &label, 1, figures->refusals[i]);
    }
}

static void write_incidents(struct bytes *page, const struct metrics_figures *figures)
{
    static const char name[] = "blindlist_incidents_total";
    exposition_family(page, name, EXPOSITION_COUNTER, "What went wrong beside requests, by kind.");
    for (size_t i = 0; i < INCIDENT_COUNT; i++) {
        const struct exposition_label label = {"kind", incident_name((enum incident)i)};
        exposition_count(page, name, &label, 1, figures->incidents[i]);
    }
}

static void write_times(struct bytes *page, const struct metrics_figures *figures)
{
    static const struct {
        const char *name;
        const char *help;
    } families[METRICS_TIME_COUNT] = {
        [METRICS_TOTAL] = {"blindlist_request_seconds",
                           "From the whole request to the whole answer, by route."},
        [METRICS_QUEUE] = {"blindlist_queue_seconds",
                           "Time that requests waited for a thread, by route."},
        [METRICS_COMPUTE] = {"blindlist_compute_seconds",
                             "Time on a compute thread of one query or signature, by route."},
    };
    for (size_t i = 0; i < METRICS_TIME_COUNT; i++) {
        exposition_family(page, families[i].name, EXPOSITION_HISTOGRAM, families[i].help);
        for (size_t route = 0; route < ROUTE_COUNT; route++) {
            const struct exposition_label label = {"route", route_name((enum route)route)};
            if (figures->times[i][route].count > 0)
                exposition_histogram(page, families[i].name, &label, 1, &figures->times[i][route]);
        }
    }
}

static void write_queues(struct bytes *page, const struct service *service)
{
    static const char length[] = "blindlist_queue_length";
    static const char limit[] = "blindlist_queue_limit";
    static const struct exposition_label compute = {"queue", "compute"};
    static const struct exposition_label uploads = {"queue", "uploads"};
    exposition_family(page, length, EXPOSITION_GAUGE, "Jobs that wait for a thread.");
    exposition_count(page, length, &compute, 1, compute_waiting_count(service->compute));
    exposition_count(page, length, &uploads, 1, thread_pool_waiting_count(service->uploads));
    exposition_family(page, limit, EXPOSITION_GAUGE, "Jobs that may wait.");
    exposition_count(page, limit, &compute, 1, service->options.queue_limit);
    exposition_count(page, limit, &uploads, 1, SERVICE_UPLOAD_QUEUE_LIMIT);
    exposition_single(page, "blindlist_compute_threads", EXPOSITION_GAUGE, "Compute threads.",
                      compute_thread_count(service->compute));
}

static void write_cache(struct bytes *page, const struct service *service)
{
    const struct key_cache_figures keys = key_cache_look(service->keys);
    exposition_single(page, "blindlist_key_cache_hits_total", EXPOSITION_COUNTER,
                      "Evaluation keys found decoded.", keys.hits);
    exposition_single(page, "blindlist_key_cache_misses_total", EXPOSITION_COUNTER,
                      "Evaluation keys that had to be read and decoded.", keys.misses);
    exposition_single(page, "blindlist_key_cache_keys", EXPOSITION_GAUGE, "Decoded keys in memory.",
                      keys.entries);
    exposition_single(page, "blindlist_key_cache_bytes", EXPOSITION_GAUGE,
                      "Memory of decoded keys.", keys.bytes);
}

static void write_server(struct bytes *page, struct http_server *server)
{
    static const char ended[] = "blindlist_connections_ended_total";
    struct http_server_figures figures;
    http_server_look(server, &figures);
    const struct {
        const char *reason;
        uint64_t count;
    } reasons[] = {{"address", figures.connections.refused},
                   {"room", figures.connections.shed},
                   {"slow", figures.connections.late}};
    exposition_single(page, "blindlist_connections", EXPOSITION_GAUGE, "Open connections.",
                      figures.connections.open);
    exposition_family(page, ended, EXPOSITION_COUNTER,
                      "Connections refused or ended by the server: too many of one address, too "
                      "many in all, too slow or gone.");
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        const struct exposition_label label = {"reason", reasons[i].reason};
        exposition_count(page, ended, &label, 1, reasons[i].count);
    }
    exposition_single(page, "blindlist_requests_under_way", EXPOSITION_GAUGE,
                      "Requests from their head to the end of their answer.", figures.requests);
    exposition_single(page, "blindlist_bodies_bytes", EXPOSITION_GAUGE,
                      "Memory for bodies being received or answered.", figures.bodies_bytes);
}

/* ---- the state, the process ---- */

static void write_store_calls(struct bytes *page, const struct store *store)
{
    static const char times[] = "blindlist_store_seconds";
    static const char failures[] = "blindlist_store_failures_total";
    struct store_call_figures figures[STORE_CALL_COUNT];
    exposition_family(page, times, EXPOSITION_HISTOGRAM, "Time of calls of the state.");
    for (size_t i = 0; i < STORE_CALL_COUNT; i++) {
        const struct exposition_label label = {"call", store_call_name((enum store_call)i)};
        store_look(store, (enum store_call)i, &figures[i]);
        if (figures[i].times.count > 0)
            exposition_histogram(page, times, &label, 1, &figures[i].times);
    }
    exposition_family(page, failures, EXPOSITION_COUNTER, "Calls of the state that failed.");
    for (size_t i = 0; i < STORE_CALL_COUNT; i++) {
        const struct exposition_label label = {"call", store_call_name((enum store_call)i)};
        exposition_count(page, failures, &label, 1, figures[i].failures);
    }
}

static void write_state(struct bytes *page, const struct store *store, struct monitor *monitor)
{
    const char *reasons[MONITOR_REASONS_MAX];
    struct monitor_state state;
    monitor_look_at_state(monitor, &state);
    exposition_single(page, "blindlist_ready", EXPOSITION_GAUGE,
                      "1 when requests should be sent here; /readyz says why not.",
                      monitor_reasons(monitor, reasons) == 0);
    exposition_single(page, "blindlist_state_writable", EXPOSITION_GAUGE,
                      "1 when the state could be written at the last look.", state.is_writable);
    exposition_single(page, "blindlist_evaluation_keys", EXPOSITION_GAUGE,
                      "Evaluation keys in the state.", state.usage.key_count);
    exposition_single(page, "blindlist_evaluation_keys_bytes", EXPOSITION_GAUGE,
                      "Size of the evaluation keys in the state.", state.usage.key_bytes);
    exposition_single(page, "blindlist_evaluation_keys_limit_bytes", EXPOSITION_GAUGE,
                      "As much as they may have.", store_get_limits(store)->key_bytes_in_all);
}

static void write_process(struct bytes *page, struct monitor *monitor)
{
    struct monitor_sample now;
    static const char cpu[] = "process_cpu_seconds_total";
    static const char info[] = "blindlist_build_info";
    const struct exposition_label version = {"version", BLINDLIST_VERSION};
    monitor_take(monitor, &now);
    exposition_single(page, "process_resident_memory_bytes", EXPOSITION_GAUGE,
                      "Memory of the process, with what it shares.", now.process.resident_bytes);
    exposition_family(page, cpu, EXPOSITION_COUNTER, "Processor time of the process.");
    exposition_value(page, cpu, NULL, 0, (double)now.process.cpu_us / MICROSECONDS);
    exposition_single(page, "process_start_time_seconds", EXPOSITION_GAUGE,
                      "When the server started, since 1970.", monitor_start_s(monitor));
    exposition_family(page, info, EXPOSITION_GAUGE, "1; the version of the program is a label.");
    exposition_count(page, info, &version, 1, 1);
}

static void write_gateway(struct bytes *page, struct service *service)
{
    static const char events[] = "blindlist_gateway_requests_total";
    static const char keys[] = "blindlist_gateway_keys";
    static const char published[] = "blindlist_gateway_key_published_timestamp_seconds";
    struct gateway_figures figures;
    const bool is_there = service_look_at_gateway(service, &figures);
    exposition_family(page, events, EXPOSITION_COUNTER,
                      "Encapsulated requests, by what became of them.");
    for (size_t i = 0; is_there && i < GATEWAY_EVENT_COUNT; i++) {
        const struct exposition_label label = {"event", gateway_event_name((enum gateway_event)i)};
        exposition_count(page, events, &label, 1, figures.events[i]);
    }
    exposition_family(page, keys, EXPOSITION_GAUGE, "Gateway keys that open requests.");
    if (is_there)
        exposition_count(page, keys, NULL, 0, figures.keys);
    exposition_family(page, published, EXPOSITION_GAUGE,
                      "When the gateway key that is published began to be.");
    if (is_there)
        exposition_count(page, published, NULL, 0, figures.published_at_s);
}

void metrics_page_write(struct service *service, struct monitor *monitor, struct bytes *page)
{
    struct metrics_figures figures;
    struct http_server *server = monitor_server(monitor);
    service_look_at_metrics(service, &figures);
    write_requests(page, &figures);
    write_refusals(page, &figures);
    write_incidents(page, &figures);
    write_times(page, &figures);
    write_queues(page, service);
    write_cache(page, service);
    if (server != NULL)
        write_server(page, server);
    write_store_calls(page, service->options.store);
    write_state(page, service->options.store, monitor);
    write_process(page, monitor);
    write_gateway(page, service);
    metrics_page_write_apps(service, page);
}
