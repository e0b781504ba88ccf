/* report_page_parts - what the sections of report.html are made of, and how they read the report.
 *
 * Threads  no state. */
#ifndef BLINDLIST_DATASET_REPORT_PAGE_PARTS_H
#define BLINDLIST_DATASET_REPORT_PAGE_PARTS_H

#include "pir-server/dataset/page_parts.h"

#include <jansson.h>

/* Fields of an object; 0 or "" when there is no such field. `object` may be NULL. */
double page_number(const json_t *object, const char *name);
const char *page_string(const json_t *object, const char *name);
/* Where an entry stands: its list and the field `line` of `entry`. */
void page_place(struct bytes *page, const char *list, const json_t *entry);
/* The first REPORT_NOTES_SAMPLES of `notes` as a list, each appended by `append`; only those whose
 * `field` is `value`, unless `field` is NULL. Nothing when there are none. */
void page_samples(struct bytes *page, const json_t *notes, const char *field, const char *value,
                  void (*append)(struct bytes *page, const json_t *note));

#endif
