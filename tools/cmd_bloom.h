/* cmd_bloom - what the files of `blindlist bloom` share. */
#ifndef BLINDLIST_TOOLS_CMD_BLOOM_H
#define BLINDLIST_TOOLS_CMD_BLOOM_H

#include "tools/tool.h"

#include <jansson.h>

extern const struct tool_command command_bloom_diagnose;

/* Prints JSON on standard output and lets go of `root` (NULL is a failure); the exit code. */
int cmd_bloom_print_json(json_t *root);

#endif
