/* Whole requests to the handlers over one small dataset: the first byte is the route, the second
 * the headers, the rest the body (or, for the prefilter, the end of the path). A key that does not
 * decode, a query that does not parse and a store that fills up are all ordinary here.
 *
 * The Oblivious HTTP gateway has a key that is known, all zeros. It is asked for its keys, sent
 * encapsulated requests as they are, and binary HTTP that is sealed for it here: so that what is
 * changed in an input gets through to the reader of binary HTTP and to the handlers behind it. */
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "pir-server/ohttp/stored_gateway_key.h"
#include "pir-server/service/service.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_S        ((uint64_t)1800000000)
#define GATEWAY      "/.well-known/ohttp-gateway"
#define KEY_ID       1
#define GATEWAY_TYPE "message/ohttp-req"

static char folder[64];
static struct store *store;
static struct service *service;
static struct ohttp_key_config gateway;

static void must(enum status status, const struct error *error)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "set-up: %s\n", error->message);
    abort();
}

static void tear_down(void)
{
    service_free(service);
    store_close(store);
    folder_remove(folder);
}

static uint64_t fixed_now(void)
{
    return NOW_S;
}

/* The only key that the gateway will have: the clock stands. */
static void add_known_key(void)
{
    static const uint8_t private_key[HPKE_PRIVATE_KEY_BYTES];
    const struct random_source random = random_system();
    struct store_ring_key stored = {.id = {KEY_ID}, .made_at = NOW_S, .not_before = NOW_S};
    struct hpke_key *key = NULL;
    struct error error;
    struct bytes secret;
    bytes_init(&secret, STORED_GATEWAY_KEY_PLAIN_BYTES);
    must(hpke_key_new(private_key, &key, &error), &error);
    must(stored_gateway_key_write(key, KEY_ID, NULL, &random, &secret, &error), &error);
    stored.secret = bytes_view(&secret);
    must(store_add_ring_key(store, STORE_GATEWAY_KEYS, &stored, 0, &error), &error);
    ohttp_key_config_of(KEY_ID, key, &gateway);
    hpke_key_unref(key);
    bytes_deinit_secret(&secret);
}

static void set_up(void)
{
    struct error error;
    struct row_set *rows = NULL;
    struct dataset_summary summary;
    struct dataset_settings settings;
    dataset_settings_init(&settings);
    settings.use_case = "use.case";
    settings.shard_count = 2;
    settings.false_positive_rate = 0.01;
    snprintf(folder, sizeof folder, "%s/blindlist-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        abort();
    must(row_set_new(&rows, &error), &error);
    must(row_set_add(rows, span_of_text("example.com/"), &error), &error);
    must(dataset_write(folder, rows, &settings, NULL, &summary, &error), &error);
    row_set_free(rows);

    char state[96];
    snprintf(state, sizeof state, "%s/state", folder);
    struct store_limits limits = store_limits_default();
    limits.keys_in_all = 4;
    must(store_open(state, &limits, STORE_MAY_BE_NEW, &store, &error), &error);
    add_known_key();
    struct service_options options = service_options_default();
    options.data = folder;
    options.store = store;
    options.compute_threads = 1;
    options.has_gateway = true;
    options.now_s = fixed_now;
    must(service_new(&options, &service, &error), &error);
    atexit(tear_down);
}

static void check_status(unsigned status)
{
    switch (status) {
    case 200:
    case 206:
    case 304:
    case 400:
    case 403: /* the gateway has it for nobody */
    case 404:
    case 410:
    case 413: /* a report */
    case 415:
    case 417:
    case 422: /* does not open */
    case 501:
    case 503: /* the store is full */
        return;
    }
    fprintf(stderr, "status %u\n", status);
    abort();
}

/* What an encapsulated request was answered with opens, and is binary HTTP. */
static void check_sealed(const struct ohttp_exchange *exchange,
                         const struct http_response *response)
{
    struct error error;
    struct bhttp_response inner;
    struct bytes plain;
    bhttp_response_init(&inner);
    bytes_init(&plain, HTTP_RESPONSE_MAX_BYTES);
    must(ohttp_response_open(exchange, http_response_body(response), &plain, &error), &error);
    must(bhttp_response_read(bytes_view(&plain), HTTP_RESPONSE_MAX_BYTES, &inner, &error), &error);
    check_status(inner.status);
    bhttp_response_deinit(&inner);
    bytes_deinit(&plain);
}

static void ask(const struct http_request *request, const struct ohttp_exchange *exchange)
{
    struct http_response response;
    http_response_init(&response);
    service_answer(service, request, &response);
    check_status(response.status);
    if (exchange != NULL && response.status != 415)
        check_sealed(exchange, &response);
    http_response_deinit(&response);
}

/* Always with the same message key, so that an input does the same whenever it comes. */
static void ask_sealed(struct http_request *request, const struct aead *aead)
{
    static const uint8_t seed[RANDOM_SEED_BYTES];
    struct random_seeded stream;
    const struct random_source random = random_seeded_init(&stream, seed);
    struct ohttp_exchange exchange;
    struct error error;
    struct bytes sealed;
    bytes_init(&sealed, request->body.size + OHTTP_REQUEST_OVERHEAD_BYTES);
    must(ohttp_request_seal(&gateway, aead, request->body, &random, &sealed, &exchange, &error),
         &error);
    request->body = bytes_view(&sealed);
    ask(request, &exchange);
    bytes_deinit(&sealed);
}

/* Of a byte of an input. */
static void set_headers(struct http_request *request, uint8_t flags, bool is_for_gateway)
{
    static const char *const agents[] = {"iOS/17.0", "iOS/26.0", "Macintosh; OS X 14.0", ""};
    request->headers[HTTP_USER_IDENTIFIER] = (flags & 1) != 0 ? "a" : "b";
    request->headers[HTTP_USER_AGENT] = agents[flags >> 1 & 3];
    request->headers[HTTP_ACCEPT_ENCODING] = (flags & 8) != 0 ? "gzip" : NULL;
    request->headers[HTTP_IF_NONE_MATCH] = (flags & 16) != 0 ? "*" : NULL;
    request->headers[HTTP_RANGE] = (flags & 32) != 0 ? "bytes=1-2" : NULL;
    if ((flags & 64) != 0)
        request->headers[HTTP_CONTENT_TYPE] = "application/json";
    else if (is_for_gateway)
        request->headers[HTTP_CONTENT_TYPE] = GATEWAY_TYPE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        enum http_method method;
        const char *target; /* NULL: the input has its end */
        bool is_for_gateway;
        bool is_sealed_here;
    } routes[] = {{HTTP_POST, "/queries", false, false},
                  {HTTP_POST, "/key", false, false},
                  {HTTP_POST, "/config", false, false},
                  {HTTP_GET, "/config", false, false},
                  {HTTP_GET, "/prefilter/use.case.json", false, false},
                  {HTTP_GET, NULL, false, false},
                  {HTTP_POST, "/report", false, false},
                  {HTTP_GET, GATEWAY, false, false},
                  {HTTP_POST, GATEWAY, true, false},
                  {HTTP_POST, GATEWAY, true, true}};
    if (service == NULL)
        set_up();
    if (size < 2)
        return 0;
    const size_t which = data[0] % ARRAY_COUNT(routes);
    char target[300];
    snprintf(target, sizeof target, "/prefilter/use.case/%.*s", (int)(size - 2),
             (const char *)data + 2);
    struct http_request request = {.method = routes[which].method,
                                   .target =
                                       routes[which].target != NULL ? routes[which].target : target,
                                   .body = span_of(data + 2, size - 2)};
    set_headers(&request, data[1], routes[which].is_for_gateway);
    if (routes[which].is_sealed_here)
        ask_sealed(&request, gateway.aeads[data[1] & 1]);
    else
        ask(&request, NULL);
    return 0;
}
