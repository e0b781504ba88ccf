/* Apps in /metrics: what is counted of each, what it serves, and its issuer's keys. */
#include "pir-server/service/metrics_page.h"

#include "pir-server/service/exposition.h"
#include "pir-server/service/service_internal.h"

#include "base/mem.h"

/* ---- what is counted ---- */

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
    to->oprf_answers += from->oprf_answers;
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

static uint64_t oprf_answers(const struct app_figures *figures)
{
    return figures->oprf_answers;
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
        {"blindlist_oprf_answers_total", EXPOSITION_COUNTER,
         "Answers to the questions that queries of symmetric PIR begin with, by app.",
         oprf_answers},
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

static void write_counts(struct bytes *page, const struct service *service,
                         const struct app_set *apps)
{
    struct app_rows rows = {.rows = mem_alloc(METRICS_APPS_MAX + 2, sizeof *rows.rows)};
    if (rows.rows == NULL) {
        page->status = STATUS_NOMEM;
        return;
    }
    for (size_t i = 0; i < apps->app_count; i++)
        take_app(&rows, apps->apps[i].config->name, apps->apps[i].counters);
    take_app(&rows, NULL, service->nobody);
    write_app_requests(page, &rows);
    write_app_sums(page, &rows);
    mem_free(rows.rows);
}

/* ---- what is served ---- */

static uint64_t made_at(const struct catalog_use_case *use_case)
{
    return (uint64_t)use_case->versions[0]->made_s;
}

static uint64_t rows_of(const struct catalog_use_case *use_case)
{
    return dataset_info(use_case->versions[0]->dataset)->row_count;
}

static uint64_t shards_of(const struct catalog_use_case *use_case)
{
    return dataset_info(use_case->versions[0]->dataset)->shard_count;
}

static uint64_t prefilter_bytes_of(const struct catalog_use_case *use_case)
{
    return dataset_info(use_case->versions[0]->dataset)->prefilter_bytes;
}

static uint64_t versions_of(const struct catalog_use_case *use_case)
{
    return use_case->version_count;
}

static uint64_t one_of(const struct catalog_use_case *use_case)
{
    (void)use_case;
    return 1;
}

static void write_use_cases(struct bytes *page, const struct app_set *apps)
{
    static const struct {
        const char *name;
        const char *help;
        uint64_t (*value)(const struct catalog_use_case *use_case);
        bool has_version;
    } families[] = {
        {"blindlist_dataset_info", "1; the version in force is a label.", one_of, true},
        {"blindlist_dataset_made_timestamp_seconds", "When the version in force was made.", made_at,
         false},
        {"blindlist_dataset_rows", "Rows of the version in force.", rows_of, false},
        {"blindlist_dataset_shards", "Shards of the version in force.", shards_of, false},
        {"blindlist_dataset_prefilter_bytes", "Size of its prefilter.", prefilter_bytes_of, false},
        {"blindlist_dataset_versions", "Versions that are answered for.", versions_of, false},
    };
    for (size_t k = 0; k < ARRAY_COUNT(families); k++) {
        size_t left = METRICS_USE_CASES_MAX;
        exposition_family(page, families[k].name, EXPOSITION_GAUGE, families[k].help);
        for (size_t i = 0; i < apps->app_count; i++) {
            const struct catalog *catalog = apps->apps[i].catalog;
            for (size_t u = 0; u < catalog->use_case_count && left > 0; u++, left--) {
                const struct catalog_use_case *use_case = &catalog->use_cases[u];
                const struct exposition_label labels[] = {
                    {"app", apps->apps[i].config->name},
                    {"use_case", use_case->name},
                    {"version", dataset_info(use_case->versions[0]->dataset)->version}};
                exposition_count(page, families[k].name, labels, families[k].has_version ? 3 : 2,
                                 families[k].value(use_case));
            }
        }
    }
}

/* ---- issuers ---- */

static uint64_t key_count(const struct kept_keys_view *view, uint64_t now_s)
{
    (void)now_s;
    return key_ring_count(view->ring);
}

static void write_issuers(struct bytes *page, const struct app_set *apps, uint64_t now_s)
{
    static const struct {
        const char *name;
        const char *help;
        uint64_t (*value)(const struct kept_keys_view *view, uint64_t now_s);
    } families[] = {
        {"blindlist_issuer_keys", "Issuer keys, by app.", key_count},
        {"blindlist_issuer_key_begun_timestamp_seconds",
         "When the key that signs began to, by app.", kept_keys_view_begun_s},
    };
    for (size_t k = 0; k < ARRAY_COUNT(families); k++) {
        exposition_family(page, families[k].name, EXPOSITION_GAUGE, families[k].help);
        for (size_t i = 0; i < apps->app_count && i < METRICS_APPS_MAX; i++) {
            const struct exposition_label label = {"app", apps->apps[i].config->name};
            if (apps->apps[i].issuer == NULL)
                continue;
            const struct kept_keys_view *view = kept_keys_view(apps->apps[i].issuer);
            exposition_count(page, families[k].name, &label, 1, families[k].value(view, now_s));
            kept_keys_view_release(view);
        }
    }
}

void metrics_page_write_apps(struct service *service, struct bytes *page)
{
    const struct app_set *apps = service_apps(service);
    write_counts(page, service, apps);
    write_use_cases(page, apps);
    write_issuers(page, apps, service->options.now_s());
    app_set_unref(apps);
}
