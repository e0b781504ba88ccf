#include "bench/load_device.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/random.h"
#include "bench/bench.h"
#include "bench/http_load.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/wire/wire_config.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_query.h"
#include "pir-server/wire/wire_requests.h"
#include "pir-server/wire/wire_served.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX_BYTES ((size_t)64 << 20)
#define KEY_TIME       UINT64_C(1700000000)

struct load_device {
    const char *use_case;
    const char *user;
    struct wire_served_list *list;
    struct wire_served served; /* borrows from list */
    struct pir_parameters parameters;
    struct pir_layout layout;
    struct bfv_context *context;
    struct bfv_secret_key *secret;
    struct bytes key; /* SerializedEvaluationKey */
    struct random_source random;
};

static void must(enum status status, const struct error *error)
{
    if (status != STATUS_OK)
        bench_fail("%s", error->message);
}

/* ---- the dataset ---- */

void load_device_row(size_t i, char ret[LOAD_DEVICE_ROW_BYTES])
{
    snprintf(ret, LOAD_DEVICE_ROW_BYTES, "row%zu.example.com/path", i);
}

void load_device_compile(const char *data, const char *use_case, size_t count, uint64_t shards)
{
    const size_t cores = cpu_core_count();
    struct thread_pool *pool = NULL;
    struct row_set *rows = NULL;
    struct dataset_summary summary;
    struct error error;
    must(row_set_new(&rows, &error), &error);
    for (size_t i = 0; i < count; i++) {
        char row[LOAD_DEVICE_ROW_BYTES];
        load_device_row(i, row);
        must(row_set_add(rows, span_of_text(row), &error), &error);
    }
    if (cores > 1)
        must(thread_pool_new(cores - 1, 1, &pool, &error), &error);
    struct dataset_settings settings;
    dataset_settings_init(&settings);
    settings.use_case = use_case;
    settings.shard_count = shards;
    must(dataset_write(data, rows, &settings, pool, &summary, &error), &error);
    thread_pool_free(pool);
    row_set_free(rows);
}

/* ---- configuration and keys ---- */

static void fetch_config(struct http_load *load, struct load_device *device)
{
    const struct span name = span_of_text(device->use_case);
    const struct wire_served *served = NULL;
    struct bytes body;
    struct bytes request;
    struct error error;
    bytes_init(&body, BODY_MAX_BYTES);
    bytes_init(&request, BODY_MAX_BYTES);
    must(wire_config_request_write(&name, NULL, 1, &body, &error), &error);
    http_load_request("POST", "/config", device->user, bytes_view(&body), &request);
    bytes_clear(&body);
    http_load_ask(load, bytes_view(&request), &body);
    must(wire_served_list_read(bytes_view(&body), &device->list, &error), &error);
    must(wire_served_list_find(device->list, name, &served, &error), &error);
    device->served = *served;
    must(wire_served_shard(served, 0, &device->parameters, &error), &error);
    must(pir_layout_init(&device->parameters, 0, &device->layout, &error), &error);
    must(bfv_context_new(&device->parameters.encryption, 0, NULL, &device->context, &error),
         &error);
    bytes_deinit(&request);
    bytes_deinit(&body);
}

static void upload_key(struct http_load *load, struct load_device *device)
{
    struct bytes body;
    struct bytes request;
    struct error error;
    bytes_init(&body, BODY_MAX_BYTES);
    bytes_init(&request, BODY_MAX_BYTES);
    must(bfv_secret_key_new(device->context, &device->random, &device->secret, &error), &error);
    must(wire_evaluation_key_make(device->context, &device->parameters.evaluation_key,
                                  device->secret, &device->random, &device->key, &error),
         &error);
    const struct wire_key message = {.has_metadata = true,
                                     .timestamp = KEY_TIME,
                                     .identifier = device->served.key_id,
                                     .has_key = true,
                                     .serialized = bytes_view(&device->key)};
    must(wire_key_upload_write(&message, 1, &body, &error), &error);
    http_load_request("POST", "/key", device->user, bytes_view(&body), &request);
    http_load_ask(load, bytes_view(&request), NULL);
    bytes_deinit(&request);
    bytes_deinit(&body);
}

struct load_device *load_device_new(struct http_load *load, const char *use_case, const char *user)
{
    struct load_device *device = mem_alloc_zeroed(1, sizeof *device);
    if (device == NULL)
        bench_fail("out of memory");
    device->use_case = use_case;
    device->user = user;
    device->random = random_system();
    bytes_init(&device->key, BODY_MAX_BYTES);
    fetch_config(load, device);
    upload_key(load, device);
    return device;
}

void load_device_free(struct load_device *device)
{
    if (device == NULL)
        return;
    bfv_secret_key_free(device->secret);
    bfv_context_free(device->context);
    wire_served_list_free(device->list);
    bytes_deinit(&device->key);
    mem_free(device);
}

size_t load_device_shard_count(const struct load_device *device)
{
    return device->served.shard_count;
}

/* ---- queries ---- */

size_t load_device_shard(const struct load_device *device, size_t row)
{
    char keyword[LOAD_DEVICE_ROW_BYTES];
    load_device_row(row, keyword);
    return (size_t)sharding_shard_of(&device->parameters.sharding,
                                     keyword_hash(span_of_text(keyword)),
                                     device->served.shard_count);
}

/* The EncryptedIndices message for one row; all shards are of one shape. */
static void write_query(struct load_device *device, size_t row, struct bytes *ret)
{
    char keyword[LOAD_DEVICE_ROW_BYTES];
    struct pir_client_query *query = NULL;
    struct error error;
    load_device_row(row, keyword);
    must(pir_client_query_new(device->context, &device->layout, device->secret,
                              span_of_text(keyword), &device->random, &query, &error),
         &error);
    must(wire_query_write(pir_client_query_message(query), ret, &error), &error);
    pir_client_query_free(query);
}

void load_device_ask(struct load_device *device, const size_t *rows, size_t count,
                     struct bytes *ret)
{
    struct bytes body;
    struct error error;
    struct wire_request *requests = mem_alloc_zeroed(count, sizeof *requests);
    struct bytes *messages = mem_alloc_zeroed(count, sizeof *messages);
    if (requests == NULL || messages == NULL)
        bench_fail("out of memory");
    for (size_t i = 0; i < count; i++) {
        bytes_init(&messages[i], BODY_MAX_BYTES);
        write_query(device, rows[i], &messages[i]);
        requests[i] =
            (struct wire_request){.kind = WIRE_REQUEST_PIR,
                                  .use_case = span_of_text(device->use_case),
                                  .shard_index = (uint32_t)load_device_shard(device, rows[i]),
                                  .has_query = true,
                                  .query = bytes_view(&messages[i]),
                                  .has_key_metadata = true,
                                  .key_timestamp = KEY_TIME,
                                  .key_identifier = device->served.key_id,
                                  .configuration_id = device->served.config_id};
    }
    bytes_init(&body, BODY_MAX_BYTES);
    must(wire_requests_write(requests, count, &body, &error), &error);
    http_load_request("POST", "/queries", device->user, bytes_view(&body), ret);
    bytes_deinit(&body);
    for (size_t i = 0; i < count; i++)
        bytes_deinit(&messages[i]);
    mem_free(messages);
    mem_free(requests);
}

bool load_device_found(const struct load_device *device, struct span body, size_t index, size_t row)
{
    char keyword[LOAD_DEVICE_ROW_BYTES];
    struct wire_responses *responses = NULL;
    struct wire_response *response = NULL;
    struct pir_result result;
    struct error error;
    load_device_row(row, keyword);
    pir_result_init(&result);
    must(wire_responses_read(body, &responses, &error), &error);
    if (index >= wire_responses_count(responses))
        bench_fail("%zu answers", wire_responses_count(responses));
    must(wire_response_read(wire_responses_get(responses, index).pir, &response, &error), &error);
    must(pir_client_read_response(device->context, &device->layout, device->secret,
                                  span_of_text(keyword), wire_response_get(response), &result,
                                  &error),
         &error);
    const bool found = result.found;
    pir_result_deinit(&result);
    wire_response_free(response);
    wire_responses_free(responses);
    return found;
}

/* ---- without a server ---- */

void load_device_work_init(struct load_device *device, size_t row, struct load_device_work *ret)
{
    struct bytes message;
    struct error error;
    *ret = (struct load_device_work){.context = device->context};
    bytes_init(&message, BODY_MAX_BYTES);
    write_query(device, row, &message);
    must(wire_query_read(bytes_view(&message), &ret->query, &error), &error);
    must(wire_evaluation_key_read(device->context, wire_served_key_config(&device->served),
                                  bytes_view(&device->key), &ret->key, &error),
         &error);
    bytes_deinit(&message);
}

void load_device_work_deinit(struct load_device_work *work)
{
    bfv_evaluation_key_free(work->key);
    wire_query_free(work->query);
}
