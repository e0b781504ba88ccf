/* process_figures - what the system says of this process: memory, processor time, open files.
 *
 * On Linux memory and files are read from /proc through descriptors that are opened once, so that
 * they can be had when the process may open nothing any more; elsewhere memory is the most there
 * was, and files are not told.
 *
 * Threads  one object by one thread at a time. */
#ifndef BLINDLIST_SERVICE_PROCESS_FIGURES_H
#define BLINDLIST_SERVICE_PROCESS_FIGURES_H

#include "base/compiler.h"

#include <stdint.h>

struct process_figures {
    uint64_t resident_bytes;
    uint64_t cpu_us;
};

struct process_watch {
    int memory_fd; /* /proc/self/statm; -1 = there is none */
};
void process_watch_open(struct process_watch *ret);
void process_watch_close(struct process_watch *watch);
void process_watch_look(const struct process_watch *watch, struct process_figures *ret);

#endif
