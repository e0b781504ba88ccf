/* tool_json - JSON on standard output. */
#ifndef BLINDLIST_TOOLS_TOOL_JSON_H
#define BLINDLIST_TOOLS_TOOL_JSON_H

#include "tools/tool.h"

#include <jansson.h>

/* Prints JSON on standard output and lets go of `root` (NULL is a failure); the exit code. */
int tool_print_json(json_t *root);

#endif
