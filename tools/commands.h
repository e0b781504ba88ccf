/* commands - the subcommands of `blindlist`, each defined in the file of its name (cmd_*.c). */
#ifndef BLINDLIST_TOOLS_COMMANDS_H
#define BLINDLIST_TOOLS_COMMANDS_H

#include "tools/tool.h"

/* Alphabetical; add the declaration here and the row in blindlist.c. */
extern const struct tool_command command_check;
extern const struct tool_command command_bloom;
extern const struct tool_command command_compile;
extern const struct tool_command command_dataset;
extern const struct tool_command command_doctor;
extern const struct tool_command command_explain;
extern const struct tool_command command_ios;
extern const struct tool_command command_pir;
extern const struct tool_command command_sign;
extern const struct tool_command command_sources;
extern const struct tool_command command_suburls;
extern const struct tool_command command_token;
extern const struct tool_command command_tune;
extern const struct tool_command command_update;
extern const struct tool_command command_vectors;

#endif
