#include "base/checked.h"
#include "base/compiler.h"
#include "pir-server/ohttp/bhttp_internal.h"
#include "pir-server/ohttp/varint.h"

static void append_prefixed(struct bytes *bytes, struct span text)
{
    bytes_append_varint(bytes, text.size);
    bytes_append(bytes, text);
}

static size_t prefixed_bytes(struct span text)
{
    return varint_bytes(text.size) + text.size;
}

static enum status check_fields(const struct bhttp_fields *fields, struct error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < fields->count; i++) {
        const struct bhttp_field *line = &fields->lines[i];
        if (bhttp_field_kind_of(line->name) != BHTTP_FIELD_ORDINARY ||
            !bhttp_value_is_valid(line->value))
            return error_set(err, STATUS_INVALID, "binary HTTP: field %zu cannot be written", i);
        if (!size_add(bytes, line->name.size, &bytes) || !size_add(bytes, line->value.size, &bytes))
            bytes = SIZE_MAX;
    }
    if (bytes > BHTTP_FIELDS_MAX_BYTES)
        return error_set(err, STATUS_INVALID, "binary HTTP: fields of more than %zu bytes",
                         BHTTP_FIELDS_MAX_BYTES);
    return STATUS_OK;
}

static void append_fields(struct bytes *bytes, const struct bhttp_fields *fields)
{
    size_t size = 0;
    for (size_t i = 0; i < fields->count; i++)
        size += prefixed_bytes(fields->lines[i].name) + prefixed_bytes(fields->lines[i].value);
    bytes_append_varint(bytes, size);
    for (size_t i = 0; i < fields->count; i++) {
        append_prefixed(bytes, fields->lines[i].name);
        append_prefixed(bytes, fields->lines[i].value);
    }
}

static enum status append_body(struct bytes *bytes, const struct bhttp_fields *headers,
                               struct span content, const struct bhttp_fields *trailers,
                               struct error *err)
{
    append_fields(bytes, headers);
    append_prefixed(bytes, content);
    append_fields(bytes, trailers);
    return bytes_status(bytes, "binary HTTP", err);
}

static enum status check_control_sizes(const struct bhttp_request *request, struct error *err)
{
    const struct span control[] = {request->method, request->scheme, request->authority,
                                   request->path};
    for (size_t i = 0; i < ARRAY_COUNT(control); i++) {
        if (control[i].size > BHTTP_CONTROL_MAX_BYTES)
            return error_set(err, STATUS_INVALID,
                             "binary HTTP: %zu bytes of control data, at most %zu", control[i].size,
                             BHTTP_CONTROL_MAX_BYTES);
    }
    return STATUS_OK;
}

enum status bhttp_request_write(const struct bhttp_request *request, struct bytes *ret,
                                struct error *err)
{
    enum status status = check_control_sizes(request, err);
    if (status == STATUS_OK)
        status = bhttp_check_control(request, STATUS_INVALID, err);
    if (status == STATUS_OK)
        status = check_fields(&request->headers, err);
    if (status == STATUS_OK)
        status = check_fields(&request->trailers, err);
    if (status != STATUS_OK)
        return status;
    bytes_append_varint(ret, BHTTP_KNOWN_REQUEST);
    append_prefixed(ret, request->method);
    append_prefixed(ret, request->scheme);
    append_prefixed(ret, request->authority);
    append_prefixed(ret, request->path);
    return append_body(ret, &request->headers, request->content, &request->trailers, err);
}

enum status bhttp_response_write(const struct bhttp_response *response, struct bytes *ret,
                                 struct error *err)
{
    if (response->status < BHTTP_STATUS_MIN || response->status > BHTTP_STATUS_MAX)
        return error_set(err, STATUS_INVALID, "binary HTTP: status %u, not %d to %d",
                         response->status, BHTTP_STATUS_MIN, BHTTP_STATUS_MAX);
    enum status status = check_fields(&response->headers, err);
    if (status == STATUS_OK)
        status = check_fields(&response->trailers, err);
    if (status != STATUS_OK)
        return status;
    bytes_append_varint(ret, BHTTP_KNOWN_RESPONSE);
    bytes_append_varint(ret, response->status);
    return append_body(ret, &response->headers, response->content, &response->trailers, err);
}
