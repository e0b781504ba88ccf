/* Progress without a terminal, and, for progress.test.py, a program that shows some:
 *
 *   plain_progress draw TOTAL     works for 0.8 seconds in four threads */
#include "base/progress.h"
#include "base/thread_pool.h"

#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum status work(void *context, size_t index, size_t worker, struct error *err)
{
    (void)index;
    (void)worker;
    (void)err;
    const struct timespec step = {.tv_nsec = 40000000};
    nanosleep(&step, NULL);
    progress_add(context, 10);
    return STATUS_OK;
}

static int draw(uint64_t total)
{
    struct thread_pool *pool = NULL;
    struct progress progress;
    if (thread_pool_new(3, 1, &pool, NULL) != STATUS_OK)
        return 1;
    progress_begin(&progress, "testing progress", total);
    const enum status status = thread_pool_for(pool, 80, work, &progress, NULL);
    progress_end(&progress);
    thread_pool_free(pool);
    return status == STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "draw") == 0)
        return draw(strtoull(argv[2], NULL, 10));

    int ends[2];
    char seen[256];
    const int real = dup(STDERR_FILENO);
    if (real < 0 || pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        return 1;
    close(ends[1]);
    const int status = draw(800);
    dup2(real, STDERR_FILENO); /* closes the last writing end */
    const ssize_t size = read(ends[0], seen, sizeof seen);
    TAP_CHECK(status == 0, "work is done");
    TAP_CHECK(size == 0, "without a terminal nothing is written: %zd bytes", size);

    struct progress progress;
    progress_begin(&progress, NULL, 0);
    progress_add(&progress, 1);
    progress_end(&progress);
    TAP_CHECK(atomic_load(&progress.done) == 1, "NULL shows nothing and counts");
    return tap_finish();
}
