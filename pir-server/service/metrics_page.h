/* metrics_page - /metrics: all that is counted, in Prometheus' text format 0.0.4.
 *
 * Labels   are routes, reasons and the like of fixed sets, apps and their use cases; nothing of a
 *          user, and no shard. Apps beyond METRICS_APPS_MAX, in the order of the configuration, are
 *          added up as the app "(others)"; requests of no app are those of "(none)". No app can
 *          have such a name. An app that goes takes its series along.
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_METRICS_PAGE_H
#define BLINDLIST_SERVICE_METRICS_PAGE_H

#include "pir-server/service/http_server.h"
#include "pir-server/service/service.h"

#define METRICS_APPS_MAX       ((size_t)200)
#define METRICS_PAGE_MAX_BYTES ((size_t)32 << 20)
#define METRICS_APP_NONE       "(none)"
#define METRICS_APP_OTHERS     "(others)"

/* Appends the page.
 *   server  the listener for devices; NULL: there is none yet */
void metrics_page_write(struct service *service, struct http_server *server, struct bytes *page);

#endif
