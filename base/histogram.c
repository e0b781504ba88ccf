#include "base/histogram.h"

const uint64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {100,    250,    500,     1000,    2500,
                                                        5000,   10000,  25000,   50000,   100000,
                                                        250000, 500000, 1000000, 2500000, 10000000};

void histogram_observe(struct histogram *histogram, uint64_t us)
{
    size_t class = 0;
    while (class < HISTOGRAM_BOUNDS && us > histogram_bounds_us[class])
        class ++;
    atomic_fetch_add_explicit(&histogram->classes[class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, us, memory_order_relaxed);
}

void histogram_look(const struct histogram *histogram, struct histogram_figures *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < HISTOGRAM_CLASSES; i++) {
        ret->classes[i] = atomic_load_explicit(&histogram->classes[i], memory_order_relaxed);
        ret->count += ret->classes[i];
    }
    ret->sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
}

void histogram_figures_since(struct histogram_figures *figures,
                             const struct histogram_figures *before)
{
    for (size_t i = 0; i < HISTOGRAM_CLASSES; i++)
        figures->classes[i] -= before->classes[i];
    figures->sum_us -= before->sum_us;
    figures->count -= before->count;
}

double histogram_quantile_us(const struct histogram_figures *figures, double share)
{
    const double wanted = share * (double)figures->count;
    double below = 0;
    if (figures->count == 0)
        return 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        const double here = (double)figures->classes[i];
        const double from = i > 0 ? (double)histogram_bounds_us[i - 1] : 0;
        if (here > 0 && below + here >= wanted)
            return from + ((double)histogram_bounds_us[i] - from) * (wanted - below) / here;
        below += here;
    }
    return (double)histogram_bounds_us[HISTOGRAM_BOUNDS - 1];
}
