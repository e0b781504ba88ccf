/* report_page_internal - the parts of report.html; report_page.h has the contract. */
#ifndef BLINDLIST_DATASET_REPORT_PAGE_INTERNAL_H
#define BLINDLIST_DATASET_REPORT_PAGE_INTERNAL_H

#include "pir-server/dataset/report_page_parts.h"

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
