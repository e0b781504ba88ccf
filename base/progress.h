/* progress - one line on a terminal that tells how far long work has come.
 *
 * The line is rewritten in place at most ten times a second and erased at the end. When standard
 * error is no terminal nothing is ever written. Appears only after half a second, so short work
 * shows nothing.
 *
 * Threads  progress_add() from any; the rest from the thread that began. */
#ifndef BLINDLIST_BASE_PROGRESS_H
#define BLINDLIST_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* borrowed; NULL = shows nothing */
    uint64_t total;   /* 0 = unknown */
    atomic_uint_fast64_t done;
    atomic_int_fast64_t next_draw_ms;
    int64_t start_ms;
    atomic_bool drawn;
};

/* Begins: `what` is a phrase such as "processing shards" (a string that lives as long). */
void progress_begin(struct progress *progress, const char *what, uint64_t total);
/* `more` units are done. */
void progress_add(struct progress *progress, uint64_t more);
/* Erases the line. */
void progress_end(struct progress *progress);

#endif
