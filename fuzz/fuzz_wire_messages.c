/* Bodies and files of the protocol: every reader takes every byte string or refuses it.
 *
 * The first byte selects the reader. Requests, uploads, queries and answers that are accepted are
 * written, and what was written is read again. */
#include "base/bytes.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/wire/wire_config.h"
#include "pir-server/wire/wire_parameters.h"
#include "pir-server/wire/wire_query.h"
#include "pir-server/wire/wire_requests.h"
#include "pir-server/wire/wire_served.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX_BYTES ((size_t)64 << 20)

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void try_requests(struct span in, struct bytes *out)
{
    struct wire_requests *requests = NULL;
    if (wire_requests_read(in, &requests, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < wire_requests_count(requests); i++) {
        const struct wire_request *request = wire_requests_get(requests, i);
        struct wire_requests *again = NULL;
        if (request->kind != WIRE_REQUEST_PIR)
            continue;
        bytes_clear(out);
        demand(wire_requests_write(request, 1, out, NULL) == STATUS_OK);
        demand(wire_requests_read(bytes_view(out), &again, NULL) == STATUS_OK);
        demand(span_equal(wire_requests_get(again, 0)->query, request->query));
        wire_requests_free(again);
    }
    wire_requests_free(requests);
}

static void try_responses(struct span in, struct bytes *out)
{
    struct wire_responses *responses = NULL;
    if (wire_responses_read(in, &responses, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < wire_responses_count(responses); i++) {
        const struct wire_answer answer = wire_responses_get(responses, i);
        demand(wire_responses_write(&answer, 1, out, NULL) == STATUS_OK);
    }
    wire_responses_free(responses);
}

static void try_upload(struct span in, struct bytes *out)
{
    struct wire_key_upload *upload = NULL;
    struct wire_key_upload *again = NULL;
    if (wire_key_upload_read(in, &upload, NULL) != STATUS_OK)
        return;
    const size_t count = wire_key_upload_count(upload);
    if (count > 0) {
        demand(wire_key_upload_write(wire_key_upload_get(upload, 0), count, out, NULL) ==
               STATUS_OK);
        demand(wire_key_upload_read(bytes_view(out), &again, NULL) == STATUS_OK);
        demand(wire_key_upload_count(again) == count);
        wire_key_upload_free(again);
    }
    wire_key_upload_free(upload);
}

static void try_config_request(struct span in, struct bytes *out)
{
    struct wire_config_request *request = NULL;
    if (wire_config_request_read(in, &request, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < wire_config_request_count(request); i++) {
        bytes_append(out, wire_config_request_use_case(request, i));
        bytes_append(out, wire_config_request_existing_id(request, i));
    }
    wire_config_request_free(request);
}

static void try_config_response(struct span in)
{
    struct wire_served_list *list = NULL;
    if (wire_served_list_read(in, &list, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < wire_served_list_count(list); i++) {
        const struct wire_served *served = wire_served_list_get(list, i);
        for (size_t shard = 0; shard < served->shard_count && shard < 10; shard++) {
            struct pir_parameters parameters;
            if (wire_served_shard(served, shard, &parameters, NULL) == STATUS_OK)
                (void)pir_parameters_equal(&parameters, &parameters);
        }
    }
    wire_served_list_free(list);
}

static void try_query(struct span in, struct bytes *out)
{
    struct wire_query *query = NULL;
    struct wire_query *again = NULL;
    if (wire_query_read(in, &query, NULL) != STATUS_OK)
        return;
    demand(wire_query_write(wire_query_get(query), out, NULL) == STATUS_OK);
    demand(wire_query_read(bytes_view(out), &again, NULL) == STATUS_OK);
    demand(wire_query_get(again)->ciphertext_count == wire_query_get(query)->ciphertext_count);
    wire_query_free(again);
    wire_query_free(query);
}

static void try_response(struct span in, struct bytes *out)
{
    struct wire_response *response = NULL;
    struct wire_response *again = NULL;
    if (wire_response_read(in, &response, NULL) != STATUS_OK)
        return;
    demand(wire_response_write(wire_response_get(response), out, NULL) == STATUS_OK);
    demand(wire_response_read(bytes_view(out), &again, NULL) == STATUS_OK);
    wire_response_free(again);
    wire_response_free(response);
}

static void try_parameters(struct span in, struct bytes *out)
{
    struct pir_parameters parameters;
    struct pir_parameters again;
    struct pir_layout layout;
    if (wire_parameters_read(in, WIRE_BINARY, &parameters, NULL) != STATUS_OK)
        return;
    (void)!pir_layout_init(&parameters, BFV_ALLOW_INSECURE, &layout, NULL);
    if (wire_parameters_write(&parameters, WIRE_TEXT, out, NULL) != STATUS_OK)
        return;
    demand(wire_parameters_read(bytes_view(out), WIRE_TEXT, &again, NULL) == STATUS_OK);
    demand(pir_parameters_equal(&parameters, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes out;
    enum wire_error_kind kind;
    if (size == 0)
        return 0;
    bytes_init(&out, OUT_MAX_BYTES);
    const struct span in = span_of(data + 1, size - 1);
    switch (data[0] % 9) {
    case 0:
        try_requests(in, &out);
        break;
    case 1:
        try_responses(in, &out);
        break;
    case 2:
        try_upload(in, &out);
        break;
    case 3:
        try_config_request(in, &out);
        break;
    case 4:
        try_config_response(in);
        break;
    case 5:
        try_query(in, &out);
        break;
    case 6:
        try_response(in, &out);
        break;
    case 7:
        try_parameters(in, &out);
        break;
    default:
        (void)!wire_error_read(in, &kind, NULL);
        break;
    }
    bytes_deinit(&out);
    return 0;
}
