/* tool_json - JSON as the subcommands build and print it. */
#ifndef BLINDLIST_TOOLS_TOOL_JSON_H
#define BLINDLIST_TOOLS_TOOL_JSON_H

#include "base/span.h"
#include "tools/tool.h"

#include <jansson.h>

/* A number of something; NULL without memory. */
json_t *json_count(uint64_t count);
/* Adds a field, takes `value`; false when that is NULL or memory is out. */
bool json_put(json_t *object, const char *name, json_t *value);
/* Prints JSON on standard output and lets go of `root` (NULL is a failure); the exit code. */
int tool_print_json(json_t *root);

/* The text, or when it is no UTF-8, the text with %xx for each byte above 127; NULL without memory.
 */
json_t *tool_text_json(struct span text);

#endif
