/* What Oblivious HTTP adds to a whole request in the server's handlers, by processor time: POST
 * /config of a device to a service over one small dataset, plain, and sealed for its gateway. The
 * answers are compared. Issue 7 allows 0.3 ms. */
#include "base/file.h"
#include "bench/bench.h"
#include "bench/load_device.h"
#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "pir-server/service/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USE_CASE   "use.case"
#define ROWS       ((size_t)1000)
#define RUNS       400
#define ROOM_BYTES ((size_t)1 << 20)
#define LIMIT_US   300
#define NS_A_US    1000
#define GATEWAY    "/.well-known/ohttp-gateway"

struct state {
    char folder[32];
    struct store *store;
    struct service *service;
    struct http_request plain;
    struct http_request sealed;
    struct bytes sealed_body;
    struct ohttp_exchange exchange;
};

static void require(bool holds, const char *what)
{
    if (!holds)
        bench_fail("%s failed", what);
}

static void start(struct state *state)
{
    const struct store_limits limits = store_limits_default();
    struct service_options options = service_options_default();
    char path[64];
    require(mkdtemp(state->folder) != NULL, "a folder");
    load_device_compile(state->folder, USE_CASE, ROWS, 1);
    snprintf(path, sizeof path, "%s/state", state->folder);
    require(store_open(path, &limits, STORE_MAY_BE_NEW, &state->store, NULL) == STATUS_OK,
            "a store");
    options.data = state->folder;
    options.store = state->store;
    options.has_gateway = true;
    require(service_new(&options, &state->service, NULL) == STATUS_OK, "a service");
}

/* The status; `ret` is initialised here. */
static unsigned ask(struct state *state, const struct http_request *request,
                    struct http_response *ret)
{
    http_response_init(ret);
    service_answer(state->service, request, ret);
    return ret->status;
}

static void ask_once(struct state *state, const struct http_request *request)
{
    struct http_response response;
    require(ask(state, request, &response) == 200, "a request");
    http_response_deinit(&response);
}

static void ask_plain(void *context)
{
    struct state *state = context;
    ask_once(state, &state->plain);
}

static void ask_sealed(void *context)
{
    struct state *state = context;
    ask_once(state, &state->sealed);
}

static struct ohttp_key_config fetch_keys(struct state *state)
{
    const struct http_request request = {.method = HTTP_GET, .target = GATEWAY};
    struct http_response response;
    struct ohttp_keys keys;
    require(ask(state, &request, &response) == 200 &&
                ohttp_keys_parse(http_response_body(&response), &keys, NULL) == STATUS_OK,
            "fetching keys");
    http_response_deinit(&response);
    return keys.configs[0];
}

/* The plain request, sealed: it costs no token, so it may come again and again. */
static void seal(struct state *state)
{
    const struct random_source random = random_system();
    const struct ohttp_key_config keys = fetch_keys(state);
    struct bhttp_request inner;
    struct bytes plain;
    bhttp_request_init(&inner);
    inner.method = span_of_text("POST");
    inner.scheme = span_of_text("https");
    inner.authority = span_of_text("pir.example.com");
    inner.path = span_of_text(state->plain.target);
    bytes_init(&plain, ROOM_BYTES);
    bytes_init(&state->sealed_body, ROOM_BYTES);
    bool is_sealed = true;
    for (int i = 0; i < HTTP_HEADER_COUNT; i++) {
        const char *value = state->plain.headers[i];
        if (value != NULL)
            is_sealed &= bhttp_fields_add(&inner.headers, http_header_name((enum http_header)i),
                                          span_of_text(value), NULL) == STATUS_OK;
    }
    is_sealed = is_sealed && bhttp_request_write(&inner, &plain, NULL) == STATUS_OK &&
                ohttp_request_seal(&keys, keys.aeads[0], bytes_view(&plain), &random,
                                   &state->sealed_body, &state->exchange, NULL) == STATUS_OK;
    require(is_sealed, "sealing a request");
    state->sealed = (struct http_request){.method = HTTP_POST,
                                          .target = GATEWAY,
                                          .headers[HTTP_CONTENT_TYPE] = "message/ohttp-req",
                                          .body = bytes_view(&state->sealed_body)};
    bytes_deinit(&plain);
    bhttp_request_deinit(&inner);
}

/* Both ways lead to the same answer. */
static void compare(struct state *state)
{
    struct http_response plain;
    struct http_response sealed;
    struct bhttp_response inner;
    struct bytes opened;
    bhttp_response_init(&inner);
    bytes_init(&opened, ROOM_BYTES);
    require(ask(state, &state->plain, &plain) == 200 &&
                ask(state, &state->sealed, &sealed) == 200 &&
                ohttp_response_open(&state->exchange, http_response_body(&sealed), &opened, NULL) ==
                    STATUS_OK &&
                bhttp_response_read(bytes_view(&opened), ROOM_BYTES, &inner, NULL) == STATUS_OK &&
                inner.status == 200 && span_equal(inner.content, http_response_body(&plain)),
            "comparing the answers");
    bhttp_response_deinit(&inner);
    bytes_deinit(&opened);
    http_response_deinit(&sealed);
    http_response_deinit(&plain);
}

int main(void)
{
    struct state state = {
        .folder = "/tmp/bench_gateway.XXXXXX",
        .plain = {.method = HTTP_POST,
                  .target = "/config",
                  .headers[HTTP_USER_IDENTIFIER] = "0123456789abcdef0123456789abcdef",
                  .headers[HTTP_USER_AGENT] = "com.apple.ciphermld/1.0 iOS/26.1 x"}};
    start(&state);
    seal(&state);
    compare(&state);
    const uint64_t plain_ns = bench_cpu_time("gateway_request way=plain", RUNS, ask_plain, &state);
    const uint64_t sealed_ns =
        bench_cpu_time("gateway_request way=ohttp", RUNS, ask_sealed, &state);
    printf("gateway_added cpu_us=%" PRIu64 " limit_us=%d\n",
           sealed_ns > plain_ns ? (sealed_ns - plain_ns) / NS_A_US : 0, LIMIT_US);
    service_free(state.service);
    store_close(state.store);
    folder_remove(state.folder);
    bytes_deinit(&state.sealed_body);
    return 0;
}
