/* server_process - a blindlist-server of its own for a benchmark, and what the system says of it.
 *
 * Server   the program beside this one in the build folder, on a free port of the loopback, with
 *          its state in the folder of the data; requests cost no tokens.
 * Errors   end the program (bench_fail()); the server ends with it.
 * System   memory is read from /proc: Linux. */
#ifndef BLINDLIST_BENCH_SERVER_PROCESS_H
#define BLINDLIST_BENCH_SERVER_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server_process {
    pid_t pid;
    int log_fd; /* its messages */
    char address[64];
    uint64_t started_ns; /* before fork() */
};

/* Starts it and waits for the line with its address.
 *   program  argv[0] of the benchmark: "<build>/bench/<name>"
 *   options  further arguments, up to NULL; may be NULL */
void server_process_start(const char *program, const char *data, const char *const *options,
                          struct server_process *ret);
/* SIGTERM, and waits. */
void server_process_stop(struct server_process *server);

/* Processor time of all its threads so far. */
uint64_t server_process_cpu_ns(const struct server_process *server);

struct server_memory {
    uint64_t own_bytes;  /* resident and its own: heap, stacks */
    uint64_t file_bytes; /* resident pages of files: programs, shards */
};
struct server_memory server_process_memory(const struct server_process *server);

#endif
