#include "pir-server/wire/wire_served.h"

#include "base/mem.h"
#include "pir-server/pir/sha256.h"
#include "pir-server/wire/api.pb-c.h"
#include "pir-server/wire/parameter_messages.h"
#include "pir-server/wire/protobuf_message.h"
#include "pir-server/wire/wire_parameters.h"

struct wire_served_internal {
    ProtobufCMessage *message;
    const Wire__PIRConfig *config; /* the same */
    struct pir_evaluation_key_config key_config;
};

struct wire_served_list {
    ProtobufCMessage *message;
    size_t count;
    struct wire_served *items;             /* [count] */
    struct wire_served_internal *internal; /* [count] */
};

/* ---- one configuration ---- */

/* Digests of all key configurations of the response: found once, looked up for each use case. */
static enum status digest_key_configs(const Wire__ConfigResponse *response, uint8_t **ret,
                                      struct error *err)
{
    uint8_t *digests = mem_alloc(response->n_key_info, SHA256_BYTES);
    if (digests == NULL)
        return error_set(err, STATUS_NOMEM, "configuration response: out of memory");
    for (size_t i = 0; i < response->n_key_info; i++) {
        const Wire__KeyStatus *state = response->key_info[i];
        struct sha256 hash;
        if (state->n_key_config != 1) {
            mem_free(digests);
            return error_set(err, STATUS_MALFORMED, "key state %zu has %zu key configurations", i,
                             state->n_key_config);
        }
        sha256_init(&hash);
        sha256_add(&hash, protobuf_span(state->key_config[0]));
        sha256_finish(&hash, digests + i * SHA256_BYTES);
    }
    *ret = digests;
    return STATUS_OK;
}

/* The state of the key whose configuration has the digest `key_id`. */
static enum status find_key_state(const Wire__ConfigResponse *response, const uint8_t *digests,
                                  struct span key_id, const Wire__KeyStatus **ret,
                                  struct error *err)
{
    for (size_t i = 0; i < response->n_key_info; i++) {
        if (span_equal(key_id, span_of(digests + i * SHA256_BYTES, SHA256_BYTES))) {
            *ret = response->key_info[i];
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_MALFORMED,
                     "no key configuration has the digest that the configuration names");
}

static const Wire__PIRFixedShardConfig *repeated_shard(const Wire__PIRConfig *config)
{
    const Wire__PIRShardConfigs *configs = config->pir_shard_configs;
    if (configs == NULL ||
        configs->shard_configs_case != WIRE__PIRSHARD_CONFIGS__SHARD_CONFIGS_REPEATED_SHARD_CONFIG)
        return NULL;
    return configs->repeated_shard_config;
}

static enum status take_pir_config(const Wire__ConfigResponse *response, const uint8_t *digests,
                                   struct span serialized, struct wire_served *served,
                                   struct wire_served_internal *internal, struct error *err)
{
    const Wire__KeyStatus *state = NULL;
    enum status st =
        protobuf_message_unpack(&wire__pirconfig__descriptor, serialized, PROTOBUF_FACTOR_GRANULAR,
                                "PIR configuration", &internal->message, err);
    if (st != STATUS_OK)
        return st;
    const Wire__PIRConfig *config = (const void *)internal->message;
    const Wire__PIRFixedShardConfig *repeated = repeated_shard(config);
    internal->config = config;
    served->shards_are_repeated = repeated != NULL;
    if (repeated != NULL && repeated->shard_config == NULL)
        return error_set(err, STATUS_MALFORMED, "repeated_shard_config without shard_config");
    served->shard_count = repeated != NULL ? repeated->shard_count : config->n_shard_configs;
    if (served->shard_count < 1 || served->shard_count > WIRE_SHARDS_MAX)
        return error_set(err, STATUS_MALFORMED, "%zu shards, not in 1..%zu", served->shard_count,
                         WIRE_SHARDS_MAX);
    if (config->algorithm != WIRE__PIR_ALGORITHM__PIR_ALGORITHM_MUL_PIR)
        return error_set(err, STATUS_UNSUPPORTED, "algorithm %d is not MulPIR",
                         (int)config->algorithm);
    served->key_id = protobuf_span(config->evaluation_key_config_hash);
    st = find_key_state(response, digests, served->key_id, &state, err);
    if (st == STATUS_OK)
        st = wire_key_config_read(protobuf_span(state->key_config[0]), WIRE_BINARY,
                                  &internal->key_config, err);
    if (st == STATUS_OK) {
        served->key_timestamp = state->timestamp;
        served->internal = internal;
    }
    return st;
}

static enum status take_entry(const Wire__ConfigResponse *response, const uint8_t *digests,
                              const Wire__ConfigEntry *entry, struct wire_served *served,
                              struct wire_served_internal *internal, struct error *err)
{
    served->use_case = protobuf_span(entry->key);
    if (entry->value == NULL)
        return error_set(err, STATUS_MALFORMED, "no configuration");
    served->reuse = entry->value->reuse_existing_config;
    if (served->reuse)
        return STATUS_OK;
    served->config_id = protobuf_span(entry->value->config_id);
    switch (entry->value->config_case) {
    case WIRE__CONFIG__CONFIG_PIR_CONFIG:
        return take_pir_config(response, digests, protobuf_span(entry->value->pir_config), served,
                               internal, err);
    case WIRE__CONFIG__CONFIG_PNNS_CONFIG:
    case WIRE__CONFIG__CONFIG_SIMPLE_PIR_CONFIG:
        return error_set(err, STATUS_UNSUPPORTED, "not a configuration of PIR over BFV");
    case WIRE__CONFIG__CONFIG__NOT_SET:
    case _WIRE__CONFIG__CONFIG__CASE_IS_INT_SIZE:
        break;
    }
    return error_set(err, STATUS_MALFORMED, "no configuration");
}

/* ---- the list ---- */

static enum status take_entries(struct wire_served_list *list, struct error *err)
{
    const Wire__ConfigResponse *response = (const void *)list->message;
    if (response->n_configs > WIRE_USE_CASES_MAX || response->n_key_info > WIRE_USE_CASES_MAX)
        return error_set(err, STATUS_TOO_LARGE,
                         "configuration response: %zu use cases, %zu key states, at most %zu",
                         response->n_configs, response->n_key_info, WIRE_USE_CASES_MAX);
    list->items = mem_alloc_zeroed(response->n_configs, sizeof *list->items);
    list->internal = mem_alloc_zeroed(response->n_configs, sizeof *list->internal);
    if (list->items == NULL || list->internal == NULL)
        return error_set(err, STATUS_NOMEM, "configuration response: out of memory");
    uint8_t *digests = NULL;
    enum status st = digest_key_configs(response, &digests, err);
    if (st != STATUS_OK)
        return st;
    list->count = response->n_configs;
    for (size_t i = 0; i < list->count && st == STATUS_OK; i++) {
        st = take_entry(response, digests, response->configs[i], &list->items[i],
                        &list->internal[i], err);
        for (size_t k = 0; k < i && st == STATUS_OK; k++) {
            if (span_equal(list->items[k].use_case, list->items[i].use_case))
                st = error_set(err, STATUS_MALFORMED, "the same use case as entry %zu", k);
        }
        if (st != STATUS_OK)
            st = error_prefix(err, st, "configuration response, entry %zu", i);
    }
    mem_free(digests);
    return st;
}

enum status wire_served_list_read(struct span body, struct wire_served_list **ret,
                                  struct error *err)
{
    if (body.size > WIRE_CONFIG_RESPONSE_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "configuration response: %zu bytes, at most %zu",
                         body.size, WIRE_CONFIG_RESPONSE_MAX_BYTES);
    struct wire_served_list *list = mem_alloc_zeroed(1, sizeof *list);
    if (list == NULL)
        return error_set(err, STATUS_NOMEM, "configuration response: out of memory");
    enum status st =
        protobuf_message_unpack(&wire__config_response__descriptor, body, PROTOBUF_FACTOR_BULKY,
                                "configuration response", &list->message, err);
    if (st == STATUS_OK)
        st = take_entries(list, err);
    if (st == STATUS_OK) {
        *ret = list;
        list = NULL;
    }
    wire_served_list_free(list);
    return st;
}

void wire_served_list_free(struct wire_served_list *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        protobuf_message_free(list->internal[i].message);
    protobuf_message_free(list->message);
    mem_free(list->items);
    mem_free(list->internal);
    mem_free(list);
}

size_t wire_served_list_count(const struct wire_served_list *list)
{
    return list->count;
}

const struct wire_served *wire_served_list_get(const struct wire_served_list *list, size_t i)
{
    return &list->items[i];
}

enum status wire_served_list_find(const struct wire_served_list *list, struct span use_case,
                                  const struct wire_served **ret, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_equal(list->items[i].use_case, use_case)) {
            *ret = &list->items[i];
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_NOT_FOUND, "the server has no such use case");
}

enum status wire_served_list_key_time(const struct wire_served_list *list, struct span key_id,
                                      uint64_t *ret, struct error *err)
{
    const Wire__ConfigResponse *response = (const void *)list->message;
    const Wire__KeyStatus *state = NULL;
    uint8_t *digests = NULL;
    enum status st = digest_key_configs(response, &digests, err);
    if (st == STATUS_OK)
        st = find_key_state(response, digests, key_id, &state, err);
    if (st == STATUS_OK)
        *ret = state->timestamp;
    mem_free(digests);
    return st;
}

/* ---- what keys and shards need ---- */

const struct pir_evaluation_key_config *wire_served_key_config(const struct wire_served *served)
{
    return served->internal == NULL ? NULL : &served->internal->key_config;
}

enum status wire_served_shard(const struct wire_served *served, size_t shard,
                              struct pir_parameters *ret, struct error *err)
{
    if (shard >= served->shard_count)
        return error_set(err, STATUS_INVALID, "shard %zu of %zu", shard, served->shard_count);
    const Wire__PIRConfig *config = served->internal->config;
    const Wire__PIRFixedShardConfig *repeated = repeated_shard(config);
    const Wire__PIRShardConfig *own =
        repeated != NULL ? repeated->shard_config : config->shard_configs[shard];
    struct pir_parameters parameters = {
        .entry_count = own->num_entries,
        .entry_bytes = own->entry_size,
        .algorithm = (uint32_t)config->algorithm,
        .batch_size = config->batch_size,
        .evaluation_key = served->internal->key_config,
        .encoding_entry_size = config->_encoding_entry_size_case ==
                                   WIRE__PIRCONFIG___ENCODING_ENTRY_SIZE_ENCODING_ENTRY_SIZE &&
                               config->encoding_entry_size,
    };
    enum status st =
        encryption_message_read(config->encryption_parameters, &parameters.encryption, err);
    if (st == STATUS_OK)
        st = dimensions_read(own->dimensions, own->n_dimensions, &parameters, err);
    if (st == STATUS_OK)
        st = keyword_message_read(config->keyword_pir_params, &parameters, err);
    if (st != STATUS_OK)
        return error_prefix(err, st, "configuration, shard %zu", shard);
    *ret = parameters;
    return STATUS_OK;
}
