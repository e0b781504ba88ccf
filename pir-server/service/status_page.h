/* status_page - how a running server is, for people: one HTML page.
 *
 * No script, nothing from elsewhere (its Content-Security-Policy forbids both), light or dark as
 * the reader's system is, narrow enough for a phone; it loads itself again now and then. Names of
 * apps and use cases are escaped.
 *
 * Head     which machine it is, whether requests should be sent there, and when that was so.
 * Rates    of the last STATUS_PAGE_RECENT_S seconds, charts and errors of the last hour, or since
 *          the start where that is less. Sums are since the start.
 * Apps     STATUS_PAGE_ROWS_MAX of each table; how many more there are is said.
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_STATUS_PAGE_H
#define BLINDLIST_SERVICE_STATUS_PAGE_H

#include "pir-server/service/monitor.h"

#define STATUS_PAGE_RECENT_S  300
#define STATUS_PAGE_ROWS_MAX  ((size_t)100)
#define STATUS_PAGE_REFRESH_S 30

/* Appends the page; without memory bytes_status() of it tells. */
void status_page_write(struct service *service, struct monitor *monitor, struct bytes *page);

#endif
