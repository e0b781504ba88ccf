/* bench - one line a figure, for the programs bench_*.c that `make bench` runs.
 *
 *     bench_time("ntt_forward kernel=avx2 n=4096 moduli=3", 20, forward, &state);
 *
 * prints, after one run that does not count,
 *
 *     ntt_forward kernel=avx2 n=4096 moduli=3 median_ns=14312 min_ns=14201 runs=20
 *
 * Units    ns below ten microseconds, then us, then ms: median and minimum in the same one.
 * Time     wall clock, or with bench_cpu_time() processor time, for work that takes less than a
 *          system lets a thread run: names then begin with cpu_. Threads  one at a time. */
#ifndef BLINDLIST_BENCH_BENCH_H
#define BLINDLIST_BENCH_BENCH_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#define BENCH_MAX_RUNS ((size_t)1000)

/* Monotonic, in nanoseconds. */
uint64_t bench_now_ns(void);
/* Processor time of this thread, in nanoseconds. */
uint64_t bench_cpu_ns(void);
/* Runs work(context) once to warm up and `runs` times by the clock, `runs` in [1, BENCH_MAX_RUNS];
 * prints the line and returns the median in nanoseconds. */
uint64_t bench_time(const char *label, size_t runs, void (*work)(void *context), void *context);
/* The same by processor time of this thread. */
uint64_t bench_cpu_time(const char *label, size_t runs, void (*work)(void *context), void *context);
/* Ends the program with exit code 1 and a message: a figure that was not measured is no figure. */
void bench_fail(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
