/* cmd_bloom - what the files of `blindlist bloom` share. */
#ifndef BLINDLIST_TOOLS_CMD_BLOOM_H
#define BLINDLIST_TOOLS_CMD_BLOOM_H

#include "tools/tool.h"

extern const struct tool_command command_bloom_diagnose;

#endif
