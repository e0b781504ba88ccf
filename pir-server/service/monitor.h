/* monitor - a thread that looks at a running server now and then: whether its state can be written,
 * what is in it, and how its figures moved in the last hour.
 *
 * State    every MONITOR_STATE_S seconds something is written to it. What asks is answered with the
 *          last look, and so waits for no database that hangs.
 * History  a sample every MONITOR_SAMPLE_S seconds, MONITOR_SAMPLES at most; sums, as /metrics has
 *          them, so that rates are differences.
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_MONITOR_H
#define BLINDLIST_SERVICE_MONITOR_H

#include "pir-server/service/http_server.h"
#include "pir-server/service/metrics.h"
#include "pir-server/service/process_figures.h"
#include "pir-server/service/service.h"

#define MONITOR_STATE_S  5
#define MONITOR_SAMPLE_S 15
#define MONITOR_SAMPLES  241 /* an hour, and where it began */

/* One look at the whole server. */
struct monitor_sample {
    int64_t at_us; /* of metrics_now_us() */
    uint64_t requests;
    uint64_t failures; /* answered with 500 and more */
    uint64_t queries;
    uint64_t tokens_issued;
    uint64_t tokens_spent;
    uint64_t refusals[REFUSAL_COUNT];
    uint64_t incidents[INCIDENT_COUNT];
    struct histogram_figures total; /* of /queries */
    struct histogram_figures queue;
    struct process_figures process;
    size_t waiting; /* for a compute thread */
    size_t connections;
};

struct monitor;
enum status monitor_new(struct service *service, struct monitor **ret,
                        struct error *err) MUST_CHECK;
void monitor_free(struct monitor *monitor); /* takes NULL */
/* The listener for devices, which there is from now on; borrowed until monitor_free(). */
void monitor_serves(struct monitor *monitor, struct http_server *server);
/* Since 1970. */
uint64_t monitor_start_s(const struct monitor *monitor);
/* NULL: none yet. */
struct http_server *monitor_server(struct monitor *monitor);

/* The server ends. */
void monitor_drains(struct monitor *monitor);
#define MONITOR_REASONS_MAX 4
/* Why no requests should be sent here, as "draining"; static texts. How many: 0 = it is ready. */
size_t monitor_reasons(struct monitor *monitor, const char *ret[MONITOR_REASONS_MAX]);

struct monitor_state {
    bool is_known;    /* it was looked at */
    bool is_writable; /* at the last look */
    bool has_usage;
    struct store_usage usage;
};
void monitor_look_at_state(struct monitor *monitor, struct monitor_state *ret);

void monitor_take(struct monitor *monitor, struct monitor_sample *ret); /* now */
/* The samples, oldest first; how many. */
size_t monitor_history(struct monitor *monitor, struct monitor_sample ret[MONITOR_SAMPLES]);

#endif
