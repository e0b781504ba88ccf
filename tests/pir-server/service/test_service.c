/* The handlers, route by route, without a socket (spec/service.md sections 1 to 5). */
#include "pir-server/service/service.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/service/service_internal.h"
#include "tests/pir-server/service/service_fixture.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define START ((uint64_t)1800000000)
/* Longer than a cache may name what was replaced. */
#define FORGOTTEN_S ((uint64_t)APP_MAX_AGE_S + APP_GRACE_S)

static struct service_fixture fixture;
static struct error error;
static _Atomic uint64_t now;

static uint64_t clock_of_test(void)
{
    return atomic_load(&now);
}

static void set_up(void)
{
    struct service_options options = service_options_default();
    atomic_store(&now, START);
    options.compute_threads = 2;
    options.now_s = clock_of_test;
    fixture_init(&fixture);
    fixture_start(&fixture, &options);
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
}

TestSuite(service, .init = set_up, .fini = tear_down);

static const struct span nothing;

static bool body_has(const struct http_response *response, const char *words)
{
    const struct span body = http_response_body(response);
    char text[2048];
    const size_t size = body.size < sizeof text - 1 ? body.size : sizeof text - 1;
    memcpy(text, body.data, size);
    text[size] = '\0';
    return strstr(text, words) != NULL;
}

static void expect_error(const struct http_request *request, unsigned status, const char *words)
{
    struct http_response response;
    const unsigned got = fixture_ask(&fixture, request, &response);
    cr_expect_eq(got, status, "%s: %u", request->target, got);
    if (words == NULL)
        cr_expect_eq(http_response_body(&response).size, 0);
    else
        cr_expect(body_has(&response, "{\"error\":{\"message\":\"") && body_has(&response, words),
                  "%.*s", (int)http_response_body(&response).size,
                  (const char *)http_response_body(&response).data);
    http_response_deinit(&response);
}

/* ---- common checks ---- */

Test(service, unknown_routes_are_404_and_empty)
{
    static const struct {
        enum http_method method;
        const char *target;
    } cases[] = {{HTTP_GET, "/"},         {HTTP_GET, "/queries"},    {HTTP_OTHER, "/config"},
                 {HTTP_POST, "/reports"}, {HTTP_POST, "/issue"},     {HTTP_HEAD, "/config"},
                 {HTTP_GET, "/key"},      {HTTP_POST, "/config/a/b"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct http_request request =
            fixture_request(cases[i].method, cases[i].target, nothing);
        expect_error(&request, 404, NULL);
    }
}

Test(service, headers_are_checked_before_the_body)
{
    static const char *const targets[] = {"/config", "/key", "/queries"};
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        struct http_request request =
            fixture_request(HTTP_POST, targets[i], span_of_text("not protobuf"));
        request.headers[HTTP_USER_IDENTIFIER] = NULL;
        expect_error(&request, 400, "Missing 'User-Identifier' header");
        request.headers[HTTP_USER_AGENT] = NULL;
        expect_error(&request, 400, "Missing 'User-Identifier' header");
        request.headers[HTTP_USER_IDENTIFIER] = "";
        expect_error(&request, 400, "Missing 'User-Agent' header");
        request.headers[HTTP_USER_AGENT] = "";
        expect_error(&request, 400, "");
    }
}

Test(service, health)
{
    struct http_request request = fixture_request(HTTP_GET, "/healthz", nothing);
    struct http_response response;
    cr_expect_eq(fixture_ask(&fixture, &request, &response), 200);
    cr_expect(body_has(&response, "ok"));
    http_response_deinit(&response);
    service_stop(fixture.service);
    expect_error(&request, 503, "stopping");
}

/* ---- /config ---- */

struct config_case {
    const char *names[4];
    const char *ids[4]; /* NULL = none; "" = empty; "current" */
    size_t count;
    bool with_ids;
};

static unsigned ask_config(const struct config_case *given, const char *agent,
                           struct http_response *ret)
{
    struct span names[4];
    struct span ids[4] = {{0}};
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    for (size_t i = 0; i < given->count; i++) {
        names[i] = span_of_text(given->names[i]);
        if (given->ids[i] != NULL)
            ids[i] = strcmp(given->ids[i], "current") == 0 ? device.served.config_id
                                                           : span_of_text(given->ids[i]);
    }
    struct bytes body;
    bytes_init(&body, 10000);
    cr_assert_eq(
        wire_config_request_write(names, given->with_ids ? ids : NULL, given->count, &body, &error),
        STATUS_OK);
    struct http_request request = fixture_request(HTTP_POST, "/config", bytes_view(&body));
    request.headers[HTTP_USER_AGENT] = agent;
    const unsigned status = fixture_ask(&fixture, &request, ret);
    bytes_deinit(&body);
    fixture_device_deinit(&device);
    return status;
}

static size_t config_count(const struct http_response *response)
{
    struct wire_served_list *config = NULL;
    cr_assert_eq(wire_served_list_read(http_response_body(response), &config, &error), STATUS_OK,
                 "%s", error.message);
    const size_t count = wire_served_list_count(config);
    wire_served_list_free(config);
    return count;
}

static bool config_reuses(const struct http_response *response, const char *name)
{
    struct wire_served_list *config = NULL;
    const struct wire_served *served = NULL;
    cr_assert_eq(wire_served_list_read(http_response_body(response), &config, &error), STATUS_OK,
                 "%s", error.message);
    cr_assert_eq(wire_served_list_find(config, span_of_text(name), &served, &error), STATUS_OK);
    const bool reuse = served->reuse;
    wire_served_list_free(config);
    return reuse;
}

Test(service, config_answers_names_once_and_pairs_ids_by_position)
{
    fixture_compile(&fixture, "second.use.case", "word", 50, 1);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    struct http_response response;

    const struct config_case all = {.count = 0};
    cr_assert_eq(ask_config(&all, FIXTURE_AGENT, &response), 200);
    cr_expect_eq(config_count(&response), 2);
    cr_expect(response.content_type == NULL);
    cr_expect(response.varies_by_encoding);
    http_response_deinit(&response);

    const struct config_case twice = {
        .names = {"second.use.case", FIXTURE_USE_CASE, "second.use.case"},
        .ids = {"", "current", ""},
        .count = 3,
        .with_ids = true};
    cr_assert_eq(ask_config(&twice, FIXTURE_AGENT, &response), 200);
    cr_expect_eq(config_count(&response), 2);
    cr_expect(config_reuses(&response, FIXTURE_USE_CASE));
    cr_expect(!config_reuses(&response, "second.use.case"));
    http_response_deinit(&response);

    const struct config_case swapped = {.names = {FIXTURE_USE_CASE, "second.use.case"},
                                        .ids = {"", "current"},
                                        .count = 2,
                                        .with_ids = true};
    cr_assert_eq(ask_config(&swapped, FIXTURE_AGENT, &response), 200);
    cr_expect(!config_reuses(&response, FIXTURE_USE_CASE));
    cr_expect(!config_reuses(&response, "second.use.case"));
    http_response_deinit(&response);
}

Test(service, config_refuses)
{
    struct http_response response;
    const struct config_case unknown = {.names = {FIXTURE_USE_CASE, "no.such.thing"}, .count = 2};
    cr_expect_eq(ask_config(&unknown, FIXTURE_AGENT, &response), 404);
    cr_expect(body_has(&response, "no.such.thing\\n"));
    cr_expect(body_has(&response, "Available use cases: " FIXTURE_USE_CASE));
    http_response_deinit(&response);
    /* usecases=1: two names, existing_config_ids=2: one id */
    const struct http_request request =
        fixture_request(HTTP_POST, "/config", span_of("\x0a\x01y\x0a\x01x\x12\x01z", 9));
    expect_error(&request, 400, "");
    const struct http_request broken =
        fixture_request(HTTP_POST, "/config", span_of("\x0a\x7fy", 3));
    expect_error(&broken, 400, "");
}

Test(service, config_for_old_systems_spells_shards_out)
{
    struct http_response recent;
    struct http_response old;
    const struct config_case one = {.names = {FIXTURE_USE_CASE}, .count = 1};
    cr_assert_eq(ask_config(&one, "x iOS/18.2", &recent), 200);
    cr_assert_eq(ask_config(&one, "x iOS/18.1", &old), 200);
    cr_expect(!span_equal(http_response_body(&recent), http_response_body(&old)));
    cr_expect_gt(http_response_body(&old).size, http_response_body(&recent).size);
    http_response_deinit(&recent);
    http_response_deinit(&old);
}

static void expect_unpacks(const struct http_response *packed, const struct http_response *plain)
{
    static uint8_t back[(size_t)1 << 20];
    const struct span in = http_response_body(packed);
    const struct span expected = http_response_body(plain);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)in.data,
                       .avail_in = (uInt)in.size,
                       .next_out = back,
                       .avail_out = sizeof back};
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    cr_expect_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_expect_eq(stream.avail_in, 0);
    cr_expect(span_equal(span_of(back, stream.total_out), expected));
    inflateEnd(&stream);
}

Test(service, config_is_compressed_when_it_is_long)
{
    fixture_compile(&fixture, "many.shards", "word", 50, 128);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    struct bytes body;
    struct http_response plain;
    struct http_response packed;
    bytes_init(&body, 1000);
    const struct span name = span_of_text("many.shards");
    cr_assert_eq(wire_config_request_write(&name, NULL, 1, &body, &error), STATUS_OK);
    struct http_request request = fixture_request(HTTP_POST, "/config", bytes_view(&body));
    request.headers[HTTP_USER_AGENT] = "iOS/17.0";
    cr_assert_eq(fixture_ask(&fixture, &request, &plain), 200);
    cr_assert_gt(http_response_body(&plain).size, CONFIG_GZIP_ABOVE_BYTES);
    cr_expect(!plain.is_gzip && plain.varies_by_encoding);
    request.headers[HTTP_ACCEPT_ENCODING] = "br, gzip";
    cr_assert_eq(fixture_ask(&fixture, &request, &packed), 200);
    cr_expect(packed.is_gzip && packed.varies_by_encoding);
    cr_expect_lt(http_response_body(&packed).size, http_response_body(&plain).size);
    expect_unpacks(&packed, &plain);
    http_response_deinit(&packed);
    /* This stops the reference process. */
    request.headers[HTTP_ACCEPT_ENCODING] = "gzip;x";
    cr_assert_eq(fixture_ask(&fixture, &request, &packed), 200);
    cr_expect(!packed.is_gzip);
    http_response_deinit(&packed);
    request.headers[HTTP_ACCEPT_ENCODING] = "gzip";
    request.headers[HTTP_USER_AGENT] = "iOS/26.0";
    cr_assert_eq(fixture_ask(&fixture, &request, &packed), 200);
    cr_expect(!packed.is_gzip, "short answers stay as they are");
    http_response_deinit(&packed);
    http_response_deinit(&plain);
    bytes_deinit(&body);
}

Test(service, public_config_is_the_same_for_everyone)
{
    struct http_request request = {.method = HTTP_GET, .target = "/config"};
    struct http_response response;
    char etag[HTTP_ETAG_BYTES];
    cr_assert_eq(fixture_ask(&fixture, &request, &response), 200);
    cr_expect_eq(config_count(&response), 1);
    cr_expect_str_eq(response.cache_control, "public, max-age=300");
    memcpy(etag, response.etag, sizeof etag);
    cr_expect_eq(strlen(etag), 66);
    http_response_deinit(&response);
    request.headers[HTTP_IF_NONE_MATCH] = etag;
    cr_expect_eq(fixture_ask(&fixture, &request, &response), 304);
    cr_expect_eq(http_response_body(&response).size, 0);
    cr_expect_str_eq(response.etag, etag);
    http_response_deinit(&response);
}

Test(service, public_config_has_a_compressed_form_under_a_tag_of_its_own)
{
    char name[32];
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "use.case.%d", i);
        fixture_compile(&fixture, name, "word", 5, 1);
    }
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    struct http_request request = {.method = HTTP_GET, .target = "/config"};
    struct http_response plain;
    struct http_response packed;
    struct http_response unchanged;
    cr_assert_eq(fixture_ask(&fixture, &request, &plain), 200);
    cr_expect(!plain.is_gzip && plain.varies_by_encoding);
    cr_expect_eq(config_count(&plain), 9);
    request.headers[HTTP_ACCEPT_ENCODING] = "gzip, deflate";
    cr_assert_eq(fixture_ask(&fixture, &request, &packed), 200);
    cr_expect(packed.is_gzip && packed.varies_by_encoding);
    cr_expect_lt(http_response_body(&packed).size, http_response_body(&plain).size / 2);
    expect_unpacks(&packed, &plain);
    cr_expect_str_neq(packed.etag, plain.etag);

    /* The tag of the other form does not do. */
    request.headers[HTTP_IF_NONE_MATCH] = plain.etag;
    cr_expect_eq(fixture_ask(&fixture, &request, &unchanged), 200);
    http_response_deinit(&unchanged);
    request.headers[HTTP_IF_NONE_MATCH] = packed.etag;
    cr_expect_eq(fixture_ask(&fixture, &request, &unchanged), 304);
    cr_expect(!unchanged.is_gzip && unchanged.varies_by_encoding);
    cr_expect_str_eq(unchanged.etag, packed.etag);
    http_response_deinit(&unchanged);
    http_response_deinit(&packed);
    http_response_deinit(&plain);
}

/* ---- /key ---- */

static uint64_t key_state(const char *user)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, user);
    const uint64_t state = device.served.key_timestamp;
    fixture_device_deinit(&device);
    return state;
}

Test(service, key_is_stored_and_its_time_shown)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_expect_eq(key_state(FIXTURE_USER), 0);
    struct bytes body;
    struct http_response response;
    bytes_init(&body, HTTP_RESPONSE_MAX_BYTES);
    fixture_device_upload_body(&device, &body);
    const struct http_request request = fixture_request(HTTP_POST, "/key", bytes_view(&body));
    cr_expect_eq(fixture_ask(&fixture, &request, &response), 200);
    cr_expect_eq(http_response_body(&response).size, 0);
    cr_expect(response.content_type == NULL);
    http_response_deinit(&response);
    cr_expect_eq(key_state(FIXTURE_USER), device.key_time);
    cr_expect_eq(key_state("somebody else"), 0);
    fixture_stop(&fixture);
    fixture_start(&fixture, NULL);
    cr_expect_eq(key_state(FIXTURE_USER), device.key_time, "after a restart");
    bytes_deinit(&body);
    fixture_device_deinit(&device);
}

static void expect_upload(const struct wire_key *keys, size_t count, unsigned status)
{
    struct bytes body;
    bytes_init(&body, HTTP_RESPONSE_MAX_BYTES);
    cr_assert_eq(wire_key_upload_write(keys, count, &body, &error), STATUS_OK);
    const struct http_request request = fixture_request(HTTP_POST, "/key", bytes_view(&body));
    if (status == 200)
        cr_expect_eq(fixture_status(&fixture, &request), 200);
    else
        expect_error(&request, status, "");
    bytes_deinit(&body);
}

Test(service, key_refuses_what_no_version_can_use)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    const struct wire_key good = {.has_metadata = true,
                                  .timestamp = 5,
                                  .identifier = device.served.key_id,
                                  .has_key = true,
                                  .serialized = bytes_view(&device.key)};
    expect_upload(NULL, 0, 200);

    struct wire_key bad = good;
    bad.has_metadata = false;
    expect_upload(&bad, 1, 400);
    bad = good;
    bad.has_key = false;
    expect_upload(&bad, 1, 400);
    bad = good;
    bad.identifier.size--;
    expect_upload(&bad, 1, 400);
    bad = good;
    bad.identifier = span_of("01234567890123456789012345678901", 32);
    expect_upload(&bad, 1, 400);
    bad = good;
    bad.serialized.size /= 2;
    expect_upload(&bad, 1, 400);
    bad = good;
    bad.serialized = nothing;
    expect_upload(&bad, 1, 400);

    /* A coefficient of q or more in the middle of the key. */
    struct bytes changed;
    bytes_init(&changed, device.key.size);
    bytes_append(&changed, bytes_view(&device.key));
    memset(changed.data + changed.size / 2, 0xff, 64);
    bad = good;
    bad.serialized = bytes_view(&changed);
    expect_upload(&bad, 1, 400);

    const struct wire_key both[2] = {good, bad};
    expect_upload(both, 2, 400);
    cr_expect_eq(key_state(FIXTURE_USER), 0, "all or nothing");
    expect_upload(&good, 1, 200);
    cr_expect_eq(key_state(FIXTURE_USER), 5);
    const struct http_request request =
        fixture_request(HTTP_POST, "/key", span_of_text("\xff\xff\xff"));
    expect_error(&request, 400, "");
    bytes_deinit(&changed);
    fixture_device_deinit(&device);
}

/* ---- /queries ---- */

Test(service, queries_are_answered)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row7.example/path"), FIXTURE_BROKEN,
                 "no key yet");
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row7.example/path"), FIXTURE_FOUND);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row399.example/path"), FIXTURE_FOUND);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row400.example/path"), FIXTURE_ABSENT);
    cr_expect_eq(fixture_look_up(&fixture, &device, "www.apple.com/url-filter-test"),
                 FIXTURE_FOUND);
    cr_expect_eq(service_look(fixture.service).cached_keys, 1);
    fixture_device_deinit(&device);
}

Test(service, queries_in_one_body_keep_their_order)
{
    struct fixture_device device;
    struct fixture_query queries[12];
    struct http_response response;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        char keyword[64];
        snprintf(keyword, sizeof keyword, "row%zu.example/path", i % 3 == 0 ? i : i + 1000);
        fixture_query_init(&device, keyword, &queries[i]);
        if (i % 4 >= 2)
            fixture_query_inline_key(&device, &queries[i]);
    }
    cr_assert_eq(fixture_send(&fixture, &device, queries, ARRAY_COUNT(queries), &response), 200);
    cr_expect(response.content_type == NULL);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++)
        cr_expect_eq(fixture_read(&device, &queries[i], http_response_body(&response), i),
                     i % 3 == 0 ? FIXTURE_FOUND : FIXTURE_ABSENT, "query %zu", i);
    http_response_deinit(&response);

    cr_expect_eq(fixture_send(&fixture, &device, queries, 0, &response), 200);
    cr_expect_eq(http_response_body(&response).size, 0);
    http_response_deinit(&response);

    /* One bad one fails all. */
    queries[7].request.has_shard_id = true;
    cr_expect_eq(fixture_send(&fixture, &device, queries, ARRAY_COUNT(queries), &response), 501);
    cr_expect(body_has(&response, "request 7"));
    http_response_deinit(&response);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++)
        fixture_query_deinit(&queries[i]);
    fixture_device_deinit(&device);
}

Test(service, an_inline_key_needs_no_upload_and_stores_nothing)
{
    struct fixture_device device;
    struct fixture_query query;
    struct http_response response;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    fixture_query_init(&device, "row1.example/path", &query);
    fixture_query_inline_key(&device, &query);
    query.request.has_key_metadata = false;
    query.request.inline_key.has_metadata = false; /* ignored, says the reference */
    query.request.inline_key.identifier = nothing;
    cr_assert_eq(fixture_send(&fixture, &device, &query, 1, &response), 200);
    cr_expect_eq(fixture_read(&device, &query, http_response_body(&response), 0), FIXTURE_FOUND);
    http_response_deinit(&response);
    cr_expect_eq(key_state(FIXTURE_USER), 0);
    cr_expect_eq(service_look(fixture.service).cached_keys, 0);
    fixture_query_deinit(&query);
    fixture_device_deinit(&device);
}

static struct fixture_device device_in_use;

static void expect_query(const struct fixture_query *query, unsigned status, const char *words)
{
    struct http_response response;
    const unsigned got = fixture_send(&fixture, &device_in_use, query, 1, &response);
    cr_expect_eq(got, status, "%s: %u", words, got);
    cr_expect(body_has(&response, words), "%.*s", (int)http_response_body(&response).size,
              (const char *)http_response_body(&response).data);
    http_response_deinit(&response);
}

Test(service, queries_refuse_in_the_order_of_the_checks)
{
    struct fixture_device *device = &device_in_use;
    struct fixture_query good;
    fixture_device_init(&fixture, device, FIXTURE_USE_CASE, FIXTURE_USER);
    fixture_query_init(device, "row1.example/path", &good);

    /* 1. the key comes before the use case */
    struct fixture_query bad = good;
    bad.request.use_case = span_of_text("no.such.thing");
    expect_query(&bad, 400, "evaluation key not found");
    cr_assert_eq(fixture_device_upload(&fixture, device), 200);
    bad = good;
    bad.request.has_key_metadata = false;
    expect_query(&bad, 400, "evaluation key not found");
    bad = good;
    bad.request.key_identifier.size = 31;
    expect_query(&bad, 400, "evaluation key not found");
    bad = good;
    bad.request.key_timestamp++;
    expect_query(&bad, 400, "evaluation key not found");
    bad = good;
    bad.request.key_timestamp = 0; /* not said: whichever is stored */
    expect_query(&bad, 200, "");
    bad = good;
    fixture_query_inline_key(device, &bad);
    bad.request.inline_key.has_key = false;
    bad.request.inline_key.serialized = nothing;
    expect_query(&bad, 400, "");

    /* 2. the version */
    bad = good;
    bad.request.use_case = span_of_text("no.such.thing");
    bad.request.has_shard_id = true;
    expect_query(&bad, 400, "unknown use case");
    bad = good;
    bad.request.configuration_id = span_of("01234567890123456789012345678901", 32);
    bad.request.has_shard_id = true;
    expect_query(&bad, 410, "configuration");
    bad.request.configuration_id = nothing;
    expect_query(&bad, 410, "configuration");

    /* 3. shard_id, even empty */
    bad = good;
    bad.request.has_shard_id = true;
    bad.request.shard_index = 1000;
    expect_query(&bad, 501, "shard_id");

    /* 4. the shard */
    bad = good;
    bad.request.shard_index = 2;
    expect_query(&bad, 400, "shard index");
    bad.request.shard_index = UINT32_MAX;
    expect_query(&bad, 400, "shard index");

    /* 5. the query, then the key */
    bad = good;
    bad.request.has_query = false;
    expect_query(&bad, 400, "no query");
    bad = good;
    bad.request.query = nothing; /* no ciphertext, no calls */
    expect_query(&bad, 400, "");
    bad = good;
    bad.request.query.size /= 2;
    expect_query(&bad, 400, "");
    fixture_query_inline_key(device, &bad);
    bad.request.query = good.request.query;
    bad.request.inline_key.serialized.size /= 2;
    expect_query(&bad, 400, "");

    fixture_query_deinit(&good);
    fixture_device_deinit(device);
}

Test(service, num_pir_calls_out_of_range)
{
    struct fixture_device *device = &device_in_use;
    struct fixture_query query;
    fixture_device_init(&fixture, device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, device), 200);
    fixture_query_init(device, "row1.example/path", &query);
    /* num_pir_calls=2 is the last field of the message: one byte, 1. */
    cr_assert_eq(query.message.data[query.message.size - 1], 1);
    query.message.data[query.message.size - 1] = 0;
    expect_query(&query, 400, "");
    query.message.data[query.message.size - 1] = 2;
    expect_query(&query, 400, "");
    query.message.size--;
    for (int i = 0; i < 9; i++)
        bytes_append_u8(&query.message, 0xff);
    bytes_append_u8(&query.message, 1);
    query.request.query = bytes_view(&query.message);
    expect_query(&query, 400, "");
    fixture_query_deinit(&query);
    fixture_device_deinit(device);
}

Test(service, requests_of_other_kinds)
{
    /* Requests{ Request{ usecase="u", pnns_request={} } } and with nothing, and OPRF. */
    static const struct {
        const char *bytes;
        size_t size;
    } bodies[] = {{"\x0a\x05\x0a\x01u\x1a\x00", 7},
                  {"\x0a\x03\x0a\x01u", 5},
                  {"\x0a\x00", 2},
                  {"\x0a\x05\x0a\x01u\x22\x00", 7}};
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        const struct http_request request =
            fixture_request(HTTP_POST, "/queries", span_of(bodies[i].bytes, bodies[i].size));
        expect_error(&request, 400, "");
    }
    const struct http_request broken =
        fixture_request(HTTP_POST, "/queries", span_of_text("\x0a\x7f..."));
    expect_error(&broken, 400, "");
}

Test(service, ten_mebibytes_of_empty_requests_cost_little)
{
    const size_t size = (size_t)10 << 20;
    uint8_t *data = mem_alloc(size, 1);
    for (size_t i = 0; i < size; i += 2) {
        data[i] = 0x0a;
        data[i + 1] = 0;
    }
    static const char *const targets[] = {"/queries", "/key", "/config"};
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        const struct http_request request =
            fixture_request(HTTP_POST, targets[i], span_of(data, size));
        expect_error(&request, 400, "");
    }
    mem_free(data);
}

Test(service, a_new_key_replaces_the_cached_one)
{
    struct fixture_device first;
    struct fixture_device second;
    fixture_device_init(&fixture, &first, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &first), 200);
    cr_expect_eq(fixture_look_up(&fixture, &first, "row7.example/path"), FIXTURE_FOUND);
    /* Another secret and so another key, made in the same second. */
    fixture_device_init(&fixture, &second, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &second), 200);
    cr_expect_eq(fixture_look_up(&fixture, &second, "row7.example/path"), FIXTURE_FOUND);
    cr_expect_neq(fixture_look_up(&fixture, &first, "row7.example/path"), FIXTURE_FOUND);
    fixture_device_deinit(&first);
    fixture_device_deinit(&second);
}

/* Of two servers over one store: a key that the other one took is found, though an older one is in
 * the cache of this one. */
Test(service, a_key_that_another_server_took_replaces_the_cached_one)
{
    struct fixture_device device;
    const struct store_user user = store_user_of("", FIXTURE_USER);
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row7.example/path"), FIXTURE_FOUND);
    struct store_key key = {.made_at = ++device.key_time, .serialized = bytes_view(&device.key)};
    cr_assert_eq(device.served.key_id.size, sizeof key.id);
    memcpy(key.id, device.served.key_id.data, sizeof key.id);
    cr_assert_eq(store_put_keys(fixture.store, &user, &key, 1, (uint64_t)time(NULL), &error),
                 STATUS_OK, "%s", error.message);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row7.example/path"), FIXTURE_FOUND);
    fixture_device_deinit(&device);
}

/* ---- prefilter ---- */

static unsigned get(enum http_method method, const char *target, const char *if_none_match,
                    const char *range, const char *if_range, struct http_response *ret)
{
    struct http_request request = {.method = method, .target = target};
    request.headers[HTTP_IF_NONE_MATCH] = if_none_match;
    request.headers[HTTP_RANGE] = range;
    request.headers[HTTP_IF_RANGE] = if_range;
    return fixture_ask(&fixture, &request, ret);
}

static char bits_target[256];

/* Target of the bits, from the manifest. */
static const char *find_bits(void)
{
    struct http_response response;
    cr_assert_eq(get(HTTP_GET, "/prefilter/" FIXTURE_USE_CASE ".json", NULL, NULL, NULL, &response),
                 200);
    const struct span body = http_response_body(&response);
    char *text = mem_alloc_zeroed(body.size + 1, 1);
    memcpy(text, body.data, body.size);
    const char *url = strstr(text, "/prefilter/");
    cr_assert(url != NULL);
    snprintf(bits_target, sizeof bits_target, "%.*s", (int)strcspn(url, "\""), url);
    mem_free(text);
    http_response_deinit(&response);
    return bits_target;
}

Test(service, prefilter_manifest)
{
    struct http_response response;
    char etag[HTTP_ETAG_BYTES];
    static const char target[] = "/prefilter/" FIXTURE_USE_CASE ".json";
    cr_assert_eq(get(HTTP_GET, target, NULL, NULL, NULL, &response), 200);
    cr_expect_str_eq(response.content_type, "application/json");
    cr_expect_str_eq(response.cache_control, "public, max-age=300");
    cr_expect_eq(strlen(response.etag), 66);
    memcpy(etag, response.etag, sizeof etag);
    http_response_deinit(&response);
    cr_expect_eq(get(HTTP_GET, target, etag, NULL, NULL, &response), 304);
    cr_expect_eq(http_response_body(&response).size, 0);
    cr_expect_str_eq(response.etag, etag);
    http_response_deinit(&response);
    cr_expect_eq(get(HTTP_HEAD, target, NULL, NULL, NULL, &response), 200);
    http_response_deinit(&response);
    cr_expect_eq(get(HTTP_GET, "/prefilter/no.such.thing.json", NULL, NULL, NULL, &response), 404);
    cr_expect_eq(http_response_body(&response).size, 0);
    http_response_deinit(&response);
}

Test(service, prefilter_bits)
{
    struct http_response whole;
    struct http_response part;
    const char *target = find_bits();
    cr_assert_eq(get(HTTP_GET, target, NULL, NULL, NULL, &whole), 200);
    cr_expect_str_eq(whole.content_type, "application/octet-stream");
    cr_expect_str_eq(whole.cache_control, SERVICE_CACHE_CONTROL_LONG);
    cr_expect(whole.accepts_ranges);
    const struct span bits = http_response_body(&whole);
    cr_expect(strncmp(whole.etag + 1, strrchr(target, '/') + 1, 64) == 0, "the tag is its name");
    char expected[HTTP_CONTENT_RANGE_BYTES];

    cr_expect_eq(get(HTTP_GET, target, NULL, "bytes=10-19", NULL, &part), 206);
    cr_expect(span_equal(http_response_body(&part), span_part(bits, 10, 10)));
    snprintf(expected, sizeof expected, "bytes 10-19/%zu", bits.size);
    cr_expect_str_eq(part.content_range, expected);
    http_response_deinit(&part);

    cr_expect_eq(get(HTTP_GET, target, NULL, "bytes=-5", whole.etag, &part), 206);
    cr_expect(span_equal(http_response_body(&part), span_part(bits, bits.size - 5, 5)));
    http_response_deinit(&part);

    cr_expect_eq(get(HTTP_GET, target, NULL, "bytes=-5", "\"other\"", &part), 200);
    http_response_deinit(&part);
    cr_expect_eq(get(HTTP_GET, target, NULL, "bytes=1-2,4-5", NULL, &part), 200);
    http_response_deinit(&part);

    cr_expect_eq(get(HTTP_GET, target, NULL, "bytes=99999999-", NULL, &part), 416);
    cr_expect_eq(http_response_body(&part).size, 0);
    snprintf(expected, sizeof expected, "bytes */%zu", bits.size);
    cr_expect_str_eq(part.content_range, expected);
    http_response_deinit(&part);

    cr_expect_eq(get(HTTP_GET, target, "\"x\", *", "bytes=1-2", NULL, &part), 206);
    http_response_deinit(&part);
    cr_expect_eq(get(HTTP_GET, target, whole.etag, "bytes=1-2", NULL, &part), 304);
    http_response_deinit(&part);
    cr_expect_eq(get(HTTP_HEAD, target, NULL, "bytes=1-2", NULL, &part), 200);
    cr_expect_eq(http_response_body(&part).size, bits.size);
    http_response_deinit(&part);

    char other[256];
    snprintf(other, sizeof other, "%s", target);
    other[strlen("/prefilter/" FIXTURE_USE_CASE "/")] ^= 1;
    cr_expect_eq(get(HTTP_GET, other, NULL, NULL, NULL, &part), 404);
    http_response_deinit(&part);
    http_response_deinit(&whole);
}

/* ---- reload ---- */

Test(service, a_rebuilt_dataset_takes_the_place_of_the_old_one)
{
    struct fixture_device device;
    struct http_response response;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    char old_bits[256];
    snprintf(old_bits, sizeof old_bits, "%s", find_bits());
    fixture_compile(&fixture, FIXTURE_USE_CASE, "new", 400, 0);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row1.example/path"), FIXTURE_FOUND);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row1.example/path"), FIXTURE_ABSENT);
    cr_expect_eq(fixture_look_up(&fixture, &device, "new1.example/path"), FIXTURE_FOUND);
    cr_expect(strcmp(old_bits, find_bits()) != 0);
    cr_expect_eq(get(HTTP_GET, old_bits, NULL, NULL, NULL, &response), 200,
                 "who has just read the old manifest finds its bits");
    http_response_deinit(&response);
    for (int i = 0; i < 3; i++) { /* however many updates there are */
        fixture_compile(&fixture, FIXTURE_USE_CASE, i % 2 == 0 ? "row" : "new", 400 - (size_t)i, 0);
        cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    }
    atomic_store(&now, START + FORGOTTEN_S - 1);
    service_tend(fixture.service);
    cr_expect_eq(get(HTTP_GET, old_bits, NULL, NULL, NULL, &response), 200,
                 "a cache may have kept the manifest");
    http_response_deinit(&response);
    atomic_store(&now, START + FORGOTTEN_S);
    service_tend(fixture.service);
    cr_expect_eq(get(HTTP_GET, old_bits, NULL, NULL, NULL, &response), 404);
    http_response_deinit(&response);
    fixture_device_deinit(&device);
}

Test(service, another_shape_stands_beside_the_old_one)
{
    struct fixture_device old;
    struct fixture_device fresh;
    fixture_device_init(&fixture, &old, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &old), 200);
    fixture_compile(&fixture, FIXTURE_USE_CASE, "new", 400, 4);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    fixture_device_init(&fixture, &fresh, FIXTURE_USE_CASE, "another user");
    cr_assert(!span_equal(old.served.config_id, fresh.served.config_id));
    cr_assert_eq(fixture_device_upload(&fixture, &fresh), 200);
    cr_expect_eq(fixture_look_up(&fixture, &fresh, "new1.example/path"), FIXTURE_FOUND);
    cr_expect_eq(fixture_look_up(&fixture, &old, "row1.example/path"), FIXTURE_FOUND);
    cr_expect_eq(fixture_look_up(&fixture, &old, "new1.example/path"), FIXTURE_ABSENT);

    fixture_compile(&fixture, FIXTURE_USE_CASE, "third", 400, 8);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    atomic_store(&now, START + FORGOTTEN_S - 1);
    service_tend(fixture.service);
    cr_expect_eq(fixture_look_up(&fixture, &old, "row1.example/path"), FIXTURE_FOUND,
                 "a cache may still name it");
    atomic_store(&now, START + FORGOTTEN_S);
    service_tend(fixture.service);
    struct fixture_query query;
    struct http_response response;
    fixture_query_init(&old, "row1.example/path", &query);
    cr_expect_eq(fixture_send(&fixture, &old, &query, 1, &response), 410);
    http_response_deinit(&response);
    fixture_query_deinit(&query);
    cr_expect_eq(fixture_look_up(&fixture, &fresh, "new1.example/path"), FIXTURE_FOUND);
    fixture_device_deinit(&old);
    fixture_device_deinit(&fresh);
}

static void break_current(const char *use_case)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/broken", fixture.data, use_case);
    cr_assert_eq(folder_make(path, &error), STATUS_OK);
    snprintf(path, sizeof path, "%s/%s/broken/dataset.json", fixture.data, use_case);
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text("{}"), &error), STATUS_OK);
    snprintf(path, sizeof path, "%s/%s/current", fixture.data, use_case);
    cr_assert_eq(link_replace("broken", path, &error), STATUS_OK);
}

Test(service, a_broken_dataset_leaves_the_old_one_in_force)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    fixture_compile(&fixture, "second.use.case", "word", 50, 1);
    break_current(FIXTURE_USE_CASE);
    cr_expect_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    cr_expect_eq(service_look(fixture.service).use_cases, 2);
    cr_expect_eq(fixture_look_up(&fixture, &device, "row1.example/path"), FIXTURE_FOUND);
    fixture_stop(&fixture);
    const struct service_options options = service_options_default();
    struct service_options broken = options;
    broken.data = fixture.data;
    cr_expect_neq(service_new(&broken, &fixture.service, &error), STATUS_OK);
    cr_expect(strstr(error.message, "dataset.json") != NULL, "%s", error.message);
    fixture_device_deinit(&device);
}

Test(service, what_is_gone_is_no_longer_served)
{
    char path[256];
    fixture_compile(&fixture, "second.use.case", "word", 50, 1);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    cr_expect_eq(service_look(fixture.service).use_cases, 2);
    snprintf(path, sizeof path, "%s/second.use.case", fixture.data);
    folder_remove(path);
    cr_assert_eq(service_reload(fixture.service, NULL, &error), STATUS_OK);
    cr_expect_eq(service_look(fixture.service).use_cases, 1);
    folder_remove(fixture.data);
    cr_expect_eq(service_reload(fixture.service, NULL, &error), STATUS_NOT_FOUND);
    cr_expect_eq(service_look(fixture.service).use_cases, 1);
    struct http_request request =
        fixture_request(HTTP_GET, "/prefilter/" FIXTURE_USE_CASE ".json", nothing);
    cr_expect_eq(fixture_status(&fixture, &request), 200, "what is mapped stays");
}

/* ---- the rest ---- */

Test(service, after_stop_slow_work_is_503)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    service_stop(fixture.service);
    cr_expect_eq(fixture_device_upload(&fixture, &device), 503);
    struct fixture_query query;
    struct http_response response;
    fixture_query_init(&device, "row1.example/path", &query);
    cr_expect_eq(fixture_send(&fixture, &device, &query, 1, &response), 503);
    cr_expect_gt(response.retry_after_s, 0);
    http_response_deinit(&response);
    fixture_query_deinit(&query);
    fixture_device_deinit(&device);
}

Test(service, a_data_folder_without_datasets)
{
    fixture_stop(&fixture);
    struct service_options options = service_options_default();
    options.data = "/tmp/blindlist-no-such-folder";
    cr_expect_eq(service_new(&options, &fixture.service, &error), STATUS_NOT_FOUND);
    options.data = fixture.folder; /* holds "data" and the state file, no use case */
    cr_expect_eq(service_new(&options, &fixture.service, &error), STATUS_NOT_FOUND);
    cr_expect(strstr(error.message, "blindlist compile") != NULL);
}

Test(service, survives_failing_allocations)
{
    struct service_options options = service_options_default();
    options.compute_threads = 1;
    options.data = fixture.data;
    options.store = fixture.store;
    size_t n = 1;
    for (;; n += n < 40 ? 1 : 7) {
        struct service *service = NULL;
        mem_fail_nth(n);
        const enum status status = service_new(&options, &service, &error);
        const bool is_over = mem_fail_pending();
        mem_fail_nth(0);
        if (is_over) {
            cr_expect_eq(status, STATUS_OK);
            service_free(service);
            break;
        }
        cr_expect_neq(status, STATUS_OK, "allocation %zu", n);
        if (status == STATUS_OK)
            service_free(service);
    }
    const struct http_request request = fixture_request(HTTP_POST, "/config", nothing);
    for (n = 1;; n++) {
        struct http_response response;
        http_response_init(&response);
        mem_fail_nth(n);
        service_answer(fixture.service, &request, &response);
        const bool is_over = mem_fail_pending();
        mem_fail_nth(0);
        cr_expect(response.status == 200 || response.status == 503, "%u", response.status);
        http_response_deinit(&response);
        if (is_over)
            break;
    }
}

/* The hook is per thread: these jobs set and ask it on the only thread that works. */
static size_t armed;
static bool was_reached;
static pthread_barrier_t barrier;

static void arm(void *context, size_t worker)
{
    (void)context;
    (void)worker;
    mem_fail_nth(armed);
    pthread_barrier_wait(&barrier);
}

static void disarm(void *context, size_t worker)
{
    (void)context;
    (void)worker;
    was_reached = !mem_fail_pending();
    mem_fail_nth(0);
    pthread_barrier_wait(&barrier);
}

static void run_there(thread_pool_job *job)
{
    cr_assert_eq(compute_submit(fixture.service->compute, job, NULL, &error), STATUS_OK);
    pthread_barrier_wait(&barrier);
}

Test(service, more_queries_in_a_body_than_the_limit_are_refused)
{
    struct fixture_device device;
    struct fixture_query queries[2];
    struct http_response response;
    struct service_options options = service_options_default();
    options.batch_max = 1;
    fixture_stop(&fixture);
    fixture_start(&fixture, &options);
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    fixture_query_init(&device, "row1.example/path", &queries[0]);
    fixture_query_init(&device, "row2.example/path", &queries[1]);
    cr_expect_eq(fixture_send(&fixture, &device, queries, 1, &response), 200);
    http_response_deinit(&response);
    cr_expect_eq(fixture_send(&fixture, &device, queries, 2, &response), 400);
    cr_expect(span_starts_with(http_response_body(&response),
                               span_of_text("{\"error\":{\"message\":\"2 requests in one body")));
    http_response_deinit(&response);
    fixture_query_deinit(&queries[0]);
    fixture_query_deinit(&queries[1]);
    fixture_device_deinit(&device);
}

Test(service, queries_survive_failing_allocations)
{
    struct fixture_device device;
    struct fixture_query queries[2];
    struct service_options options = service_options_default();
    options.compute_threads = 1;
    fixture_stop(&fixture);
    fixture_start(&fixture, &options);
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    fixture_query_init(&device, "row1.example/path", &queries[0]);
    fixture_query_init(&device, "row2.example/path", &queries[1]);
    fixture_query_inline_key(&device, &queries[1]);
    pthread_barrier_init(&barrier, NULL, 2);
    do {
        struct http_response response;
        key_cache_clear(fixture.service->keys);
        armed++;
        run_there(arm);
        const unsigned status = fixture_send(&fixture, &device, queries, 2, &response);
        run_there(disarm);
        if (was_reached)
            cr_expect_eq(status, 503, "allocation %zu: %u", armed, status);
        else
            cr_expect_eq(status, 200);
        http_response_deinit(&response);
    } while (was_reached);
    cr_expect_gt(armed, 20);
    pthread_barrier_destroy(&barrier);
    fixture_query_deinit(&queries[0]);
    fixture_query_deinit(&queries[1]);
    fixture_device_deinit(&device);
}
