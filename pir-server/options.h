/* options - the command line of blindlist-server.
 *
 * Threads  getopt's: one at a time. */
#ifndef BLINDLIST_SERVER_OPTIONS_H
#define BLINDLIST_SERVER_OPTIONS_H

#include "base/compiler.h"
#include "pir-server/config/settings.h"

/* As everywhere in blindlist: 0 done, 1 failed, 2 wrong usage. */
enum { OPTIONS_DONE = 0, OPTIONS_FAILED = 1, OPTIONS_USAGE = 2 };
/* No exit code: go on. */
#define OPTIONS_GO_ON (-1)

/* Sets what the command line says on top of what holds. OPTIONS_GO_ON, or the exit code to end
 * with, said and printed what there is to say. */
int options_parse(int argc, char **argv, struct settings *settings);
/* Says what is wrong and where the options are listed; OPTIONS_USAGE. */
int options_usage_error(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
