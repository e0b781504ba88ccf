/* The last hour in charts. Between two samples lies a rate, or a quantile of what came in between.
 */
#include "pir-server/service/status_page_internal.h"

#include "base/quantity.h"
#include "pir-server/dataset/page_chart.h"
#include "pir-server/dataset/page_parts.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define TICKS         4
#define SLOW_SHARE    0.99
#define MILLISECONDS  1e3 /* of microseconds */
#define MEGABYTES     1e6
#define LEAST_MINUTES 1.0

typedef double value_fn(const struct monitor_sample *before, const struct monitor_sample *at);

static double queries_a_second(const struct monitor_sample *before, const struct monitor_sample *at)
{
    return status_rate(before->queries, at->queries, status_seconds(before, at));
}

static double requests_a_second(const struct monitor_sample *before,
                                const struct monitor_sample *at)
{
    return status_rate(before->requests, at->requests, status_seconds(before, at));
}

static double quantile_ms(const struct histogram_figures *before,
                          const struct histogram_figures *at)
{
    struct histogram_figures between = *at;
    histogram_figures_since(&between, before);
    return histogram_quantile_us(&between, SLOW_SHARE) / MILLISECONDS;
}

static double slow_answers_ms(const struct monitor_sample *before, const struct monitor_sample *at)
{
    return quantile_ms(&before->total, &at->total);
}

static double slow_queue_ms(const struct monitor_sample *before, const struct monitor_sample *at)
{
    return quantile_ms(&before->queue, &at->queue);
}

static double busy_cores(const struct monitor_sample *before, const struct monitor_sample *at)
{
    return status_rate(before->process.cpu_us, at->process.cpu_us, status_seconds(before, at)) /
           1e6;
}

static double memory_mb(const struct monitor_sample *before, const struct monitor_sample *at)
{
    (void)before;
    return (double)at->process.resident_bytes / MEGABYTES;
}

static const struct {
    const char *title;
    const char *y_label;
    value_fn *value;
} charts[] = {
    {"Queries answered", "a second", queries_a_second},
    {"Requests answered", "a second", requests_a_second},
    {"99 of 100 requests with queries were answered within", "ms", slow_answers_ms},
    {"99 of 100 of them waited for a thread at most", "ms", slow_queue_ms},
    {"Processor cores at work", "cores", busy_cores},
    {"Memory", "MB", memory_mb},
};

/* The first whole tick above. */
static double round_up(double most)
{
    const double step = page_chart_step(most, TICKS);
    return most > 0 ? ceil(most / step) * step : 1;
}

static void draw(struct bytes *page, const struct monitor_sample *samples, size_t count,
                 size_t which, const char *x_label)
{
    double points[MONITOR_SAMPLES][2];
    double most = 0;
    for (size_t i = 1; i < count; i++) {
        points[i - 1][0] = status_seconds(&samples[0], &samples[i]) / 60;
        points[i - 1][1] = charts[which].value(&samples[i - 1], &samples[i]);
        most = fmax(most, points[i - 1][1]);
    }
    const struct page_chart chart = {
        .title = charts[which].title,
        .x_label = x_label,
        .y_label = charts[which].y_label,
        .x_max = fmax(status_seconds(&samples[0], &samples[count - 1]) / 60, LEAST_MINUTES),
        .y_max = round_up(most),
        .x_is_count = true,
    };
    bytes_append_format(page, "<figure><figcaption>%s</figcaption>\n", charts[which].title);
    page_chart_begin(page, &chart);
    page_chart_line(page, &chart, (const double(*)[2])points, count - 1);
    page_chart_end(page);
    bytes_append_text(page, "</figure>\n");
}

void status_page_charts(struct bytes *page, const struct status_history *history, uint64_t now_s)
{
    char x_label[64];
    struct tm utc;
    const time_t begin =
        (time_t)now_s -
        (time_t)status_seconds(&history->samples[0], &history->samples[history->count - 1]);
    page_title(page, "The last hour");
    if (history->count < 2) {
        bytes_append_text(page, "<p class=\"soft\">Nothing yet: the server has just begun.</p>\n");
        return;
    }
    gmtime_r(&begin, &utc);
    strftime(x_label, sizeof x_label, "minutes since %H:%M UTC", &utc);
    /* What came in a moment is no rate. */
    const size_t count = history->kept_count >= 2 ? history->kept_count : history->count;
    bytes_append_text(page, "<div class=\"charts\">\n");
    for (size_t i = 0; i < ARRAY_COUNT(charts); i++)
        draw(page, history->samples, count, i, x_label);
    bytes_append_text(page, "</div>\n");
}
