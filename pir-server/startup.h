/* startup - everything that a running server consists of, opened and closed in the right order. */
#ifndef BLINDLIST_SERVER_STARTUP_H
#define BLINDLIST_SERVER_STARTUP_H

#include "base/log.h"
#include "pir-server/config/settings.h"
#include "pir-server/service/data_watch.h"

struct running {
    const struct settings *settings; /* borrowed */
    const struct log *log;           /* borrowed */
    struct store *store;
    struct service *service;
    struct http_server *server;
    struct http_handler handler; /* what the server borrows */
    struct data_watch *watch;
    char *default_state;
};

/* Opens all and listens. `settings` are checked. The
 * process gets SIGHUP when a dataset was switched. On failure nothing is left open. */
enum status startup_open(const struct settings *settings, const struct log *log,
                         struct running *ret, struct error *err) MUST_CHECK;
/* Takes no new requests and answers those under way, at most as long as the settings say. */
void startup_drain(struct running *running);
void startup_close(struct running *running);

#endif
