#include "tools/tool_threads.h"

#include "base/cpu.h"

#define THREADS_MAX 256

int tool_take_threads(const struct tool_args *args, size_t *ret)
{
    return tool_take_size(args, 1, THREADS_MAX, ret);
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
