/* metrics_page - /metrics: all that is counted, in Prometheus' text format 0.0.4.
 *
 * Labels   are routes, reasons and the like of fixed sets, apps and their use cases; nothing of a
 *          user, and no shard. Apps beyond METRICS_APPS_MAX, in the order of the configuration, are
 *          added up as the app "(others)"; requests of no app are those of "(none)". No app can
 *          have such a name. An app that goes takes its series along.
 *          Of use cases, in the same order, METRICS_USE_CASES_MAX are told.
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_METRICS_PAGE_H
#define BLINDLIST_SERVICE_METRICS_PAGE_H

#include "pir-server/service/monitor.h"
#include "pir-server/service/service.h"

#define METRICS_APPS_MAX      ((size_t)200)
#define METRICS_USE_CASES_MAX ((size_t)1000)
#define METRICS_APP_NONE      "(none)"
#define METRICS_APP_OTHERS    "(others)"

/* Appends the page. */
void metrics_page_write(struct service *service, struct monitor *monitor, struct bytes *page);
/* The part of it that is about apps. */
void metrics_page_write_apps(struct service *service, struct bytes *page);

#endif
