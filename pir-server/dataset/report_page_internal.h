/* report_page_internal - the parts of report.html; report_page.h has the contract. */
#ifndef BLINDLIST_DATASET_REPORT_PAGE_INTERNAL_H
#define BLINDLIST_DATASET_REPORT_PAGE_INTERNAL_H

#include "pir-server/dataset/page_parts.h"

#include <jansson.h>

/* Fields of an object; 0 or "" when there is no such field. `object` may be NULL. */
double page_number(const json_t *object, const char *name);
const char *page_string(const json_t *object, const char *name);
/* A section's title. */
/* Where an entry stands: its list and the field `line` of `entry`. */
void page_place(struct bytes *page, const char *list, const json_t *entry);
/* The first REPORT_NOTES_SAMPLES of `notes` as a list, each appended by `append`; only those whose
 * `field` is `value`, unless `field` is NULL. Nothing when there are none. */
void page_samples(struct bytes *page, const json_t *notes, const char *field, const char *value,
                  void (*append)(struct bytes *page, const json_t *note));

/* Each appends its section, or nothing when the report has no such figures. */
void report_page_sources(struct bytes *page, const json_t *report, const json_t *change);
void report_page_overlap(struct bytes *page, const json_t *report);
void report_page_gone(struct bytes *page, const json_t *report);
void report_page_conflicts(struct bytes *page, const json_t *report);
void report_page_reasons(struct bytes *page, const json_t *report);
void report_page_widened(struct bytes *page, const json_t *report);
void report_page_shards(struct bytes *page, const json_t *report);
void report_page_prefilter(struct bytes *page, const json_t *report);
void report_page_costs(struct bytes *page, const json_t *report);
void report_page_change(struct bytes *page, const json_t *report, const json_t *change);

#endif
