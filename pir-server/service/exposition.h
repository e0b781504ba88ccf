/* exposition - figures in Prometheus' text format 0.0.4.
 *
 *     exposition_family(out, "blindlist_queries_total", EXPOSITION_COUNTER, "Queries answered.");
 *     exposition_count(out, "blindlist_queries_total", labels, 1, 12);
 *
 * All samples of a family follow its head, each with other labels. Values of labels may be any
 * text: what the format would read as its own is escaped, and what is not UTF-8 becomes '?'.
 *
 * Threads  no state. */
#ifndef BLINDLIST_SERVICE_EXPOSITION_H
#define BLINDLIST_SERVICE_EXPOSITION_H

#include "base/bytes.h"
#include "base/histogram.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

struct exposition_label {
    const char *name; /* static: letters and '_' */
    const char *value;
};

/* help: one line without backslashes. */
void exposition_family(struct bytes *out, const char *name, enum exposition_type type,
                       const char *help);
void exposition_count(struct bytes *out, const char *name, const struct exposition_label *labels,
                      size_t label_count, uint64_t value);
void exposition_value(struct bytes *out, const char *name, const struct exposition_label *labels,
                      size_t label_count, double value);
/* A family with one sample and no labels. */
void exposition_single(struct bytes *out, const char *name, enum exposition_type type,
                       const char *help, uint64_t value);
/* In seconds. */
void exposition_histogram(struct bytes *out, const char *name,
                          const struct exposition_label *labels, size_t label_count,
                          const struct histogram_figures *figures);

#endif
