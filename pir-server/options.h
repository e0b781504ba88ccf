/* options - the command line of blindlist-server.
 *
 * Memory   all is borrowed from the command line.
 * Threads  getopt's: one at a time. */
#ifndef BLINDLIST_SERVER_OPTIONS_H
#define BLINDLIST_SERVER_OPTIONS_H

#include "base/compiler.h"
#include "pir-server/config/settings.h"

#include <stdarg.h>

/* As everywhere in blindlist: 0 done, 1 failed, 2 wrong usage, 3 the answer is no. */
enum { OPTIONS_DONE = 0, OPTIONS_FAILED = 1, OPTIONS_USAGE = 2, OPTIONS_NO = 3 };
/* No exit code: go on. */
#define OPTIONS_GO_ON (-1)

struct option_value {
    bool is_given;
    const char *text; /* NULL of a switch or number */
    uint64_t number;  /* in the field's unit */
};

struct options {
    const char *config; /* NULL = no file */
    bool is_check;      /* reads the configuration and ends */
    struct option_value values[SETTING_COUNT];
};

/* OPTIONS_GO_ON, or the exit code to end with, said and printed what there is to say. */
int options_parse(int argc, char **argv, struct options *ret);
/* Sets what was given on top of what holds. */
void options_apply(const struct options *options, struct settings *settings);
/* Says what is wrong and where the options are listed; OPTIONS_USAGE. */
int options_usage_error(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same for a subcommand, with its name as " NAME". */
int options_usage_error_of(const char *command, const char *format, va_list args) PRINTF_LIKE(2, 0);

#endif
