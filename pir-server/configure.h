/* configure - the configuration of a server, at its start, while it runs, and to be checked. */
#ifndef BLINDLIST_SERVER_CONFIGURE_H
#define BLINDLIST_SERVER_CONFIGURE_H

#include "base/log.h"
#include "pir-server/config/config.h"
#include "pir-server/options.h"

/* The defaults, the file, then the command line. */
enum status configure(const struct options *options, struct config **ret,
                      struct error *err) MUST_CHECK;
/* The same for a server that runs with `running`: what cannot be changed before a restart stays as
 * it is there, and the log says so. */
enum status configure_again(const struct options *options, const struct config *running,
                            const struct log *log, struct config **ret,
                            struct error *err) MUST_CHECK;
/* blindlist-server --check-config: reads all that a start would, and makes nothing. Prints what is
 * wrong, a line each; the exit code, OPTIONS_NO when anything is. */
int configure_check(const struct options *options);

#endif
