/* compile_summary - what the commands that make a dataset version tell of it: compile and update.
 *
 * Threads  one at a time. */
#ifndef BLINDLIST_TOOLS_COMPILE_SUMMARY_H
#define BLINDLIST_TOOLS_COMPILE_SUMMARY_H

#include "pir-server/dataset/dataset_write.h"
#include "urls/list.h"

struct compile_summary {
    const char *data; /* the data folder; borrowed */
    struct list_counts counts;
    uint64_t reading_ns;
    struct dataset_summary dataset;
};

/* A clock for times of work. */
uint64_t compile_now_ns(void);

/* What people should know of a new version, on standard error. */
void compile_summary_warn(const struct compile_summary *compile);
/* For people, on standard output. */
void compile_summary_print(const struct compile_summary *compile);

struct json_t;
/* The object of --json; NULL without memory. */
struct json_t *compile_summary_json(const struct compile_summary *compile);

#endif
