/* histogram - how long things took: counts by bounds, kept by any number of threads without a lock.
 *
 * Bounds   HISTOGRAM_BOUNDS of them, from 0.1 ms to 10 s, and one class for what takes longer. They
 *          are the same for all, so that histograms of several servers can be added up.
 * Look     classes are read one after the other: what is observed meanwhile may be missing, nothing
 *          is counted twice.
 * Threads  any. */
#ifndef BLINDLIST_BASE_HISTOGRAM_H
#define BLINDLIST_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS  15
#define HISTOGRAM_CLASSES (HISTOGRAM_BOUNDS + 1)

/* In microseconds, rising; a class holds what took at most so long. */
extern const uint64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

/* All zero is empty. */
struct histogram {
    _Atomic uint64_t classes[HISTOGRAM_CLASSES];
    _Atomic uint64_t sum_us;
};
void histogram_observe(struct histogram *histogram, uint64_t us);

struct histogram_figures {
    uint64_t classes[HISTOGRAM_CLASSES]; /* not added up */
    uint64_t sum_us;
    uint64_t count;
};
void histogram_look(const struct histogram *histogram, struct histogram_figures *ret);
/* Takes away what was there before: what is left came in between. */
void histogram_figures_since(struct histogram_figures *figures,
                             const struct histogram_figures *before);
/* The time that a share (0 to 1) of all took at most, in microseconds, by proportion within a
 * class; 0 of none, and the largest bound of what took longer. */
double histogram_quantile_us(const struct histogram_figures *figures, double share);

#endif
