/* Requests and responses go through the same steps; struct parts is where the results lie. Chunks
 * are walked twice, to know their sum before they are joined, so that nothing grows. */
#include "pir-server/ohttp/bhttp.h"

#include "base/compiler.h"
#include "base/reader.h"
#include "pir-server/ohttp/bhttp_internal.h"
#include "pir-server/ohttp/varint.h"

#include <inttypes.h>

struct parts {
    struct reader reader;
    bool is_known_length;
    size_t fields_left; /* bytes of names and values that may still come */
    size_t content_max;
    struct bhttp_fields *headers;
    struct bhttp_fields *trailers;
    struct span *content;
    struct bytes *joined;
};

static const char what[] = "binary HTTP";
static const char what_fields[] = "binary HTTP fields"; /* positions count from their start */

static bool is_at_end(const struct reader *reader)
{
    return !reader->failed && reader_left(reader) == 0;
}

/* A length that is never larger than what is left, or the reader fails. */
static struct span take_counted(struct reader *reader, uint64_t count)
{
    return reader_take(reader, count > SIZE_MAX ? SIZE_MAX : (size_t)count);
}

static struct span take_prefixed(struct reader *reader)
{
    return take_counted(reader, reader_varint(reader));
}

/* ---- fields ---- */

static enum status check_order(enum bhttp_field_kind kind, bool is_trailer, bool seen_ordinary,
                               size_t at, struct error *err)
{
    if (kind == BHTTP_FIELD_PSEUDO && (is_trailer || seen_ordinary))
        return error_set(err, STATUS_MALFORMED,
                         "%s, byte %zu: a pseudo-field after other fields or in trailers",
                         what_fields, at);
    return STATUS_OK;
}

/* Adds what counts; `fields` is NULL when all is passed over. */
static enum status keep_field(struct span name, struct span value, struct bhttp_fields *fields,
                              struct error *err)
{
    if (fields == NULL)
        return STATUS_OK;
    if (fields->count == BHTTP_MAX_FIELDS)
        return error_set(err, STATUS_TOO_LARGE, "%s: more than %zu fields", what, BHTTP_MAX_FIELDS);
    fields->lines[fields->count++] = (struct bhttp_field){.name = name, .value = value};
    return STATUS_OK;
}

/* Field lines up to the end of `reader` or, without known length, up to a zero. */
static enum status read_lines(struct parts *parts, struct reader *reader, bool is_trailer,
                              struct bhttp_fields *fields, struct error *err)
{
    bool seen_ordinary = false;
    while (!reader->failed && !(parts->is_known_length && is_at_end(reader))) {
        const size_t at = reader->position;
        const uint64_t name_size = reader_varint(reader);
        if (!parts->is_known_length && name_size == 0)
            break;
        const struct span name = take_counted(reader, name_size);
        const struct span value = take_prefixed(reader);
        if (reader->failed)
            break;
        if (name.size + value.size > parts->fields_left)
            return error_set(err, STATUS_TOO_LARGE, "%s: fields of more than %zu bytes", what,
                             BHTTP_FIELDS_MAX_BYTES);
        parts->fields_left -= name.size + value.size;
        const enum bhttp_field_kind kind = bhttp_field_kind_of(name);
        if (kind == BHTTP_FIELD_WRONG || !bhttp_value_is_valid(value))
            return error_set(err, STATUS_MALFORMED, "%s, byte %zu: not a valid field %s",
                             what_fields, at, kind == BHTTP_FIELD_WRONG ? "name" : "value");
        enum status status = check_order(kind, is_trailer, seen_ordinary, at, err);
        if (status == STATUS_OK && kind == BHTTP_FIELD_ORDINARY)
            status = keep_field(name, value, fields, err);
        if (status != STATUS_OK)
            return status;
        seen_ordinary |= kind != BHTTP_FIELD_PSEUDO;
    }
    return reader_check(reader, what_fields, err);
}

static enum status read_fields(struct parts *parts, bool is_trailer, struct bhttp_fields *fields,
                               struct error *err)
{
    if (!parts->is_known_length)
        return read_lines(parts, &parts->reader, is_trailer, fields, err);
    struct reader section;
    reader_init(&section, take_prefixed(&parts->reader));
    enum status status = reader_check(&parts->reader, what, err);
    if (status == STATUS_OK)
        status = read_lines(parts, &section, is_trailer, fields, err);
    return status;
}

/* ---- content ---- */

static enum status too_much_content(const struct parts *parts, struct error *err)
{
    return error_set(err, STATUS_TOO_LARGE, "%s: content of more than %zu bytes", what,
                     parts->content_max);
}

/* Walks the chunks to their end; what they hold is appended to `joined` unless that is NULL. */
static enum status walk_chunks(struct parts *parts, struct bytes *joined, size_t *ret_size,
                               size_t *ret_count, struct error *err)
{
    size_t size = 0;
    size_t count = 0;
    for (;;) {
        const struct span chunk = take_prefixed(&parts->reader);
        if (chunk.size == 0)
            break;
        if (chunk.size > parts->content_max - size)
            return too_much_content(parts, err);
        size += chunk.size;
        count++;
        if (joined != NULL)
            bytes_append(joined, chunk);
    }
    *ret_size = size;
    *ret_count = count;
    return reader_check(&parts->reader, what, err);
}

static enum status read_chunks(struct parts *parts, struct error *err)
{
    const struct reader start = parts->reader;
    size_t size = 0;
    size_t count = 0;
    enum status status = walk_chunks(parts, NULL, &size, &count, err);
    if (status != STATUS_OK || count == 0)
        return status;
    if (count == 1) {
        struct reader again = start;
        *parts->content = take_prefixed(&again);
        return STATUS_OK;
    }
    parts->reader = start;
    bytes_init(parts->joined, size);
    bytes_reserve(parts->joined, size);
    status = walk_chunks(parts, parts->joined, &size, &count, err);
    if (status == STATUS_OK)
        status = bytes_status(parts->joined, what, err);
    if (status == STATUS_OK)
        *parts->content = bytes_view(parts->joined);
    return status;
}

static enum status read_content(struct parts *parts, struct error *err)
{
    if (!parts->is_known_length)
        return read_chunks(parts, err);
    const struct span content = take_prefixed(&parts->reader);
    const enum status status = reader_check(&parts->reader, what, err);
    if (status != STATUS_OK)
        return status;
    if (content.size > parts->content_max)
        return too_much_content(parts, err);
    *parts->content = content;
    return STATUS_OK;
}

/* ---- messages ---- */

static enum status check_padding(struct reader *reader, struct error *err)
{
    const struct span padding = reader_rest(reader);
    uint8_t any = 0;
    for (size_t i = 0; i < padding.size; i++)
        any |= padding.data[i];
    return any == 0 ? STATUS_OK
                    : error_set(err, STATUS_MALFORMED, "%s: padding that is not zero", what);
}

/* What follows the control data. */
static enum status read_body(struct parts *parts, struct error *err)
{
    enum status status = STATUS_OK;
    if (!is_at_end(&parts->reader))
        status = read_fields(parts, false, parts->headers, err);
    if (status == STATUS_OK && !is_at_end(&parts->reader))
        status = read_content(parts, err);
    if (status == STATUS_OK && !is_at_end(&parts->reader))
        status = read_fields(parts, true, parts->trailers, err);
    if (status == STATUS_OK)
        status = check_padding(&parts->reader, err);
    return status;
}

static enum status read_framing(struct parts *parts, enum bhttp_framing known,
                                enum bhttp_framing indeterminate, struct error *err)
{
    const uint64_t framing = reader_varint(&parts->reader);
    const enum status status = reader_check(&parts->reader, what, err);
    if (status != STATUS_OK)
        return status;
    if (framing != known && framing != indeterminate)
        return error_set(err, STATUS_MALFORMED, "%s: framing %" PRIu64 ", not %d or %d", what,
                         framing, known, indeterminate);
    parts->is_known_length = framing == known;
    return STATUS_OK;
}

static enum status read_control(struct reader *reader, struct bhttp_request *request,
                                struct error *err)
{
    struct span *const control[] = {&request->method, &request->scheme, &request->authority,
                                    &request->path};
    for (size_t i = 0; i < ARRAY_COUNT(control); i++) {
        *control[i] = take_prefixed(reader);
        if (control[i]->size > BHTTP_CONTROL_MAX_BYTES)
            return error_set(err, STATUS_TOO_LARGE, "%s: %zu bytes of control data, at most %zu",
                             what, control[i]->size, BHTTP_CONTROL_MAX_BYTES);
    }
    const enum status status = reader_check(reader, what, err);
    return status != STATUS_OK ? status : bhttp_check_control(request, STATUS_MALFORMED, err);
}

static enum status begin(struct parts *parts, struct span in, size_t content_max,
                         enum bhttp_framing known, enum bhttp_framing indeterminate,
                         struct error *err)
{
    parts->fields_left = BHTTP_FIELDS_MAX_BYTES;
    parts->content_max = content_max;
    reader_init(&parts->reader, in);
    return read_framing(parts, known, indeterminate, err);
}

enum status bhttp_request_read(struct span in, size_t content_max, struct bhttp_request *ret,
                               struct error *err)
{
    bhttp_request_deinit(ret);
    struct parts parts = {.headers = &ret->headers,
                          .trailers = &ret->trailers,
                          .content = &ret->content,
                          .joined = &ret->joined};
    enum status status =
        begin(&parts, in, content_max, BHTTP_KNOWN_REQUEST, BHTTP_INDETERMINATE_REQUEST, err);
    if (status == STATUS_OK)
        status = read_control(&parts.reader, ret, err);
    if (status == STATUS_OK)
        status = read_body(&parts, err);
    if (status != STATUS_OK)
        bhttp_request_deinit(ret);
    return status;
}

/* The status of the final response, past informational ones. */
static enum status read_status(struct parts *parts, unsigned *ret, struct error *err)
{
    for (size_t i = 0; i <= BHTTP_MAX_INFORMATIONAL; i++) {
        const uint64_t code = reader_varint(&parts->reader);
        enum status status = reader_check(&parts->reader, what, err);
        if (status != STATUS_OK)
            return status;
        if (code < 100 || code > BHTTP_STATUS_MAX)
            return error_set(err, STATUS_MALFORMED, "%s: status %" PRIu64 ", not 100 to %d", what,
                             code, BHTTP_STATUS_MAX);
        if (code >= BHTTP_STATUS_MIN) {
            *ret = (unsigned)code;
            return STATUS_OK;
        }
        status = read_fields(parts, false, NULL, err);
        if (status != STATUS_OK)
            return status;
    }
    return error_set(err, STATUS_TOO_LARGE, "%s: more than %zu informational responses", what,
                     BHTTP_MAX_INFORMATIONAL);
}

enum status bhttp_response_read(struct span in, size_t content_max, struct bhttp_response *ret,
                                struct error *err)
{
    bhttp_response_deinit(ret);
    struct parts parts = {.headers = &ret->headers,
                          .trailers = &ret->trailers,
                          .content = &ret->content,
                          .joined = &ret->joined};
    enum status status =
        begin(&parts, in, content_max, BHTTP_KNOWN_RESPONSE, BHTTP_INDETERMINATE_RESPONSE, err);
    if (status == STATUS_OK)
        status = read_status(&parts, &ret->status, err);
    if (status == STATUS_OK)
        status = read_body(&parts, err);
    if (status != STATUS_OK)
        bhttp_response_deinit(ret);
    return status;
}
