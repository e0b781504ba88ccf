#include "bench/command_process.h"

#include "base/file.h"
#include "bench/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void command_process_find(const char *program, const char *name, char ret[COMMAND_PATH_BYTES])
{
    const char *slash = strrchr(program, '/');
    const int used = slash == NULL ? 1 : (int)(slash - program);
    const int size =
        snprintf(ret, COMMAND_PATH_BYTES, "%.*s/../%s", used, slash == NULL ? "." : program, name);
    if (size < 0 || (size_t)size >= COMMAND_PATH_BYTES || access(ret, X_OK) != 0)
        bench_fail("%s: %s", ret, strerror(errno));
}

static void add(struct command_series *series, uint64_t ns)
{
    size_t at = series->run_count++;
    for (; at > 0 && series->took_ns[at - 1] > ns; at--)
        series->took_ns[at] = series->took_ns[at - 1];
    series->took_ns[at] = ns;
}

void command_process_run(const char *const *words, const char *out, const char *cleared,
                         struct command_series *series)
{
    struct rusage usage;
    int status = 0;
    const uint64_t start = bench_now_ns();
    const pid_t child = fork();
    if (child < 0)
        bench_fail("fork: %s", strerror(errno));
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (freopen(out, "w", stdout) != NULL)
            execv(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    if (wait4(child, &status, 0, &usage) != child || status != 0) {
        folder_remove(cleared);
        bench_fail("%s %s ended with %d", words[0], words[1], status);
    }
    add(series, bench_now_ns() - start);
    const uint64_t bytes = (uint64_t)usage.ru_maxrss * 1024;
    series->most_bytes = bytes > series->most_bytes ? bytes : series->most_bytes;
}

uint64_t command_series_median_ns(const struct command_series *series)
{
    return series->took_ns[series->run_count / 2];
}
