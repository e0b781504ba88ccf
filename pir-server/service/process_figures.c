#include "pir-server/service/process_figures.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

void process_watch_open(struct process_watch *ret)
{
    ret->memory_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void process_watch_close(struct process_watch *watch)
{
    if (watch->memory_fd >= 0)
        close(watch->memory_fd);
    watch->memory_fd = -1;
}

/* 0 = not known. */
static uint64_t resident_bytes(const struct process_watch *watch)
{
    char text[128];
    uint64_t pages = 0;
    const ssize_t size =
        watch->memory_fd >= 0 ? pread(watch->memory_fd, text, sizeof text - 1, 0) : -1;
    if (size <= 0)
        return 0;
    text[size] = '\0';
    return sscanf(text, "%*u %" SCNu64, &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t microseconds(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

void process_watch_look(const struct process_watch *watch, struct process_figures *ret)
{
    struct rusage usage = {.ru_maxrss = 0};
    *ret = (struct process_figures){.resident_bytes = resident_bytes(watch)};
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    ret->cpu_us = microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
    if (ret->resident_bytes == 0)
        ret->resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
}
