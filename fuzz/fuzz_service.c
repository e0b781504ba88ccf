/* Whole requests to the handlers over one small dataset: the first byte is the route, the second
 * the headers, the rest the body (or, for the prefilter, the end of the path). A key that does not
 * decode, a query that does not parse and a store that fills up are all ordinary here. */
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/service/service.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static struct store *store;
static struct service *service;

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
    return 1800000000;
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
    struct service_options options = service_options_default();
    options.data = folder;
    options.store = store;
    options.compute_threads = 1;
    options.now_s = fixed_now;
    must(service_new(&options, &service, &error), &error);
    atexit(tear_down);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        enum http_method method;
        const char *target;
    } routes[] = {{HTTP_POST, "/queries"},
                  {HTTP_POST, "/key"},
                  {HTTP_POST, "/config"},
                  {HTTP_GET, "/config"},
                  {HTTP_GET, "/prefilter/use.case.json"},
                  {HTTP_GET, NULL},
                  {HTTP_POST, "/report"}};
    static const char *const agents[] = {"iOS/17.0", "iOS/26.0", "Macintosh; OS X 14.0", ""};
    if (service == NULL)
        set_up();
    if (size < 2)
        return 0;
    char target[300];
    snprintf(target, sizeof target, "/prefilter/use.case/%.*s", (int)(size - 2),
             (const char *)data + 2);
    struct http_request request = {.method = routes[data[0] % ARRAY_COUNT(routes)].method,
                                   .target = routes[data[0] % ARRAY_COUNT(routes)].target,
                                   .body = span_of(data + 2, size - 2)};
    if (request.target == NULL)
        request.target = target;
    request.headers[HTTP_USER_IDENTIFIER] = (data[1] & 1) != 0 ? "a" : "b";
    request.headers[HTTP_USER_AGENT] = agents[data[1] >> 1 & 3];
    request.headers[HTTP_ACCEPT_ENCODING] = (data[1] & 8) != 0 ? "gzip" : NULL;
    request.headers[HTTP_IF_NONE_MATCH] = (data[1] & 16) != 0 ? "*" : NULL;
    request.headers[HTTP_CONTENT_TYPE] = (data[1] & 64) != 0 ? "application/json" : NULL;
    request.headers[HTTP_RANGE] = (data[1] & 32) != 0 ? "bytes=1-2" : NULL;

    struct http_response response;
    http_response_init(&response);
    service_answer(service, &request, &response);
    switch (response.status) {
    case 200:
    case 206:
    case 304:
    case 400:
    case 404:
    case 410:
    case 413: /* a report */
    case 501:
    case 503: /* the store is full */
        break;
    case 500: /* an old system and another sharding function */
    default:
        fprintf(stderr, "status %u\n", response.status);
        abort();
    }
    http_response_deinit(&response);
    return 0;
}
