#include "pir-server/service/metrics_page.h"

#include "pir-server/service/exposition.h"
#include "pir-server/service/service_internal.h"

#include "base/mem.h"

#include <stdio.h>

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

static void write_one(struct bytes *page, const char *name, enum exposition_type type,
                      const char *help, uint64_t value)
{
    exposition_family(page, name, type, help);
    exposition_count(page, name, NULL, 0, value);
}

static void write_service(struct bytes *page, struct service *service)
{
    const struct key_cache_figures keys = key_cache_look(service->keys);
    write_one(page, "blindlist_key_cache_hits_total", EXPOSITION_COUNTER,
              "Evaluation keys found decoded.", keys.hits);
    write_one(page, "blindlist_key_cache_misses_total", EXPOSITION_COUNTER,
              "Evaluation keys that had to be read and decoded.", keys.misses);
    write_one(page, "blindlist_key_cache_keys", EXPOSITION_GAUGE, "Decoded keys in memory.",
              keys.entries);
    write_one(page, "blindlist_key_cache_bytes", EXPOSITION_GAUGE, "Memory of decoded keys.",
              keys.bytes);
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
    write_one(page, "blindlist_connections", EXPOSITION_GAUGE, "Open connections.",
              figures.connections.open);
    exposition_family(page, ended, EXPOSITION_COUNTER,
                      "Connections refused or ended by the server: too many of one address, too "
                      "many in all, too slow or gone.");
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        const struct exposition_label label = {"reason", reasons[i].reason};
        exposition_count(page, ended, &label, 1, reasons[i].count);
    }
    write_one(page, "blindlist_requests_under_way", EXPOSITION_GAUGE,
              "Requests from their head to the end of their answer.", figures.requests);
    write_one(page, "blindlist_bodies_bytes", EXPOSITION_GAUGE,
              "Memory for bodies being received or answered.", figures.bodies_bytes);
}

/* ---- of apps ---- */

struct app_row {
    const char *name;
    struct app_figures figures;
};

struct app_rows {
    struct app_row *rows; /* [count] */
    size_t count;
};

static void add_figures(struct app_figures *to, const struct app_figures *from)
{
    for (size_t route = 0; route < ROUTE_COUNT; route++) {
        for (size_t class = 0; class < APP_STATUS_CLASSES; class ++)
            to->requests[route][class] += from->requests[route][class];
    }
    to->tokens_issued += from->tokens_issued;
    to->tokens_spent += from->tokens_spent;
    to->queries += from->queries;
    to->queries_under_way += from->queries_under_way;
}

/* The rows have room for METRICS_APPS_MAX, the others and those of no app. */
static void take_app(struct app_rows *rows, const char *app, const struct app_counters *counters)
{
    struct app_figures figures;
    app_counters_look(counters, &figures);
    if (app != NULL && rows->count > METRICS_APPS_MAX)
        add_figures(&rows->rows[METRICS_APPS_MAX].figures, &figures);
    else
        rows->rows[rows->count++] =
            (struct app_row){.name = app == NULL                       ? METRICS_APP_NONE
                                     : rows->count == METRICS_APPS_MAX ? METRICS_APP_OTHERS
                                                                       : app,
                             .figures = figures};
}

static void write_app_requests(struct bytes *page, const struct app_rows *rows)
{
    static const char name[] = "blindlist_app_requests_total";
    static const char *const classes[APP_STATUS_CLASSES] = {"2xx", "3xx", "4xx", "5xx"};
    exposition_family(page, name, EXPOSITION_COUNTER,
                      "Requests answered, by app, route and class of HTTP status.");
    for (size_t i = 0; i < rows->count; i++) {
        for (size_t k = 0; k < ROUTE_COUNT * APP_STATUS_CLASSES; k++) {
            const size_t route = k / APP_STATUS_CLASSES;
            const uint64_t value = rows->rows[i].figures.requests[route][k % APP_STATUS_CLASSES];
            const struct exposition_label labels[] = {{"app", rows->rows[i].name},
                                                      {"route", route_name((enum route)route)},
                                                      {"class", classes[k % APP_STATUS_CLASSES]}};
            if (value > 0)
                exposition_count(page, name, labels, ARRAY_COUNT(labels), value);
        }
    }
}

static uint64_t issued(const struct app_figures *figures)
{
    return figures->tokens_issued;
}

static uint64_t spent(const struct app_figures *figures)
{
    return figures->tokens_spent;
}

static uint64_t queries(const struct app_figures *figures)
{
    return figures->queries;
}

static uint64_t under_way(const struct app_figures *figures)
{
    return figures->queries_under_way;
}

static void write_app_sums(struct bytes *page, const struct app_rows *rows)
{
    static const struct {
        const char *name;
        enum exposition_type type;
        const char *help;
        uint64_t (*value)(const struct app_figures *figures);
    } families[] = {
        {"blindlist_tokens_issued_total", EXPOSITION_COUNTER, "Privacy Pass tokens issued, by app.",
         issued},
        {"blindlist_tokens_spent_total", EXPOSITION_COUNTER, "Privacy Pass tokens spent, by app.",
         spent},
        {"blindlist_queries_total", EXPOSITION_COUNTER,
         "Queries answered, by app; a request holds any number.", queries},
        {"blindlist_query_requests_under_way", EXPOSITION_GAUGE,
         "Requests with queries that wait or are computed, by app.", under_way},
    };
    for (size_t k = 0; k < ARRAY_COUNT(families); k++) {
        exposition_family(page, families[k].name, families[k].type, families[k].help);
        for (size_t i = 0; i < rows->count; i++) {
            const struct exposition_label label = {"app", rows->rows[i].name};
            exposition_count(page, families[k].name, &label, 1,
                             families[k].value(&rows->rows[i].figures));
        }
    }
}

static void write_apps(struct bytes *page, struct service *service)
{
    struct app_rows rows = {.rows = mem_alloc(METRICS_APPS_MAX + 2, sizeof *rows.rows)};
    if (rows.rows == NULL)
        return;
    const struct app_set *apps = service_apps(service); /* names are of it */
    for (size_t i = 0; i < apps->app_count; i++)
        take_app(&rows, apps->apps[i].config->name, apps->apps[i].counters);
    take_app(&rows, NULL, service->nobody);
    write_app_requests(page, &rows);
    write_app_sums(page, &rows);
    app_set_unref(apps);
    mem_free(rows.rows);
}

void metrics_page_write(struct service *service, struct http_server *server, struct bytes *page)
{
    struct metrics_figures figures;
    metrics_look(service->metrics, &figures);
    write_requests(page, &figures);
    write_refusals(page, &figures);
    write_times(page, &figures);
    write_service(page, service);
    if (server != NULL)
        write_server(page, server);
    write_apps(page, service);
}
