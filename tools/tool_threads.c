#include "tools/tool_threads.h"

#include "base/cpu.h"

#define THREADS_MAX 256

int tool_take_threads(const struct tool_args *args, size_t *ret)
{
    uint64_t threads;
    if (!tool_parse_u64(args->value, 1, THREADS_MAX, &threads))
        return tool_usage_error(args, "--threads %s: a number from 1 to %d is wanted", args->value,
                                THREADS_MAX);
    *ret = (size_t)threads;
    return EXIT_DONE;
}

enum status tool_thread_pool_new(size_t threads, struct thread_pool **ret, struct error *err)
{
    if (threads == 0)
        threads = cpu_core_count();
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    *ret = NULL;
    return threads > 1 ? thread_pool_new(threads - 1, 1, ret, err) : STATUS_OK;
}
