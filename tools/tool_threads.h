/* tool_threads - how many threads a command works with: --threads, and the pool it stands for. */
#ifndef BLINDLIST_TOOLS_TOOL_THREADS_H
#define BLINDLIST_TOOLS_TOOL_THREADS_H

#include "base/thread_pool.h"
#include "tools/tool.h"

/* The row of an option table. */
#define TOOL_THREADS_OPTION                                                                        \
    {                                                                                              \
        "threads", 'j', "N", "threads [as many as cores]"                                          \
    }

/* Takes the value of --threads; EXIT_DONE, or the exit code of a usage error. */
int tool_take_threads(const struct tool_args *args, size_t *ret);
/* A pool with which `threads` work, the calling one among them; 0: as many as there are cores.
 * For one thread it is NULL, with which thread_pool_for() does everything in the caller. */
enum status tool_thread_pool_new(size_t threads, struct thread_pool **ret,
                                 struct error *err) MUST_CHECK;

#endif
