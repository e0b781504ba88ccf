/* report_style - the style sheet of report.html. */
#ifndef BLINDLIST_DATASET_REPORT_STYLE_H
#define BLINDLIST_DATASET_REPORT_STYLE_H

extern const char report_style[];

#endif
