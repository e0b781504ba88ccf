#include "bench/server_process.h"

#include "bench/bench.h"
#include "bench/command_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32
#define LOG_BYTES     8192

static void run_server(const char *path, const char *data, const char *const *options, int log_fd)
{
    const char *arguments[ARGUMENTS_MAX] = {path,          "--data", data,  "--listen",
                                            "127.0.0.1:0", "--auth", "none"};
    for (size_t i = 0; options != NULL && options[i] != NULL && i + 8 < ARGUMENTS_MAX; i++)
        arguments[i + 7] = options[i];
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(log_fd, STDERR_FILENO);
    execv(path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* Reads its messages up to the one with the address. */
static void wait_for_address(struct server_process *server)
{
    char text[LOG_BYTES];
    size_t used = 0;
    for (;;) {
        const ssize_t got = read(server->log_fd, text + used, sizeof text - 1 - used);
        if (got <= 0) {
            text[used] = '\0';
            bench_fail("the server did not start: %s", text);
        }
        used += (size_t)got;
        text[used] = '\0';
        const char *found = strstr(text, " address=");
        if (found != NULL && strchr(found, '\n') != NULL) {
            sscanf(found, " address=%63s", server->address);
            return;
        }
    }
}

void server_process_start(const char *program, const char *data, const char *const *options,
                          struct server_process *ret)
{
    char path[COMMAND_PATH_BYTES];
    int ends[2];
    command_process_find(program, "blindlist-server", path);
    if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
        bench_fail("pipe: %s", strerror(errno));
    fflush(stdout);
    *ret = (struct server_process){.log_fd = ends[0], .started_ns = bench_now_ns()};
    ret->pid = fork();
    if (ret->pid < 0)
        bench_fail("fork: %s", strerror(errno));
    if (ret->pid == 0)
        run_server(path, data, options, ends[1]);
    close(ends[1]);
    wait_for_address(ret);
}

void server_process_stop(struct server_process *server)
{
    int status = 0;
    kill(server->pid, SIGTERM);
    if (waitpid(server->pid, &status, 0) != server->pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0)
        bench_fail("the server did not end well");
    close(server->log_fd);
}

uint64_t server_process_cpu_ns(const struct server_process *server)
{
    clockid_t clock;
    struct timespec now;
    if (clock_getcpuclockid(server->pid, &clock) != 0 || clock_gettime(clock, &now) != 0)
        bench_fail("the server's processor time cannot be read");
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct server_memory server_process_memory(const struct server_process *server)
{
    char path[64];
    char line[256];
    struct server_memory memory = {0};
    snprintf(path, sizeof path, "/proc/%ld/status", (long)server->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        bench_fail("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long kilobytes = 0;
        if (sscanf(line, "RssAnon: %lu", &kilobytes) == 1)
            memory.own_bytes = (uint64_t)kilobytes << 10;
        else if (sscanf(line, "RssFile: %lu", &kilobytes) == 1)
            memory.file_bytes = (uint64_t)kilobytes << 10;
    }
    fclose(file);
    return memory;
}
