/* The messages themselves, and what may stand in them. */
#include "pir-server/ohttp/bhttp.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "pir-server/ohttp/bhttp_internal.h"

/* ---- characters ---- */

static bool is_lower_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* RFC 9110 section 5.6.2, without capitals. */
static bool is_lower_token(uint8_t c)
{
    return is_lower_or_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(uint8_t c)
{
    return is_lower_token(c) || is_upper(c);
}

static bool is_visible(uint8_t c)
{
    return c > ' ' && c < 0x7f;
}

/* RFC 3986 section 3.1; what a scheme begins with makes no difference here. */
static bool is_scheme(uint8_t c)
{
    return is_lower_or_digit(c) || is_upper(c) || c == '+' || c == '-' || c == '.';
}

static bool is_authority(uint8_t c)
{
    return is_visible(c) && c != '@' && c != '/' && c != '?' && c != '#';
}

static bool is_path(uint8_t c)
{
    return is_visible(c) && c != '#';
}

static bool all_are(struct span text, bool (*is)(uint8_t c))
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is(text.data[i]))
            return false;
    }
    return true;
}

/* ---- fields ---- */

static bool is_one_of(struct span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(name, span_of_text(names[i])))
            return true;
    }
    return false;
}

enum bhttp_field_kind bhttp_field_kind_of(struct span name)
{
    static const char *const control[] = {":method", ":scheme", ":authority", ":path", ":status"};
    static const char *const connection[] = {"connection", "keep-alive",        "proxy-connection",
                                             "te",         "transfer-encoding", "upgrade"};
    const bool is_pseudo = name.size > 0 && name.data[0] == ':';
    const struct span token = is_pseudo ? span_part(name, 1, name.size - 1) : name;
    if (token.size == 0 || !all_are(token, is_lower_token) ||
        is_one_of(name, control, ARRAY_COUNT(control)))
        return BHTTP_FIELD_WRONG;
    if (is_pseudo)
        return BHTTP_FIELD_PSEUDO;
    return is_one_of(name, connection, ARRAY_COUNT(connection)) ? BHTTP_FIELD_CONNECTION
                                                                : BHTTP_FIELD_ORDINARY;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool may_be_in_value(uint8_t c)
{
    return c != '\0' && c != '\r' && c != '\n';
}

bool bhttp_value_is_valid(struct span value)
{
    return value.size == 0 || (!is_blank(value.data[0]) && !is_blank(value.data[value.size - 1]) &&
                               all_are(value, may_be_in_value));
}

enum status bhttp_fields_add(struct bhttp_fields *fields, const char *name, struct span value,
                             struct error *err)
{
    if (fields->count == BHTTP_MAX_FIELDS)
        return error_set(err, STATUS_TOO_LARGE, "binary HTTP: more than %zu fields",
                         BHTTP_MAX_FIELDS);
    fields->lines[fields->count++] =
        (struct bhttp_field){.name = span_of_text(name), .value = value};
    return STATUS_OK;
}

const struct bhttp_field *bhttp_fields_find(const struct bhttp_fields *fields, const char *name,
                                            size_t *ret_count)
{
    const struct bhttp_field *first = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < fields->count; i++) {
        if (!span_equal(fields->lines[i].name, span_of_text(name)))
            continue;
        ++*ret_count;
        if (first == NULL)
            first = &fields->lines[i];
    }
    return first;
}

/* ---- control data ---- */

static bool is_path_form(struct span path)
{
    return span_equal(path, span_of_text("*")) ||
           (span_starts_with(path, span_of_text("/")) && all_are(path, is_path));
}

enum status bhttp_check_control(const struct bhttp_request *request, enum status wrong,
                                struct error *err)
{
    const char *part = NULL;
    if (request->method.size == 0 || !all_are(request->method, is_token))
        part = "method";
    else if (request->scheme.size == 0 || !all_are(request->scheme, is_scheme))
        part = "scheme";
    else if (!all_are(request->authority, is_authority))
        part = "authority";
    else if (!is_path_form(request->path))
        part = "path";
    return part == NULL ? STATUS_OK
                        : error_set(err, wrong, "binary HTTP request: not a valid %s", part);
}

static uint8_t lower(uint8_t c)
{
    return is_upper(c) ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_same_host(struct span a, struct span b)
{
    bool is_same = a.size == b.size;
    for (size_t i = 0; is_same && i < a.size; i++)
        is_same = lower(a.data[i]) == lower(b.data[i]);
    return is_same;
}

struct span bhttp_request_host(const struct bhttp_request *request)
{
    static const struct span none;
    size_t count = 0;
    const struct bhttp_field *host = bhttp_fields_find(&request->headers, "host", &count);
    if (host == NULL)
        return request->authority;
    if (count > 1 || !all_are(host->value, is_authority))
        return none;
    if (request->authority.size == 0 || is_same_host(host->value, request->authority))
        return host->value;
    return none;
}

/* ---- messages ---- */

void bhttp_request_init(struct bhttp_request *request)
{
    memset(request, 0, sizeof *request);
}

void bhttp_request_deinit(struct bhttp_request *request)
{
    bytes_deinit_secret(&request->joined);
    bhttp_request_init(request);
}

void bhttp_response_init(struct bhttp_response *response)
{
    memset(response, 0, sizeof *response);
}

void bhttp_response_deinit(struct bhttp_response *response)
{
    bytes_deinit_secret(&response->joined);
    bhttp_response_init(response);
}
