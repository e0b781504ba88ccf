/* list_server - a web server of its own for a benchmark: any GET is answered with one file.
 *
 * Server   a child process on a free port of the loopback, that ends with the benchmark.
 * Errors   end the benchmark (bench_fail()). */
#ifndef BLINDLIST_BENCH_LIST_SERVER_H
#define BLINDLIST_BENCH_LIST_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct list_server {
    pid_t pid;
    uint16_t port;
};

/* The file is opened anew for each answer, so it may be replaced. */
void list_server_start(const char *path, struct list_server *ret);
void list_server_stop(struct list_server *server);

#endif
