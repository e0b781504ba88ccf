/* Tokens as payment: checked when the head is read, spent when the whole request is there and has a
 * place in the queue, and not before (spec/service.md sections 1.3 and 7.5). */
#include "pir-server/service/service_internal.h"

#include "base/mem.h"
#include "pir-server/privacypass/token_header.h"

#include <string.h>

/* Without WWW-Authenticate, which RFC 9110 section 15.5.2 wants with a 401 and RFC 9577 would fill
 * with a challenge: what devices do about one has not been seen. They pay unasked, the reference
 * sends none, and systems answer such challenges by themselves, with tokens of other issuers. */
static void refuse(struct service *service, enum token_verdict verdict, struct http_response *ret)
{
    respond_refusal(service, refusal_of_token(verdict), verdict == TOKEN_WRONG_LENGTH ? 400 : 401,
                    token_verdict_text(verdict), ret);
}

bool payment_check(struct service *service, const struct served_app *app, enum route route,
                   const struct http_request *request, struct payment *ret_payment,
                   struct http_response *ret)
{
    struct token token;
    struct error error = {0};
    if (app == NULL || app->issuer == NULL || !route_needs_token(route))
        return true;
    const char *value = request->headers[HTTP_AUTHORIZATION];
    enum token_verdict verdict =
        token_header_read_authorization(span_of_text(value != NULL ? value : ""), &token);
    if (verdict == TOKEN_GOOD) {
        const struct kept_keys_view *view = kept_keys_view(app->issuer);
        const enum status status =
            issuer_key_ring_verify(view->ring, &token, view->tended_at_s, &verdict, &error);
        kept_keys_view_release(view);
        if (status != STATUS_OK) {
            respond_failure(service, request, route, status, &error, ret);
            return false;
        }
    }
    if (verdict != TOKEN_GOOD) {
        refuse(service, verdict, ret);
        return false;
    }
    ret_payment->is_due = true;
    memcpy(ret_payment->spend.key_id, token.key_id, sizeof ret_payment->spend.key_id);
    memcpy(ret_payment->spend.nonce, token.nonce, sizeof ret_payment->spend.nonce);
    return true;
}

struct paying {
    struct pending pending;
    enum route route;
    struct store_ticket ticket;
    void (*proceed)(const struct pending *pending);
};

static enum status reserve(struct service *service, enum route route, struct error *err)
{
    return route == ROUTE_QUERIES ? compute_reserve(service->compute, 0, err)
                                  : thread_pool_reserve(service->uploads, 0, err);
}

static void give_back(struct service *service, enum route route)
{
    if (route == ROUTE_QUERIES)
        compute_give_back(service->compute);
    else
        thread_pool_give_back(service->uploads);
}

/* On the thread of the tickets. */
static void on_spent(void *context, enum status status, uint32_t retry_after_s,
                     const struct error *failure)
{
    struct paying paying = *(struct paying *)context;
    struct service *service = paying.pending.service;
    (void)retry_after_s;
    mem_free(context);
    if (status == STATUS_OK) {
        app_count_spent(paying.pending.app->counters);
        paying.pending.has_place = true;
        paying.proceed(&paying.pending);
        return;
    }
    give_back(service, paying.route);
    if (status == STATUS_EXISTS) {
        refuse(service, TOKEN_SPENT, paying.pending.response);
    } else if (status == STATUS_NOT_FOUND) { /* its key was retired a moment ago */
        refuse(service, TOKEN_UNKNOWN_KEY, paying.pending.response);
    } else {
        struct error error = {0};
        (void)error_set(&error, STATUS_BUSY, "the state takes no token: %s", failure->message);
        respond_failure_as(service, paying.pending.request, paying.route, REFUSAL_STORE,
                           STATUS_BUSY, &error, paying.pending.response);
    }
    paying.pending.done(paying.pending.done_context);
}

void payment_start(const struct pending *pending, enum route route, const struct payment *payment,
                   void (*proceed)(const struct pending *pending))
{
    struct service *service = pending->service;
    struct error error = {0};
    bool has_place = false;
    struct paying *paying = mem_alloc(1, sizeof *paying);
    enum status status =
        paying != NULL ? STATUS_OK : error_set(&error, STATUS_NOMEM, "payment: out of memory");
    if (status == STATUS_OK && atomic_load(&service->is_stopping))
        status = error_set(&error, STATUS_CANCELLED, "stopping");
    if (status == STATUS_OK) {
        status = reserve(service, route, &error);
        has_place = status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        *paying = (struct paying){.pending = *pending, .route = route, .proceed = proceed};
        paying->ticket = (struct store_ticket){.kind = STORE_TICKET_SPEND,
                                               .of.spend = payment->spend,
                                               .done = on_spent,
                                               .context = paying};
        status = store_batch_submit(service->tickets, &paying->ticket, &error);
    }
    if (status == STATUS_OK)
        return;
    if (has_place)
        give_back(service, route);
    mem_free(paying);
    respond_failure(service, pending->request, route, status, &error, pending->response);
    pending->done(pending->done_context);
}
