/* POST /queries (spec/service.md section 5).
 *
 * One body is one batch. Its first job, on a compute thread, plans: it checks every request in
 * order, cheap checks first, and fails the whole batch before any of them is computed. Then it asks
 * the other compute threads to help and works itself; each takes the next request that nobody has
 * taken. Help that finds the queue full is not had: a batch needs one place in the queue and no
 * more. After each request a job queues up again, behind the batches of others: so a large body
 * delays a small one by a single query for each thread. */
#include "pir-server/service/oprf_query.h"
#include "pir-server/service/service_internal.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_query.h"
#include "pir-server/wire/wire_requests.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* An answer is one ciphertext of one modulus for each hash function and chunk. */
#define ANSWER_MAX_BYTES ((size_t)16 << 20)

/* One request of the body. */
struct query {
    struct oprf_query oprf; /* its key is NULL: a PIR request, and what follows is set */
    const struct catalog_version *version;
    const struct pir_shard *shard;
    struct wire_query *message;
    /* Its key: from the cache (held), or carried along (owned), or that of an earlier request. */
    struct key_cache_entry *cached;
    struct bfv_evaluation_key *own;
    const struct bfv_evaluation_key *key;
    struct bytes answer;
};

struct batch {
    struct pending pending;
    struct wire_requests *requests;
    int64_t queued_us;
    struct store_user user;
    struct query *queries; /* [count] */
    size_t count;
    const struct catalog_use_case *stale; /* a request named a configuration of it that is gone */
    atomic_size_t next;                   /* the next request that nobody has taken */
    atomic_bool has_failed;
    pthread_mutex_t lock; /* guards what follows */
    size_t holders;       /* jobs that know the batch; the last one ends it */
    enum status status;   /* the first failure, of the smallest index */
    size_t failed_index;
    struct error error;
};

/* ---- planning ---- */

/* A key from the store, serialized: what is needed to decode it comes later. */
struct stored_key {
    struct key_cache_entry *cached; /* held; NULL: the bytes are set */
    struct key_cache_ticket ticket;
    uint8_t name[KEY_CACHE_NAME_BYTES];
    struct store_key_times times;
    struct bytes serialized;
};

/* The cached key, held, or NULL. One that is not of the second that the request names may have been
 * replaced through another server over the same state, so the store is asked; also when it has
 * expired. */
static enum status find_cached(struct batch *batch, const struct wire_request *request,
                               struct stored_key *ret, struct error *err)
{
    struct service *service = batch->pending.service;
    ret->cached = key_cache_get(service->keys, ret->name, &ret->ticket);
    if (ret->cached == NULL)
        return STATUS_OK;
    ret->times = key_cache_times(ret->cached);
    const bool has_expired = ret->times.expires_at <= service->options.now_s();
    if (request->key_timestamp == ret->times.made_at && !has_expired)
        return STATUS_OK;
    uint64_t stored_made_at = 0;
    const enum status status =
        store_get_key_time(service->options.store, &batch->user, request->key_identifier.data,
                           service->options.now_s(), &stored_made_at, err);
    if (status == STATUS_OK && stored_made_at == ret->times.made_at && !has_expired)
        return STATUS_OK;
    key_cache_release(service->keys, ret->cached);
    ret->cached = NULL;
    if (status == STATUS_OK || has_expired)
        key_cache_drop(service->keys, ret->name);
    if (status != STATUS_OK)
        return status;
    ret->cached = key_cache_get(service->keys, ret->name, &ret->ticket);
    if (ret->cached != NULL) /* another thread has loaded it */
        ret->times = key_cache_times(ret->cached);
    return STATUS_OK;
}

static enum status find_stored(struct batch *batch, const struct wire_request *request,
                               struct stored_key *ret, struct error *err)
{
    struct service *service = batch->pending.service;
    if (!request->has_key_metadata || request->key_identifier.size != WIRE_KEY_ID_BYTES)
        return error_set(err, STATUS_NO_KEY, "evaluation key not found");
    key_cache_name(&batch->user, request->key_identifier.data, ret->name);
    enum status status = find_cached(batch, request, ret, err);
    if (status == STATUS_OK && ret->cached == NULL)
        status = store_get_key(service->options.store, &batch->user, request->key_identifier.data,
                               service->options.now_s(), &ret->times, &ret->serialized, err);
    if (status != STATUS_OK)
        return status;
    /* A device that made new keys and has not uploaded them gets no answer it cannot read. */
    if (request->key_timestamp != 0 && request->key_timestamp != ret->times.made_at)
        return error_set(err, STATUS_NO_KEY, "evaluation key not found: the stored one is another");
    return STATUS_OK;
}

static void destroy_key(void *key)
{
    bfv_evaluation_key_free(key);
}

/* Decodes a stored key and puts it into the cache. */
static enum status decode_stored(struct batch *batch, const struct catalog_version *version,
                                 struct stored_key *stored, struct query *query, struct error *err)
{
    struct service *service = batch->pending.service;
    if (stored->cached == NULL) {
        struct bfv_evaluation_key *key = NULL;
        enum status status =
            wire_evaluation_key_read(version->context, wire_config_key_config(version->config),
                                     bytes_view(&stored->serialized), &key, err);
        if (status == STATUS_OK)
            status = key_cache_put(service->keys, stored->name, stored->ticket, key, stored->times,
                                   bfv_evaluation_key_memory_bytes(key), destroy_key,
                                   &stored->cached, err);
        if (status != STATUS_OK) {
            bfv_evaluation_key_free(key);
            return status;
        }
    }
    query->cached = stored->cached;
    stored->cached = NULL;
    query->key = key_cache_value(query->cached);
    return STATUS_OK;
}

static enum status find_version(struct batch *batch, const struct wire_request *request,
                                struct query *query, struct error *err)
{
    const struct catalog_use_case *use_case =
        catalog_find(batch->pending.app->catalog, request->use_case);
    if (use_case == NULL)
        return error_set(err, STATUS_INVALID, "unknown use case");
    query->version = catalog_find_config(use_case, request->configuration_id);
    if (query->version == NULL) {
        batch->stale = use_case;
        return error_set(err, STATUS_STALE_CONFIG,
                         "this configuration is not served any more: fetch a new one");
    }
    if (request->has_shard_id)
        return error_set(err, STATUS_UNSUPPORTED, "shards are chosen by index, not by shard_id");
    const uint64_t shards = dataset_info(query->version->dataset)->shard_count;
    if (request->shard_index >= shards)
        return error_set(err, STATUS_INVALID, "the shard index is not below %" PRIu64, shards);
    query->shard = dataset_shard(query->version->dataset, request->shard_index);
    return STATUS_OK;
}

static enum status plan_message(const struct wire_request *request, struct query *query,
                                struct error *err)
{
    if (!request->has_query)
        return error_set(err, STATUS_INVALID, "the request holds no query");
    return wire_query_read(request->query, &query->message, err);
}

/* The stored key's configuration must be that of the version: then all that the version needs is in
 * it, and it was made for the same encryption parameters. */
static bool key_fits(const struct catalog_version *version, const struct wire_request *request)
{
    return span_equal(request->key_identifier,
                      span_of(wire_config_key_id(version->config), WIRE_KEY_ID_BYTES));
}

static enum status plan_with_stored_key(struct batch *batch, size_t index, struct error *err)
{
    const struct wire_request *request = wire_requests_get(batch->requests, index);
    struct query *query = &batch->queries[index];
    struct stored_key stored = {0};
    bytes_init(&stored.serialized, STORE_EVALUATION_KEY_MAX_BYTES);
    enum status status = find_stored(batch, request, &stored, err);
    if (status == STATUS_OK)
        status = find_version(batch, request, query, err);
    if (status == STATUS_OK)
        status = plan_message(request, query, err);
    if (status == STATUS_OK && !key_fits(query->version, request))
        status = error_set(err, STATUS_NO_KEY,
                           "evaluation key not found: the one named is for another configuration");
    if (status == STATUS_OK)
        status = decode_stored(batch, query->version, &stored, query, err);
    key_cache_release(batch->pending.service->keys, stored.cached);
    bytes_deinit(&stored.serialized);
    return status;
}

static enum status plan_with_own_key(struct batch *batch, size_t index, struct error *err)
{
    const struct wire_request *request = wire_requests_get(batch->requests, index);
    struct query *query = &batch->queries[index];
    if (!request->inline_key.has_key)
        return error_set(err, STATUS_NO_KEY, "the key that came along is empty");
    enum status status = find_version(batch, request, query, err);
    if (status == STATUS_OK)
        status = plan_message(request, query, err);
    if (status != STATUS_OK)
        return status;
    /* Devices repeat the key in every request of a body: it is decoded once. */
    const struct wire_request *before =
        index > 0 ? wire_requests_get(batch->requests, index - 1) : NULL;
    const struct query *query_before = index > 0 ? &batch->queries[index - 1] : NULL;
    if (before != NULL && before->has_inline_key && query_before->version == query->version &&
        span_equal(before->inline_key.serialized, request->inline_key.serialized)) {
        query->key = query_before->key;
        return STATUS_OK;
    }
    status = wire_evaluation_key_read(query->version->context,
                                      wire_config_key_config(query->version->config),
                                      request->inline_key.serialized, &query->own, err);
    query->key = query->own;
    return status;
}

static enum status plan_oprf(struct batch *batch, size_t index, struct error *err)
{
    const struct wire_request *request = wire_requests_get(batch->requests, index);
    const struct catalog_use_case *use_case =
        catalog_find(batch->pending.app->catalog, request->use_case);
    if (use_case == NULL)
        return error_set(err, STATUS_INVALID, "unknown use case");
    const enum status status = oprf_query_plan(use_case, request, &batch->queries[index].oprf, err);
    if (status == STATUS_STALE_CONFIG)
        batch->stale = use_case;
    return status;
}

static enum status plan_request(struct batch *batch, size_t index, struct error *err)
{
    const struct wire_request *request = wire_requests_get(batch->requests, index);
    switch (request->kind) {
    case WIRE_REQUEST_PIR:
        break;
    case WIRE_REQUEST_OPRF:
        return plan_oprf(batch, index, err);
    case WIRE_REQUEST_PNNS:
    case WIRE_REQUEST_SIMPLE_PIR:
    case WIRE_REQUEST_NONE:
        return error_set(err, STATUS_INVALID, "the request is no PIR request");
    }
    return request->has_inline_key ? plan_with_own_key(batch, index, err)
                                   : plan_with_stored_key(batch, index, err);
}

static enum status plan(struct batch *batch, struct error *err)
{
    const struct service *service = batch->pending.service;
    const struct http_request *request = batch->pending.request;
    enum status status = wire_requests_read(request->body, &batch->requests, err);
    if (status != STATUS_OK)
        return status;
    const size_t count = wire_requests_count(batch->requests);
    if (count > service->options.batch_max)
        return error_set(err, STATUS_INVALID, "%zu requests in one body, at most %zu are answered",
                         count, service->options.batch_max);
    batch->user = pending_user(&batch->pending);
    batch->queries = mem_alloc_zeroed(count, sizeof *batch->queries);
    if (batch->queries == NULL)
        return error_set(err, STATUS_NOMEM, "%zu queries: out of memory", count);
    for (size_t i = 0; i < count; i++)
        bytes_init(&batch->queries[i].answer, ANSWER_MAX_BYTES);
    batch->count = count;
    for (size_t i = 0; i < count; i++) {
        status = plan_request(batch, i, err);
        if (status != STATUS_OK)
            return count == 1 ? status : error_prefix(err, status, "request %zu", i);
    }
    /* All that is still needed is in the queries: a batch may wait for long. */
    wire_requests_free(batch->requests);
    batch->requests = NULL;
    return STATUS_OK;
}

/* ---- computing ---- */

static enum status answer_query(const struct pending *pending, struct query *query, size_t worker,
                                struct error *err)
{
    struct service *service = pending->service;
    const struct catalog_version *version = query->version;
    struct pir_response response;
    enum status status = STATUS_OK;
    if (query->oprf.key != NULL) {
        status = oprf_query_answer(&query->oprf, err);
        if (status == STATUS_OK)
            app_count_oprf(pending->app->counters);
        return status;
    }
    const int64_t start_us = metrics_now_us();
    status = compute_answer(service->compute, worker, version->context, query->shard, query->key,
                            wire_query_get(query->message), &response, err);
    metrics_observe_since(service->metrics, METRICS_COMPUTE, ROUTE_QUERIES, start_us);
    if (status == STATUS_OK)
        status = wire_response_write(&response, &query->answer, err);
    if (status == STATUS_OK)
        app_count_query(pending->app->counters);
    return status;
}

static void note_failure(struct batch *batch, size_t index, enum status status,
                         const struct error *error)
{
    pthread_mutex_lock(&batch->lock);
    if (batch->status == STATUS_OK || index < batch->failed_index) {
        batch->status = status;
        batch->failed_index = index;
        batch->error = *error;
    }
    pthread_mutex_unlock(&batch->lock);
    atomic_store(&batch->has_failed, true);
}

/* Takes and answers one request; false when none is left. */
static bool answer_next(struct batch *batch, size_t worker)
{
    struct service *service = batch->pending.service;
    if (atomic_load(&batch->has_failed))
        return false;
    const size_t index = atomic_fetch_add(&batch->next, 1);
    if (index >= batch->count)
        return false;
    struct error error = {0};
    const enum status status =
        atomic_load(&service->is_stopping)
            ? error_set(&error, STATUS_CANCELLED, "stopping")
            : answer_query(&batch->pending, &batch->queries[index], worker, &error);
    if (status != STATUS_OK)
        note_failure(batch, index, status, &error);
    return true;
}

/* ---- the end ---- */

static struct wire_answer answer_of(const struct query *query)
{
    const struct voprf_answer *oprf = &query->oprf.answer;
    if (query->oprf.key == NULL)
        return (struct wire_answer){.kind = WIRE_REQUEST_PIR, .pir = bytes_view(&query->answer)};
    return (struct wire_answer){.kind = WIRE_REQUEST_OPRF,
                                .oprf_element = span_of(oprf->element, sizeof oprf->element),
                                .oprf_proof = span_of(oprf->proof, sizeof oprf->proof)};
}

static enum status write_answers(struct batch *batch, struct bytes *ret, struct error *err)
{
    struct wire_answer *answers = mem_alloc(batch->count, sizeof *answers);
    if (answers == NULL)
        return error_set(err, STATUS_NOMEM, "%zu answers: out of memory", batch->count);
    for (size_t i = 0; i < batch->count; i++)
        answers[i] = answer_of(&batch->queries[i]);
    const enum status status = wire_responses_write(answers, batch->count, ret, err);
    mem_free(answers);
    return status;
}

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct query *query = &batch->queries[i];
        wire_query_free(query->message);
        key_cache_release(batch->pending.service->keys, query->cached);
        bfv_evaluation_key_free(query->own);
        bytes_deinit(&query->answer);
    }
    mem_free(batch->queries);
    wire_requests_free(batch->requests);
    pthread_mutex_destroy(&batch->lock);
    mem_free(batch);
}

/* Called by the last one that knew the batch. */
static void batch_end(struct batch *batch)
{
    const struct pending pending = batch->pending;
    if (batch->status == STATUS_OK)
        batch->status = write_answers(batch, &pending.response->body, &batch->error);
    /* Too many parts, not too many bytes: that was seen before. */
    if (batch->status == STATUS_TOO_LARGE)
        batch->status = STATUS_INVALID;
    if (batch->status != STATUS_OK) {
        respond_failure(pending.service, pending.request, ROUTE_QUERIES, batch->status,
                        &batch->error, pending.response);
        if (pending.service->options.protobuf_errors)
            query_error_respond(&pending, batch->status, batch->stale);
    }
    batch_free(batch);
    pending.done(pending.done_context);
}

static void batch_hold(struct batch *batch)
{
    pthread_mutex_lock(&batch->lock);
    batch->holders++;
    pthread_mutex_unlock(&batch->lock);
}

static void batch_release(struct batch *batch)
{
    pthread_mutex_lock(&batch->lock);
    const bool is_last = --batch->holders == 0;
    pthread_mutex_unlock(&batch->lock);
    if (is_last)
        batch_end(batch);
}

/* ---- the jobs ---- */

static bool has_more(struct batch *batch)
{
    return atomic_load(&batch->next) < batch->count && !atomic_load(&batch->has_failed);
}

static void run_helper(void *context, size_t worker);

/* One more job for this batch, when there is something to do and room in the queue. */
static bool ask_for_help(struct batch *batch)
{
    if (!has_more(batch))
        return false;
    batch_hold(batch);
    if (compute_submit(batch->pending.service->compute, run_helper, batch, NULL) == STATUS_OK)
        return true;
    batch_release(batch); /* never the last: the caller holds it too */
    return false;
}

/* Works on the batch: after each query another job takes over, behind the batches of others; when
 * the queue is full this thread goes on, so that the batch moves in any case. */
static void work_on(struct batch *batch, size_t worker)
{
    while (answer_next(batch, worker)) {
        if (ask_for_help(batch))
            break;
    }
}

static void run_helper(void *context, size_t worker)
{
    struct batch *batch = context;
    work_on(batch, worker);
    batch_release(batch);
}

static void run_batch(void *context, size_t worker)
{
    struct batch *batch = context;
    struct error error = {0};
    metrics_observe_since(batch->pending.service->metrics, METRICS_QUEUE, ROUTE_QUERIES,
                          batch->queued_us);
    const enum status status = atomic_load(&batch->pending.service->is_stopping)
                                   ? error_set(&error, STATUS_CANCELLED, "stopping")
                                   : plan(batch, &error);
    if (status != STATUS_OK) {
        note_failure(batch, 0, status, &error);
    } else {
        const size_t threads = compute_thread_count(batch->pending.service->compute);
        for (size_t i = 1; i < threads && i < batch->count; i++) {
            if (!ask_for_help(batch))
                break;
        }
        work_on(batch, worker);
    }
    batch_release(batch);
}

void start_queries(const struct pending *pending)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    struct batch *batch = mem_alloc_zeroed(1, sizeof *batch);
    if (batch == NULL) {
        status = error_set(&error, STATUS_NOMEM, "queries: out of memory");
        if (pending->has_place)
            compute_give_back(pending->service->compute);
    } else {
        batch->pending = *pending;
        batch->holders = 1;
        batch->queued_us = metrics_now_us();
        pthread_mutex_init(&batch->lock, NULL);
        if (pending->has_place)
            compute_submit_reserved(pending->service->compute, run_batch, batch);
        else
            status = compute_submit(pending->service->compute, run_batch, batch, &error);
        if (status != STATUS_OK)
            batch_free(batch);
    }
    if (status != STATUS_OK) {
        respond_failure(pending->service, pending->request, ROUTE_QUERIES, status, &error,
                        pending->response);
        pending->done(pending->done_context);
    }
}
