/* config_field - what the readers of configuration files share.
 *
 * Threads  any. */
#ifndef BLINDLIST_CONFIG_CONFIG_FIELD_H
#define BLINDLIST_CONFIG_CONFIG_FIELD_H

#include "json/json_field.h"

#define CONFIG_PATH_MAX_BYTES  ((size_t)4096)
#define CONFIG_VALUE_MAX_BYTES ((size_t)256) /* of a text that is no path */

/* Notes that memory is out. */
void config_no_memory(const struct json_field *field);
/* A copy (mem_free) of a text; NULL when absent or wrong. */
char *config_text(const struct json_field *field, size_t max_bytes);
/* The same of a path as seen from the folder of the field's file. */
char *config_path(const struct json_field *field);

#endif
