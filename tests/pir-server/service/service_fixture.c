#include "tests/pir-server/service/service_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_query.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_MAX ((size_t)64 << 20)

static _Thread_local struct error error;

static void must(enum status status, const char *what)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, error.message);
    abort();
}

/* ---- the server's side ---- */

void fixture_compile(const struct service_fixture *fixture, const char *use_case, const char *word,
                     size_t count, uint64_t shards)
{
    struct row_set *rows = NULL;
    must(row_set_new(&rows, &error), "rows");
    for (size_t i = 0; i < count; i++) {
        char row[64];
        snprintf(row, sizeof row, "%s%zu.example/path", word, i);
        must(row_set_add(rows, span_of_text(row), &error), "row");
    }
    struct dataset_settings settings;
    dataset_settings_init(&settings);
    settings.use_case = use_case;
    settings.shard_count = shards;
    struct dataset_summary summary;
    must(dataset_write(fixture->data, rows, &settings, NULL, &summary, &error), "dataset");
    row_set_free(rows);
}

void fixture_init(struct service_fixture *fixture)
{
    *fixture = (struct service_fixture){.store = NULL};
    /* In memory where that is to be had: dozens of datasets are flushed to it. */
    snprintf(fixture->folder, sizeof fixture->folder, "%s/blindlist-service-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(fixture->folder) == NULL)
        abort();
    snprintf(fixture->data, sizeof fixture->data, "%s/data", fixture->folder);
    snprintf(fixture->state, sizeof fixture->state, "%s/state", fixture->folder);
    fixture_compile(fixture, FIXTURE_USE_CASE, "row", 400, 2);
}

void fixture_open_store(struct service_fixture *fixture)
{
    const struct store_limits limits = store_limits_default();
    must(store_open(fixture->state, &limits, STORE_MAY_BE_NEW, &fixture->store, &error), "store");
}

void fixture_start(struct service_fixture *fixture, const struct service_options *given)
{
    if (fixture->store == NULL)
        fixture_open_store(fixture);
    struct service_options options = given != NULL ? *given : service_options_default();
    if (given == NULL)
        options.compute_threads = 2;
    options.data = fixture->data;
    options.store = fixture->store;
    must(service_new(&options, &fixture->service, &error), "service");
}

void fixture_stop(struct service_fixture *fixture)
{
    service_free(fixture->service);
    store_close(fixture->store);
    fixture->service = NULL;
    fixture->store = NULL;
}

void fixture_deinit(struct service_fixture *fixture)
{
    fixture_stop(fixture);
    folder_remove(fixture->folder);
}

struct http_request fixture_request(enum http_method method, const char *target, struct span body)
{
    struct http_request request = {.method = method, .target = target, .body = body};
    request.headers[HTTP_USER_IDENTIFIER] = FIXTURE_USER;
    request.headers[HTTP_USER_AGENT] = FIXTURE_AGENT;
    return request;
}

unsigned fixture_ask(struct service_fixture *fixture, const struct http_request *request,
                     struct http_response *ret)
{
    struct http_request paid = *request;
    if (fixture->authorization != NULL && paid.headers[HTTP_AUTHORIZATION] == NULL)
        paid.headers[HTTP_AUTHORIZATION] = fixture->authorization();
    if (paid.headers[HTTP_HOST] == NULL)
        paid.headers[HTTP_HOST] = fixture->host;
    http_response_init(ret);
    if (fixture->carry != NULL)
        fixture->carry(fixture->service, &paid, ret);
    else
        service_answer(fixture->service, &paid, ret);
    return ret->status;
}

unsigned fixture_status(struct service_fixture *fixture, const struct http_request *request)
{
    struct http_response response;
    const unsigned status = fixture_ask(fixture, request, &response);
    http_response_deinit(&response);
    return status;
}

/* ---- the device ---- */

void fixture_device_init(struct service_fixture *fixture, struct fixture_device *device,
                         const char *use_case, const char *user)
{
    static atomic_uint devices; /* each has another secret */
    const uint8_t seed[RANDOM_SEED_BYTES] = {(uint8_t)atomic_fetch_add(&devices, 1)};
    *device = (struct fixture_device){.user = user, .key_time = 1700000000};
    device->random = random_seeded_init(&device->seeded, seed);
    snprintf(device->use_case, sizeof device->use_case, "%s", use_case);
    bytes_init(&device->key, BODY_MAX);

    struct bytes body;
    struct http_response response;
    struct pir_parameters parameters;
    const struct span name = span_of_text(use_case);
    bytes_init(&body, BODY_MAX);
    must(wire_config_request_write(&name, NULL, 1, &body, &error), "configuration request");
    struct http_request request = fixture_request(HTTP_POST, "/config", bytes_view(&body));
    request.headers[HTTP_USER_IDENTIFIER] = user;
    if (fixture_ask(fixture, &request, &response) != 200)
        abort();
    must(wire_served_list_read(http_response_body(&response), &device->response, &error),
         "configuration");
    const struct wire_served *served = NULL;
    must(wire_served_list_find(device->response, name, &served, &error), "use case");
    device->served = *served;
    must(wire_served_shard(&device->served, 0, &parameters, &error), "shard");
    must(bfv_context_new(&parameters.encryption, 0, NULL, &device->context, &error), "context");
    must(bfv_secret_key_new(device->context, &device->random, &device->secret, &error), "secret");
    must(wire_evaluation_key_make(device->context, &parameters.evaluation_key, device->secret,
                                  &device->random, &device->key, &error),
         "evaluation key");
    http_response_deinit(&response);
    bytes_deinit(&body);
}

void fixture_device_deinit(struct fixture_device *device)
{
    wire_served_list_free(device->response);
    bfv_secret_key_free(device->secret);
    bfv_context_free(device->context);
    bytes_deinit(&device->key);
}

static struct wire_key key_of(const struct fixture_device *device)
{
    return (struct wire_key){.has_metadata = true,
                             .timestamp = device->key_time,
                             .identifier = device->served.key_id,
                             .has_key = true,
                             .serialized = bytes_view(&device->key)};
}

void fixture_device_upload_body(const struct fixture_device *device, struct bytes *ret)
{
    const struct wire_key key = key_of(device);
    must(wire_key_upload_write(&key, 1, ret, &error), "upload");
}

unsigned fixture_device_upload(struct service_fixture *fixture, const struct fixture_device *device)
{
    struct bytes body;
    bytes_init(&body, BODY_MAX);
    fixture_device_upload_body(device, &body);
    struct http_request request = fixture_request(HTTP_POST, "/key", bytes_view(&body));
    request.headers[HTTP_USER_IDENTIFIER] = device->user;
    const unsigned status = fixture_status(fixture, &request);
    bytes_deinit(&body);
    return status;
}

/* ---- queries ---- */

static struct pir_layout layout_of(const struct fixture_device *device, const char *keyword,
                                   uint32_t *ret_shard)
{
    struct pir_parameters parameters;
    struct pir_layout layout;
    must(wire_served_shard(&device->served, 0, &parameters, &error), "shard");
    const uint64_t shard = sharding_shard_of(
        &parameters.sharding, keyword_hash(span_of_text(keyword)), device->served.shard_count);
    must(wire_served_shard(&device->served, (size_t)shard, &parameters, &error), "shard");
    must(pir_layout_init(&parameters, 0, &layout, &error), "layout");
    *ret_shard = (uint32_t)shard;
    return layout;
}

void fixture_query_init(struct fixture_device *device, const char *keyword,
                        struct fixture_query *ret)
{
    uint32_t shard = 0;
    const struct pir_layout layout = layout_of(device, keyword, &shard);
    *ret = (struct fixture_query){.client = NULL};
    snprintf(ret->keyword, sizeof ret->keyword, "%s", keyword);
    bytes_init(&ret->message, BODY_MAX);
    must(pir_client_query_new(device->context, &layout, device->secret, span_of_text(keyword),
                              &device->random, &ret->client, &error),
         "query");
    must(wire_query_write(pir_client_query_message(ret->client), &ret->message, &error), "query");
    ret->request = (struct wire_request){.kind = WIRE_REQUEST_PIR,
                                         .use_case = span_of_text(device->use_case),
                                         .shard_index = shard,
                                         .has_query = true,
                                         .query = bytes_view(&ret->message),
                                         .has_key_metadata = true,
                                         .key_timestamp = device->key_time,
                                         .key_identifier = device->served.key_id,
                                         .configuration_id = device->served.config_id};
}

void fixture_query_deinit(struct fixture_query *query)
{
    pir_client_query_free(query->client);
    bytes_deinit(&query->message);
}

void fixture_query_inline_key(const struct fixture_device *device, struct fixture_query *query)
{
    query->request.has_inline_key = true;
    query->request.inline_key = key_of(device);
}

unsigned fixture_send(struct service_fixture *fixture, const struct fixture_device *device,
                      const struct fixture_query *queries, size_t count, struct http_response *ret)
{
    struct bytes body;
    bytes_init(&body, BODY_MAX);
    struct wire_request *requests = mem_alloc_zeroed(count, sizeof *requests);
    if (requests == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        requests[i] = queries[i].request;
    must(wire_requests_write(requests, count, &body, &error), "requests");
    struct http_request request = fixture_request(HTTP_POST, "/queries", bytes_view(&body));
    request.headers[HTTP_USER_IDENTIFIER] = device->user;
    const unsigned status = fixture_ask(fixture, &request, ret);
    mem_free(requests);
    bytes_deinit(&body);
    return status;
}

enum fixture_verdict fixture_read(const struct fixture_device *device,
                                  const struct fixture_query *query, struct span body, size_t index)
{
    enum fixture_verdict verdict = FIXTURE_BROKEN;
    struct wire_responses *responses = NULL;
    struct wire_response *response = NULL;
    struct pir_result result;
    struct error why;
    uint32_t shard = 0;
    const struct pir_layout layout = layout_of(device, query->keyword, &shard);
    pir_result_init(&result);
    enum status status = wire_responses_read(body, &responses, &why);
    if (status == STATUS_OK && index < wire_responses_count(responses)) {
        status = wire_response_read(wire_responses_get(responses, index).pir, &response, &why);
        if (status == STATUS_OK)
            status = pir_client_read_response(device->context, &layout, device->secret,
                                              span_of_text(query->keyword),
                                              wire_response_get(response), &result, &why);
        if (status == STATUS_OK)
            verdict = result.found ? FIXTURE_FOUND : FIXTURE_ABSENT;
    }
    pir_result_deinit(&result);
    wire_response_free(response);
    wire_responses_free(responses);
    return verdict;
}

enum fixture_verdict fixture_look_up(struct service_fixture *fixture, struct fixture_device *device,
                                     const char *keyword)
{
    struct fixture_query query;
    struct http_response response;
    fixture_query_init(device, keyword, &query);
    enum fixture_verdict verdict = FIXTURE_BROKEN;
    if (fixture_send(fixture, device, &query, 1, &response) == 200)
        verdict = fixture_read(device, &query, http_response_body(&response), 0);
    http_response_deinit(&response);
    fixture_query_deinit(&query);
    return verdict;
}
