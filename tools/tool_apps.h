/* tool_apps - the apps that a server's configuration file names.
 *
 * Only their names are looked at; what else may be wrong with the file `blindlist-server
 * --check-config` tells. */
#ifndef BLINDLIST_TOOLS_TOOL_APPS_H
#define BLINDLIST_TOOLS_TOOL_APPS_H

#include "base/status.h"

/* STATUS_NOT_FOUND, with the names that there are, when no app of the file has this one; "" is the
 * app of a file without apps. STATUS_MALFORMED or STATUS_INVALID: the file. */
enum status tool_apps_require(const char *path, const char *name, struct error *err) MUST_CHECK;

#endif
