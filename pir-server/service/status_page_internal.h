/* status_page_internal - what the parts of the status page share. */
#ifndef BLINDLIST_SERVICE_STATUS_PAGE_INTERNAL_H
#define BLINDLIST_SERVICE_STATUS_PAGE_INTERNAL_H

#include "pir-server/service/app_set.h"
#include "pir-server/service/monitor.h"

/* Samples of the last hour, oldest first; the last one is of now. */
struct status_history {
    struct monitor_sample samples[MONITOR_SAMPLES + 1]; /* [count], at least 1 */
    size_t count;
    size_t kept_count; /* without that of now: as far apart as MONITOR_SAMPLE_S says */
};

static inline double status_seconds(const struct monitor_sample *from,
                                    const struct monitor_sample *to)
{
    return (double)(to->at_us - from->at_us) / 1e6;
}

/* What came in between, a second; 0 when there is less than before: the sums are of the apps that
 * are served, and one has gone. */
static inline double status_rate(uint64_t before, uint64_t at, double seconds)
{
    return seconds > 0 && at >= before ? (double)(at - before) / seconds : 0;
}

/* How the figures moved; says so when there is nothing to show yet. */
void status_page_charts(struct bytes *page, const struct status_history *history, uint64_t now_s);
/* What each app asked for and serves, and its issuer's keys. */
void status_page_apps(struct bytes *page, const struct app_set *apps, uint64_t now_s);

#endif
