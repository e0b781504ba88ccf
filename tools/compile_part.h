/* compile_part - what `blindlist compile --part` has beside compile: which part of which job, the
 * settings that all parts must agree on, and what is printed. */
#ifndef BLINDLIST_TOOLS_COMPILE_PART_H
#define BLINDLIST_TOOLS_COMPILE_PART_H

#include "pir-server/dataset/dataset_part.h"
#include "tools/tool.h"

struct json_t;

struct compile_job {
    struct dataset_plan_job plan; /* its settings are those below; parts 0: no part is asked for */
    uint32_t index;
    char **settings; /* [plan.setting_count], owned */
};
void compile_job_deinit(struct compile_job *job);
/* Adds the option just taken, with its value; false without memory. */
bool compile_job_add(struct compile_job *job, const struct tool_args *args);

/* The value of --part, "I/N" with I in [0, N), and that of --job; EXIT_DONE or the exit code of a
 * usage error. */
int compile_part_take(const struct tool_args *args, struct compile_job *job);
int compile_part_take_name(const struct tool_args *args, struct compile_job *job);

/* Once all options are taken: adds the contents of these files (NULL = not given) and the public
 * half of the key that signs ("" = none), and sorts. */
enum status compile_part_settle(struct compile_job *job, const char *costs_path,
                                const char *parsing_path, const char *public_key,
                                struct error *err) MUST_CHECK;
/* Reads the lists and compares them with those of the plan. */
enum status compile_part_check_lists(const struct dataset_plan *plan, char *const *lists,
                                     size_t count, struct error *err) MUST_CHECK;

/* EXIT_DONE. */
int compile_part_print(const struct dataset_part *part, const struct dataset_part_summary *summary);
/* NULL without memory. */
struct json_t *compile_part_json(const struct dataset_part *part,
                                 const struct dataset_part_summary *summary);

#endif
