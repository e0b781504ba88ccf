#include "base/histogram.h"

#include <criterion/criterion.h>

static struct histogram_figures figures_of(const uint64_t *times, size_t count)
{
    static struct histogram histogram;
    struct histogram_figures figures;
    histogram = (struct histogram){.sum_us = 0};
    for (size_t i = 0; i < count; i++)
        histogram_observe(&histogram, times[i]);
    histogram_look(&histogram, &figures);
    return figures;
}

Test(histogram, a_bound_holds_what_took_at_most_so_long)
{
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        const uint64_t bound = histogram_bounds_us[i];
        const uint64_t times[] = {bound, bound + 1};
        const struct histogram_figures figures = figures_of(times, 2);
        cr_assert_eq(figures.classes[i], 1);
        cr_assert_eq(figures.classes[i + 1], 1);
        cr_assert_eq(figures.count, 2);
        cr_assert_eq(figures.sum_us, 2 * bound + 1);
        cr_assert(i == 0 || bound > histogram_bounds_us[i - 1]);
    }
}

Test(histogram, nothing_is_counted_at_first)
{
    const struct histogram_figures figures = figures_of(NULL, 0);
    cr_assert_eq(figures.count, 0);
    cr_assert_eq(figures.sum_us, 0);
    cr_assert_eq(histogram_quantile_us(&figures, 0.5), 0);
}

Test(histogram, quantiles_are_found_within_their_class)
{
    const uint64_t times[] = {2000, 2000, 2000, 2000, 60000000};
    const struct histogram_figures figures = figures_of(times, 5);
    const double half = histogram_quantile_us(&figures, 0.5);
    cr_assert(half > 1000 && half <= 2500);
    cr_assert_eq(histogram_quantile_us(&figures, 0.99), 10000000);
    cr_assert_eq(histogram_quantile_us(&figures, 0.8), 2500);
}

Test(histogram, what_came_in_between_is_the_difference)
{
    const uint64_t times[] = {100, 700, 700, 20000};
    struct histogram_figures figures = figures_of(times, 4);
    const struct histogram_figures before = figures_of(times, 2);
    histogram_figures_since(&figures, &before);
    cr_assert_eq(figures.count, 2);
    cr_assert_eq(figures.sum_us, 20700);
    cr_assert_eq(figures.classes[0], 0);
    cr_assert_eq(figures.classes[3], 1);
}
