/* The Oblivious HTTP gateway without a socket: what passes, what is refused and where, its keys. */
#include "base/file.h"
#include "pir-server/service/gateway.h"
#include "tests/pir-server/service/gateway_fixture.h"
#include "tests/pir-server/service/service_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define START      ((uint64_t)1800000000)
#define DAY_S      ((uint64_t)86400)
#define YEAR_S     (365 * DAY_S)
#define ROOM_BYTES ((size_t)32 << 20)

static struct service_fixture fixture;
static uint64_t now_s = START;

static uint64_t fixed_now(void)
{
    return now_s;
}

static struct service_options options_with_gateway(void)
{
    struct service_options options = service_options_default();
    options.compute_threads = 2;
    options.has_gateway = true;
    options.now_s = fixed_now;
    return options;
}

static void start(const struct service_options *options)
{
    fixture_stop(&fixture);
    fixture_start(&fixture, options);
}

static void set_up(void)
{
    const struct service_options options = options_with_gateway();
    fixture_init(&fixture);
    fixture_start(&fixture, &options);
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
}

TestSuite(gateway, .init = set_up, .fini = tear_down);

static uint64_t events(enum gateway_event event)
{
    struct gateway_figures figures;
    cr_assert(service_look_at_gateway(fixture.service, &figures));
    return figures.events[event];
}

static struct bytes room(void)
{
    struct bytes bytes;
    bytes_init(&bytes, ROOM_BYTES);
    return bytes;
}

/* ---- what passes ---- */

Test(gateway, a_device_asks_as_it_does_without)
{
    struct fixture_device device;
    fixture.carry = gateway_fixture_carry;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row7.example/path"), FIXTURE_FOUND);
    cr_expect_eq(fixture_look_up(&fixture, &device, "other.example/path"), FIXTURE_ABSENT);
    fixture_device_deinit(&device);
    cr_expect_eq(events(GATEWAY_HANDED_ON), 4);
}

/* With what caches and handlers need of the fields. */
Test(gateway, answers_are_those_without)
{
    static const struct {
        enum http_method method;
        const char *target;
        const char *agent;
    } cases[] = {{HTTP_GET, "/config", FIXTURE_AGENT},
                 {HTTP_GET, "/prefilter/" FIXTURE_USE_CASE ".json", NULL},
                 {HTTP_POST, "/config", NULL},
                 {HTTP_POST, "/config?x", FIXTURE_AGENT},
                 {HTTP_GET, "/prefilter/nobody.json", NULL},
                 {HTTP_GET, "/nowhere", NULL},
                 {HTTP_HEAD, "/prefilter/" FIXTURE_USE_CASE ".json", NULL},
                 {HTTP_OTHER, "/config", NULL}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_request request =
            fixture_request(cases[i].method, cases[i].target, span_of(NULL, 0));
        struct http_response plain;
        struct http_response passed;
        request.headers[HTTP_USER_AGENT] = cases[i].agent;
        fixture.carry = NULL;
        fixture_ask(&fixture, &request, &plain);
        fixture.carry = gateway_fixture_carry;
        fixture_ask(&fixture, &request, &passed);
        const struct span expected =
            cases[i].method == HTTP_HEAD ? span_of(NULL, 0) : http_response_body(&plain);
        cr_expect_eq(passed.status, plain.status, "%s: %u", cases[i].target, passed.status);
        cr_expect(span_equal(http_response_body(&passed), expected), "%s", cases[i].target);
        http_response_deinit(&plain);
        http_response_deinit(&passed);
    }
}

/* The same GET /config in all four framings of a request. */
static const char known_request[] = "\x00\x03GET\x05https\x0bpir.example\x07/config\x00\x00\x00";
static const char cut_request[] = "\x00\x03GET\x05https\x0bpir.example\x07/config";
static const char padded_request[] = "\x00\x03GET\x05https\x0bpir.example\x07/config\x00\x00\x00"
                                     "\x00\x00\x00";
static const char endless_request[] = "\x02\x03GET\x05https\x0bpir.example\x07/config\x00\x00\x00";
static const char host_request[] = "\x00\x03GET\x05https\x00\x07/config\x11\x04host\x0bpir.example";

Test(gateway, all_framings_are_read)
{
    static const struct span requests[] = {
        {(const uint8_t *)known_request, sizeof known_request - 1},
        {(const uint8_t *)cut_request, sizeof cut_request - 1},
        {(const uint8_t *)padded_request, sizeof padded_request - 1},
        {(const uint8_t *)endless_request, sizeof endless_request - 1},
        {(const uint8_t *)host_request, sizeof host_request - 1}};
    struct bytes first = room();
    cr_assert_eq(gateway_fixture_send(fixture.service, requests[0], &first), 200);
    for (size_t i = 1; i < ARRAY_COUNT(requests); i++) {
        struct bytes got = room();
        cr_expect_eq(gateway_fixture_send(fixture.service, requests[i], &got), 200, "%zu", i);
        cr_expect(span_equal(bytes_view(&got), bytes_view(&first)));
        bytes_deinit(&got);
    }
    bytes_deinit(&first);
}

/* ---- what is refused inside ---- */

static int status_of(enum http_method method, const char *host, const char *target,
                     struct span body)
{
    struct http_request request = fixture_request(method, target, body);
    struct bytes inner = room();
    request.headers[HTTP_HOST] = host;
    gateway_fixture_write(&request, &inner);
    const int status = gateway_fixture_send(fixture.service, bytes_view(&inner), NULL);
    bytes_deinit(&inner);
    return status;
}

Test(gateway, other_targets_are_refused_inside)
{
    struct service_options options = options_with_gateway();
    options.gateway_targets = "PIR.example,issuer.example";
    start(&options);
    const struct span none = span_of(NULL, 0);
    cr_expect_eq(status_of(HTTP_GET, "pir.example", "/config", none), 200);
    cr_expect_eq(status_of(HTTP_GET, "pir.example.:443", "/config", none), 200);
    cr_expect_eq(status_of(HTTP_GET, "issuer.example", "/config", none), 200);
    cr_expect_eq(status_of(HTTP_GET, "gateway.example", "/config", none), 403);
    cr_expect_eq(status_of(HTTP_GET, "127.0.0.1", "/config", none), 403);
    cr_expect_eq(events(GATEWAY_TARGET_REFUSED), 2);
    cr_expect_eq(status_of(HTTP_GET, "", "/config", none), 400);
    cr_expect_eq(status_of(HTTP_GET, "a..b", "/config", none), 400);
    cr_expect_eq(events(GATEWAY_INNER_REFUSED), 2);
}

Test(gateway, hosts_of_no_app_are_refused_inside)
{
    static const char *const hosts[] = {"pir.example"};
    struct service_options options = options_with_gateway();
    struct app_config app = app_config_default();
    struct error error;
    app.hosts = hosts;
    app.host_count = 1;
    cr_assert_eq(app_list_new(&app, 1, &options.apps, &error), STATUS_OK, "%s", error.message);
    start(&options);
    app_list_unref(options.apps);
    cr_expect_eq(status_of(HTTP_GET, "pir.example", "/config", span_of(NULL, 0)), 200);
    cr_expect_eq(status_of(HTTP_GET, "other.example", "/config", span_of(NULL, 0)), 403);
}

Test(gateway, what_is_no_request_is_refused_inside)
{
    static const char continued[] = "\x00\x04POST\x05https\x0bpir.example\x07/config\x14\x06"
                                    "expect\x0c"
                                    "100-continue";
    const struct span none = span_of(NULL, 0);
    cr_expect_eq(gateway_fixture_send(fixture.service, none, NULL), 400);
    cr_expect_eq(gateway_fixture_send(fixture.service, span_of_text("GET / HTTP/1.1"), NULL), 400);
    cr_expect_eq(gateway_fixture_send(fixture.service, span_of("\x01\x40\xc8", 3), NULL), 400);
    for (size_t size = 1; size < sizeof cut_request - 1; size++)
        cr_expect_eq(gateway_fixture_send(fixture.service, span_of(cut_request, size), NULL), 400,
                     "%zu bytes", size);
    cr_expect_eq(
        gateway_fixture_send(fixture.service, span_of(continued, sizeof continued - 1), NULL), 417);
    cr_expect_eq(events(GATEWAY_HANDED_ON), 0);
}

Test(gateway, the_servers_own_routes_are_not_reached_through_it)
{
    const struct span none = span_of(NULL, 0);
    cr_expect_eq(status_of(HTTP_POST, "pir.example", GATEWAY_FIXTURE_PATH, none), 404);
    cr_expect_eq(status_of(HTTP_GET, "pir.example", GATEWAY_FIXTURE_PATH, none), 404);
    cr_expect_eq(status_of(HTTP_POST, "pir.example", "/", none), 404);
    cr_expect_eq(status_of(HTTP_GET, "pir.example", "/healthz", none), 404);
    cr_expect_eq(status_of(HTTP_GET, "pir.example", "/prefilter/a/b.bloom", none), 403);
}

Test(gateway, bodies_have_the_limits_of_their_routes)
{
    const size_t most = WIRE_BODY_MAX_BYTES;
    uint8_t *zeros = calloc(1, most + 1);
    cr_assert_not_null(zeros);
    cr_expect_eq(status_of(HTTP_POST, "pir.example", "/queries", span_of(zeros, most)), 400);
    cr_expect_eq(status_of(HTTP_POST, "pir.example", "/queries", span_of(zeros, most + 1)), 413);
    cr_expect_eq(status_of(HTTP_POST, "pir.example", "/issue", span_of(zeros, 2000)), 413);
    cr_expect_eq(status_of(HTTP_GET, "pir.example", "/config", span_of(zeros, 2000)), 200);
    free(zeros);
}

/* ---- what is refused in clear ---- */

/* text: in the body; NULL = anything. */
static unsigned post(struct span sealed, const char *text)
{
    struct http_response response;
    const unsigned status = gateway_fixture_post(fixture.service, sealed, &response);
    struct bytes body = room();
    bytes_append(&body, http_response_body(&response));
    bytes_append_u8(&body, 0);
    cr_expect(text == NULL || strstr((const char *)body.data, text) != NULL, "%s",
              (const char *)body.data);
    bytes_deinit(&body);
    http_response_deinit(&response);
    return status;
}

Test(gateway, what_does_not_open_is_refused_in_clear)
{
    static const char key_problem[] = "http-problem-types#ohttp-key";
    const struct ohttp_key_config config = gateway_fixture_config(fixture.service);
    struct ohttp_exchange exchange;
    struct bytes sealed = room();
    gateway_fixture_seal(&config, config.aeads[1], span_of_text(cut_request), &sealed, &exchange);
    for (size_t size = 0; size < sealed.size; size++)
        cr_expect_eq(post(span_of(sealed.data, size), NULL),
                     size < OHTTP_REQUEST_OVERHEAD_BYTES ? 400 : 422, "%zu bytes", size);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.data[i] ^= 0x40;
        cr_expect_eq(post(bytes_view(&sealed), i < 7 ? key_problem : NULL), i < 7 ? 400 : 422,
                     "byte %zu", i);
        sealed.data[i] ^= 0x40;
    }
    cr_expect_eq(post(bytes_view(&sealed), NULL), 200);
    bytes_deinit(&sealed);
    cr_expect_gt(events(GATEWAY_MALFORMED), 0);
    cr_expect_eq(events(GATEWAY_UNKNOWN_KEY), 7);
    cr_expect_gt(events(GATEWAY_NOT_OPENED), 0);
}

Test(gateway, other_types_are_not_taken_in)
{
    static const struct {
        const char *type;
        unsigned status;
    } cases[] = {{NULL, 415},
                 {"", 415},
                 {"message/ohttp-res", 415},
                 {"message/ohttp-request", 415},
                 {"message/ohttp-chunked-req", 415},
                 {"message/ohttp-req", 400},
                 {"Message/OHTTP-Req ", 400},
                 {"message/ohttp-req;x=y", 400}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_request request =
            fixture_request(HTTP_POST, GATEWAY_FIXTURE_PATH, span_of(NULL, 0));
        request.headers[HTTP_CONTENT_TYPE] = cases[i].type;
        cr_expect_eq(fixture_status(&fixture, &request), cases[i].status, "%zu", i);
    }
}

Test(gateway, without_the_option_there_is_none)
{
    struct gateway_figures figures;
    start(NULL);
    struct http_request request = fixture_request(HTTP_GET, GATEWAY_FIXTURE_PATH, span_of(NULL, 0));
    cr_expect_eq(fixture_status(&fixture, &request), 404);
    request.method = HTTP_POST;
    request.headers[HTTP_CONTENT_TYPE] = "message/ohttp-req";
    cr_expect_eq(fixture_status(&fixture, &request), 404);
    cr_expect_not(service_look_at_gateway(fixture.service, &figures));
}

/* ---- keys ---- */

Test(gateway, keys_may_be_cached)
{
    struct http_request request = fixture_request(HTTP_GET, GATEWAY_FIXTURE_PATH, span_of(NULL, 0));
    struct http_response response;
    cr_assert_eq(fixture_ask(&fixture, &request, &response), 200);
    cr_expect_str_eq(response.content_type, "application/ohttp-keys");
    cr_expect_str_eq(response.cache_control, "public, max-age=3600");
    request.headers[HTTP_IF_NONE_MATCH] = response.etag;
    cr_expect_eq(fixture_status(&fixture, &request), 304);
    http_response_deinit(&response);
}

Test(gateway, keys_outlive_a_restart_and_lie_sealed)
{
    struct key_seal seal = {.key = {7}};
    struct service_options options = options_with_gateway();
    struct error error;
    struct service *other = NULL;
    const struct ohttp_key_config plain = gateway_fixture_config(fixture.service);
    options.seal = &seal; /* what lies there plain is still read */
    start(&options);
    const struct ohttp_key_config before = gateway_fixture_config(fixture.service);
    cr_expect_eq(before.key_id, plain.key_id);
    cr_expect_arr_eq(before.public_key, plain.public_key, sizeof before.public_key);
    now_s += 29 * DAY_S;
    service_tend(fixture.service); /* makes one more, which is sealed */
    start(&options);
    options.seal = NULL;
    options.data = fixture.data;
    options.store = fixture.store;
    cr_expect_eq(service_new(&options, &other, &error), STATUS_INVALID);
    cr_expect(strstr(error.message, "id=2") != NULL, "%s", error.message);
    seal.key[0]++;
    options.seal = &seal;
    cr_expect_eq(service_new(&options, &other, &error), STATUS_MISMATCH);
}

/* What is due every six hours is done, up to that day. */
static void live_until(uint64_t day)
{
    static const uint64_t step_s = 6 * 3600;
    while (now_s < START + day * DAY_S) {
        now_s += step_s;
        service_tend(fixture.service);
    }
}

/* Somebody who asked for the keys long ago is answered until the last day. */
Test(gateway, keys_change_and_the_old_ones_open_on)
{
    const struct ohttp_key_config first = gateway_fixture_config(fixture.service);
    struct ohttp_key_config published = first;
    struct ohttp_exchange exchange;
    struct bytes sealed = room();
    unsigned changes = 0;
    gateway_fixture_seal(&first, first.aeads[0], span_of_text(cut_request), &sealed, &exchange);
    for (unsigned day = 1; day <= 70; day++) {
        live_until(day);
        const struct ohttp_key_config now = gateway_fixture_config(fixture.service);
        if (now.key_id != published.key_id) {
            changes++;
            cr_expect_eq(day, 30 * changes, "day %u", day);
        }
        published = now;
        cr_expect_eq(post(bytes_view(&sealed), NULL), day < 60 ? 200 : 400, "day %u", day);
    }
    cr_expect_eq(changes, 2);
    bytes_deinit(&sealed);
}

/* A request sealed for the first key, which is marked on day 30 and may go on day 60; the clock
 * then stands on day 31. */
static struct bytes sealed_for_a_marked_key(void)
{
    const struct ohttp_key_config first = gateway_fixture_config(fixture.service);
    struct ohttp_exchange exchange;
    struct bytes sealed = room();
    gateway_fixture_seal(&first, first.aeads[0], span_of_text(cut_request), &sealed, &exchange);
    live_until(31);
    cr_assert_eq(post(bytes_view(&sealed), NULL), 200);
    return sealed;
}

Test(gateway, a_clock_that_jumps_ahead_drops_no_key)
{
    struct bytes sealed = sealed_for_a_marked_key();
    now_s += YEAR_S;
    service_tend(fixture.service);
    cr_expect_eq(post(bytes_view(&sealed), NULL), 200);
    service_tend(fixture.service);
    now_s -= YEAR_S;
    service_tend(fixture.service);
    cr_expect_eq(post(bytes_view(&sealed), NULL), 200);
    bytes_deinit(&sealed);
}

Test(gateway, a_start_with_a_clock_far_ahead_drops_no_key)
{
    const struct service_options options = options_with_gateway();
    struct bytes sealed = sealed_for_a_marked_key();
    now_s += YEAR_S;
    start(&options);
    service_tend(fixture.service);
    now_s -= YEAR_S;
    start(&options);
    cr_expect_eq(post(bytes_view(&sealed), NULL), 200);
    bytes_deinit(&sealed);
}

/* Time in which no server ran does not count against keys, and then they go all the same. */
Test(gateway, a_key_that_was_marked_goes_after_a_restart)
{
    const struct service_options options = options_with_gateway();
    struct bytes sealed = sealed_for_a_marked_key();
    now_s += 10 * DAY_S;
    start(&options);
    live_until(69);
    cr_expect_eq(post(bytes_view(&sealed), NULL), 200);
    live_until(70);
    cr_expect_eq(post(bytes_view(&sealed), NULL), 400);
    bytes_deinit(&sealed);
}
