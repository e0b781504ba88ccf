#include "pir-server/wire/wire_config.h"

#include "base/mem.h"
#include "pir-server/pir/sha256.h"
#include "pir-server/wire/api.pb-c.h"
#include "pir-server/wire/parameter_messages.h"
#include "pir-server/wire/protobuf_message.h"
#include "pir-server/wire/text_scanner.h"
#include "pir-server/wire/wire_parameters.h"

/* 65,536 shards of some 40 bytes each, and what is around them. */
#define CONFIG_MAX_BYTES ((size_t)8 << 20)

struct wire_config {
    struct pir_evaluation_key_config key_config;
    struct bytes key_config_bytes;
    struct bytes newest; /* PIRConfig */
    struct bytes old;    /* the same with every shard spelled out; empty = as `newest` */
    bool serves_old_platforms;
    uint8_t id[WIRE_CONFIG_ID_BYTES];
    uint8_t key_id[WIRE_KEY_ID_BYTES];
};

static void digest(struct span bytes, uint8_t ret[SHA256_BYTES])
{
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, bytes);
    sha256_finish(&hash, ret);
}

/* ---- building, service.md section 3.3 ---- */

static bool key_needs_equal(const struct pir_evaluation_key_config *a,
                            const struct pir_evaluation_key_config *b)
{
    return a->galois_element_count == b->galois_element_count &&
           memcmp(a->galois_elements, b->galois_elements,
                  a->galois_element_count * sizeof a->galois_elements[0]) == 0 &&
           a->has_relin_key == b->has_relin_key;
}

static bool shards_equal(const struct pir_parameters *a, const struct pir_parameters *b)
{
    return a == b || (a->entry_count == b->entry_count && a->entry_bytes == b->entry_bytes &&
                      a->dimension_count == b->dimension_count &&
                      memcmp(a->dimensions, b->dimensions,
                             a->dimension_count * sizeof a->dimensions[0]) == 0 &&
                      key_needs_equal(&a->evaluation_key, &b->evaluation_key));
}

/* What a device is told once for all shards. */
static const char *find_difference(const struct pir_parameters *a, const struct pir_parameters *b)
{
    if (!bfv_parameters_equal(&a->encryption, &b->encryption))
        return "encryption parameters";
    if (a->hash_function_count != b->hash_function_count)
        return "num_hash_functions";
    if (a->sharding.function != b->sharding.function ||
        a->sharding.other_shard_count != b->sharding.other_shard_count)
        return "sharding_function";
    if (a->batch_size != b->batch_size)
        return "batch_size";
    if (!pir_symmetric_equal(a, b))
        return "symmetric_pir_client_config";
    return NULL;
}

static enum status check_shards(const struct pir_parameters *const *shards, size_t shard_count,
                                struct error *err)
{
    if (shard_count == 0)
        return error_set(err, STATUS_INVALID, "configuration: no shards");
    if (shard_count > WIRE_SHARDS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "configuration: %zu shards, at most %zu",
                         shard_count, WIRE_SHARDS_MAX);
    for (size_t i = 0; i < shard_count; i++) {
        if (!shards[i]->has_keyword_parameters)
            return error_set(err, STATUS_UNSUPPORTED,
                             "shard %zu: only keyword databases are served", i);
        const char *difference = find_difference(shards[0], shards[i]);
        if (difference != NULL)
            return error_set(err, STATUS_INVALID, "shard %zu: its %s differ from those of shard 0",
                             i, difference);
    }
    return STATUS_OK;
}

static enum status build_key_config(struct wire_config *config,
                                    const struct pir_parameters *const *shards, size_t shard_count,
                                    struct error *err)
{
    enum status st = STATUS_OK;
    config->key_config.encryption = shards[0]->encryption;
    config->key_config.encryption.he_scheme = BFV_SCHEME_BFV; /* also when the file is silent */
    for (size_t i = 0; i < shard_count && st == STATUS_OK; i++) {
        if (i > 0 && key_needs_equal(&shards[i]->evaluation_key, &shards[i - 1]->evaluation_key))
            continue;
        st = pir_evaluation_key_config_merge(&config->key_config, &shards[i]->evaluation_key, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "shard %zu", i);
    }
    if (st == STATUS_OK)
        st =
            wire_key_config_write(&config->key_config, WIRE_BINARY, &config->key_config_bytes, err);
    if (st == STATUS_OK)
        digest(bytes_view(&config->key_config_bytes), config->key_id);
    return st;
}

/* shard_id is there and empty, as in the reference: its two bytes count in the hash. */
static void fill_shard(const struct pir_parameters *shard, Wire__PIRShardConfig *ret)
{
    wire__pirshard_config__init(ret);
    ret->num_entries = shard->entry_count;
    ret->entry_size = shard->entry_bytes;
    ret->dimensions = (uint64_t *)(uintptr_t)shard->dimensions;
    ret->n_dimensions = shard->dimension_count;
    ret->_shard_id_case = WIRE__PIRSHARD_CONFIG___SHARD_ID_SHARD_ID;
}

/* The PIRConfig around its shards: `repeated` for equal ones, else `list`. */
static enum status pack_pir_config(const struct wire_config *config,
                                   const struct pir_parameters *first,
                                   Wire__PIRFixedShardConfig *repeated, Wire__PIRShardConfig **list,
                                   size_t list_count, struct bytes *ret, struct error *err)
{
    struct pir_parameters keyword = *first;
    Wire__PIRConfig message = WIRE__PIRCONFIG__INIT;
    Wire__EncryptionParameters encryption;
    Wire__PIRShardConfigs shard_configs = WIRE__PIRSHARD_CONFIGS__INIT;
    struct keyword_parts keyword_parts;

    encryption_message_fill(&config->key_config.encryption, &encryption);
    message.encryption_parameters = &encryption;
    message.shard_configs = list;
    message.n_shard_configs = list_count;
    keyword.has_sharding_function = true; /* always spelled out */
    keyword_message_fill(&keyword, &keyword_parts);
    message.keyword_pir_params = &keyword_parts.message;
    message.algorithm = WIRE__PIR_ALGORITHM__PIR_ALGORITHM_MUL_PIR;
    message.batch_size = first->batch_size;
    message.evaluation_key_config_hash =
        protobuf_borrow(span_of(config->key_id, sizeof config->key_id));
    if (repeated != NULL) {
        shard_configs.shard_configs_case =
            WIRE__PIRSHARD_CONFIGS__SHARD_CONFIGS_REPEATED_SHARD_CONFIG;
        shard_configs.repeated_shard_config = repeated;
        message.pir_shard_configs = &shard_configs;
    }
    return protobuf_message_pack(&message.base, "configuration", ret, err);
}

static enum status build_pir_config(struct wire_config *config,
                                    const struct pir_parameters *const *shards, size_t shard_count,
                                    struct error *err)
{
    bool all_equal = shard_count > 1;
    for (size_t i = 1; i < shard_count && all_equal; i++)
        all_equal = shards_equal(shards[0], shards[i]);

    const size_t different = all_equal ? 1 : shard_count;
    enum status st = STATUS_NOMEM;
    Wire__PIRShardConfig *parts = mem_alloc(different, sizeof *parts);
    Wire__PIRShardConfig **list = mem_alloc(shard_count, sizeof *list);
    if (parts == NULL || list == NULL) {
        st = error_set(err, STATUS_NOMEM, "configuration: out of memory");
        goto done;
    }
    for (size_t i = 0; i < different; i++)
        fill_shard(shards[i], &parts[i]);
    for (size_t i = 0; i < shard_count; i++)
        list[i] = all_equal ? &parts[0] : &parts[i];

    if (all_equal) {
        Wire__PIRFixedShardConfig repeated = WIRE__PIRFIXED_SHARD_CONFIG__INIT;
        repeated.shard_config = &parts[0];
        repeated.shard_count = (uint32_t)shard_count;
        st = pack_pir_config(config, shards[0], &repeated, NULL, 0, &config->newest, err);
        if (st == STATUS_OK)
            st = pack_pir_config(config, shards[0], NULL, list, shard_count, &config->old, err);
    } else {
        st = pack_pir_config(config, shards[0], NULL, list, shard_count, &config->newest, err);
    }
    if (st == STATUS_OK)
        digest(bytes_view(&config->newest), config->id);
done:
    mem_free(parts);
    mem_free(list);
    return st;
}

enum status wire_config_new(const struct pir_parameters *const *shards, size_t shard_count,
                            struct wire_config **ret, struct error *err)
{
    enum status st = check_shards(shards, shard_count, err);
    if (st != STATUS_OK)
        return st;
    struct wire_config *config = mem_alloc_zeroed(1, sizeof *config);
    if (config == NULL)
        return error_set(err, STATUS_NOMEM, "configuration: out of memory");
    bytes_init(&config->key_config_bytes, CONFIG_MAX_BYTES);
    bytes_init(&config->newest, CONFIG_MAX_BYTES);
    bytes_init(&config->old, CONFIG_MAX_BYTES);
    config->serves_old_platforms = shards[0]->sharding.function == SHARDING_SHA256;
    st = build_key_config(config, shards, shard_count, err);
    if (st == STATUS_OK)
        st = build_pir_config(config, shards, shard_count, err);
    if (st == STATUS_OK) {
        *ret = config;
        config = NULL;
    }
    wire_config_free(config);
    return st;
}

void wire_config_free(struct wire_config *config)
{
    if (config == NULL)
        return;
    bytes_deinit(&config->key_config_bytes);
    bytes_deinit(&config->newest);
    bytes_deinit(&config->old);
    mem_free(config);
}

const uint8_t *wire_config_id(const struct wire_config *config)
{
    return config->id;
}

const uint8_t *wire_config_key_id(const struct wire_config *config)
{
    return config->key_id;
}

const struct pir_evaluation_key_config *wire_config_key_config(const struct wire_config *config)
{
    return &config->key_config;
}

struct span wire_config_serialized(const struct wire_config *config)
{
    return bytes_view(&config->newest);
}

/* ---- ConfigRequest ---- */

struct wire_config_request {
    ProtobufCMessage *message;
    const Wire__ConfigRequest *view;
};

static enum status check_request(const Wire__ConfigRequest *message, struct error *err)
{
    if (message->n_usecases > WIRE_USE_CASES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "configuration request: %zu use cases, at most %zu",
                         message->n_usecases, WIRE_USE_CASES_MAX);
    if (message->n_existing_config_ids != 0 &&
        message->n_existing_config_ids != message->n_usecases)
        return error_set(err, STATUS_INVALID,
                         "configuration request: %zu existing ids for %zu use cases",
                         message->n_existing_config_ids, message->n_usecases);
    for (size_t i = 0; i < message->n_usecases; i++) {
        if (message->usecases[i].len > WIRE_USE_CASE_NAME_MAX_BYTES)
            return error_set(err, STATUS_TOO_LARGE,
                             "configuration request: name %zu has %zu bytes, at most %zu", i,
                             message->usecases[i].len, WIRE_USE_CASE_NAME_MAX_BYTES);
        if (!text_is_utf8(protobuf_span(message->usecases[i])))
            return error_set(err, STATUS_MALFORMED, "configuration request: name %zu is not UTF-8",
                             i);
    }
    return STATUS_OK;
}

enum status wire_config_request_read(struct span body, struct wire_config_request **ret,
                                     struct error *err)
{
    struct wire_config_request *request = mem_alloc_zeroed(1, sizeof *request);
    if (request == NULL)
        return error_set(err, STATUS_NOMEM, "configuration request: out of memory");
    enum status st =
        protobuf_message_unpack(&wire__config_request__descriptor, body, PROTOBUF_FACTOR_BULKY,
                                "configuration request", &request->message, err);
    if (st == STATUS_OK) {
        request->view = (const void *)request->message;
        st = check_request(request->view, err);
    }
    if (st == STATUS_OK) {
        *ret = request;
        request = NULL;
    }
    wire_config_request_free(request);
    return st;
}

void wire_config_request_free(struct wire_config_request *request)
{
    if (request == NULL)
        return;
    protobuf_message_free(request->message);
    mem_free(request);
}

size_t wire_config_request_count(const struct wire_config_request *request)
{
    return request->view->n_usecases;
}

struct span wire_config_request_use_case(const struct wire_config_request *request, size_t i)
{
    return protobuf_span(request->view->usecases[i]);
}

struct span wire_config_request_existing_id(const struct wire_config_request *request, size_t i)
{
    if (i >= request->view->n_existing_config_ids)
        return span_of(NULL, 0);
    return protobuf_span(request->view->existing_config_ids[i]);
}

enum status wire_config_request_write(const struct span *use_cases, const struct span *existing_ids,
                                      size_t count, struct bytes *ret, struct error *err)
{
    enum status st = STATUS_NOMEM;
    Wire__ConfigRequest message = WIRE__CONFIG_REQUEST__INIT;
    ProtobufCBinaryData *names = mem_alloc(count, sizeof *names);
    ProtobufCBinaryData *ids = mem_alloc(count, sizeof *ids);
    if (names == NULL || ids == NULL) {
        st = error_set(err, STATUS_NOMEM, "configuration request: out of memory");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = protobuf_borrow(use_cases[i]);
        if (existing_ids != NULL)
            ids[i] = protobuf_borrow(existing_ids[i]);
    }
    message.usecases = names;
    message.n_usecases = count;
    message.existing_config_ids = ids;
    message.n_existing_config_ids = existing_ids == NULL ? 0 : count;
    st = protobuf_message_pack(&message.base, "configuration request", ret, err);
done:
    mem_free(names);
    mem_free(ids);
    return st;
}

/* ---- writing a ConfigResponse ---- */

enum status wire_config_entry_write(const struct wire_config *config, struct span use_case,
                                    enum wire_config_form form, struct bytes *ret,
                                    struct error *err)
{
    Wire__ConfigResponse message = WIRE__CONFIG_RESPONSE__INIT;
    Wire__ConfigEntry entry = WIRE__CONFIG_ENTRY__INIT;
    Wire__ConfigEntry *entries[] = {&entry};
    Wire__Config value;
    const struct bytes *pir_config = &config->newest;
    wire__config__init(&value);
    if (form == WIRE_CONFIG_OLD_PLATFORM) {
        if (!config->serves_old_platforms)
            return error_set(err, STATUS_UNSUPPORTED,
                             "this platform does not support sharding functions other than SHA256");
        if (config->old.size > 0)
            pir_config = &config->old;
    }
    if (form == WIRE_CONFIG_REUSE) {
        value.reuse_existing_config = true;
    } else {
        value.config_case = WIRE__CONFIG__CONFIG_PIR_CONFIG;
        value.pir_config = protobuf_borrow(bytes_view(pir_config));
        value.config_id = protobuf_borrow(span_of(config->id, sizeof config->id));
    }
    entry.key = protobuf_borrow(use_case);
    entry.value = &value;
    message.configs = entries;
    message.n_configs = ARRAY_COUNT(entries);
    return protobuf_message_pack(&message.base, "configuration", ret, err);
}

enum status wire_config_key_state_write(const struct wire_config *config, uint64_t timestamp,
                                        struct bytes *ret, struct error *err)
{
    Wire__ConfigResponse message = WIRE__CONFIG_RESPONSE__INIT;
    Wire__KeyStatus state = WIRE__KEY_STATUS__INIT;
    Wire__KeyStatus *states[] = {&state};
    ProtobufCBinaryData key_config = protobuf_borrow(bytes_view(&config->key_config_bytes));
    state.timestamp = timestamp;
    state.key_config = &key_config;
    state.n_key_config = 1;
    message.key_info = states;
    message.n_key_info = ARRAY_COUNT(states);
    return protobuf_message_pack(&message.base, "key state", ret, err);
}
