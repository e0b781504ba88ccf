#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_DRAW_MS 500
#define DRAW_EVERY_MS 100

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
    progress->what = isatty(STDERR_FILENO) ? what : NULL;
    progress->total = total;
    progress->start_ms = progress->what != NULL ? now_ms() : 0;
    atomic_init(&progress->done, 0);
    atomic_init(&progress->drawn, false);
    atomic_init(&progress->next_draw_ms, progress->start_ms + FIRST_DRAW_MS);
}

void progress_add(struct progress *progress, uint64_t more)
{
    atomic_fetch_add(&progress->done, more);
    if (progress->what == NULL)
        return;
    const int64_t now = now_ms();
    int_fast64_t due = atomic_load(&progress->next_draw_ms);
    /* One thread wins the exchange and draws; the others go on with their work. */
    if (now < due ||
        !atomic_compare_exchange_strong(&progress->next_draw_ms, &due, now + DRAW_EVERY_MS))
        return;
    atomic_store(&progress->drawn, true);
    /* Now, and not what this thread left: it may have been held up since. */
    const uint64_t done = atomic_load(&progress->done);
    const double seconds = (double)(now - progress->start_ms) / 1000.0;
    if (progress->total > 0)
        fprintf(stderr, "\r\033[K%s: %3.0f %%  %.1f s", progress->what,
                100.0 * (double)done / (double)progress->total, seconds);
    else
        fprintf(stderr, "\r\033[K%s: %llu  %.1f s", progress->what, (unsigned long long)done,
                seconds);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->what != NULL && atomic_load(&progress->drawn)) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->what = NULL;
}
