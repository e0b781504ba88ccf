/* The Oblivious HTTP gateway (RFC 9458 section 5; spec/service.md section 9.3): the keys, and
 * encapsulated requests, which are opened and answered as any other request is. Failures before one
 * is open are answered in clear, all others inside.
 *
 * An answer is sealed in memory. So the one that may be of any size, and costs no token, is not
 * given here: the bits of the prefilter, which are the same for everybody and which an app fetches
 * by itself. */
#include "pir-server/service/gateway.h"
#include "pir-server/service/http_fields.h"
#include "pir-server/service/http_host.h"
#include "pir-server/service/service_internal.h"

#include "base/mem.h"
#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"

#include <string.h>
#include <strings.h>

#define RESPONSE_TYPE "message/ohttp-res"
#define KEYS_TYPE     "application/ohttp-keys"
#define PROBLEM_TYPE  "application/problem+json"
/* RFC 9458 section 5.3: whoever reads it fetches the keys again. */
#define KEY_PROBLEM                                                                                \
    "{\"type\":\"https://iana.org/assignments/http-problem-types#ohttp-key\","                     \
    "\"title\":\"sealed for a key or with algorithms that are not this gateway's\"}"
/* A key opens requests for days before and weeks after it is published, so an hour in a cache costs
 * nobody anything, and a key that must go in a hurry is soon forgotten. */
#define KEYS_CACHE_CONTROL "public, max-age=3600"
/* Status, fields and framing around the content of an answer. */
#define ANSWER_ROOM_BYTES 1024

/* ---- GET /.well-known/ohttp-gateway ---- */

static void release_view(void *view)
{
    kept_keys_view_release(view);
}

void handle_gateway_keys(const struct pending *pending)
{
    struct http_response *ret = pending->response;
    const struct kept_keys_view *view = gateway_view(pending->service->gateway);
    memcpy(ret->etag, view->etag, sizeof ret->etag);
    http_response_cache(ret, KEYS_CACHE_CONTROL);
    if (if_none_match_matches(pending->request->headers[HTTP_IF_NONE_MATCH], view->etag)) {
        ret->status = 304;
        kept_keys_view_release(view);
        return;
    }
    ret->content_type = KEYS_TYPE;
    ret->borrowed = view->published;
    ret->release = release_view;
    ret->owner = (void *)(uintptr_t)view;
}

/* ---- an encapsulated request ---- */

bool gateway_type_is_right(const struct http_request *request)
{
    const char *type = request->headers[HTTP_CONTENT_TYPE];
    const size_t size = strlen(GATEWAY_REQUEST_TYPE);
    if (type == NULL || strncasecmp(type, GATEWAY_REQUEST_TYPE, size) != 0)
        return false;
    return type[size + strspn(type + size, " \t")] == '\0' || type[size] == ';';
}

/* A request on its way through the gateway. */
struct passing {
    struct pending outer;
    struct ohttp_exchange exchange;
    struct bytes plain; /* what was opened; secret: a token is in it */
    struct bhttp_request inner;
    struct bytes texts; /* what `request` points to */
    struct http_request request;
    struct http_admission admission;
    struct http_response response;
};

static void passing_free(struct passing *passing)
{
    http_response_deinit(&passing->response);
    bytes_deinit_secret(&passing->texts);
    bhttp_request_deinit(&passing->inner);
    bytes_deinit_secret(&passing->plain);
    ohttp_exchange_wipe(&passing->exchange);
    mem_free(passing);
}

/* ---- the way back ---- */

static enum status write_answer(const struct passing *passing, struct bytes *ret, struct error *err)
{
    const struct http_response *answer = &passing->response;
    struct http_response_fields fields;
    struct bhttp_response response;
    enum status status = STATUS_OK;
    bhttp_response_init(&response);
    response.status = answer->status;
    if (passing->request.method != HTTP_HEAD)
        response.content = http_response_body(answer);
    http_response_list_fields(answer, &fields);
    for (size_t i = 0; i < fields.count && status == STATUS_OK; i++)
        status = bhttp_fields_add(&response.headers, fields.lines[i].name,
                                  span_of_text(fields.lines[i].value), err);
    return status == STATUS_OK ? bhttp_response_write(&response, ret, err) : status;
}

/* From any thread: the inner response is complete. */
static void seal_answer(void *context)
{
    struct passing *passing = context;
    const struct pending outer = passing->outer;
    struct http_response *ret = outer.response;
    const struct random_source random = random_system();
    const size_t room = http_response_body(&passing->response).size + ANSWER_ROOM_BYTES;
    struct error error = {0};
    struct bytes plain;
    bytes_init(&plain, room);
    bytes_reserve(&plain, room);
    bytes_reserve(&ret->body, room + OHTTP_RESPONSE_OVERHEAD_BYTES);
    enum status status = write_answer(passing, &plain, &error);
    if (status == STATUS_OK)
        status = ohttp_response_seal(&passing->exchange, bytes_view(&plain), &random, &ret->body,
                                     &error);
    bytes_deinit(&plain);
    passing_free(passing);
    if (status == STATUS_OK) {
        ret->content_type = RESPONSE_TYPE;
        http_response_cache(ret, "private, no-store");
    } else {
        respond_failure(outer.service, outer.request, ROUTE_GATEWAY, status, &error, ret);
    }
    outer.done(outer.done_context);
}

/* ---- the way in ---- */

/* Appends a text with its NUL, and says where it stands: there is room for all of them. */
static const char *keep_text(struct bytes *texts, struct span text)
{
    const size_t at = texts->size;
    bytes_append(texts, text);
    bytes_append_u8(texts, 0);
    return texts->status == STATUS_OK ? (const char *)texts->data + at : NULL;
}

/* Lines of one name, joined with ", ". */
static const char *keep_header(struct bytes *texts, const struct bhttp_fields *fields,
                               const char *name)
{
    const size_t at = texts->size;
    size_t count = 0;
    for (size_t i = 0; i < fields->count; i++) {
        const struct bhttp_field *field = &fields->lines[i];
        if (!span_equal(field->name, span_of_text(name)))
            continue;
        if (count++ > 0)
            bytes_append_text(texts, ", ");
        bytes_append(texts, field->value);
    }
    if (count == 0)
        return NULL;
    bytes_append_u8(texts, 0);
    return texts->status == STATUS_OK ? (const char *)texts->data + at : NULL;
}

/* The most that keep_text() and keep_header() take, so that what they point to stays. */
static size_t texts_bytes(const struct bhttp_request *inner)
{
    size_t size = inner->method.size + 1 + inner->path.size + 1 + inner->authority.size + 1;
    for (size_t i = 0; i < inner->headers.count; i++)
        size += 2 * (inner->headers.lines[i].value.size + 2); /* a host may be kept twice */
    return size;
}

static enum status take_request(struct passing *passing, struct error *err)
{
    const struct bhttp_request *inner = &passing->inner;
    struct http_request *request = &passing->request;
    struct bytes *texts = &passing->texts;
    bytes_init(texts, texts_bytes(inner));
    bytes_reserve(texts, texts_bytes(inner));
    const char *method = keep_text(texts, inner->method);
    request->target = keep_text(texts, inner->path);
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++)
        request->headers[i] =
            keep_header(texts, &inner->headers, http_header_name((enum http_header)i));
    request->headers[HTTP_HOST] = keep_text(texts, bhttp_request_host(inner));
    if (texts->status != STATUS_OK)
        return bytes_status(texts, "gateway", err);
    request->id = passing->outer.request->id;
    request->method = http_method_of(method);
    return STATUS_OK;
}

static bool expects_continue(const struct bhttp_request *inner)
{
    size_t count = 0;
    return bhttp_fields_find(&inner->headers, "expect", &count) != NULL;
}

/* Is it for an app that may be reached through the gateway? *ret_event is set when it is not, and
 * the response. */
static bool may_go_on(struct passing *passing, enum gateway_event *ret_event)
{
    struct service *service = passing->outer.service;
    struct http_response *ret = &passing->response;
    const char *field = passing->request.headers[HTTP_HOST];
    struct route_match match;
    char host[HTTP_HOST_BYTES];
    *ret_event = GATEWAY_INNER_REFUSED;
    if (field[0] == '\0' || !http_host_of_field(field, host)) {
        http_response_error(ret, 400, "the request names no host, or several");
        return false;
    }
    if (expects_continue(
            &passing->inner)) { /* RFC 9458 has no place for anything before the answer */
        http_response_error(ret, 417, "nothing but the answer can be sent back");
        return false;
    }
    if (!service_serves_host(service, host) || !gateway_has_target(service->gateway, host)) {
        *ret_event = GATEWAY_TARGET_REFUSED;
        http_response_error(ret, 403, "this gateway does not serve the host");
        return false;
    }
    route_find(passing->request.method, passing->request.target, &match);
    if (!route_is_of_an_app(match.route)) {
        http_response_empty(ret, 404);
        return false;
    }
    if (match.route == ROUTE_PREFILTER_BITS) {
        http_response_error(ret, 403, "the prefilter is to be had without the gateway");
        return false;
    }
    return true;
}

/* What was opened becomes a request; the content stays where it is. */
static bool read_inner(struct passing *passing, enum gateway_event *ret_event)
{
    struct error error = {0};
    *ret_event = GATEWAY_INNER_REFUSED;
    enum status status = bhttp_request_read(bytes_view(&passing->plain), WIRE_BODY_MAX_BYTES,
                                            &passing->inner, &error);
    if (status == STATUS_OK)
        status = take_request(passing, &error);
    if (status == STATUS_OK)
        return may_go_on(passing, ret_event);
    respond_failure(passing->outer.service, passing->outer.request, ROUTE_GATEWAY, status, &error,
                    &passing->response);
    return false;
}

static void answer_inner(struct passing *passing)
{
    struct service *service = passing->outer.service;
    struct http_admission *admission = &passing->admission;
    struct http_request *request = &passing->request;
    if (!service_admit(service, request, &passing->response, admission)) {
        seal_answer(passing);
        return;
    }
    if (admission->body_max > 0 && passing->inner.content.size > admission->body_max) {
        http_response_empty(&passing->response, 413);
        seal_answer(passing);
        return;
    }
    if (admission->body_max > 0)
        request->body = passing->inner.content;
    service_start(service, request, admission, &passing->response, seal_answer, passing);
}

/* STATUS_UNSUPPORTED: it is sealed for something that we do not have. */
static enum status open_request(struct passing *passing, enum gateway_event *ret_event,
                                struct error *err)
{
    const struct pending *outer = &passing->outer;
    const struct kept_keys_view *view = gateway_view(outer->service->gateway);
    struct ohttp_request sealed;
    *ret_event = GATEWAY_MALFORMED;
    enum status status = ohttp_request_parse(outer->request->body, &sealed, err);
    const struct hpke_key *key =
        status == STATUS_OK ? gateway_key_ring_find(view->ring, sealed.key_id, view->tended_at_s)
                            : NULL;
    if (status == STATUS_OK && key == NULL)
        status = error_set(err, STATUS_UNSUPPORTED, "no key of this id");
    if (status == STATUS_UNSUPPORTED)
        *ret_event = GATEWAY_UNKNOWN_KEY;
    if (status == STATUS_OK) {
        *ret_event = GATEWAY_NOT_OPENED;
        bytes_reserve(&passing->plain, sealed.sealed.size); /* no copy stays behind */
        status = ohttp_request_open(&sealed, key, &passing->plain, &passing->exchange, err);
    }
    kept_keys_view_release(view);
    return status;
}

/* In clear: the request was not opened. */
static void refuse(const struct pending *outer, enum status status, const struct error *error)
{
    struct http_response *ret = outer->response;
    if (status == STATUS_UNSUPPORTED) {
        http_response_empty(ret, 400);
        ret->content_type = PROBLEM_TYPE;
        bytes_append_text(&ret->body, KEY_PROBLEM);
    } else if (status == STATUS_MISMATCH || status == STATUS_INVALID) {
        http_response_error(ret, 422, error->message);
    } else {
        respond_failure(outer->service, outer->request, ROUTE_GATEWAY, status, error, ret);
    }
}

static struct passing *passing_new(const struct pending *outer)
{
    struct passing *passing = mem_alloc_zeroed(1, sizeof *passing);
    if (passing == NULL)
        return NULL;
    passing->outer = *outer;
    bytes_init(&passing->plain, outer->request->body.size);
    bytes_init(&passing->texts, 0);
    bhttp_request_init(&passing->inner);
    http_response_init(&passing->response);
    return passing;
}

void start_gateway(const struct pending *pending)
{
    struct gateway *gateway = pending->service->gateway;
    enum gateway_event event = GATEWAY_NOT_OPENED;
    struct error error = {0};
    struct passing *passing = passing_new(pending);
    const enum status status = passing != NULL
                                   ? open_request(passing, &event, &error)
                                   : error_set(&error, STATUS_NOMEM, "gateway: out of memory");
    if (status != STATUS_OK) {
        gateway_count(gateway, event);
        refuse(pending, status, &error);
        if (passing != NULL)
            passing_free(passing);
        pending->done(pending->done_context);
    } else if (read_inner(passing, &event)) {
        gateway_count(gateway, GATEWAY_HANDED_ON);
        answer_inner(passing);
    } else {
        gateway_count(gateway, event);
        seal_answer(passing);
    }
}
