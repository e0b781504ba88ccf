#include "pir-server/service/http_message.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json; charset=utf-8"

enum http_method http_method_of(const char *name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_HEAD}, {"POST", HTTP_POST}};
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    }
    return HTTP_OTHER;
}

const char *http_header_name(enum http_header header)
{
    static const char *const names[HTTP_HEADER_COUNT] = {
        [HTTP_HOST] = "host",
        [HTTP_USER_IDENTIFIER] = "user-identifier",
        [HTTP_USER_AGENT] = "user-agent",
        [HTTP_AUTHORIZATION] = "authorization",
        [HTTP_CONTENT_TYPE] = "content-type",
        [HTTP_ACCEPT_ENCODING] = "accept-encoding",
        [HTTP_IF_NONE_MATCH] = "if-none-match",
        [HTTP_IF_RANGE] = "if-range",
        [HTTP_RANGE] = "range",
    };
    return names[header];
}

void http_response_init(struct http_response *response)
{
    *response = (struct http_response){.status = 200};
    bytes_init(&response->body, HTTP_RESPONSE_MAX_BYTES);
}

void http_response_deinit(struct http_response *response)
{
    if (response->release != NULL)
        response->release(response->owner);
    response->release = NULL;
    bytes_deinit_secret(&response->body);
}

void http_response_reset(struct http_response *response)
{
    http_response_deinit(response);
    http_response_init(response);
}

static void add_field(struct http_response_fields *fields, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fields->lines[fields->count].name = name;
    fields->lines[fields->count++].value = value;
}

void http_response_list_fields(const struct http_response *response,
                               struct http_response_fields *ret)
{
    ret->count = 0;
    ret->retry_after[0] = '\0';
    if (response->retry_after_s > 0)
        snprintf(ret->retry_after, sizeof ret->retry_after, "%u", response->retry_after_s);
    add_field(ret, "content-type", response->content_type);
    add_field(ret, "cache-control", response->cache_control);
    add_field(ret, "etag", response->etag);
    add_field(ret, "content-security-policy", response->content_security_policy);
    add_field(ret, "content-range", response->content_range);
    add_field(ret, "accept-ranges", response->accepts_ranges ? "bytes" : NULL);
    add_field(ret, "content-encoding", response->is_gzip ? "gzip" : NULL);
    add_field(ret, "vary", response->varies_by_encoding ? "accept-encoding" : NULL);
    add_field(ret, "retry-after", ret->retry_after);
}

void http_response_cache(struct http_response *response, const char *cache_control)
{
    const size_t size = strlen(cache_control) + 1;
    assert(size <= sizeof response->cache_control);
    memcpy(response->cache_control, cache_control, size);
}

void http_response_empty(struct http_response *response, unsigned status)
{
    http_response_reset(response);
    response->status = status;
}

void http_response_error(struct http_response *response, unsigned status, const char *message)
{
    http_response_empty(response, status);
    json_t *json = json_pack("{s:{s:s}}", "error", "message", message);
    if (json == NULL) /* the message is not UTF-8, or no memory */
        json = json_pack("{s:{s:s}}", "error", "message", "the request cannot be answered");
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        return; /* no memory: the status alone must do */
    response->content_type = JSON_TYPE;
    bytes_append_text(&response->body, text);
    free(text); /* jansson's own allocation */
    if (response->body.status != STATUS_OK)
        http_response_empty(response, status);
}

void http_response_failure(struct http_response *response, enum status status,
                           const struct error *err)
{
    const unsigned code = http_status_of(status);
    /* What went wrong inside is for the operator's log, not for the client. */
    const bool is_ours = code >= 500 && code != 501;
    http_response_error(response, code, is_ours ? status_name(status) : err->message);
    if (code == 503)
        response->retry_after_s = HTTP_RETRY_AFTER_S;
}

unsigned http_status_of(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 200;
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_MALFORMED:
    case STATUS_INVALID:
    case STATUS_MISMATCH:
    case STATUS_NO_KEY:
        return 400;
    case STATUS_TOO_LARGE:
        return 413;
    case STATUS_UNSUPPORTED:
        return 501;
    case STATUS_STALE_CONFIG:
        return 410;
    case STATUS_UNAUTHORIZED:
        return 401;
    case STATUS_NOMEM:
    case STATUS_BUSY:
    case STATUS_CANCELLED:
        return 503;
    case STATUS_IO:
    case STATUS_EXISTS:
    case STATUS_INTERNAL:
    case STATUS_COUNT:
        return 500;
    }
    return 500;
}
