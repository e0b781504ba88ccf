/* Several apps on one service, without a socket: nothing of one opens anything of another, and each
 * comes, changes and goes without the others noticing. */
#include "base/file.h"
#include "pir-server/service/monitor.h"
#include "pir-server/service/service_internal.h"
#include "pir-server/service/status_page.h"
#include "tests/patience.h"
#include "tests/pir-server/service/token_fixture.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define START      ((uint64_t)1800000000)
#define USE_CASE_A "org.a.filtering"
#define USE_CASE_B "org.b.filtering"
#define HOST_A     "a.example"
#define HOST_B     "b.example"
#define SHARED_ID  "one identifier in two apps"

static struct service_fixture fixture;
static struct error error;
static _Atomic uint64_t now;

static uint64_t clock_of_test(void)
{
    return atomic_load(&now);
}

/* ---- configurations ---- */

static struct app_config app_of(const char *name, const char *const *host,
                                const struct app_use_case *use_case)
{
    struct app_config app = app_config_default();
    app.name = name;
    app.hosts = host;
    app.host_count = host == NULL ? 0 : 1;
    app.use_cases = use_case;
    app.use_case_count = use_case == NULL ? 0 : 1;
    return app;
}

static const char *const host_a[] = {HOST_A};
static const char *const host_b[] = {HOST_B};
static const struct app_use_case case_a[] = {{USE_CASE_A, 0}};
static const struct app_use_case case_b[] = {{USE_CASE_B, 0}};

/* [0] and [1] by host, [2] the rest: FIXTURE_USE_CASE. */
static void three_apps(struct app_config ret[3])
{
    ret[0] = app_of("a", host_a, case_a);
    ret[1] = app_of("b", host_b, case_b);
    ret[2] = app_of("", NULL, NULL);
}

static const struct app_list *list_of(const struct app_config *apps, size_t count)
{
    const struct app_list *list = NULL;
    cr_assert_eq(app_list_new(apps, count, &list, &error), STATUS_OK, "%s", error.message);
    return list;
}

static void start(const struct app_config *apps, size_t count)
{
    struct service_options options = service_options_default();
    options.apps = list_of(apps, count);
    options.compute_threads = 2;
    options.now_s = clock_of_test;
    fixture_start(&fixture, &options);
    app_list_unref(options.apps);
}

static enum status reload(const struct app_config *apps, size_t count)
{
    const struct app_list *list = list_of(apps, count);
    const enum status status = service_reload(fixture.service, list, &error);
    app_list_unref(list);
    return status;
}

static void set_up(void)
{
    atomic_store(&now, START);
    fixture_init(&fixture);
    fixture_compile(&fixture, USE_CASE_A, "a", 100, 1);
    fixture_compile(&fixture, USE_CASE_B, "b", 100, 1);
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
}

TestSuite(app_set, .init = set_up, .fini = tear_down);

/* ---- asking ---- */

static const struct span nothing;

static unsigned get(const char *host, const char *target, struct http_response *ret)
{
    struct http_request request = fixture_request(HTTP_GET, target, nothing);
    request.headers[HTTP_HOST] = host;
    return fixture_ask(&fixture, &request, ret);
}

static unsigned status_of(const char *host, const char *target)
{
    struct http_response response;
    const unsigned status = get(host, target, &response);
    http_response_deinit(&response);
    return status;
}

static bool holds(struct span bytes, const char *words)
{
    const struct span sought = span_of_text(words);
    for (size_t i = 0; i + sought.size <= bytes.size; i++) {
        if (span_equal(span_part(bytes, i, sought.size), sought))
            return true;
    }
    return false;
}

/* Is GET /config under this host about this use case and no other? */
static bool serves_only(const char *host, const char *use_case)
{
    static const char *const all[] = {FIXTURE_USE_CASE, USE_CASE_A, USE_CASE_B};
    struct http_response response;
    bool is_so = get(host, "/config", &response) == 200;
    const struct span body = http_response_body(&response);
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        const bool is_there = holds(body, all[i]);
        is_so = is_so && is_there == (strcmp(all[i], use_case) == 0);
    }
    http_response_deinit(&response);
    return is_so;
}

static unsigned pay(const char *host, const char *authorization)
{
    struct http_request request = fixture_request(HTTP_POST, "/config", nothing);
    request.headers[HTTP_HOST] = host;
    request.headers[HTTP_AUTHORIZATION] = authorization;
    return fixture_status(&fixture, &request);
}

static void figures_of(const char *app, struct app_figures *ret)
{
    const struct app_set *apps = service_apps(fixture.service);
    for (size_t i = 0; i < apps->app_count; i++) {
        if (strcmp(apps->apps[i].config->name, app) == 0)
            app_counters_look(apps->apps[i].counters, ret);
    }
    app_set_unref(apps);
}

/* ---- whose a request is ---- */

Test(app_set, the_host_says_which_app)
{
    struct app_config apps[3];
    three_apps(apps);
    start(apps, 3);
    cr_expect(serves_only(HOST_A, USE_CASE_A));
    cr_expect(serves_only(HOST_B, USE_CASE_B));
    cr_expect(serves_only("A.Example.:8443", USE_CASE_A));
    cr_expect(serves_only("c.example", FIXTURE_USE_CASE));
    cr_expect(serves_only("[::1]:8080", FIXTURE_USE_CASE));
    cr_expect(serves_only(NULL, FIXTURE_USE_CASE));
    cr_expect_eq(status_of(HOST_A ", " HOST_A, "/config"), 400);
    cr_expect_eq(status_of("a example", "/config"), 400);
    cr_expect_eq(status_of(HOST_A, "/prefilter/" USE_CASE_A ".json"), 200);
    cr_expect_eq(status_of(HOST_B, "/prefilter/" USE_CASE_A ".json"), 404);
    cr_expect_eq(status_of(HOST_A, "/prefilter/" FIXTURE_USE_CASE ".json"), 404);
    cr_expect_eq(status_of(HOST_A, "/healthz"), 200);
}

Test(app_set, without_a_default_an_unknown_host_is_404)
{
    struct app_config apps[3];
    struct http_response response;
    three_apps(apps);
    start(apps, 2);
    cr_expect_eq(get("c.example", "/config", &response), 404);
    cr_expect_eq(http_response_body(&response).size, 0);
    http_response_deinit(&response);
    cr_expect_eq(status_of(NULL, "/config"), 404);
    cr_expect_eq(status_of("", "/prefilter/" USE_CASE_A ".json"), 404);
    cr_expect_eq(status_of("c.example", "/healthz"), 200, "whoever watches over it needs no name");
    cr_expect_eq(service_look(fixture.service).use_cases, 2, "what nobody has is not loaded");
}

/* ---- nothing of one opens anything of another ---- */

Test(app_set, tokens_are_of_one_app)
{
    static const char *const hosts[] = {HOST_A, HOST_B};
    static const char *const bearers[] = {"Bearer user of a", "Bearer user of b"};
    struct app_config apps[3];
    char values[2][FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    fixture_open_store(&fixture);
    fixture_add_user_token(&fixture, "a", "user of a", 0, START);
    fixture_add_user_token(&fixture, "b", "user of b", 0, START);
    three_apps(apps);
    apps[0].needs_tokens = apps[1].needs_tokens = true;
    start(apps, 3);
    for (size_t i = 0; i < 2; i++) {
        fixture.host = hosts[i];
        cr_assert_eq(fixture_issue(&fixture, bearers[i], START, &token), 200);
        fixture_authorization(&token, values[i]);
        cr_expect_eq(fixture_issue(&fixture, bearers[1 - i], START, &token), 401);
        struct http_request request =
            fixture_request(HTTP_GET, "/token-key-for-user-token", nothing);
        request.headers[HTTP_AUTHORIZATION] = bearers[1 - i];
        cr_expect_eq(fixture_status(&fixture, &request), 401);
    }
    fixture.host = NULL;
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(pay(hosts[i], values[1 - i]), 401);
        cr_expect_eq(pay(hosts[i], values[i]), 200, "it was not spent where it is nothing worth");
        cr_expect_eq(pay(hosts[i], values[i]), 401);
    }
    cr_expect_eq(pay(NULL, NULL), 200, "the third asks for none");
    cr_expect_eq(status_of(NULL, "/.well-known/private-token-issuer-directory"), 404);
}

Test(app_set, evaluation_keys_are_of_one_app)
{
    struct app_config apps[3];
    struct fixture_device of_a;
    struct fixture_device of_b;
    three_apps(apps);
    start(apps, 3);
    fixture.host = HOST_A;
    fixture_device_init(&fixture, &of_a, USE_CASE_A, SHARED_ID);
    cr_assert_eq(fixture_device_upload(&fixture, &of_a), 200);
    fixture.host = HOST_B;
    fixture_device_init(&fixture, &of_b, USE_CASE_B, SHARED_ID);
    cr_assert(span_equal(of_a.served.key_id, of_b.served.key_id), "one key configuration");
    cr_expect_eq(of_b.served.key_timestamp, 0, "the key of the other app is not told of");
    cr_expect_eq(fixture_look_up(&fixture, &of_b, "b1.example/path"), FIXTURE_BROKEN, "nor used");
    of_b.key_time++;
    cr_assert_eq(fixture_device_upload(&fixture, &of_b), 200);
    cr_expect_eq(fixture_look_up(&fixture, &of_b, "b1.example/path"), FIXTURE_FOUND);
    fixture.host = HOST_A;
    cr_expect_eq(fixture_look_up(&fixture, &of_a, "a1.example/path"), FIXTURE_FOUND,
                 "and not overwritten");
    fixture.host = HOST_B;
    cr_expect_eq(fixture_look_up(&fixture, &of_a, "a1.example/path"), FIXTURE_BROKEN,
                 "a use case is asked in its app");
    fixture_device_deinit(&of_a);
    fixture_device_deinit(&of_b);
}

/* ---- coming, changing, going ---- */

Test(app_set, apps_come_and_go_without_touching_the_others)
{
    struct app_config apps[3];
    char value[FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    struct app_figures figures;
    fixture_open_store(&fixture);
    fixture_add_user_token(&fixture, "a", "user of a", 0, START);
    three_apps(apps);
    apps[0].needs_tokens = true;
    start(apps, 2);
    fixture.host = HOST_A;
    cr_assert_eq(fixture_issue(&fixture, "Bearer user of a", START, &token), 200);
    fixture_authorization(&token, value);
    fixture.host = NULL;

    cr_assert_eq(reload(apps, 3), STATUS_OK, "%s", error.message);
    cr_expect(serves_only("c.example", FIXTURE_USE_CASE), "one came");
    apps[1] = apps[2];
    cr_assert_eq(reload(apps, 2), STATUS_OK, "%s", error.message);
    cr_expect(serves_only(HOST_A, USE_CASE_A));
    cr_expect_eq(status_of(HOST_B, "/prefilter/" USE_CASE_B ".json"), 200, "the rest is larger");
    apps[1].hosts = host_b;
    apps[1].host_count = 1;
    apps[0].hosts = NULL;
    apps[0].host_count = 0;
    cr_assert_eq(reload(apps, 2), STATUS_OK, "%s", error.message);
    cr_expect(serves_only("c.example", USE_CASE_A), "a has another host");
    cr_expect_eq(pay("c.example", value), 200, "and its tokens are good all the time");
    cr_expect_eq(pay("c.example", value), 401);
    figures_of("a", &figures);
    cr_expect_eq(figures.tokens_issued, 1);
    cr_expect_eq(figures.tokens_spent, 1);
}

Test(app_set, a_use_case_may_move_to_another_app)
{
    struct app_config apps[3];
    struct fixture_device device;
    three_apps(apps);
    start(&apps[2], 1);
    fixture_device_init(&fixture, &device, USE_CASE_A, SHARED_ID);
    fixture_compile(&fixture, USE_CASE_A, "newer", 100, 2);
    cr_assert_eq(reload(apps, 3), STATUS_OK, "%s", error.message);
    fixture.host = HOST_A;
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    cr_expect_eq(fixture_look_up(&fixture, &device, "a1.example/path"), FIXTURE_FOUND,
                 "its older versions go with it");
    fixture_device_deinit(&device);
}

Test(app_set, a_reload_is_all_or_nothing)
{
    static const struct app_use_case no_such[] = {{"no.such.thing", 0}};
    struct app_config apps[3];
    three_apps(apps);
    start(apps, 2);
    apps[2].use_cases = no_such;
    apps[2].use_case_count = 1;
    apps[2].name = "third";
    apps[0].hosts = NULL;
    apps[0].host_count = 0;
    apps[2].hosts = host_a;
    apps[2].host_count = 1;
    cr_expect_eq(reload(apps, 3), STATUS_NOT_FOUND);
    cr_expect(strstr(error.message, "third") != NULL, "%s", error.message);
    cr_expect(strstr(error.message, "no.such.thing") != NULL, "%s", error.message);
    cr_expect(serves_only(HOST_A, USE_CASE_A));
    three_apps(apps);
    apps[2].reports = "/no/such/folder";
    cr_expect_eq(reload(apps, 3), STATUS_NOT_FOUND);
    cr_expect_eq(status_of("c.example", "/config"), 404);
    cr_expect_eq(service_look(fixture.service).apps, 2);
}

Test(app_set, an_app_whose_data_is_gone_holds_nobody_up)
{
    struct app_config apps[3];
    char path[256];
    three_apps(apps);
    start(apps, 3);
    snprintf(path, sizeof path, "%s/" FIXTURE_USE_CASE, fixture.data);
    folder_remove(path);
    snprintf(path, sizeof path, "%s/" USE_CASE_B, fixture.data);
    folder_remove(path);
    fixture_compile(&fixture, USE_CASE_A, "newer", 100, 2);
    struct http_response before;
    struct http_response after;
    cr_assert_eq(get(HOST_A, "/config", &before), 200);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(get(HOST_A, "/config", &after), 200);
    cr_expect(strcmp(before.etag, after.etag) != 0);
    cr_expect(serves_only(HOST_B, USE_CASE_B), "what was mapped stays");
    cr_expect(serves_only("c.example", FIXTURE_USE_CASE));
    http_response_deinit(&before);
    http_response_deinit(&after);
}

Test(app_set, reports_go_to_the_folder_of_the_app)
{
    struct app_config apps[3];
    char folders[2][128];
    three_apps(apps);
    for (size_t i = 0; i < 2; i++) {
        snprintf(folders[i], sizeof folders[i], "%s/reports-%zu", fixture.folder, i);
        cr_assert_eq(folder_make(folders[i], &error), STATUS_OK);
        apps[i].reports = folders[i];
    }
    start(apps, 3);
    struct http_request request = fixture_request(HTTP_POST, "/report", span_of_text("[\"to a\"]"));
    request.headers[HTTP_CONTENT_TYPE] = "application/json";
    request.headers[HTTP_HOST] = HOST_A;
    cr_assert_eq(fixture_status(&fixture, &request), 200);
    apps[0].reports = folders[1]; /* they change places under the running server */
    apps[1].reports = folders[0];
    cr_assert_eq(reload(apps, 3), STATUS_OK, "%s", error.message);
    request.body = span_of_text("[\"to a again\"]");
    cr_assert_eq(fixture_status(&fixture, &request), 200);
    fixture_stop(&fixture);
    static const char *const words[] = {"\"to a\"", "\"to a again\""};
    for (size_t i = 0; i < 2; i++) {
        char path[300];
        struct bytes got;
        bytes_init(&got, 10000);
        snprintf(path, sizeof path, "%s/reports.jsonl", folders[i]);
        cr_assert_eq(file_read(path, &got, &error), STATUS_OK, "%s", error.message);
        cr_expect(holds(bytes_view(&got), words[i]));
        cr_expect_eq(memchr(got.data, '\n', got.size), got.data + got.size - 1, "one line");
        bytes_deinit(&got);
    }
}

/* ---- limits, versions, figures ---- */

Test(app_set, an_app_leaves_room_for_the_others)
{
    struct app_config apps[3];
    struct fixture_device of_a;
    struct fixture_query query;
    struct http_response response;
    three_apps(apps);
    apps[0].limits.queries_under_way = 1;
    start(apps, 3);
    fixture.host = HOST_A;
    fixture_device_init(&fixture, &of_a, USE_CASE_A, SHARED_ID);
    cr_assert_eq(fixture_device_upload(&fixture, &of_a), 200);
    fixture_query_init(&of_a, "a1.example/path", &query);
    const struct app_set *set = service_apps(fixture.service);
    cr_assert(app_enter_queries(set->apps[0].counters, 1)); /* as a body under way does */
    cr_expect_eq(fixture_send(&fixture, &of_a, &query, 1, &response), 503);
    cr_expect_gt(response.retry_after_s, 0);
    http_response_deinit(&response);
    app_leave_queries(set->apps[0].counters);
    app_set_unref(set);
    for (int i = 0; i < 3; i++) { /* each leaves when it is answered */
        cr_expect_eq(fixture_send(&fixture, &of_a, &query, 1, &response), 200);
        http_response_deinit(&response);
    }
    fixture_query_deinit(&query);
    fixture_device_deinit(&of_a);
}

Test(app_set, user_tokens_have_the_limits_of_their_app_unless_they_have_their_own)
{
    static const char *const per_minute[] = {"Bearer none of its own", "Bearer three"};
    struct app_config apps[3];
    struct token token;
    fixture_open_store(&fixture);
    fixture_add_user_token(&fixture, "a", "none of its own", 0, START);
    fixture_add_user_token(&fixture, "a", "three", 3, START);
    fixture_add_user_token(&fixture, "b", "of b", 0, START);
    three_apps(apps);
    apps[0].needs_tokens = apps[1].needs_tokens = true;
    apps[0].limits.tokens_per_minute = 2;
    apps[0].limits.tokens_per_day = 5;
    start(apps, 3);
    fixture.host = HOST_A;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 2 + i; k++)
            cr_expect_eq(fixture_issue(&fixture, per_minute[i], START, &token), 200);
        cr_expect_eq(fixture_issue(&fixture, per_minute[i], START, &token), 429);
    }
    atomic_store(&now, START + 60);
    for (unsigned k = 0; k < 2; k++)
        cr_expect_eq(fixture_issue(&fixture, per_minute[1], START, &token), 200);
    cr_expect_eq(fixture_issue(&fixture, per_minute[1], START, &token), 429, "five a day");
    fixture.host = HOST_B;
    for (unsigned k = 0; k < 6; k++)
        cr_expect_eq(fixture_issue(&fixture, "Bearer of b", START, &token), 200);
}

Test(app_set, an_app_may_keep_one_version_and_no_grace)
{
    struct app_config apps[3];
    struct fixture_device of_a;
    struct fixture_query query;
    struct http_response response;
    three_apps(apps);
    apps[0].versions_kept = 1;
    apps[0].max_age_s = 0;
    apps[0].grace_s = 0;
    start(apps, 3);
    fixture.host = HOST_A;
    fixture_device_init(&fixture, &of_a, USE_CASE_A, SHARED_ID);
    cr_assert_eq(fixture_device_upload(&fixture, &of_a), 200);
    fixture_compile(&fixture, USE_CASE_A, "newer", 100, 2);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    fixture_query_init(&of_a, "a1.example/path", &query);
    cr_expect_eq(fixture_send(&fixture, &of_a, &query, 1, &response), 410);
    http_response_deinit(&response);
    cr_assert_eq(get(HOST_A, "/config", &response), 200);
    cr_expect_str_eq(response.cache_control, "public, max-age=0");
    http_response_deinit(&response);
    fixture_query_deinit(&query);
    fixture_device_deinit(&of_a);
}

Test(app_set, each_app_has_its_figures)
{
    struct app_config apps[3];
    struct app_figures all[3];
    struct fixture_device of_a;
    three_apps(apps);
    start(apps, 2);
    fixture.host = HOST_A;
    fixture_device_init(&fixture, &of_a, USE_CASE_A, SHARED_ID);
    cr_expect_eq(fixture_look_up(&fixture, &of_a, "a1.example/path"), FIXTURE_BROKEN);
    cr_assert_eq(fixture_device_upload(&fixture, &of_a), 200);
    cr_expect_eq(fixture_look_up(&fixture, &of_a, "a1.example/path"), FIXTURE_FOUND);
    fixture.host = NULL;
    cr_expect_eq(status_of(HOST_B, "/prefilter/" USE_CASE_B ".json"), 200);
    cr_expect_eq(status_of(HOST_B, "/no/such/route"), 404);
    cr_expect_eq(status_of("c.example", "/config"), 404);
    cr_expect_eq(status_of("c.example", "/healthz"), 200);
    const struct app_set *set = service_apps(fixture.service);
    cr_assert_eq(set->app_count, 2);
    for (size_t i = 0; i < set->app_count; i++)
        app_counters_look(set->apps[i].counters, &all[i]);
    app_counters_look(fixture.service->nobody, &all[2]);
    cr_expect_str_eq(set->apps[0].config->name, "a");
    cr_expect_str_eq(set->apps[1].config->name, "b");
    app_set_unref(set);
    cr_expect_eq(all[0].requests[ROUTE_CONFIG][0], 1);
    cr_expect_eq(all[0].requests[ROUTE_KEY][0], 1);
    cr_expect_eq(all[0].requests[ROUTE_QUERIES][0], 1);
    cr_expect_eq(all[0].requests[ROUTE_QUERIES][2], 1);
    cr_expect_eq(all[0].queries, 1);
    cr_expect_eq(all[0].queries_under_way, 0);
    cr_expect_eq(all[0].tokens_spent, 0);
    cr_expect_eq(all[1].requests[ROUTE_PREFILTER_MANIFEST][0], 1);
    cr_expect_eq(all[1].queries, 0);
    cr_expect_eq(all[2].requests[ROUTE_CONFIG_PUBLIC][2], 1);
    cr_expect_eq(all[2].requests[ROUTE_HEALTH][0], 1);
    cr_expect_eq(all[2].requests[ROUTE_NONE][2], 1);
    fixture_device_deinit(&of_a);
}

/* A tile of the status page: its number stands before its words. */
static bool page_shows(struct span page, const char *number, const char *words)
{
    char tile[200];
    snprintf(tile, sizeof tile, "<b>%s</b><span>%s", number, words);
    return holds(page, tile);
}

Test(app_set, rates_go_on_when_an_app_has_gone)
{
    static struct monitor_sample samples[MONITOR_SAMPLES];
    struct app_config apps[3];
    struct monitor *monitor = NULL;
    struct bytes page;
    three_apps(apps);
    start(apps, 3);
    const struct app_set *set = service_apps(fixture.service);
    for (size_t i = 0; i < 1000; i++)
        app_count_query(set->apps[1].counters);
    app_set_unref(set);
    cr_assert_eq(monitor_new(fixture.service, &monitor, &error), STATUS_OK, "%s", error.message);
    const struct patience patience = patience_begin();
    while (monitor_history(monitor, samples) == 0)
        cr_assert(patience_lasts(&patience), "no sample");
    apps[1] = apps[2];
    cr_assert_eq(reload(apps, 2), STATUS_OK, "%s", error.message);
    bytes_init(&page, (size_t)1 << 20);
    status_page_write(fixture.service, monitor, &page);
    cr_expect(page_shows(bytes_view(&page), "0", "queries a second"));
    bytes_deinit(&page);
    monitor_free(monitor);
}
