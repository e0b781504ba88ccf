/* doctor_print - what the doctor found, and its table, for people and programs. */
#ifndef BLINDLIST_TOOLS_DOCTOR_PRINT_H
#define BLINDLIST_TOOLS_DOCTOR_PRINT_H

#include "tools/doctor/doctor.h"
#include "tools/tool.h"

/* On standard output; EXIT_ANSWER_NO when a check failed, else EXIT_DONE. Only failed checks are
 * explained. */
int doctor_print_report(const struct doctor_report *report);
int doctor_print_report_json(const struct doctor_report *report);

/* One error with the checks that explain it. */
int doctor_print_error(const struct doctor_error *error);
int doctor_print_error_json(const struct doctor_error *error);
/* The names that there are, in one line. */
void doctor_error_names(char *ret, size_t size);

/* docs/TROUBLESHOOTING.md. */
int doctor_print_markdown(void);

#endif
