/* service_manager - what systemd, or another one with its protocol, gives a service and is told.
 *
 * Sockets it opened (LISTEN_FDS), a socket for messages (NOTIFY_SOCKET) and how often it wants to
 * hear that all is well (WATCHDOG_USEC) stand in the environment, and are taken out of it. Without
 * them nothing is done.
 *
 * Threads  one.
 * Source   sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3), systemd.exec(5). */
#ifndef BLINDLIST_SERVICE_SERVICE_MANAGER_H
#define BLINDLIST_SERVICE_SERVICE_MANAGER_H

#include "pir-server/service/listen_sockets.h"

struct service_manager {
    int notify_fd;        /* -1 = nobody wants to know */
    unsigned watchdog_ms; /* at least this often; 0 = never */
};

/* Adds its sockets. */
/* Does what is written there end in systemd's journal (JOURNAL_STREAM)? */
bool service_manager_keeps_journal(int fd);
enum status service_manager_init(struct service_manager *manager, struct listen_sockets *sockets,
                                 struct error *err) MUST_CHECK;
/* "READY=1", "STOPPING=1", "WATCHDOG=1". */
void service_manager_tell(const struct service_manager *manager, const char *what);
void service_manager_deinit(struct service_manager *manager);

#endif
