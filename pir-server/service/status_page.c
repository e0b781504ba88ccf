#include "pir-server/service/status_page.h"

#include "base/mem.h"
#include "base/quantity.h"
#include "pir-server/dataset/page_parts.h"
#include "pir-server/service/service_internal.h"
#include "pir-server/service/status_page_internal.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#define HOUR_S       3600.0
#define HALF         0.5
#define SLOW_SHARE   0.99
#define MILLISECONDS 1e3 /* of microseconds */

/* The newest sample that is at least so old; the oldest when none is. */
static const struct monitor_sample *sample_before(const struct status_history *history,
                                                  double seconds)
{
    const struct monitor_sample *now = &history->samples[history->count - 1];
    size_t i = history->count - 1;
    while (i > 0 && status_seconds(&history->samples[i], now) < seconds)
        i--;
    return &history->samples[i];
}

static struct status_history *read_history(struct monitor *monitor)
{
    struct status_history *history = mem_alloc(1, sizeof *history);
    if (history == NULL)
        return NULL;
    history->count = monitor_history(monitor, history->samples);
    history->kept_count = history->count;
    monitor_take(monitor, &history->samples[history->count++]);
    return history;
}

/* ---- tiles ---- */

static struct quantity per_second(uint64_t before, uint64_t now, double seconds)
{
    return quantity_about(status_rate(before, now, seconds));
}

static void append_times(struct bytes *page, const struct monitor_sample *before,
                         const struct monitor_sample *now)
{
    char number[80];
    struct histogram_figures between = now->total;
    histogram_figures_since(&between, &before->total);
    if (between.count == 0) {
        page_tile(page, "-", "no request with queries in the last minutes");
        return;
    }
    snprintf(number, sizeof number, "%s / %s",
             quantity_about(histogram_quantile_us(&between, HALF) / MILLISECONDS).text,
             quantity_about(histogram_quantile_us(&between, SLOW_SHARE) / MILLISECONDS).text);
    page_tile(page, number,
              "ms, within which half, and 99 of 100, requests with queries are answered");
}

static void append_failures(struct bytes *page, uint64_t count)
{
    static const char what[] = "requests failed in the last hour (5xx)";
    if (count > 0)
        page_bad_tile(page, quantity_count(count).text, what);
    else
        page_tile(page, quantity_count(count).text, what);
}

static void append_tiles(struct bytes *page, const struct service *service, struct monitor *monitor,
                         const struct status_history *history)
{
    const struct monitor_sample *now = &history->samples[history->count - 1];
    const struct monitor_sample *recent = sample_before(history, STATUS_PAGE_RECENT_S);
    const struct monitor_sample *oldest = sample_before(history, HOUR_S);
    const double seconds = status_seconds(recent, now);
    const struct key_cache_figures cache = key_cache_look(service->keys);
    struct monitor_state state;
    char text[160];
    monitor_look_at_state(monitor, &state);
    bytes_append_text(page, "<div class=\"tiles\">\n");
    snprintf(text, sizeof text, "queries a second; %s requests",
             per_second(recent->requests, now->requests, seconds).text);
    page_tile(page, per_second(recent->queries, now->queries, seconds).text, text);
    append_times(page, recent, now);
    snprintf(text, sizeof text, "requests wait for %zu compute threads; %s may",
             compute_thread_count(service->compute),
             quantity_count(service->options.queue_limit).text);
    page_tile(page, quantity_count(now->waiting).text, text);
    append_failures(page, now->failures - oldest->failures);
    page_tile(page, quantity_size((double)now->process.resident_bytes).text,
              "of memory, with the pages of datasets");
    page_tile(page, quantity_count(now->connections).text, "open connections");
    snprintf(text, sizeof text, "evaluation keys in the state, %s",
             quantity_size((double)state.usage.key_bytes).text);
    page_tile(page, quantity_count(state.usage.key_count).text, text);
    snprintf(text, sizeof text, "of them decoded in memory, %s",
             quantity_size((double)cache.bytes).text);
    page_tile(page, quantity_count(cache.entries).text, text);
    snprintf(text, sizeof text, "tokens spent since the start; %s issued",
             quantity_count(now->tokens_issued).text);
    page_tile(page, quantity_count(now->tokens_spent).text, text);
    bytes_append_text(page, "</div>\n");
}

/* ---- what went wrong ---- */

struct wrong {
    const char *what;
    uint64_t in_hour;
    uint64_t in_all;
};

static void wrong_row(struct bytes *page, const struct wrong *wrong, size_t *shown)
{
    if (wrong->in_all == 0)
        return;
    if ((*shown)++ == 0)
        bytes_append_text(page, "<div class=\"wide\"><table class=\"fit\">\n<tr><th>Reason</th>"
                                "<th class=\"n\">Last hour</th><th class=\"n\">Since the start</th>"
                                "</tr>\n");
    bytes_append_format(page, "<tr><td><code>%s</code></td>", wrong->what);
    page_count_cell(page, (double)wrong->in_hour);
    page_count_cell(page, (double)wrong->in_all);
    bytes_append_text(page, "</tr>\n");
}

static void append_wrong(struct bytes *page, const struct status_history *history)
{
    const struct monitor_sample *now = &history->samples[history->count - 1];
    const struct monitor_sample *oldest = sample_before(history, HOUR_S);
    size_t shown = 0;
    page_title(page, "Refusals and errors");
    for (size_t i = 0; i < INCIDENT_COUNT; i++) {
        const struct wrong wrong = {.what = incident_name((enum incident)i),
                                    .in_hour = now->incidents[i] - oldest->incidents[i],
                                    .in_all = now->incidents[i]};
        wrong_row(page, &wrong, &shown);
    }
    for (size_t i = 0; i < REFUSAL_COUNT; i++) {
        const struct wrong wrong = {.what = refusal_name((enum refusal)i),
                                    .in_hour = now->refusals[i] - oldest->refusals[i],
                                    .in_all = now->refusals[i]};
        wrong_row(page, &wrong, &shown);
    }
    bytes_append_text(page, shown > 0 ? "</table></div>\n" : "<p class=\"soft\">None.</p>\n");
}

/* ---- the gateway ---- */

static void append_gateway(struct bytes *page, struct service *service, uint64_t now_s)
{
    struct gateway_figures figures;
    if (!service_look_at_gateway(service, &figures))
        return;
    page_title(page, "Oblivious HTTP gateway, since the start");
    bytes_append_format(page,
                        "<p class=\"soft\">Keys that open requests: %zu; the published one is %s "
                        "old.</p>\n<div class=\"wide\"><table class=\"fit\">\n<tr><th>What became "
                        "of encapsulated requests</th><th class=\"n\">Count</th></tr>\n",
                        figures.keys,
                        quantity_age((double)now_s - (double)figures.published_at_s).text);
    for (size_t i = 0; i < GATEWAY_EVENT_COUNT; i++) {
        bytes_append_format(page, "<tr><td><code>%s</code></td>",
                            gateway_event_name((enum gateway_event)i));
        page_count_cell(page, (double)figures.events[i]);
        bytes_append_text(page, "</tr>\n");
    }
    bytes_append_text(page, "</table></div>\n");
}

/* ---- the page ---- */

static void append_head(struct bytes *page, struct monitor *monitor, uint64_t now_s)
{
    const char *reasons[MONITOR_REASONS_MAX];
    const size_t count = monitor_reasons(monitor, reasons);
    struct utsname machine;
    char title[sizeof machine.nodename + 32];
    char at[16];
    struct tm utc;
    const time_t now = (time_t)now_s;
    gmtime_r(&now, &utc);
    strftime(at, sizeof at, "%H:%M:%S", &utc);
    snprintf(title, sizeof title, "blindlist-server on %s",
             uname(&machine) == 0 ? machine.nodename : "this machine");
    page_begin(page, title, STATUS_PAGE_REFRESH_S);
    bytes_append_text(page, "<h1>");
    page_text(page, title);
    bytes_append_text(page, count == 0 ? "</h1>\n<p><b>Ready."
                                       : "</h1>\n<p><b class=\"bad\">Not ready: ");
    for (size_t i = 0; i < count; i++)
        bytes_append_format(page, "%s%s", reasons[i], i + 1 < count ? ", " : ".");
    bytes_append_format(page,
                        "</b> <span class=\"soft\">At %s UTC; version %s, running for %s. Figures "
                        "of this process; all of them are in <code>/metrics</code>.</span></p>\n",
                        at, BLINDLIST_VERSION,
                        quantity_age((double)now_s - (double)monitor_start_s(monitor)).text);
}

void status_page_write(struct service *service, struct monitor *monitor, struct bytes *page)
{
    const uint64_t now_s = service->options.now_s();
    struct status_history *history = read_history(monitor);
    if (history == NULL) {
        page->status = STATUS_NOMEM;
        return;
    }
    const struct app_set *apps = service_apps(service);
    append_head(page, monitor, now_s);
    append_tiles(page, service, monitor, history);
    status_page_charts(page, history, now_s);
    append_wrong(page, history);
    status_page_apps(page, apps, now_s);
    append_gateway(page, service, now_s);
    page_end(page);
    app_set_unref(apps);
    mem_free(history);
}
