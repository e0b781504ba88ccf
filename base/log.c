#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info ";
    case LOG_WARNING:
        return "warn ";
    case LOG_ERROR:
        return "error";
    }
    return "?    ";
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    if (log == NULL || log->fd < 0 || level < log->least)
        return;
    char line[1024];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, sizeof line - used, ".%03ldZ %s ", now.tv_nsec / 1000000,
                             level_name(level));
    const size_t message_start = used;
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    if (length > 0)
        used += strlen(line + used);
    for (size_t i = message_start; i < used; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[used++] = '\n';
    /* A log that cannot be written must not stop the service. */
    const ssize_t ignored = write(log->fd, line, used);
    (void)ignored;
}
