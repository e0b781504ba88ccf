/* The tables of apps. */
#include "pir-server/service/status_page_internal.h"

#include "base/quantity.h"
#include "pir-server/dataset/page_parts.h"
#include "pir-server/service/status_page.h"

#define FAILED_CLASS (APP_STATUS_CLASSES - 1) /* 5xx */

static void name_cell(struct bytes *page, const char *name)
{
    bytes_append_text(page, "<td class=\"name\">");
    if (name[0] == '\0')
        bytes_append_text(page, "<span class=\"soft\">the only one</span>");
    page_name(page, name);
    bytes_append_text(page, "</td>");
}

static void more_rows(struct bytes *page, size_t count, size_t columns)
{
    if (count > STATUS_PAGE_ROWS_MAX)
        bytes_append_format(page, "<tr><td class=\"soft\" colspan=\"%zu\">and %s more</td></tr>\n",
                            columns, quantity_count(count - STATUS_PAGE_ROWS_MAX).text);
}

/* ---- what was asked ---- */

static void app_row(struct bytes *page, const struct served_app *app)
{
    struct app_figures figures;
    uint64_t requests = 0;
    uint64_t failures = 0;
    app_counters_look(app->counters, &figures);
    for (size_t route = 0; route < ROUTE_COUNT; route++) {
        for (size_t class = 0; class < APP_STATUS_CLASSES; class ++)
            requests += figures.requests[route][class];
        failures += figures.requests[route][FAILED_CLASS];
    }
    bytes_append_text(page, "<tr>");
    name_cell(page, app->config->name);
    page_count_cell(page, (double)requests);
    page_count_cell(page, (double)failures);
    page_count_cell(page, (double)figures.queries);
    page_count_cell(page, figures.queries_under_way);
    page_count_cell(page, (double)figures.tokens_issued);
    page_count_cell(page, (double)figures.tokens_spent);
    bytes_append_text(page, "</tr>\n");
}

static void write_requests(struct bytes *page, const struct app_set *apps)
{
    page_title(page, "Apps, since the start");
    bytes_append_text(page,
                      "<div class=\"wide\"><table>\n<tr><th>App</th><th class=\"n\">Requests</th>"
                      "<th class=\"n\">Failed</th><th class=\"n\">Queries</th>"
                      "<th class=\"n\">Under way</th><th class=\"n\">Tokens issued</th>"
                      "<th class=\"n\">Tokens spent</th></tr>\n");
    for (size_t i = 0; i < apps->app_count && i < STATUS_PAGE_ROWS_MAX; i++)
        app_row(page, &apps->apps[i]);
    more_rows(page, apps->app_count, 7);
    bytes_append_text(page, "</table></div>\n");
}

/* ---- what is served ---- */

static void use_case_row(struct bytes *page, const struct served_app *app,
                         const struct catalog_use_case *use_case, uint64_t now_s)
{
    const struct catalog_version *version = use_case->versions[0];
    const struct dataset_info *info = dataset_info(version->dataset);
    bytes_append_text(page, "<tr>");
    name_cell(page, use_case->name);
    name_cell(page, app->config->name);
    bytes_append_format(page, "<td class=\"whole\"><code>%s</code></td><td class=\"n\">%s</td>",
                        info->version, quantity_age((double)now_s - (double)version->made_s).text);
    page_count_cell(page, (double)info->row_count);
    page_count_cell(page, (double)info->shard_count);
    page_count_cell(page, (double)use_case->version_count);
    bytes_append_text(page, "</tr>\n");
}

static void write_datasets(struct bytes *page, const struct app_set *apps, uint64_t now_s)
{
    size_t count = 0;
    page_title(page, "Datasets");
    bytes_append_text(page,
                      "<div class=\"wide\"><table>\n<tr><th>Use case</th><th>App</th>"
                      "<th>Version</th><th class=\"n\">Age</th><th class=\"n\">Rows</th>"
                      "<th class=\"n\">Shards</th><th class=\"n\">Versions answered</th></tr>\n");
    for (size_t i = 0; i < apps->app_count; i++) {
        const struct catalog *catalog = apps->apps[i].catalog;
        for (size_t k = 0; k < catalog->use_case_count; k++) {
            if (count++ < STATUS_PAGE_ROWS_MAX)
                use_case_row(page, &apps->apps[i], &catalog->use_cases[k], now_s);
        }
    }
    more_rows(page, count, 7);
    bytes_append_text(page, "</table></div>\n");
}

/* ---- issuers ---- */

static void issuer_row(struct bytes *page, const struct served_app *app, uint64_t now_s)
{
    const struct kept_keys_view *view = kept_keys_view(app->issuer);
    const uint64_t begun_s = kept_keys_view_begun_s(view, now_s);
    bytes_append_text(page, "<tr>");
    name_cell(page, app->config->name);
    page_count_cell(page, (double)key_ring_count(view->ring));
    bytes_append_format(page, "<td class=\"n\">%s</td></tr>\n",
                        begun_s > 0 ? quantity_age((double)(now_s - begun_s)).text : "none signs");
    kept_keys_view_release(view);
}

static void write_issuers(struct bytes *page, const struct app_set *apps, uint64_t now_s)
{
    size_t count = 0;
    for (size_t i = 0; i < apps->app_count; i++) {
        if (apps->apps[i].issuer == NULL)
            continue;
        if (count == 0) {
            page_title(page, "Issuer keys");
            bytes_append_text(page, "<div class=\"wide\"><table class=\"fit\">\n<tr><th>App</th>"
                                    "<th class=\"n\">Keys</th><th class=\"n\">Age of the one that "
                                    "signs</th></tr>\n");
        }
        if (count++ < STATUS_PAGE_ROWS_MAX)
            issuer_row(page, &apps->apps[i], now_s);
    }
    more_rows(page, count, 3);
    if (count > 0)
        bytes_append_text(page, "</table></div>\n");
}

void status_page_apps(struct bytes *page, const struct app_set *apps, uint64_t now_s)
{
    write_requests(page, apps);
    write_datasets(page, apps, now_s);
    write_issuers(page, apps, now_s);
}
