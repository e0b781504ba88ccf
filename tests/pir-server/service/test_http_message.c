#include "pir-server/service/http_message.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void expect_body(struct http_response *response, unsigned status, const char *body)
{
    cr_expect_eq(response->status, status);
    const struct span got = http_response_body(response);
    cr_expect(span_equal(got, span_of_text(body)), "%.*s", (int)got.size, (const char *)got.data);
}

Test(http_message, errors_are_json)
{
    struct http_response response;
    http_response_init(&response);
    http_response_error(&response, 400, "say \"what\"\nand\twhy");
    expect_body(&response, 400, "{\"error\":{\"message\":\"say \\\"what\\\"\\nand\\twhy\"}}");
    cr_expect_str_eq(response.content_type, "application/json; charset=utf-8");
    http_response_error(&response, 404, "not \xff UTF-8");
    expect_body(&response, 404, "{\"error\":{\"message\":\"the request cannot be answered\"}}");
    http_response_empty(&response, 413);
    expect_body(&response, 413, "");
    cr_expect(response.content_type == NULL);
    http_response_deinit(&response);
}

Test(http_message, failures_of_ours_do_not_show_their_message)
{
    struct http_response response;
    struct error error;
    http_response_init(&response);
    error_set(&error, STATUS_IO, "state file /secret/path: disk full");
    http_response_failure(&response, STATUS_IO, &error);
    expect_body(&response, 500, "{\"error\":{\"message\":\"input or output failed\"}}");
    error_set(&error, STATUS_STALE_CONFIG, "old");
    http_response_failure(&response, STATUS_STALE_CONFIG, &error);
    expect_body(&response, 410, "{\"error\":{\"message\":\"old\"}}");
    cr_expect_eq(response.retry_after_s, 0);
    error_set(&error, STATUS_BUSY, "full");
    http_response_failure(&response, STATUS_BUSY, &error);
    cr_expect_eq(response.status, 503);
    cr_expect_eq(response.retry_after_s, HTTP_RETRY_AFTER_S);
    http_response_deinit(&response);
}

Test(http_message, every_status_has_a_code)
{
    for (int status = 0; status < STATUS_COUNT; status++) {
        const unsigned code = http_status_of((enum status)status);
        cr_expect(code == 200 || (code >= 400 && code < 600), "%s",
                  status_name((enum status)status));
    }
    cr_expect_eq(http_status_of(STATUS_OK), 200);
}

static int releases;
static void count_release(void *owner)
{
    cr_assert_eq(owner, &releases);
    releases++;
}

Test(http_message, borrowed_bodies_are_released_once)
{
    struct http_response response;
    http_response_init(&response);
    response.borrowed = span_of_text("mapped");
    response.owner = &releases;
    response.release = count_release;
    expect_body(&response, 200, "mapped");
    http_response_error(&response, 500, "changed my mind");
    cr_expect_eq(releases, 1);
    http_response_deinit(&response);
    cr_expect_eq(releases, 1);
}

Test(http_message, errors_without_memory_keep_the_status)
{
    for (size_t n = 1; n < 5; n++) {
        struct http_response response;
        http_response_init(&response);
        mem_fail_nth(n);
        http_response_error(&response, 503, "busy");
        mem_fail_nth(0);
        cr_expect_eq(response.status, 503);
        http_response_deinit(&response);
    }
}
