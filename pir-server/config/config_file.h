/* config_file - the settings of a server as a JSON file; blindlist-server.conf(5) describes it.
 *
 * Reading is strict: an unknown key, one that stands twice, a value of the wrong type or out of its
 * range are errors that name file, line and JSON path. Paths are relative to the folder of the
 * file.
 *
 * Threads  any. */
#ifndef BLINDLIST_CONFIG_CONFIG_FILE_H
#define BLINDLIST_CONFIG_CONFIG_FILE_H

#include "base/span.h"
#include "pir-server/config/settings.h"

#define CONFIG_FILE_MAX_BYTES  ((size_t)16 << 20)
#define CONFIG_PATH_MAX_BYTES  ((size_t)4096)
#define CONFIG_VALUE_MAX_BYTES ((size_t)256) /* of a text that is no path */

/* Sets what the file says on top of what holds. On failure `settings` may have changed. */
enum status config_file_read(const char *path, struct settings *settings,
                             struct error *err) MUST_CHECK;
/* The same of a text; `path` begins every message, and says where paths begin. */
enum status config_file_parse(const char *path, struct span text, struct settings *settings,
                              struct error *err) MUST_CHECK;

#endif
