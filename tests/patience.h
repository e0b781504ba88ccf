/* patience - how long a test waits for what must come.
 *
 *     struct patience patience = patience_begin();
 *     while (!is_there() && patience_lasts(&patience))
 *         ;
 *     TAP_CHECK(is_there(), "it came");
 *
 * A machine with other work to do may take a hundred times as long as an idle one. So a test waits
 * for a condition, never for a span of time; only one that fails waits until its patience ends.
 * tests/patience.py for scripts. */
#ifndef BLINDLIST_TESTS_PATIENCE_H
#define BLINDLIST_TESTS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define PATIENCE_MS 120000
/* For `.timeout` of a Criterion test that a fault would keep busy for ever: less than what
 * scripts/run-tests gives a program, so that the test is named. */
#define PATIENCE_OF_TEST_S 600

#define PATIENCE_LOOK_EVERY_MS 5

struct patience {
    int64_t until_ms;
};

static inline int64_t patience_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void patience_sleep_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

static inline struct patience patience_begin(void)
{
    return (struct patience){.until_ms = patience_now_ms() + PATIENCE_MS};
}

/* Waits for a moment; false when the time is over. */
static inline bool patience_lasts(const struct patience *patience)
{
    if (patience_now_ms() >= patience->until_ms)
        return false;
    patience_sleep_ms(PATIENCE_LOOK_EVERY_MS);
    return true;
}

#endif
