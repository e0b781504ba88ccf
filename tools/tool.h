/* tool - what the subcommands of `blindlist` have in common: options, help, errors, exit codes.
 *
 * A subcommand is a const struct tool_command with its option table; `--help` is printed from it.
 * Its run function takes options and operands one by one with tool_next(), calls the library and
 * prints: results on standard output, messages on standard error.
 *
 *     for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
 *         switch (got) {
 *         case OPT_OUT: out = args->value; break;          // index into the option table
 *         case TOOL_OPERAND: key = args->value; break;
 *         default: return args->exit_code;                  // TOOL_STOP: help or usage error
 *         }
 *     }
 *
 * Long options take `--name VALUE` and `--name=VALUE`; options and operands may be mixed; `--` ends
 * the options; `-` alone is an operand. */
#ifndef BLINDLIST_TOOLS_TOOL_H
#define BLINDLIST_TOOLS_TOOL_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tool_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    /* denied, absent, not in the filter, different, damaged, refused */
    EXIT_ANSWER_NO = 3
};

struct tool_option {
    const char *name;     /* without the dashes */
    char letter;          /* short form, 0 = none */
    const char *argument; /* name of the value in the help, NULL = a switch */
    const char *help;     /* one line */
};

struct tool_args;
struct tool_command {
    const char *name;     /* as typed: "compile"; of a group: "bloom build" */
    const char *synopsis; /* what follows the name: "KEYS --out FILE" */
    const char *summary;  /* one line, for the list of commands */
    const char *details;  /* paragraphs for --help, may be NULL */
    const struct tool_option *options;
    size_t option_count;
    bool has_kernels; /* computes with the lattice: takes --kernel, which tool_next() handles */
    int (*run)(struct tool_args *args); /* NULL: a group, see `members` */
    const struct tool_command *const *members;
    size_t member_count;
};

struct tool_args {
    const struct tool_command *command;
    int argc; /* of what follows the command's name */
    char **argv;
    int position;
    bool only_operands;
    const char *kernel; /* of --kernel; in force after TOOL_END */
    const char *value;  /* of the option or operand just returned; borrowed from argv */
    const struct tool_option *option; /* just returned; NULL = none yet */
    int exit_code;                    /* after TOOL_STOP */
};

#define TOOL_END     (-1)
#define TOOL_OPERAND (-2)
#define TOOL_STOP    (-3)
int tool_next(struct tool_args *args) MUST_CHECK;

/* Prints "blindlist COMMAND: MESSAGE" and where help is to be had; EXIT_USAGE. */
int tool_usage_error(const struct tool_args *args, const char *format, ...) PRINTF_LIKE(2, 3);
/* Prints "blindlist: MESSAGE" on standard error; EXIT_FAILED. */
int tool_fail(const struct error *err);
/* Flushes standard output and turns a failed write (full disk, closed pipe) into EXIT_FAILED with a
 * message; else returns `exit_code`. Called by main() for every command. */
int tool_finish(int exit_code);

/* Tells what is wrong with the value of the option just returned: "--NAME VALUE: EXPECTED". */
int tool_bad_value(const struct tool_args *args, const char *expected);
/* The value of the option just returned, a decimal number in [min, max]; a max of INT64_MAX is not
 * told. EXIT_DONE, or tool_bad_value() with *ret as it was. */
int tool_take_u64(const struct tool_args *args, uint64_t min, uint64_t max, uint64_t *ret);
int tool_take_u32(const struct tool_args *args, uint32_t min, uint32_t max, uint32_t *ret);
int tool_take_size(const struct tool_args *args, size_t min, size_t max, size_t *ret);
/* Likewise a number between 0 and 1, both excluded, in C notation. */
int tool_take_share(const struct tool_args *args, double *ret);

/* Prints a text that somebody gave (a name of a file), without what would move a terminal's cursor.
 */
void tool_print_text(struct span text);

#endif
