#include "pir-server/dataset/page_chart.h"

#include "base/quantity.h"

#include <math.h>

#define LEFT          64
#define LEFT_SHARES   104
#define RIGHT         10
#define TOP           22
#define BOTTOM        36
#define TICKS_MAX     5
#define LABEL_SHIFT   6
#define DOT_RADIUS    4
#define MARK_LABEL_TO 310.0 /* behind it, a point's label stands on its left */
#define BAR_WIDTH     100.0
#define BAR_HEIGHT    6
#define BAR_PART_MIN  0.7
#define ROUNDING      1e-9 /* of a range: what sums of steps may be off */

/* ---- bars ---- */

void page_chart_bar(struct bytes *page, const double *parts, size_t count, double whole,
                    const char *label)
{
    double at = 0;
    bytes_append_format(page,
                        "<svg class=\"bar\" viewBox=\"0 0 %g %d\" preserveAspectRatio=\"none\" "
                        "role=\"img\" aria-label=\"%s\">",
                        BAR_WIDTH, BAR_HEIGHT, label);
    for (size_t i = 0; i < count; i++) {
        if (!(parts[i] > 0) || !(whole > 0))
            continue;
        const double width = fmin(fmax(parts[i] / whole * BAR_WIDTH, BAR_PART_MIN), BAR_WIDTH - at);
        bytes_append_format(page, "<rect class=\"p%zu\" x=\"%.2f\" width=\"%.2f\" height=\"%d\"/>",
                            i, at, fmax(width, 0), BAR_HEIGHT);
        at += width;
    }
    bytes_append_text(page, "</svg>");
}

/* ---- axes ---- */

static double share(double value, double min, double max)
{
    return max > min ? fmin(fmax((value - min) / (max - min), 0), 1) : 0;
}

static int left_of(const struct page_chart *chart)
{
    return chart->y_is_share ? LEFT_SHARES : LEFT;
}

static double place_x(const struct page_chart *chart, double x)
{
    return left_of(chart) +
           share(x, chart->x_min, chart->x_max) * (PAGE_CHART_WIDTH - left_of(chart) - RIGHT);
}

static double place_y(const struct page_chart *chart, double y)
{
    const double up = chart->y_is_log ? share(log10(fmax(y, chart->y_min)), log10(chart->y_min),
                                              log10(chart->y_max))
                                      : share(y, chart->y_min, chart->y_max);
    return PAGE_CHART_HEIGHT - BOTTOM - up * (PAGE_CHART_HEIGHT - BOTTOM - TOP);
}

double page_chart_step(double range, unsigned count)
{
    static const double steps[] = {1, 2, 5};
    const double least = range / count;
    const double power = pow(10, floor(log10(least)));
    if (!(range > 0))
        return 1;
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        if (steps[i] * power >= least * (1 - ROUNDING))
            return steps[i] * power;
    }
    return 10 * power;
}

/* A number beside an axis. */
static struct quantity tick_text(double value)
{
    return value >= 1 && fabs(value - round(value)) < ROUNDING * value
               ? quantity_count((uint64_t)round(value))
               : quantity_about(value);
}

static void draw_y_tick(struct bytes *page, const struct page_chart *chart, double y)
{
    const double at = place_y(chart, y);
    const struct quantity number = tick_text(chart->y_is_share ? 1 / y : y);
    bytes_append_format(page,
                        "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                        "text-anchor=\"end\">%s%s</text>",
                        left_of(chart), at, PAGE_CHART_WIDTH - RIGHT, left_of(chart) - LABEL_SHIFT,
                        at + 4, chart->y_is_share ? "1 in " : "", number.text);
}

static void draw_y_axis(struct bytes *page, const struct page_chart *chart)
{
    if (chart->y_is_log) {
        for (double y = chart->y_max; y >= chart->y_min * (1 - ROUNDING); y /= 10)
            draw_y_tick(page, chart, y);
        return;
    }
    const double step = page_chart_step(chart->y_max - chart->y_min, TICKS_MAX);
    for (double y = ceil(chart->y_min / step - ROUNDING) * step;
         y <= chart->y_max + step * ROUNDING; y += step)
        draw_y_tick(page, chart, y);
}

static void draw_x_axis(struct bytes *page, const struct page_chart *chart)
{
    double step = page_chart_step(chart->x_max - chart->x_min, TICKS_MAX);
    if (chart->x_is_count)
        step = fmax(step, 1);
    for (double x = ceil(chart->x_min / step - ROUNDING) * step;
         x <= chart->x_max + step * ROUNDING; x += step)
        bytes_append_format(page, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                            place_x(chart, x), PAGE_CHART_HEIGHT - BOTTOM + 14, tick_text(x).text);
}

/* ---- charts ---- */

void page_chart_begin(struct bytes *page, const struct page_chart *chart)
{
    bytes_append_format(page,
                        "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" "
                        "aria-label=\"%s\"><text x=\"2\" y=\"11\">%s</text>"
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
                        PAGE_CHART_WIDTH, PAGE_CHART_HEIGHT, chart->title, chart->y_label,
                        PAGE_CHART_WIDTH - RIGHT, PAGE_CHART_HEIGHT - 5, chart->x_label);
    draw_y_axis(page, chart);
    draw_x_axis(page, chart);
}

void page_chart_line(struct bytes *page, const struct page_chart *chart, const double (*points)[2],
                     size_t count)
{
    bytes_append_text(page, "<polyline class=\"line\" points=\"");
    for (size_t i = 0; i < count; i++)
        bytes_append_format(page, "%.1f,%.1f ", place_x(chart, points[i][0]),
                            place_y(chart, points[i][1]));
    bytes_append_text(page, "\"/>");
}

void page_chart_column(struct bytes *page, const struct page_chart *chart, double x_from,
                       double x_to, double y)
{
    const double top = place_y(chart, y);
    const double left = place_x(chart, x_from);
    bytes_append_format(page,
                        "<rect class=\"p0\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>",
                        left, top, place_x(chart, x_to) - left, PAGE_CHART_HEIGHT - BOTTOM - top);
}

void page_chart_level(struct bytes *page, const struct page_chart *chart, double y,
                      const char *label)
{
    const double at = place_y(chart, y);
    bytes_append_format(page,
                        "<path class=\"level\" d=\"M%d %.1fH%d\"/><text class=\"note\" x=\"%d\" "
                        "y=\"%.1f\" text-anchor=\"end\">%s</text>",
                        left_of(chart), at, PAGE_CHART_WIDTH - RIGHT, PAGE_CHART_WIDTH - RIGHT,
                        at - 4, label);
}

void page_chart_mark(struct bytes *page, const struct page_chart *chart, double x, double y,
                     const char *label)
{
    const double at = place_x(chart, x);
    const bool has_room = at < MARK_LABEL_TO;
    bytes_append_format(page,
                        "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"/><text "
                        "class=\"note\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
                        at, place_y(chart, y), DOT_RADIUS,
                        has_room ? at + LABEL_SHIFT + 2 : at + LABEL_SHIFT,
                        place_y(chart, y) - 2 * LABEL_SHIFT + 4, has_room ? "start" : "end", label);
}

void page_chart_end(struct bytes *page)
{
    bytes_append_text(page, "</svg>");
}
