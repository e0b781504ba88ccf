/* command_process - a program of the build folder, run to its end by the clock.
 *
 * Errors   end the benchmark (bench_fail()). System  what a child took is asked with wait4(). */
#ifndef BLINDLIST_BENCH_COMMAND_PROCESS_H
#define BLINDLIST_BENCH_COMMAND_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#define COMMAND_PATH_BYTES ((size_t)4096)

/* The path of program `name`.
 *   program  argv[0] of the benchmark: "<build>/bench/<name>" */
void command_process_find(const char *program, const char *name, char ret[COMMAND_PATH_BYTES]);

#define COMMAND_RUNS_MAX ((size_t)25)

/* All zero at the start. */
struct command_series {
    uint64_t took_ns[COMMAND_RUNS_MAX]; /* from fork() to the end; ascending */
    size_t run_count;
    uint64_t most_bytes; /* resident in any run */
};

/* One run more.
 *   words    the program's path and its arguments, up to NULL
 *   out      the file that gets its standard output
 *   cleared  a folder that is removed when the exit code is another than 0: an error */
void command_process_run(const char *const *words, const char *out, const char *cleared,
                         struct command_series *series);
uint64_t command_series_median_ns(const struct command_series *series);

#endif
