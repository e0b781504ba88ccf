/* log - one line a message, for the programs; library code returns errors instead.
 *
 * Line     2026-11-21T09:30:00.123Z info  listening address=127.0.0.1:8080
 *          time in UTC, level, message, then what the caller formatted. One write() a line, so
 * lines of several threads do not mix. Privacy  no line holds a URL that somebody asked about, a
 * keyword, token, key, user identifier or client address. The caller keeps that promise; control
 * characters are shown as '?'. Threads  any; a struct log is constant once made. */
#ifndef BLINDLIST_BASE_LOG_H
#define BLINDLIST_BASE_LOG_H

#include "base/compiler.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log {
    int fd; /* borrowed; -1 = silent */
    enum log_level least;
};

/* All take NULL as a silent log. */
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
