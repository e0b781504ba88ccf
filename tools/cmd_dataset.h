/* cmd_dataset - what the files of `blindlist dataset` share. */
#ifndef BLINDLIST_TOOLS_CMD_DATASET_H
#define BLINDLIST_TOOLS_CMD_DATASET_H

#include "pir-server/dataset/dataset_versions.h"
#include "tools/tool.h"

extern const struct tool_command command_dataset_list;
extern const struct tool_command command_dataset_show;
extern const struct tool_command command_dataset_diff;
extern const struct tool_command command_dataset_activate;
extern const struct tool_command command_dataset_rollback;
extern const struct tool_command command_dataset_verify;
extern const struct tool_command command_dataset_gc;

/* Options that all of them take, at the front of each option table. */
enum { OPT_DATA, OPT_USE_CASE, OPT_JSON, CMD_DATASET_OPTIONS };
#define CMD_DATASET_DATA                                                                           \
    {                                                                                              \
        "data", 'd', "DIR", "data folder, as compile made it"                                      \
    }
#define CMD_DATASET_USE_CASE                                                                       \
    {                                                                                              \
        "use-case", 'u', "NAME", "not needed when DIR has one only"                                \
    }
#define CMD_DATASET_JSON                                                                           \
    {                                                                                              \
        "json", 0, NULL, "print JSON"                                                              \
    }

#define CMD_DATASET_OPERANDS_MAX 64

/* What was asked, and the versions there are. */
struct cmd_dataset {
    const char *data;
    const char *use_case; /* NULL until cmd_dataset_read() when it was not given */
    bool json;
    size_t operands_max;
    const char *operands[CMD_DATASET_OPERANDS_MAX]; /* [operand_count]: versions as typed */
    size_t operand_count;
    struct folder_names use_cases;
    struct dataset_versions versions;
};

/* Takes one of the options above or an operand; false: it is another one. */
bool cmd_dataset_take(struct cmd_dataset *asked, int got, const struct tool_args *args);
/* For what nobody took: the exit code of --help, of a usage error or of an operand too many. */
int cmd_dataset_stop(int got, struct tool_args *args);
/* EXIT_DONE, or the exit code of a usage error when --data or one of `operands_min` is missing. */
int cmd_dataset_check(const struct cmd_dataset *asked, size_t operands_min,
                      const struct tool_args *args);
/* Finds the use case, and its versions. */
enum status cmd_dataset_read(struct cmd_dataset *asked, struct error *err) MUST_CHECK;
void cmd_dataset_deinit(struct cmd_dataset *asked);

/* The version meant by "current", "previous", a name, or four or more of its first digits. */
enum status cmd_dataset_find(const struct cmd_dataset *asked, const char *typed,
                             const struct dataset_version **ret, struct error *err) MUST_CHECK;

/* "2026-11-21 17:20:05", UTC. */
#define CMD_DATASET_TIME_BYTES 32
void cmd_dataset_time_text(int64_t time_ns, char ret[CMD_DATASET_TIME_BYTES]);
/* Seconds since 1970. */
int64_t cmd_dataset_seconds(int64_t time_ns);
/* "in force", "before" or "". */
const char *cmd_dataset_state(const struct dataset_version *version);
/* The name of an encryption parameter set. Static. */
struct bfv_parameters;
const char *cmd_dataset_set_name(const struct bfv_parameters *encryption);

#endif
