/* startup - everything that a running server consists of, opened and closed in the right order. */
#ifndef BLINDLIST_SERVER_STARTUP_H
#define BLINDLIST_SERVER_STARTUP_H

#include "base/log.h"
#include "pir-server/config/config.h"
#include "pir-server/options.h"
#include "pir-server/service/admin.h"
#include "pir-server/service/data_watch.h"
#include "pir-server/service/handover.h"
#include "pir-server/service/service_manager.h"

struct running {
    const struct config *config; /* borrowed; as it was at the start */
    const struct log *log;       /* borrowed */
    unsigned drain_s;
    struct store *store;
    struct service *service;
    struct http_server *server;
    struct admin *admin;              /* NULL: no admin address */
    struct http_server *admin_server; /* its listener */
    struct http_handler admin_handler;
    struct http_handler handler; /* what the server borrows */
    struct data_watch *watch;
    struct listen_sockets sockets; /* that somebody else opened */
    int predecessor;               /* whose sockets they are; -1 = nobody */
    struct handover *handover;     /* NULL: none */
    struct service_manager manager;
    int fd; /* bound, until somebody listens on it; -1 = none */
    int admin_fd;
    char *default_state;
};

/* Opens all and listens. The process gets SIGHUP when a dataset was switched or the file of the
 * configuration written. On failure nothing is left open. */
enum status startup_open(const struct config *config, const struct log *log, struct running *ret,
                         struct error *err) MUST_CHECK;
/* Reads the configuration again and loads new datasets. Of a configuration all or nothing: what is
 * wrong with it is logged, and the one before stays. */
void startup_reload(struct running *running, const struct options *options);
/* Takes no new requests and answers those under way, at most as long as the settings say. */
void startup_drain(struct running *running);
void startup_close(struct running *running);

#endif
