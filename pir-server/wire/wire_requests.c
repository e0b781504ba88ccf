#include "pir-server/wire/wire_requests.h"

#include "base/mem.h"
#include "pir-server/wire/api.pb-c.h"
#include "pir-server/wire/protobuf_message.h"

struct wire_requests {
    Wire__Requests *message;
    struct wire_request *items; /* [message->n_requests], spans into the message */
};

struct wire_responses {
    Wire__Responses *message;
};

struct wire_key_upload {
    Wire__EvaluationKeys *message;
    struct wire_key *items; /* [message->n_keys] */
};

static void *message_base(ProtobufCMessage *base)
{
    return base;
}

static enum status check_count(size_t count, size_t max, const char *what, const char *parts,
                               struct error *err)
{
    if (count > max)
        return error_set(err, STATUS_TOO_LARGE, "%s: %zu %s, at most %zu", what, count, parts, max);
    return STATUS_OK;
}

/* The only element of a list that stands for one unopened member. */
static enum status take_single(const ProtobufCBinaryData *list, size_t count, const char *what,
                               bool *ret_is_there, struct span *ret, struct error *err)
{
    if (count > 1)
        return error_set(err, STATUS_MALFORMED, "%s is given %zu times", what, count);
    *ret_is_there = count == 1;
    if (count == 1)
        *ret = protobuf_span(list[0]);
    return STATUS_OK;
}

static enum status show_key(const Wire__EvaluationKey *message, struct wire_key *ret,
                            struct error *err)
{
    if (message->metadata != NULL) {
        ret->has_metadata = true;
        ret->timestamp = message->metadata->timestamp;
        ret->identifier = protobuf_span(message->metadata->identifier);
    }
    return take_single(message->evaluation_key, message->n_evaluation_key, "evaluation_key",
                       &ret->has_key, &ret->serialized, err);
}

/* ---- Requests ---- */

static enum status show_pir_request(const Wire__PIRRequest *message, struct wire_request *ret,
                                    struct error *err)
{
    ret->shard_index = message->shard_index;
    ret->configuration_id = protobuf_span(message->configuration_hash);
    if (message->evaluation_key_metadata != NULL) {
        ret->has_key_metadata = true;
        ret->key_timestamp = message->evaluation_key_metadata->timestamp;
        ret->key_identifier = protobuf_span(message->evaluation_key_metadata->identifier);
    }
    if (message->_shard_id_case == WIRE__PIRREQUEST___SHARD_ID_SHARD_ID) {
        ret->has_shard_id = true;
        ret->shard_id = protobuf_span(message->shard_id);
    }
    enum status st =
        take_single(message->query, message->n_query, "query", &ret->has_query, &ret->query, err);
    if (st == STATUS_OK && message->evaluation_key != NULL) {
        ret->has_inline_key = true;
        st = show_key(message->evaluation_key, &ret->inline_key, err);
    }
    return st;
}

static enum status show_request(const Wire__Request *message, struct wire_request *ret,
                                struct error *err)
{
    ret->use_case = protobuf_span(message->usecase);
    switch (message->request_case) {
    case WIRE__REQUEST__REQUEST_PIR_REQUEST:
        ret->kind = WIRE_REQUEST_PIR;
        return show_pir_request(message->pir_request, ret, err);
    case WIRE__REQUEST__REQUEST_OPRF_REQUEST:
        ret->kind = WIRE_REQUEST_OPRF;
        ret->oprf_element = protobuf_span(message->oprf_request->query_element);
        ret->configuration_id = protobuf_span(message->oprf_request->config_id);
        break;
    case WIRE__REQUEST__REQUEST_PNNS_REQUEST:
        ret->kind = WIRE_REQUEST_PNNS;
        break;
    case WIRE__REQUEST__REQUEST_SIMPLE_PIR_REQUEST:
        ret->kind = WIRE_REQUEST_SIMPLE_PIR;
        break;
    case WIRE__REQUEST__REQUEST__NOT_SET:
    case _WIRE__REQUEST__REQUEST__CASE_IS_INT_SIZE:
        ret->kind = WIRE_REQUEST_NONE;
        break;
    }
    return STATUS_OK;
}

enum status wire_requests_read(struct span body, struct wire_requests **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    struct wire_requests *requests = NULL;
    enum status st = protobuf_message_unpack(&wire__requests__descriptor, body,
                                             PROTOBUF_FACTOR_BULKY, "requests", &base, err);
    if (st != STATUS_OK)
        return st;
    const Wire__Requests *message = message_base(base);
    st = check_count(message->n_requests, WIRE_REQUESTS_MAX, "requests", "requests", err);
    if (st != STATUS_OK)
        goto done;
    requests = mem_alloc_zeroed(1, sizeof *requests);
    if (requests != NULL)
        requests->items = mem_alloc_zeroed(message->n_requests, sizeof *requests->items);
    if (requests == NULL || requests->items == NULL) {
        st = error_set(err, STATUS_NOMEM, "requests: out of memory");
        goto done;
    }
    requests->message = message_base(base);
    base = NULL;
    for (size_t i = 0; i < message->n_requests && st == STATUS_OK; i++) {
        st = show_request(message->requests[i], &requests->items[i], err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "request %zu", i);
    }
    if (st == STATUS_OK) {
        *ret = requests;
        requests = NULL;
    }
done:
    wire_requests_free(requests);
    protobuf_message_free(base);
    return st;
}

void wire_requests_free(struct wire_requests *requests)
{
    if (requests == NULL)
        return;
    mem_free(requests->items);
    protobuf_message_free(requests->message == NULL ? NULL : &requests->message->base);
    mem_free(requests);
}

size_t wire_requests_count(const struct wire_requests *requests)
{
    return requests->message->n_requests;
}

const struct wire_request *wire_requests_get(const struct wire_requests *requests, size_t i)
{
    return &requests->items[i];
}

/* All messages of one request that is being written; they point at each other and at the caller. */
struct request_parts {
    Wire__Request request;
    Wire__PIRRequest pir;
    Wire__OPRFRequest oprf;
    Wire__EvaluationKeyMetadata metadata;
    Wire__EvaluationKey key;
    Wire__EvaluationKeyMetadata key_metadata;
    ProtobufCBinaryData query;
    ProtobufCBinaryData serialized;
};

static void fill_key(const struct wire_key *from, Wire__EvaluationKey *key,
                     Wire__EvaluationKeyMetadata *metadata, ProtobufCBinaryData *serialized)
{
    wire__evaluation_key__init(key);
    if (from->has_metadata) {
        wire__evaluation_key_metadata__init(metadata);
        metadata->timestamp = from->timestamp;
        metadata->identifier = protobuf_borrow(from->identifier);
        key->metadata = metadata;
    }
    if (from->has_key) {
        *serialized = protobuf_borrow(from->serialized);
        key->evaluation_key = serialized;
        key->n_evaluation_key = 1;
    }
}

static void fill_oprf_request(const struct wire_request *from, struct request_parts *parts)
{
    wire__oprfrequest__init(&parts->oprf);
    parts->request.request_case = WIRE__REQUEST__REQUEST_OPRF_REQUEST;
    parts->request.oprf_request = &parts->oprf;
    parts->oprf.query_element = protobuf_borrow(from->oprf_element);
    parts->oprf.config_id = protobuf_borrow(from->configuration_id);
}

static void fill_pir_request(const struct wire_request *from, struct request_parts *parts)
{
    wire__pirrequest__init(&parts->pir);
    parts->request.request_case = WIRE__REQUEST__REQUEST_PIR_REQUEST;
    parts->request.pir_request = &parts->pir;
    parts->pir.shard_index = from->shard_index;
    parts->pir.configuration_hash = protobuf_borrow(from->configuration_id);
    if (from->has_query) {
        parts->query = protobuf_borrow(from->query);
        parts->pir.query = &parts->query;
        parts->pir.n_query = 1;
    }
    if (from->has_key_metadata) {
        wire__evaluation_key_metadata__init(&parts->metadata);
        parts->metadata.timestamp = from->key_timestamp;
        parts->metadata.identifier = protobuf_borrow(from->key_identifier);
        parts->pir.evaluation_key_metadata = &parts->metadata;
    }
    if (from->has_shard_id) {
        parts->pir._shard_id_case = WIRE__PIRREQUEST___SHARD_ID_SHARD_ID;
        parts->pir.shard_id = protobuf_borrow(from->shard_id);
    }
    if (from->has_inline_key) {
        fill_key(&from->inline_key, &parts->key, &parts->key_metadata, &parts->serialized);
        parts->pir.evaluation_key = &parts->key;
    }
}

static void fill_request(const struct wire_request *from, struct request_parts *parts)
{
    wire__request__init(&parts->request);
    parts->request.usecase = protobuf_borrow(from->use_case);
    if (from->kind == WIRE_REQUEST_OPRF)
        fill_oprf_request(from, parts);
    else
        fill_pir_request(from, parts);
}

enum status wire_requests_write(const struct wire_request *requests, size_t count,
                                struct bytes *ret, struct error *err)
{
    enum status st = STATUS_NOMEM;
    Wire__Requests message = WIRE__REQUESTS__INIT;
    struct request_parts *parts = mem_alloc_zeroed(count, sizeof *parts);
    Wire__Request **list = mem_alloc(count, sizeof *list);
    if (parts == NULL || list == NULL) {
        st = error_set(err, STATUS_NOMEM, "requests: out of memory");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        fill_request(&requests[i], &parts[i]);
        list[i] = &parts[i].request;
    }
    message.requests = list;
    message.n_requests = count;
    st = protobuf_message_pack(&message.base, "requests", ret, err);
done:
    mem_free(parts);
    mem_free(list);
    return st;
}

/* ---- Responses ---- */

/* The messages of one answer; they point at each other and at the caller. */
struct answer_parts {
    Wire__Response response;
    Wire__OPRFResponse oprf;
};

static void fill_answer(const struct wire_answer *from, struct answer_parts *parts)
{
    wire__response__init(&parts->response);
    if (from->kind != WIRE_REQUEST_OPRF) {
        parts->response.response_case = WIRE__RESPONSE__RESPONSE_PIR_RESPONSE;
        parts->response.pir_response = protobuf_borrow(from->pir);
        return;
    }
    wire__oprfresponse__init(&parts->oprf);
    parts->oprf.evaluated_element = protobuf_borrow(from->oprf_element);
    parts->oprf.proof = protobuf_borrow(from->oprf_proof);
    parts->response.response_case = WIRE__RESPONSE__RESPONSE_OPRF_RESPONSE;
    parts->response.oprf_response = &parts->oprf;
}

enum status wire_responses_write(const struct wire_answer *answers, size_t count, struct bytes *ret,
                                 struct error *err)
{
    enum status st = STATUS_NOMEM;
    Wire__Responses message = WIRE__RESPONSES__INIT;
    struct answer_parts *parts = mem_alloc(count, sizeof *parts);
    Wire__Response **list = mem_alloc(count, sizeof *list);
    if (parts == NULL || list == NULL) {
        st = error_set(err, STATUS_NOMEM, "responses: out of memory");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        fill_answer(&answers[i], &parts[i]);
        list[i] = &parts[i].response;
    }
    message.responses = list;
    message.n_responses = count;
    st = protobuf_message_pack(&message.base, "responses", ret, err);
done:
    mem_free(parts);
    mem_free(list);
    return st;
}

enum status wire_responses_read(struct span body, struct wire_responses **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    struct wire_responses *responses = NULL;
    enum status st = protobuf_message_unpack(&wire__responses__descriptor, body,
                                             PROTOBUF_FACTOR_BULKY, "responses", &base, err);
    if (st != STATUS_OK)
        return st;
    Wire__Responses *message = message_base(base);
    st = check_count(message->n_responses, WIRE_REQUESTS_MAX, "responses", "answers", err);
    for (size_t i = 0; i < message->n_responses && st == STATUS_OK; i++) {
        const int kind = (int)message->responses[i]->response_case;
        if (kind != WIRE__RESPONSE__RESPONSE_PIR_RESPONSE &&
            kind != WIRE__RESPONSE__RESPONSE_OPRF_RESPONSE)
            st = error_set(err, STATUS_UNSUPPORTED, "response %zu is no PIR answer", i);
    }
    if (st != STATUS_OK)
        goto done;
    responses = mem_alloc(1, sizeof *responses);
    if (responses == NULL) {
        st = error_set(err, STATUS_NOMEM, "responses: out of memory");
        goto done;
    }
    responses->message = message;
    base = NULL;
    *ret = responses;
done:
    protobuf_message_free(base);
    return st;
}

void wire_responses_free(struct wire_responses *responses)
{
    if (responses == NULL)
        return;
    protobuf_message_free(&responses->message->base);
    mem_free(responses);
}

size_t wire_responses_count(const struct wire_responses *responses)
{
    return responses->message->n_responses;
}

struct wire_answer wire_responses_get(const struct wire_responses *responses, size_t i)
{
    const Wire__Response *response = responses->message->responses[i];
    if (response->response_case != WIRE__RESPONSE__RESPONSE_OPRF_RESPONSE)
        return (struct wire_answer){.kind = WIRE_REQUEST_PIR,
                                    .pir = protobuf_span(response->pir_response)};
    const Wire__OPRFResponse *oprf = response->oprf_response;
    return (struct wire_answer){.kind = WIRE_REQUEST_OPRF,
                                .oprf_element = protobuf_span(oprf->evaluated_element),
                                .oprf_proof = protobuf_span(oprf->proof)};
}

/* ---- EvaluationKeys ---- */

enum status wire_key_upload_read(struct span body, struct wire_key_upload **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    struct wire_key_upload *upload = NULL;
    enum status st = protobuf_message_unpack(&wire__evaluation_keys__descriptor, body,
                                             PROTOBUF_FACTOR_BULKY, "evaluation keys", &base, err);
    if (st != STATUS_OK)
        return st;
    const Wire__EvaluationKeys *message = message_base(base);
    st = check_count(message->n_keys, WIRE_KEYS_PER_UPLOAD_MAX, "evaluation keys", "keys", err);
    if (st != STATUS_OK)
        goto done;
    upload = mem_alloc_zeroed(1, sizeof *upload);
    if (upload != NULL)
        upload->items = mem_alloc_zeroed(message->n_keys, sizeof *upload->items);
    if (upload == NULL || upload->items == NULL) {
        st = error_set(err, STATUS_NOMEM, "evaluation keys: out of memory");
        goto done;
    }
    upload->message = message_base(base);
    base = NULL;
    for (size_t i = 0; i < message->n_keys && st == STATUS_OK; i++) {
        st = show_key(message->keys[i], &upload->items[i], err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "key %zu", i);
    }
    if (st == STATUS_OK) {
        *ret = upload;
        upload = NULL;
    }
done:
    wire_key_upload_free(upload);
    protobuf_message_free(base);
    return st;
}

void wire_key_upload_free(struct wire_key_upload *upload)
{
    if (upload == NULL)
        return;
    mem_free(upload->items);
    protobuf_message_free(upload->message == NULL ? NULL : &upload->message->base);
    mem_free(upload);
}

size_t wire_key_upload_count(const struct wire_key_upload *upload)
{
    return upload->message->n_keys;
}

const struct wire_key *wire_key_upload_get(const struct wire_key_upload *upload, size_t i)
{
    return &upload->items[i];
}

struct key_parts {
    Wire__EvaluationKey key;
    Wire__EvaluationKeyMetadata metadata;
    ProtobufCBinaryData serialized;
};

enum status wire_key_upload_write(const struct wire_key *keys, size_t count, struct bytes *ret,
                                  struct error *err)
{
    enum status st = STATUS_NOMEM;
    Wire__EvaluationKeys message = WIRE__EVALUATION_KEYS__INIT;
    struct key_parts *parts = mem_alloc_zeroed(count, sizeof *parts);
    Wire__EvaluationKey **list = mem_alloc(count, sizeof *list);
    if (parts == NULL || list == NULL) {
        st = error_set(err, STATUS_NOMEM, "evaluation keys: out of memory");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        fill_key(&keys[i], &parts[i].key, &parts[i].metadata, &parts[i].serialized);
        list[i] = &parts[i].key;
    }
    message.keys = list;
    message.n_keys = count;
    st = protobuf_message_pack(&message.base, "evaluation keys", ret, err);
done:
    mem_free(parts);
    mem_free(list);
    return st;
}

/* ---- Error ---- */

enum status wire_error_write(enum wire_error_kind kind, struct span config_response,
                             struct bytes *ret, struct error *err)
{
    Wire__Error message = WIRE__ERROR__INIT;
    Wire__Error__ConfigVersionNotFound not_found = WIRE__ERROR__CONFIG_VERSION_NOT_FOUND__INIT;
    Wire__Error__EvaluationKeyNotFound no_key = WIRE__ERROR__EVALUATION_KEY_NOT_FOUND__INIT;
    Wire__Error__InvalidRequest invalid = WIRE__ERROR__INVALID_REQUEST__INIT;
    Wire__Error__InternalError internal = WIRE__ERROR__INTERNAL_ERROR__INIT;
    ProtobufCBinaryData enclosed = protobuf_borrow(config_response);
    switch (kind) {
    case WIRE_ERROR_CONFIG_NOT_FOUND:
        message.error_type_case = WIRE__ERROR__ERROR_TYPE_CONFIG_VERSION_NOT_FOUND;
        message.config_version_not_found = &not_found;
        not_found.n_config_response = config_response.size > 0;
        not_found.config_response = &enclosed;
        break;
    case WIRE_ERROR_KEY_NOT_FOUND:
        message.error_type_case = WIRE__ERROR__ERROR_TYPE_EVALUATION_KEY_NOT_FOUND;
        message.evaluation_key_not_found = &no_key;
        break;
    case WIRE_ERROR_INVALID_REQUEST:
        message.error_type_case = WIRE__ERROR__ERROR_TYPE_INVALID_REQUEST;
        message.invalid_request = &invalid;
        break;
    case WIRE_ERROR_INTERNAL:
        message.error_type_case = WIRE__ERROR__ERROR_TYPE_INTERNAL_ERROR;
        message.internal_error = &internal;
        break;
    }
    return protobuf_message_pack(&message.base, "error", ret, err);
}

enum status wire_error_read(struct span body, enum wire_error_kind *ret_kind, struct error *err)
{
    ProtobufCMessage *base = NULL;
    const enum status st = protobuf_message_unpack(&wire__error__descriptor, body,
                                                   PROTOBUF_FACTOR_BULKY, "error", &base, err);
    if (st != STATUS_OK)
        return st;
    const Wire__Error *message = message_base(base);
    const unsigned kind = message->error_type_case; /* numbered as the fields are */
    protobuf_message_free(base);
    if (kind < WIRE_ERROR_CONFIG_NOT_FOUND || kind > WIRE_ERROR_INTERNAL)
        return error_set(err, STATUS_MALFORMED, "error: no member is set");
    *ret_kind = (enum wire_error_kind)kind;
    return STATUS_OK;
}
