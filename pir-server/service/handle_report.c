/* POST /report (spec/service.md section 6): what supervised devices tell of blocked URLs becomes a
 * line of a file, if the operator wants any. */
#include "pir-server/service/service_internal.h"
#include "pir-server/wire/wire_report.h"

#include <strings.h>

#define JSON_TYPE       "application/json"
#define LINE_MAX_BYTES  (8 * WIRE_REPORT_MAX_BYTES)
#define BYTES_A_BYTE    6 /* that one of a URL takes in a line, at most */
#define LINE_HEAD_BYTES ((size_t)256)

/* "application/json", with or without parameters. */
static bool is_json(const char *content_type)
{
    const size_t size = strlen(JSON_TYPE);
    return content_type != NULL && strncasecmp(content_type, JSON_TYPE, size) == 0 &&
           (content_type[size] == '\0' || content_type[size] == ';' || content_type[size] == ' ');
}

/* Enough for what devices send. */
static size_t line_room(const struct http_request *request)
{
    const char *agent = request->headers[HTTP_USER_AGENT];
    const size_t room = BYTES_A_BYTE * (request->body.size + (agent != NULL ? strlen(agent) : 0));
    return room < LINE_MAX_BYTES - LINE_HEAD_BYTES ? room + LINE_HEAD_BYTES : LINE_MAX_BYTES;
}

enum status receive_report(const struct pending *pending, struct error *err)
{
    const struct service *service = pending->service;
    const struct http_request *request = pending->request;
    struct report_log *reports = pending->app->reports;
    const uint64_t now_s = service->options.now_s();
    struct bytes line;
    size_t urls = 0;
    size_t removed = 0;
    bytes_init(&line, LINE_MAX_BYTES);
    bytes_reserve(&line, line_room(request)); /* no copy stays behind */
    enum status status =
        wire_report_to_json(request->body, is_json(request->headers[HTTP_CONTENT_TYPE]),
                            request->headers[HTTP_USER_AGENT], now_s, &line, &urls, err);
    if (status == STATUS_OK && reports == NULL)
        log_write(service->options.log, LOG_DEBUG, "report dropped urls=%zu", urls);
    else if (status == STATUS_OK)
        status = report_log_append(reports, bytes_view(&line), now_s, &removed, err);
    if (removed > 0)
        log_write(service->options.log, LOG_WARNING,
                  "the quota of reports is reached, oldest files removed count=%zu", removed);
    bytes_deinit_secret(&line);
    return status;
}
