#include "tools/doctor/doctor_internal.h"

#include "base/line_reader.h"
#include "base/mem.h"
#include "base/progress.h"
#include "pir-server/wire/wire_config.h"
#include "tools/device/device.h"
#include "tools/device/device_identity.h"
#include "tools/device/prefilter_path.h"

#include <stdarg.h>
#include <stdio.h>

#define HEADER_MAX_BYTES ((size_t)8192)
/* How the reason begins when a check hangs on another one. */
#define LEFT_OUT "not looked at, because "

/* ---- findings ---- */

bool doctor_has_passed(const struct examination *exam, enum doctor_check check)
{
    return exam->findings[check].result == DOCTOR_PASS;
}

static void set(struct examination *exam, enum doctor_check check, enum doctor_result result,
                const char *format, va_list args)
{
    struct doctor_finding *finding = &exam->findings[check];
    finding->result = result;
    vsnprintf(finding->why, sizeof finding->why, format, args);
}

void doctor_pass(struct examination *exam, enum doctor_check check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(exam, check, DOCTOR_PASS, format, args);
    va_end(args);
}

void doctor_fail(struct examination *exam, enum doctor_check check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(exam, check, DOCTOR_FAIL, format, args);
    va_end(args);
}

void doctor_unknown(struct examination *exam, enum doctor_check check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(exam, check, DOCTOR_UNKNOWN, format, args);
    va_end(args);
}

/* All checks that this one needs, directly or not, which are earlier ones. */
static uint64_t all_needs(enum doctor_check check)
{
    uint64_t needs = doctor_row(check)->needs;
    for (enum doctor_check earlier = check; earlier-- > 0;) {
        if ((needs & DOCTOR_SET(earlier)) != 0)
            needs |= doctor_row(earlier)->needs;
    }
    return needs;
}

/* The first one that failed among those; DOCTOR_CHECK_COUNT when there is none. */
static enum doctor_check first_failed(const struct examination *exam, enum doctor_check check)
{
    const uint64_t needs = all_needs(check);
    for (enum doctor_check earlier = 0; earlier < check; earlier++) {
        if ((needs & DOCTOR_SET(earlier)) != 0 && exam->findings[earlier].result == DOCTOR_FAIL)
            return earlier;
    }
    return DOCTOR_CHECK_COUNT;
}

/* The last one that is unknown. */
static enum doctor_check last_unknown(const struct examination *exam, enum doctor_check check)
{
    const uint64_t needs = all_needs(check);
    for (enum doctor_check earlier = check; earlier-- > 0;) {
        if ((needs & DOCTOR_SET(earlier)) != 0 && exam->findings[earlier].result == DOCTOR_UNKNOWN)
            return earlier;
    }
    return DOCTOR_CHECK_COUNT;
}

bool doctor_may(struct examination *exam, enum doctor_check check)
{
    const enum doctor_check first = first_failed(exam, check);
    if (first != DOCTOR_CHECK_COUNT)
        doctor_unknown(exam, check, LEFT_OUT "%s fails", doctor_row(first)->id);
    return first == DOCTOR_CHECK_COUNT;
}

/* What no group came to: the reason is that of the check that it hangs on. */
static void tell_left_out(struct examination *exam, enum doctor_check check)
{
    if (exam->findings[check].why[0] != '\0' || !doctor_may(exam, check))
        return;
    const enum doctor_check unknown = last_unknown(exam, check);
    if (unknown == DOCTOR_CHECK_COUNT)
        doctor_unknown(exam, check, "could not be looked at");
    else if (strncmp(exam->findings[unknown].why, LEFT_OUT, strlen(LEFT_OUT)) == 0)
        exam->findings[check] = exam->findings[unknown];
    else
        doctor_unknown(exam, check, LEFT_OUT "%s is unknown", doctor_row(unknown)->id);
}

/* ---- requests ---- */

enum status doctor_new_client(const struct examination *exam, const char *base_url,
                              const char *gateway, struct http_client **ret, struct error *err)
{
    const struct http_client_options options = {.base_url = base_url,
                                                .gateway = gateway,
                                                .ca_path = exam->options->ca_path,
                                                .connect_to = exam->options->connect_to,
                                                .user_agent = device_identity_default()->user_agent,
                                                .user_identifier = "blindlist-doctor",
                                                .content_type = "application/x-protobuf"};
    return http_client_new(&options, ret, err);
}

enum status doctor_open_device(const struct examination *exam, const char *identity,
                               const char *gateway, struct device **ret, struct error *err)
{
    const struct doctor_options *options = exam->options;
    const struct device_options device = {.server = options->server,
                                          .issuer = exam->issuer,
                                          .gateway = gateway,
                                          .ca_path = options->ca_path,
                                          .connect_to = options->connect_to,
                                          .use_case = exam->use_case,
                                          .identity = device_identity_find(identity),
                                          .user_token =
                                              exam->tokens != NULL ? options->user_token : NULL};
    return device_open(&device, ret, err);
}

enum status doctor_get(struct examination *exam, const char *path, struct http_exchange *ret,
                       struct error *err)
{
    return http_client_get(exam->http, path, NULL, &exam->body, ret, err);
}

const char *doctor_header(struct examination *exam, struct http_client *http, const char *name)
{
    bytes_clear(&exam->header);
    if (!http_client_header(http, name, &exam->header))
        return NULL;
    bytes_append_u8(&exam->header, 0);
    return exam->header.status == STATUS_OK ? (const char *)exam->header.data : NULL;
}

enum status doctor_post_config(struct examination *exam, const char *authorization,
                               struct http_exchange *ret, struct error *err)
{
    struct bytes request;
    bytes_init(&request, WIRE_BODY_MAX_BYTES);
    enum status status = wire_config_request_write(NULL, NULL, 0, &request, err);
    if (status == STATUS_OK)
        status = http_client_post(exam->http, "/config", authorization, bytes_view(&request),
                                  &exam->body, ret, err);
    bytes_deinit(&request);
    return status;
}

/* ---- all of it ---- */

static enum status open_clients(struct examination *exam, struct error *err)
{
    enum status status = doctor_new_client(exam, exam->options->server, NULL, &exam->http, err);
    if (status == STATUS_OK || status == STATUS_INVALID) /* which is told by doctor_names() */
        status = doctor_new_client(exam, exam->issuer, NULL, &exam->issuer_http, err);
    return status == STATUS_INVALID ? STATUS_OK : status;
}

/* NULL, or a file that can be read again and again later on. */
static enum status check_file(const char *path, struct error *err)
{
    struct line_reader *lines = NULL;
    enum status status = STATUS_OK;
    if (path != NULL)
        status = line_reader_open(path, &lines, err);
    if (status == STATUS_OK && path != NULL)
        status = line_reader_rewind(lines, err);
    line_reader_close(lines);
    return status;
}

static const struct {
    void (*run)(struct examination *exam);
    bool wants_server; /* is left out when the server's or issuer's URL is none */
} groups[] = {
    {doctor_names, false},    {doctor_transport, true}, {doctor_payment, true},
    {doctor_issuer, true},    {doctor_tokens, true},    {doctor_config, true},
    {doctor_prefilter, true}, {doctor_queries, true},   {doctor_gateway, true},
    {doctor_dns, true},       {doctor_app, false},
};

enum status doctor_examine(const struct doctor_options *options, struct doctor_report *ret,
                           struct error *err)
{
    struct examination exam = {
        .options = options, .issuer = options->issuer != NULL ? options->issuer : options->server};
    struct progress progress;
    exam.findings = mem_alloc_zeroed(DOCTOR_CHECK_COUNT, sizeof exam.findings[0]);
    if (exam.findings == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    bytes_init(&exam.body, WIRE_CONFIG_RESPONSE_MAX_BYTES);
    bytes_init(&exam.header, HEADER_MAX_BYTES);
    bytes_init(&exam.bits, PREFILTER_MAX_BYTES);
    progress_begin(&progress, options->show_progress ? "examining" : NULL, ARRAY_COUNT(groups));
    enum status status = check_file(options->keys_path, err);
    if (status == STATUS_OK)
        status = check_file(options->ca_path, err);
    if (status == STATUS_OK)
        status = open_clients(&exam, err);
    const bool has_clients = exam.http != NULL && exam.issuer_http != NULL;
    for (size_t i = 0; i < ARRAY_COUNT(groups) && status == STATUS_OK; i++) {
        if (has_clients || !groups[i].wants_server)
            groups[i].run(&exam);
        progress_add(&progress, 1);
    }
    for (enum doctor_check check = 0; check < DOCTOR_CHECK_COUNT; check++)
        tell_left_out(&exam, check);
    progress_end(&progress);
    if (status == STATUS_OK)
        memcpy(ret->findings, exam.findings, sizeof ret->findings);
    wire_served_list_free(exam.config);
    device_tokens_free(exam.tokens);
    http_client_free(exam.issuer_http);
    http_client_free(exam.http);
    bytes_deinit(&exam.bits);
    bytes_deinit(&exam.header);
    bytes_deinit(&exam.body);
    mem_free(exam.findings);
    return status;
}
