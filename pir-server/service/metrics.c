#include "pir-server/service/metrics.h"

#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

const unsigned metrics_statuses[METRICS_STATUS_COUNT] = {
    200, 204, 206, 304, 400, 401, 403, 404, 410, 413, 415, 416, 422, 429, 431, 500, 501, 503, 0};

struct metrics {
    _Atomic uint64_t requests[ROUTE_COUNT][METRICS_STATUS_COUNT];
    _Atomic uint64_t refusals[REFUSAL_COUNT];
    _Atomic uint64_t incidents[INCIDENT_COUNT];
    struct histogram times[METRICS_TIME_COUNT][ROUTE_COUNT];
};

const char *refusal_name(enum refusal refusal)
{
    static const char *const names[REFUSAL_COUNT] = {
        [REFUSAL_TOKEN + TOKEN_MISSING] = "token_missing",
        [REFUSAL_TOKEN + TOKEN_UNREADABLE] = "token_unreadable",
        [REFUSAL_TOKEN + TOKEN_WRONG_LENGTH] = "token_wrong_length",
        [REFUSAL_TOKEN + TOKEN_UNKNOWN_KEY] = "token_unknown_key",
        [REFUSAL_TOKEN + TOKEN_WRONG_TYPE] = "token_wrong_type",
        [REFUSAL_TOKEN + TOKEN_WRONG_KEY_ID] = "token_wrong_key_id",
        [REFUSAL_TOKEN + TOKEN_WRONG_SIGNATURE] = "token_wrong_signature",
        [REFUSAL_TOKEN + TOKEN_WRONG_SALT_LENGTH] = "token_wrong_salt_length",
        [REFUSAL_TOKEN + TOKEN_SPENT] = "token_spent",
        [REFUSAL_USER_TOKEN] = "user_token",
        [REFUSAL_USER_TOKEN_LIMIT] = "user_token_limit",
        [REFUSAL_HOST] = "host",
        [REFUSAL_AMBIGUOUS_HEAD] = "ambiguous_head",
        [REFUSAL_HEAD_TOO_LARGE] = "head_too_large",
        [REFUSAL_NOT_FOUND] = "not_found",
        [REFUSAL_MISSING_HEADER] = "missing_header",
        [REFUSAL_TOO_LARGE] = "too_large",
        [REFUSAL_MALFORMED] = "malformed",
        [REFUSAL_INVALID] = "invalid",
        [REFUSAL_EVALUATION_KEY] = "evaluation_key",
        [REFUSAL_NO_KEY] = "no_evaluation_key",
        [REFUSAL_STALE_CONFIG] = "stale_configuration",
        [REFUSAL_UNSUPPORTED] = "unsupported",
        [REFUSAL_APP_LIMIT] = "app_limit",
        [REFUSAL_BUSY] = "busy",
        [REFUSAL_MEMORY] = "memory",
        [REFUSAL_STOPPING] = "stopping",
        [REFUSAL_STORE] = "store",
        [REFUSAL_INTERNAL] = "internal",
    };
    return names[refusal];
}

enum refusal refusal_of_status(enum route route, enum status status)
{
    switch (status) {
    case STATUS_MALFORMED:
        return route == ROUTE_KEY ? REFUSAL_EVALUATION_KEY : REFUSAL_MALFORMED;
    case STATUS_INVALID:
    case STATUS_MISMATCH:
        return route == ROUTE_KEY ? REFUSAL_EVALUATION_KEY : REFUSAL_INVALID;
    case STATUS_NOT_FOUND:
        return REFUSAL_NOT_FOUND;
    case STATUS_NO_KEY:
        return REFUSAL_NO_KEY;
    case STATUS_TOO_LARGE:
        return REFUSAL_TOO_LARGE;
    case STATUS_UNSUPPORTED:
        return REFUSAL_UNSUPPORTED;
    case STATUS_STALE_CONFIG:
        return REFUSAL_STALE_CONFIG;
    case STATUS_UNAUTHORIZED:
        return REFUSAL_USER_TOKEN;
    case STATUS_NOMEM:
        return REFUSAL_MEMORY;
    case STATUS_BUSY:
        return REFUSAL_BUSY;
    case STATUS_CANCELLED:
        return REFUSAL_STOPPING;
    case STATUS_IO:
        return REFUSAL_STORE;
    case STATUS_OK:
    case STATUS_EXISTS:
    case STATUS_INTERNAL:
    case STATUS_COUNT:
        break;
    }
    return REFUSAL_INTERNAL;
}

const char *incident_name(enum incident incident)
{
    static const char *const names[INCIDENT_COUNT] = {
        [INCIDENT_RELOAD] = "reload",
        [INCIDENT_DATASET] = "dataset",
        [INCIDENT_DAMAGE] = "damage",
        [INCIDENT_STATE] = "state",
    };
    return names[incident];
}

struct metrics *metrics_new(void)
{
    return mem_alloc_zeroed(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics)
{
    mem_free(metrics);
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void metrics_count_request(struct metrics *metrics, enum route route, unsigned status)
{
    size_t i = 0;
    while (metrics_statuses[i] != status && i < METRICS_STATUS_COUNT - 1)
        i++;
    count(&metrics->requests[route][i]);
}

void metrics_count_refusal(struct metrics *metrics, enum refusal refusal)
{
    assert(refusal_name(refusal) != NULL);
    count(&metrics->refusals[refusal]);
}

void metrics_count_incident(struct metrics *metrics, enum incident incident, uint64_t more)
{
    atomic_fetch_add_explicit(&metrics->incidents[incident], more, memory_order_relaxed);
}

void metrics_observe_since(struct metrics *metrics, enum metrics_time what, enum route route,
                           int64_t start_us)
{
    const int64_t us = metrics_now_us() - start_us;
    histogram_observe(&metrics->times[what][route], us > 0 ? (uint64_t)us : 0);
}

int64_t metrics_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_look(const struct metrics *metrics, struct metrics_figures *ret)
{
    for (size_t route = 0; route < ROUTE_COUNT; route++) {
        for (size_t i = 0; i < METRICS_STATUS_COUNT; i++)
            ret->requests[route][i] = look(&metrics->requests[route][i]);
        for (size_t i = 0; i < METRICS_TIME_COUNT; i++)
            histogram_look(&metrics->times[i][route], &ret->times[i][route]);
    }
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        ret->refusals[i] = look(&metrics->refusals[i]);
    for (size_t i = 0; i < INCIDENT_COUNT; i++)
        ret->incidents[i] = look(&metrics->incidents[i]);
}
