/* metrics - what a server counts for those who run it: sums only, nothing of any user or shard.
 *
 * Counted  by route and HTTP status what was answered; by reason what was refused, whoever refused
 *          it; by route how long it took in all, waited in a queue and was computed. Counters begin
 *          at 0 with the process and survive reloads. What is counted of one app is in
 *          app_figures.h.
 * Cost     a few relaxed atomic additions a request.
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_METRICS_H
#define BLINDLIST_SERVICE_METRICS_H

#include "base/histogram.h"
#include "pir-server/privacypass/token_verdict.h"
#include "pir-server/service/route.h"

#include <stdint.h>

/* Why a request was refused, or failed. The first are those of enum token_verdict. */
enum refusal {
    REFUSAL_TOKEN, /* + a verdict that is not TOKEN_GOOD */
    REFUSAL_USER_TOKEN = REFUSAL_TOKEN + TOKEN_VERDICT_COUNT, /* none, unknown, revoked, expired */
    REFUSAL_USER_TOKEN_LIMIT,
    REFUSAL_HOST,           /* no host, or several */
    REFUSAL_AMBIGUOUS_HEAD, /* one that another server may understand otherwise */
    REFUSAL_HEAD_TOO_LARGE,
    REFUSAL_NOT_FOUND,      /* no such path, or no app has the host */
    REFUSAL_MISSING_HEADER, /* User-Identifier, User-Agent */
    REFUSAL_TOO_LARGE,      /* a body, or what it unpacks to */
    REFUSAL_MALFORMED,      /* a body that is not what its format says */
    REFUSAL_INVALID,        /* well-formed, with values that do not fit */
    REFUSAL_EVALUATION_KEY, /* an uploaded key that no version in force can use */
    REFUSAL_NO_KEY,         /* a query whose evaluation key is not there */
    REFUSAL_STALE_CONFIG,
    REFUSAL_UNSUPPORTED,
    REFUSAL_APP_LIMIT, /* as many queries of the app are under way as may be */
    REFUSAL_BUSY,      /* a queue is full */
    REFUSAL_MEMORY,    /* the memory for bodies, or any other, is full */
    REFUSAL_STOPPING,
    REFUSAL_STORE,    /* the state takes or gives nothing */
    REFUSAL_INTERNAL, /* anything else that is ours to mend */
    REFUSAL_COUNT
};
/* "token_wrong_signature", "too_large", ...: the label of a metric. Static. */
const char *refusal_name(enum refusal refusal);
static inline enum refusal refusal_of_token(enum token_verdict verdict)
{
    return (enum refusal)(REFUSAL_TOKEN + (unsigned)verdict);
}
/* Of a request that failed in its handler. */
enum refusal refusal_of_status(enum route route, enum status status);

/* What went wrong beside requests. */
enum incident {
    INCIDENT_RELOAD,  /* a configuration, or all datasets, could not be loaded again */
    INCIDENT_DATASET, /* a version that was put in force could not be loaded */
    INCIDENT_DAMAGE,  /* a file of a version that is served is not what it was */
    INCIDENT_STATE,   /* the state could not be tidied, or was found not writable */
    INCIDENT_COUNT
};
const char *incident_name(enum incident incident); /* static */

/* What of a request's time. */
enum metrics_time {
    METRICS_TOTAL,   /* from the whole request to the whole answer */
    METRICS_QUEUE,   /* waiting for a thread */
    METRICS_COMPUTE, /* of one query, or one signature, on its thread */
    METRICS_TIME_COUNT
};

/* HTTP statuses that are told apart; any other is counted as the last, 0. */
#define METRICS_STATUS_COUNT 19
extern const unsigned metrics_statuses[METRICS_STATUS_COUNT];

struct metrics;
struct metrics *metrics_new(void) MUST_CHECK; /* NULL: out of memory */
void metrics_free(struct metrics *metrics);   /* takes NULL */

void metrics_count_request(struct metrics *metrics, enum route route, unsigned status);
void metrics_count_refusal(struct metrics *metrics, enum refusal refusal);
void metrics_count_incident(struct metrics *metrics, enum incident incident, uint64_t more);
/* From so many microseconds of metrics_now_us() until now. */
void metrics_observe_since(struct metrics *metrics, enum metrics_time what, enum route route,
                           int64_t start_us);
/* A steady clock. */
int64_t metrics_now_us(void);

struct metrics_figures {
    uint64_t requests[ROUTE_COUNT][METRICS_STATUS_COUNT];
    uint64_t refusals[REFUSAL_COUNT];
    uint64_t incidents[INCIDENT_COUNT];
    struct histogram_figures times[METRICS_TIME_COUNT][ROUTE_COUNT];
};
void metrics_look(const struct metrics *metrics, struct metrics_figures *ret);

#endif
