/* The issuer's three routes (spec/service.md sections 7.3 and 7.4). */
#include "pir-server/service/http_fields.h"
#include "pir-server/service/service_internal.h"

#include "base/mem.h"

#include <string.h>

#define BEARER              "Bearer "
#define UNAUTHORIZED_TEXT   "User token is unauthorized"
#define TOKEN_RESPONSE_TYPE "application/private-token-response"

/* The user token behind "Bearer ", as its hash. */
static enum status read_bearer(const struct http_request *request,
                               uint8_t ret[STORE_TOKEN_HASH_BYTES], struct error *err)
{
    const char *value = request->headers[HTTP_AUTHORIZATION];
    if (value == NULL || strncmp(value, BEARER, strlen(BEARER)) != 0)
        return error_set(err, STATUS_UNAUTHORIZED, UNAUTHORIZED_TEXT);
    store_token_hash(span_of_text(value + strlen(BEARER)), ret);
    return STATUS_OK;
}

/* ---- GET /.well-known/private-token-issuer-directory ---- */

static void release_view(void *view)
{
    kept_keys_view_release(view);
}

void handle_issuer_directory(const struct pending *pending)
{
    const struct served_app *app = pending->app;
    struct http_response *ret = pending->response;
    if (app->issuer == NULL) {
        metrics_count_refusal(pending->service->metrics, REFUSAL_NOT_FOUND);
        http_response_empty(ret, 404);
        return;
    }
    const struct kept_keys_view *view = kept_keys_view(app->issuer);
    memcpy(ret->etag, view->etag, sizeof ret->etag);
    http_response_cache(ret, app->cache_control);
    if (if_none_match_matches(pending->request->headers[HTTP_IF_NONE_MATCH], view->etag)) {
        ret->status = 304;
        kept_keys_view_release(view);
        return;
    }
    ret->content_type = ISSUER_DIRECTORY_CONTENT_TYPE;
    ret->borrowed = view->published;
    ret->release = release_view;
    ret->owner = (void *)(uintptr_t)view;
}

/* ---- GET /token-key-for-user-token ---- */

enum status receive_token_key(const struct pending *pending, struct error *err)
{
    struct service *service = pending->service;
    struct kept_keys *issuer = pending->app->issuer;
    struct http_response *ret = pending->response;
    uint8_t hash[STORE_TOKEN_HASH_BYTES];
    const uint64_t now_s = service->options.now_s();
    if (issuer == NULL) {
        metrics_count_refusal(service->metrics, REFUSAL_NOT_FOUND);
        http_response_empty(ret, 404);
        return STATUS_OK;
    }
    enum status status = read_bearer(pending->request, hash, err);
    if (status == STATUS_OK)
        status = store_check_user_token(service->options.store, pending->app->config->name, hash,
                                        now_s, err);
    if (status == STATUS_UNAUTHORIZED)
        return error_set(err, status, UNAUTHORIZED_TEXT);
    if (status != STATUS_OK)
        return status;
    const struct kept_keys_view *view = kept_keys_view(issuer);
    const struct issuer_key *key = issuer_key_ring_current(view->ring, now_s);
    if (key == NULL)
        status = error_set(err, STATUS_INTERNAL, "the issuer has no key");
    else
        bytes_append(&ret->body,
                     span_of(token_key_spki(issuer_key_public(key)), TOKEN_KEY_SPKI_BYTES));
    kept_keys_view_release(view);
    return status;
}

/* ---- POST /issue ---- */

struct issuing {
    struct pending pending;
    struct store_ticket ticket;
    const struct kept_keys_view *view; /* held: the key is in it */
    const struct issuer_key *key;
    uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES];
    int64_t queued_us;
};

static void issuing_end(struct issuing *issuing)
{
    const struct pending pending = issuing->pending;
    kept_keys_view_release(issuing->view);
    mem_free(issuing);
    pending.done(pending.done_context);
}

/* On a compute thread: half a millisecond of arithmetic. */
static void sign(void *context, size_t worker)
{
    struct issuing *issuing = context;
    struct service *service = issuing->pending.service;
    struct http_response *response = issuing->pending.response;
    const int64_t start_us = metrics_now_us();
    uint8_t signature[TOKEN_RESPONSE_BYTES];
    struct error error = {0};
    (void)worker;
    metrics_observe_since(service->metrics, METRICS_QUEUE, ROUTE_ISSUE, issuing->queued_us);
    const enum status status = issuer_key_sign(issuing->key, issuing->blinded, signature, &error);
    metrics_observe_since(service->metrics, METRICS_COMPUTE, ROUTE_ISSUE, start_us);
    if (status == STATUS_INVALID) { /* not below the modulus, or a number that needs no key */
        respond_refusal(service, REFUSAL_INVALID, 422, error.message, response);
    } else if (status != STATUS_OK) {
        respond_failure(service, issuing->pending.request, ROUTE_ISSUE, status, &error, response);
    } else {
        bytes_append(&response->body, span_of(signature, sizeof signature));
        response->content_type = TOKEN_RESPONSE_TYPE;
        http_response_cache(response, "no-store");
        app_count_issued(issuing->pending.app->counters);
    }
    issuing_end(issuing);
}

/* On the thread of the tickets. */
static void on_counted(void *context, enum status status, uint32_t retry_after_s,
                       const struct error *failure)
{
    struct issuing *issuing = context;
    struct service *service = issuing->pending.service;
    struct http_response *response = issuing->pending.response;
    if (status == STATUS_OK) {
        issuing->queued_us = metrics_now_us();
        compute_submit_reserved(service->compute, sign, issuing);
        return;
    }
    compute_give_back(service->compute);
    if (status == STATUS_UNAUTHORIZED) {
        respond_refusal(service, REFUSAL_USER_TOKEN, 401, UNAUTHORIZED_TEXT, response);
    } else if (status == STATUS_BUSY && retry_after_s > 0) {
        respond_refusal(service, REFUSAL_USER_TOKEN_LIMIT, 429, "the user token's limit is reached",
                        response);
        response->retry_after_s = retry_after_s;
    } else {
        struct error error = {0};
        (void)error_set(&error, STATUS_BUSY, "the state counts no token: %s", failure->message);
        respond_failure_as(service, issuing->pending.request, ROUTE_ISSUE, REFUSAL_STORE,
                           STATUS_BUSY, &error, response);
    }
    issuing_end(issuing);
}

/* What is wrong with the request by itself is 422, whatever it is, to those only who may ask. */
static enum status read_request(struct issuing *issuing, struct error *err)
{
    const struct pending *pending = &issuing->pending;
    struct token_request token_request;
    enum status status = token_request_parse(pending->request->body, &token_request, err);
    if (status != STATUS_OK) {
        (void)error_prefix(err, status, "token request");
        return STATUS_INVALID;
    }
    issuing->view = kept_keys_view(pending->app->issuer);
    issuing->key = issuer_key_ring_find_signing(issuing->view->ring, token_request.truncated_key_id,
                                                pending->service->options.now_s());
    if (issuing->key == NULL)
        return error_set(err, STATUS_INVALID, "token request: no key that signs has this id");
    memcpy(issuing->blinded, token_request.blinded, sizeof issuing->blinded);
    return STATUS_OK;
}

static bool may_ask(const struct service *service, const struct store_issue *issue)
{
    return store_check_user_token(service->options.store, issue->app, issue->hash,
                                  service->options.now_s(), NULL) == STATUS_OK;
}

static enum status begin_issuing(const struct pending *pending, struct issuing *issuing,
                                 struct error *err)
{
    struct service *service = pending->service;
    issuing->pending = *pending;
    issuing->ticket =
        (struct store_ticket){.kind = STORE_TICKET_ISSUE, .done = on_counted, .context = issuing};
    struct store_issue *issue = &issuing->ticket.of.issue;
    const struct app_config *app = pending->app->config;
    memcpy(issue->app, app->name, strlen(app->name) + 1);
    issue->per_minute = app->limits.tokens_per_minute;
    issue->per_day = app->limits.tokens_per_day;
    enum status status = read_bearer(pending->request, issue->hash, err);
    if (status == STATUS_OK)
        status = read_request(issuing, err);
    if (status == STATUS_INVALID)
        return may_ask(service, issue) ? status
                                       : error_set(err, STATUS_UNAUTHORIZED, UNAUTHORIZED_TEXT);
    if (status == STATUS_OK && atomic_load(&service->is_stopping))
        status = error_set(err, STATUS_CANCELLED, "stopping");
    if (status == STATUS_OK)
        status = compute_reserve(service->compute,
                                 service->options.queue_limit / SERVICE_PAID_SHARE, err);
    if (status != STATUS_OK)
        return status;
    status = store_batch_submit(service->tickets, &issuing->ticket, err);
    if (status != STATUS_OK)
        compute_give_back(service->compute);
    return status;
}

void start_issue(const struct pending *pending)
{
    struct service *service = pending->service;
    struct error error = {0};
    if (pending->app->issuer == NULL) {
        metrics_count_refusal(service->metrics, REFUSAL_NOT_FOUND);
        http_response_empty(pending->response, 404);
        pending->done(pending->done_context);
        return;
    }
    struct issuing *issuing = mem_alloc_zeroed(1, sizeof *issuing);
    const enum status status = issuing != NULL
                                   ? begin_issuing(pending, issuing, &error)
                                   : error_set(&error, STATUS_NOMEM, "issue: out of memory");
    if (status == STATUS_OK)
        return;
    if (status == STATUS_INVALID)
        respond_refusal(service, REFUSAL_INVALID, 422, error.message, pending->response);
    else
        respond_failure(service, pending->request, ROUTE_ISSUE, status, &error, pending->response);
    if (issuing != NULL)
        kept_keys_view_release(issuing->view);
    mem_free(issuing);
    pending->done(pending->done_context);
}
