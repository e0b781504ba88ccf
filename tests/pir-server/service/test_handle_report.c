/* POST /report without a socket: both forms, what is refused, what is kept. */
#include "base/file.h"
#include "pir-server/service/report_log.h"
#include "pir-server/wire/wire_limits.h"
#include "tests/pir-server/service/service_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>

#define NOW ((uint64_t)1800000000)

static struct service_fixture fixture;

static uint64_t report_time(void)
{
    return NOW;
}

static void set_up(void)
{
    fixture_init(&fixture);
    fixture_start(&fixture, NULL);
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
}

TestSuite(handle_report, .init = set_up, .fini = tear_down);

static unsigned report(const char *type, struct span body)
{
    struct http_request request = fixture_request(HTTP_POST, "/report", body);
    request.headers[HTTP_USER_IDENTIFIER] = NULL; /* it is not asked for */
    request.headers[HTTP_CONTENT_TYPE] = type;
    return fixture_status(&fixture, &request);
}

static void start_with_reports(void)
{
    struct error error = {0};
    struct service_options options = service_options_default();
    struct app_config app = app_config_default();
    app.reports = fixture.folder;
    cr_assert_eq(app_list_new(&app, 1, &options.apps, &error), STATUS_OK, "%s", error.message);
    options.now_s = report_time;
    fixture_stop(&fixture);
    fixture_start(&fixture, &options);
    app_list_unref(options.apps);
}

Test(handle_report, reports_become_lines)
{
    start_with_reports();
    cr_assert_eq(report("application/json", span_of_text("[\"https://a.example/x\",\"b\\n\"]")),
                 200);
    cr_assert_eq(report("application/json; charset=utf-8", span_of_text("[]")), 200);
    cr_assert_eq(report(NULL, span_of("\x0a\x03"
                                      "a/b\x0a\x00",
                                      7)),
                 200);
    cr_assert_eq(report("application/octet-stream", span_of_text("")), 200);
    fixture_stop(&fixture);
    char path[128];
    struct bytes got;
    struct error error = {0};
    bytes_init(&got, 10000);
    snprintf(path, sizeof path, "%s/reports.jsonl", fixture.folder);
    cr_assert_eq(file_read(path, &got, &error), STATUS_OK, "%s", error.message);
    bytes_append_u8(&got, '\0');
#define LINE(urls)                                                                                 \
    "{\"receivedAt\":\"2027-01-15T08:00:00Z\",\"userAgent\":\"" FIXTURE_AGENT "\",\"urls\":[" urls \
    "]}\n"
    cr_assert_str_eq((const char *)got.data, LINE("\"https://a.example/x\",\"b\\n\"") LINE("")
                                                 LINE("\"a/b\",\"\"") LINE(""));
#undef LINE
    bytes_deinit(&got);
}

Test(handle_report, malformed_reports_are_refused_and_leave_nothing)
{
    static const struct {
        const char *type;
        struct span body;
    } cases[] = {
        {"application/json", {(const uint8_t *)"[\"half", 6}},
        {"application/json", {(const uint8_t *)"{}", 2}},
        {"application/json", {(const uint8_t *)"[1]", 3}},
        {"application/json", {(const uint8_t *)"[] []", 5}},
        {"application/json", {(const uint8_t *)"[\"\xff\"]", 5}},
        {"application/json", {(const uint8_t *)"", 0}},
        {NULL, {(const uint8_t *)"\xff\xfe\x00", 3}},
        {NULL, {(const uint8_t *)"\x0a\x02\xff\xff", 4}},
        {NULL, {(const uint8_t *)"\x0a\x02\x61\x00", 4}},
        {NULL, {(const uint8_t *)"\x0a\x09short", 7}},
    };
    start_with_reports();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(report(cases[i].type, cases[i].body), 400, "case %zu", i);
    fixture_stop(&fixture);
    char path[128];
    struct stat info;
    snprintf(path, sizeof path, "%s/reports.jsonl", fixture.folder);
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_size, 0);
}

Test(handle_report, too_many_and_too_long_urls_are_413)
{
    struct bytes body;
    bytes_init(&body, WIRE_REPORT_MAX_BYTES);
    for (size_t i = 0; i < WIRE_REPORT_URLS_MAX; i++)
        bytes_append(&body, span_of("\x0a\x01"
                                    "a",
                                    3));
    cr_assert_eq(report(NULL, bytes_view(&body)), 200);
    bytes_append(&body, span_of("\x0a\x01"
                                "a",
                                3));
    cr_assert_eq(report(NULL, bytes_view(&body)), 413);
    bytes_clear(&body);
    bytes_append_text(&body, "[\"");
    for (size_t i = 0; i <= WIRE_REPORT_URL_MAX_BYTES; i++)
        bytes_append_u8(&body, 'a');
    bytes_append_text(&body, "\"]");
    cr_assert_eq(report("application/json", bytes_view(&body)), 413);
    bytes_deinit(&body);
}
