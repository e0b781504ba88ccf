/* process_figures - what the system says of this process: memory and processor time.
 *
 * On Linux memory is read from /proc through a descriptor that is opened once, so that it can be
 * had when the process may open nothing any more; elsewhere it is the most there was.
 *
 * Threads  any may look. */
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
/* 0 for what the system does not tell. */
void process_watch_look(const struct process_watch *watch, struct process_figures *ret);

#endif
