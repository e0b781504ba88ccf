#include "pir-server/wire/wire_report.h"

#include "pir-server/wire/api.pb-c.h"
#include "pir-server/wire/protobuf_message.h"

#include <jansson.h>
#include <time.h>

#define TIME_BYTES 32

static enum status check_count(size_t count, struct error *err)
{
    return count <= WIRE_REPORT_URLS_MAX
               ? STATUS_OK
               : error_set(err, STATUS_TOO_LARGE, "report: %zu URLs, at most %zu", count,
                           WIRE_REPORT_URLS_MAX);
}

static enum status check_size(size_t size, size_t index, struct error *err)
{
    return size <= WIRE_REPORT_URL_MAX_BYTES
               ? STATUS_OK
               : error_set(err, STATUS_TOO_LARGE, "report: URL %zu has %zu bytes, at most %zu",
                           index, size, WIRE_REPORT_URL_MAX_BYTES);
}

/* ---- JSON ---- */

static enum status read_json(struct span body, json_t **ret, struct error *err)
{
    json_error_t error;
    json_t *urls = json_loadb(body.size > 0 ? (const char *)body.data : "", body.size,
                              JSON_REJECT_DUPLICATES, &error);
    enum status status = STATUS_OK;
    if (urls == NULL) /* its text may quote the input */
        status = error_set(err, STATUS_MALFORMED, "report: no JSON at byte %d", error.position);
    else if (!json_is_array(urls))
        status = error_set(err, STATUS_MALFORMED, "report: the JSON is no array");
    else
        status = check_count(json_array_size(urls), err);
    for (size_t i = 0; status == STATUS_OK && i < json_array_size(urls); i++) {
        const json_t *url = json_array_get(urls, i);
        status = json_is_string(url)
                     ? check_size(json_string_length(url), i, err)
                     : error_set(err, STATUS_MALFORMED, "report: item %zu is no text", i);
    }
    if (status != STATUS_OK) {
        json_decref(urls);
        return status;
    }
    *ret = urls;
    return STATUS_OK;
}

/* ---- Protobuf ---- */

static enum status add_url(json_t *urls, struct span url, size_t index, struct error *err)
{
    const enum status status = check_size(url.size, index, err);
    if (status != STATUS_OK)
        return status;
    if (memchr(url.size > 0 ? url.data : (const uint8_t *)"x", '\0', url.size) != NULL)
        return error_set(err, STATUS_MALFORMED, "report: URL %zu holds a NUL", index);
    json_t *text = json_stringn(url.size > 0 ? (const char *)url.data : "", url.size);
    if (text == NULL)
        return error_set(err, STATUS_MALFORMED, "report: URL %zu is no UTF-8", index);
    return json_array_append_new(urls, text) == 0
               ? STATUS_OK
               : error_set(err, STATUS_NOMEM, "report: out of memory");
}

static enum status read_protobuf(struct span body, json_t **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    enum status status = protobuf_message_unpack(&wire__urlfilter_report__descriptor, body,
                                                 PROTOBUF_FACTOR_GRANULAR, "report", &base, err);
    if (status != STATUS_OK)
        return status;
    const Wire__URLFilterReport *message = (const void *)base;
    json_t *urls = json_array();
    if (urls == NULL)
        status = error_set(err, STATUS_NOMEM, "report: out of memory");
    if (status == STATUS_OK)
        status = check_count(message->n_urls, err);
    for (size_t i = 0; status == STATUS_OK && i < message->n_urls; i++)
        status = add_url(urls, protobuf_span(message->urls[i]), i, err);
    protobuf_message_free(base);
    if (status != STATUS_OK) {
        json_decref(urls);
        return status;
    }
    *ret = urls;
    return STATUS_OK;
}

/* ---- the line ---- */

static int append_piece(const char *text, size_t size, void *context)
{
    struct bytes *bytes = context;
    bytes_append(bytes, span_of(text, size));
    return bytes->status == STATUS_OK ? 0 : -1;
}

enum status wire_report_to_json(struct span body, bool is_json, const char *user_agent,
                                uint64_t received_s, struct bytes *ret, size_t *ret_urls,
                                struct error *err)
{
    json_t *urls = NULL;
    const time_t received = (time_t)received_s;
    struct tm when;
    char stamp[TIME_BYTES] = "";
    enum status status = is_json ? read_json(body, &urls, err) : read_protobuf(body, &urls, err);
    if (status != STATUS_OK)
        return status;
    if (gmtime_r(&received, &when) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &when);
    json_t *agent = json_string(user_agent != NULL ? user_agent : "");
    if (agent == NULL)
        agent = json_string("");
    const size_t count = json_array_size(urls);
    json_t *line = json_pack("{s:s, s:o, s:o}", "receivedAt", stamp, "userAgent", agent, "urls",
                             urls); /* takes both */
    if (line == NULL || json_dump_callback(line, append_piece, ret, JSON_COMPACT) != 0)
        status = error_set(err, STATUS_NOMEM, "report: out of memory");
    if (status == STATUS_OK)
        status = bytes_status(ret, "report", err);
    json_decref(line);
    if (status == STATUS_OK)
        *ret_urls = count;
    return status;
}
