/* dataset_report_write - report.json and report.html of a version that is being made.
 *
 * Both say the same, report.json all of it, report.html for people (report_page.h). Only
 * report.html also tells what has changed since the version before; so it depends on more than the
 * version's own content, and is in no digest.
 *
 * Threads  one at a time. */
#ifndef BLINDLIST_DATASET_DATASET_REPORT_WRITE_H
#define BLINDLIST_DATASET_DATASET_REPORT_WRITE_H

#include "pir-server/dataset/dataset_diff.h"
#include "pir-server/dataset/dataset_report.h"

/* Writes into `folder`, where rows.txt lies already.
 *   before  the version that was in force; NULL = none
 *   rows    that came and left since; NULL = to be counted here */
enum status dataset_report_write(const struct dataset_report *report,
                                 const struct dataset_report_facts *facts,
                                 const struct dataset *before,
                                 const struct dataset_row_counts *rows, const char *folder,
                                 struct error *err) MUST_CHECK;

#endif
