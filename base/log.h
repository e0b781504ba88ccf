/* log - one line a message, for the programs; library code returns errors instead.
 *
 * Text     2026-11-21T09:30:00.123Z info  listening address=127.0.0.1:8080
 *          time in UTC, level, message.
 * JSON     {"time":"2026-11-21T09:30:00.123Z","level":"info",
 *           "message":"listening address=127.0.0.1:8080",
 *           "fields":{"address":"127.0.0.1:8080"}}
 *          on one line. Fields are the words `name=value` of the message, once each, as numbers
 *          where they are; what is not UTF-8 becomes '?'.
 * Journal  the number of the level in front, as sd-daemon(3) has it, and no time in text: systemd's
 *          journal notes both by itself.
 * Lines    are one write() each, so those of several threads do not mix.
 * Privacy  no line holds a URL that somebody asked about, a keyword, token, key, user identifier or
 *          client address. The caller keeps that promise; control characters are shown as '?'.
 * Threads  any; a struct log is constant once made. */
#ifndef BLINDLIST_BASE_LOG_H
#define BLINDLIST_BASE_LOG_H

#include "base/compiler.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log {
    int fd; /* borrowed; -1 = silent */
    enum log_level least;
    enum log_format format;
    bool is_for_journal;
};

/* All take NULL as a silent log. */
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
