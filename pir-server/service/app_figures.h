/* app_figures - what is counted of an app: sums only, nothing of any user.
 *
 * Counters live as long as the app is served under its name, across reloads; figures are a look at
 * them. Requests that the HTTP server ends by itself (too large, cut off) are in none.
 *
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_APP_FIGURES_H
#define BLINDLIST_SERVICE_APP_FIGURES_H

#include "pir-server/service/route.h"

#include <stdint.h>

#define APP_STATUS_CLASSES 4 /* 2xx, 3xx, 4xx, 5xx */

struct app_figures {
    uint64_t requests[ROUTE_COUNT][APP_STATUS_CLASSES]; /* answered */
    uint64_t tokens_issued;
    uint64_t tokens_spent;
    uint64_t queries;           /* answered; a body holds any number */
    uint64_t oprf_answers;      /* to the questions that queries of symmetric PIR begin with */
    uint32_t queries_under_way; /* bodies */
};

struct app_counters;
struct app_counters *app_counters_new(void) MUST_CHECK; /* NULL: out of memory */
struct app_counters *app_counters_ref(struct app_counters *counters);
void app_counters_unref(struct app_counters *counters); /* takes NULL */

void app_count_request(struct app_counters *counters, enum route route, unsigned status);
void app_count_issued(struct app_counters *counters);
void app_count_spent(struct app_counters *counters);
void app_count_query(struct app_counters *counters);
void app_count_oprf(struct app_counters *counters);
/* A body of queries comes in; false when there are `most` (0 = any number). */
bool app_enter_queries(struct app_counters *counters, uint32_t most);
void app_leave_queries(struct app_counters *counters);

void app_counters_look(const struct app_counters *counters, struct app_figures *ret);

#endif
