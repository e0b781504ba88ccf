#include "pir-server/service/app_figures.h"

#include "base/mem.h"

#include <stdatomic.h>

struct app_counters {
    atomic_size_t references;
    _Atomic uint64_t requests[ROUTE_COUNT][APP_STATUS_CLASSES];
    _Atomic uint64_t tokens_issued;
    _Atomic uint64_t tokens_spent;
    _Atomic uint64_t queries;
    _Atomic uint64_t oprf_answers;
    _Atomic uint32_t queries_under_way;
};

struct app_counters *app_counters_new(void)
{
    struct app_counters *counters = mem_alloc_zeroed(1, sizeof *counters);
    if (counters != NULL)
        atomic_init(&counters->references, 1);
    return counters;
}

struct app_counters *app_counters_ref(struct app_counters *counters)
{
    atomic_fetch_add(&counters->references, 1);
    return counters;
}

void app_counters_unref(struct app_counters *counters)
{
    if (counters != NULL && atomic_fetch_sub(&counters->references, 1) == 1)
        mem_free(counters);
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void app_count_request(struct app_counters *counters, enum route route, unsigned status)
{
    if (status >= 200 && status < 100 * (2 + APP_STATUS_CLASSES))
        count(&counters->requests[route][status / 100 - 2]);
}

void app_count_issued(struct app_counters *counters)
{
    count(&counters->tokens_issued);
}

void app_count_spent(struct app_counters *counters)
{
    count(&counters->tokens_spent);
}

void app_count_query(struct app_counters *counters)
{
    count(&counters->queries);
}

void app_count_oprf(struct app_counters *counters)
{
    count(&counters->oprf_answers);
}

bool app_enter_queries(struct app_counters *counters, uint32_t most)
{
    if (atomic_fetch_add(&counters->queries_under_way, 1) < most || most == 0)
        return true;
    app_leave_queries(counters);
    return false;
}

void app_leave_queries(struct app_counters *counters)
{
    atomic_fetch_sub(&counters->queries_under_way, 1);
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void app_counters_look(const struct app_counters *counters, struct app_figures *ret)
{
    for (size_t route = 0; route < ROUTE_COUNT; route++) {
        for (size_t class = 0; class < APP_STATUS_CLASSES; class ++)
            ret->requests[route][class] = look(&counters->requests[route][class]);
    }
    ret->tokens_issued = look(&counters->tokens_issued);
    ret->tokens_spent = look(&counters->tokens_spent);
    ret->queries = look(&counters->queries);
    ret->oprf_answers = look(&counters->oprf_answers);
    ret->queries_under_way = atomic_load(&counters->queries_under_way);
}
