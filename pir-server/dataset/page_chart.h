/* page_chart - charts as inline SVG, whose colours are classes of the page's style.
 *
 * Labels are the caller's own words, not escaped. All sizes are of a drawing of PAGE_CHART_WIDTH x
 * PAGE_CHART_HEIGHT units, small enough that its text can be read on a phone.
 *
 * Threads  one chart belongs to one thread. */
#ifndef BLINDLIST_DATASET_PAGE_CHART_H
#define BLINDLIST_DATASET_PAGE_CHART_H

#include "base/bytes.h"

#include <stdbool.h>

#define PAGE_CHART_WIDTH  400
#define PAGE_CHART_HEIGHT 220

/* A bar of parts side by side, as wide as their sum is of `whole`. Part i has the class "p<i>"; a
 * part that is not 0 can be seen. */
void page_chart_bar(struct bytes *page, const double *parts, size_t count, double whole,
                    const char *label);

struct page_chart {
    const char *title; /* for those who cannot see it */
    const char *x_label;
    const char *y_label;
    double x_min;
    double x_max;
    double y_min; /* above 0 when y_is_log */
    double y_max;
    bool x_is_count; /* ticks are whole numbers */
    bool y_is_log;
    bool y_is_share; /* ticks are written as "1 in 1,000" */
};
/* A chart with its axes: begin, any of the next, end. What lies outside of the ranges is moved to
 * their edge. */
void page_chart_begin(struct bytes *page, const struct page_chart *chart);
void page_chart_line(struct bytes *page, const struct page_chart *chart, const double (*points)[2],
                     size_t count);
/* From the bottom up to y, between two x. */
void page_chart_column(struct bytes *page, const struct page_chart *chart, double x_from,
                       double x_to, double y);
/* A level line with its label above. */
void page_chart_level(struct bytes *page, const struct page_chart *chart, double y,
                      const char *label);
/* A point with its label. */
void page_chart_mark(struct bytes *page, const struct page_chart *chart, double x, double y,
                     const char *label);
void page_chart_end(struct bytes *page);

/* A step of 1, 2 or 5 times a power of ten that divides `range` into at most `count` parts. */
double page_chart_step(double range, unsigned count);

#endif
