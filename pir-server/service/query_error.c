/* Failures of /queries as the Error message of the schema (spec/service.md section 5), where the
 * operator wants them so. No published server sends it, so whether devices read it is unknown:
 * statuses stay as they are, and 503, which the message has no member for, stays JSON. */
#include "pir-server/service/service_internal.h"
#include "pir-server/wire/wire_requests.h"

static enum wire_error_kind kind_of(enum status status, unsigned code)
{
    if (status == STATUS_STALE_CONFIG)
        return WIRE_ERROR_CONFIG_NOT_FOUND;
    if (status == STATUS_NO_KEY)
        return WIRE_ERROR_KEY_NOT_FOUND;
    return code == 500 ? WIRE_ERROR_INTERNAL : WIRE_ERROR_INVALID_REQUEST;
}

void query_error_respond(const struct pending *pending, enum status status,
                         const struct catalog_use_case *stale)
{
    struct http_response *response = pending->response;
    struct bytes config;
    struct bytes message;
    if (response->status == 503)
        return;
    bytes_init(&config, HTTP_RESPONSE_MAX_BYTES);
    bytes_init(&message, HTTP_RESPONSE_MAX_BYTES);
    /* It may be left out: then the device fetches it. */
    if (stale != NULL && config_write_one(pending, stale, &config, NULL) != STATUS_OK)
        bytes_clear(&config);
    if (wire_error_write(kind_of(status, response->status), bytes_view(&config), &message, NULL) ==
        STATUS_OK) {
        bytes_clear(&response->body);
        bytes_append(&response->body, bytes_view(&message));
        response->content_type = NULL;
    }
    bytes_deinit(&message);
    bytes_deinit(&config);
}
