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

uint64_t bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* By one of the two clocks; `cpu` is "cpu_" or "", and begins the names of the figures. */
static uint64_t time_by(uint64_t (*clock_ns)(void), const char *cpu, const char *label, size_t runs,
                        void (*work)(void *context), void *context)
{
    uint64_t took[BENCH_MAX_RUNS];
    if (runs == 0 || runs > BENCH_MAX_RUNS)
        bench_fail("%s: %zu runs are asked for, 1 to %zu are possible", label, runs,
                   BENCH_MAX_RUNS);
    work(context);
    for (size_t i = 0; i < runs; i++) {
        const uint64_t start = clock_ns();
        work(context);
        took[i] = clock_ns() - start;
    }
    qsort(took, runs, sizeof took[0], compare_u64);
    const uint64_t median = took[runs / 2];
    if (median < 10000)
        printf("%s %smedian_ns=%llu %smin_ns=%llu runs=%zu\n", label, cpu,
               (unsigned long long)median, cpu, (unsigned long long)took[0], runs);
    else if (median < 10000000)
        printf("%s %smedian_us=%.1f %smin_us=%.1f runs=%zu\n", label, cpu, (double)median / 1e3,
               cpu, (double)took[0] / 1e3, runs);
    else
        printf("%s %smedian_ms=%.1f %smin_ms=%.1f runs=%zu\n", label, cpu, (double)median / 1e6,
               cpu, (double)took[0] / 1e6, runs);
    fflush(stdout);
    return median;
}

uint64_t bench_time(const char *label, size_t runs, void (*work)(void *context), void *context)
{
    return time_by(bench_now_ns, "", label, runs, work, context);
}

uint64_t bench_cpu_time(const char *label, size_t runs, void (*work)(void *context), void *context)
{
    return time_by(bench_cpu_ns, "cpu_", label, runs, work, context);
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
