#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t bench_time(const char *label, size_t runs, void (*work)(void *context), void *context)
{
    uint64_t took[BENCH_MAX_RUNS];
    if (runs == 0 || runs > BENCH_MAX_RUNS)
        bench_fail("%s: %zu runs are asked for, 1 to %zu are possible", label, runs,
                   BENCH_MAX_RUNS);
    work(context);
    for (size_t i = 0; i < runs; i++) {
        const uint64_t start = bench_now_ns();
        work(context);
        took[i] = bench_now_ns() - start;
    }
    qsort(took, runs, sizeof took[0], compare_u64);
    const uint64_t median = took[runs / 2];
    if (median < 10000)
        printf("%s median_ns=%llu min_ns=%llu runs=%zu\n", label, (unsigned long long)median,
               (unsigned long long)took[0], runs);
    else if (median < 10000000)
        printf("%s median_us=%.1f min_us=%.1f runs=%zu\n", label, (double)median / 1e3,
               (double)took[0] / 1e3, runs);
    else
        printf("%s median_ms=%.1f min_ms=%.1f runs=%zu\n", label, (double)median / 1e6,
               (double)took[0] / 1e6, runs);
    fflush(stdout);
    return median;
}

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    exit(1);
}
