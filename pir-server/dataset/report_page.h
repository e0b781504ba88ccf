/* report_page - report.html: a report for people, in one file.
 *
 * No script, nothing from the network (its Content-Security-Policy forbids both), light or dark as
 * the reader's system is, narrow enough for a phone. All that lists brought is escaped. A section
 * whose figures are not in the report is left out.
 *
 * Threads  no state. */
#ifndef BLINDLIST_DATASET_REPORT_PAGE_H
#define BLINDLIST_DATASET_REPORT_PAGE_H

#include "base/bytes.h"

#define REPORT_PAGE_SOURCES_MAX 12 /* side by side in the table of overlaps */
#define REPORT_PAGE_SHARDS_MAX  64 /* each has a column of its own; more are counted by size */

struct json_t;
/* Appends the page.
 *   report  as docs/FILE-FORMATS.md says
 *   change  {"version", "rows", "shards", "prefilterBytes", "sources"} of the version before, and
 *           "rowsAdded" and "rowsRemoved" where they are known; NULL = there was none */
enum status report_page_format(const struct json_t *report, const struct json_t *change,
                               struct bytes *page, struct error *err) MUST_CHECK;

#endif
