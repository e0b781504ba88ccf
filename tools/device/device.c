#include "tools/device/device.h"

#include "base/mem.h"
#include "base/random.h"
#include "bloom/bloom.h"
#include "bloom/formats/bloom_manifest.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/wire/wire_config.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_query.h"
#include "pir-server/wire/wire_requests.h"
#include "pir-server/wire/wire_served.h"
#include "tools/device/device_identity.h"
#include "tools/device/device_keys.h"
#include "tools/device/device_symmetric.h"
#include "tools/device/device_tokens.h"
#include "tools/device/http_client.h"
#include "tools/device/prefilter_path.h"

#include <math.h>
#include <time.h>

#define HTTP_BAD_REQUEST 400

struct device {
    struct device_options options;
    const struct device_identity *identity;
    struct http_client *http;
    struct http_client *files;    /* for the prefilter, which no gateway stands before */
    struct device_tokens *tokens; /* NULL: the server asks for none */
    struct device_keys keys;
    char *use_case;
    struct bytes body; /* of the last response */

    struct bytes prefilter;
    struct bloom_reader reader;

    struct wire_served_list *config;
    struct wire_served served;        /* borrows from config */
    struct pir_parameters parameters; /* of shard `layout_shard` */
    struct pir_layout layout;
    size_t layout_shard;
    struct bfv_context *context;
    struct bfv_secret_key *secret;
    struct bytes evaluation_key; /* of the secret key, made when it is needed; else empty */
    struct parsing_workspace *workspace;
    char served_parsing[2 * BLOOM_DIGEST_BYTES + 1];
};

/* GET or POST, traced, and checked for 200; the body is device->body. A POST costs a token, where
 * the server wants any. */
static enum status get(struct device *device, struct http_client *http, const char *path,
                       struct bytes *body, struct error *err)
{
    struct http_exchange exchange;
    const enum status status = http_client_get(http, path, NULL, body, &exchange, err);
    if (status != STATUS_OK)
        return status;
    http_exchange_trace(device->options.trace, "GET", path, &exchange);
    return http_exchange_check(&exchange, path, bytes_view(body), err);
}

static enum status post(struct device *device, const char *path, struct span request,
                        struct http_exchange *ret_exchange, struct error *err)
{
    struct http_exchange exchange;
    struct bytes token;
    bytes_init(&token, DEVICE_TOKENS_VALUE_BYTES);
    enum status status = STATUS_OK;
    if (device->tokens != NULL)
        status = device_tokens_take(device->tokens, &token, err);
    if (status == STATUS_OK)
        status = http_client_post(device->http, path,
                                  device->tokens != NULL ? (const char *)token.data : NULL, request,
                                  &device->body, &exchange, err);
    bytes_deinit_secret(&token);
    if (status != STATUS_OK)
        return status;
    http_exchange_trace(device->options.trace, "POST", path, &exchange);
    if (ret_exchange != NULL)
        *ret_exchange = exchange;
    return http_exchange_check(&exchange, path, bytes_view(&device->body), err);
}

/* ---- prefilter ---- */

static enum status fetch_prefilter(struct device *device, struct error *err)
{
    struct bytes path;
    struct bloom_meta meta;
    enum bloom_layout layout;
    char digest[2 * BLOOM_DIGEST_BYTES + 1];
    bytes_init(&path, 4096);
    prefilter_manifest_path(device->use_case, &path);
    enum status status = bytes_status(&path, "prefilter path", err);
    if (status == STATUS_OK)
        status = get(device, device->files, (const char *)path.data, &device->body, err);
    if (status == STATUS_OK)
        status = bloom_manifest_parse(bytes_view(&device->body), (const char *)path.data, &meta,
                                      &layout, err);
    if (status != STATUS_OK)
        goto done;
    memcpy(device->served_parsing, meta.parsing, sizeof device->served_parsing);
    bytes_clear(&path);
    prefilter_bits_path(meta.url, &path);
    status = bytes_status(&path, "prefilter path", err);
    if (status == STATUS_OK)
        status = get(device, device->files, (const char *)path.data, &device->prefilter, err);
    if (status == STATUS_OK)
        status = bloom_digest_hex(bytes_view(&device->prefilter), digest, err);
    if (status != STATUS_OK)
        goto done;
    if (layout == BLOOM_LAYOUT_MANIFEST && strcmp(digest, meta.tag) != 0) {
        status = error_set(err, STATUS_MISMATCH, "%s: the bits are not what the tag says",
                           (const char *)path.data);
        goto done;
    }
    status = bloom_status(bloom_reader_init(&device->reader, &meta.params, device->prefilter.data,
                                            device->prefilter.size),
                          err);
    if (status != STATUS_OK)
        status = error_prefix(err, status, "%s", (const char *)path.data);
done:
    bytes_deinit(&path);
    return status;
}

/* ---- configuration and keys ---- */

/* The parameters of one shard, checked; kept for the next call, because shards are alike. */
static enum status use_shard(struct device *device, size_t shard, struct error *err)
{
    if (shard == device->layout_shard)
        return STATUS_OK;
    struct pir_parameters parameters;
    enum status status = wire_served_shard(&device->served, shard, &parameters, err);
    if (status != STATUS_OK)
        return status;
    const bool is_same =
        device->layout_shard != SIZE_MAX && pir_parameters_equal(&parameters, &device->parameters);
    if (!is_same) {
        status = pir_layout_init(&parameters, 0, &device->layout, err);
        if (status != STATUS_OK)
            return error_prefix(err, status, "configuration, shard %zu", shard);
        device->parameters = parameters;
    }
    device->layout_shard = shard;
    return STATUS_OK;
}

static enum status choose_use_case(struct device *device, const struct wire_served_list *config,
                                   struct error *err)
{
    const size_t count = wire_served_list_count(config);
    if (count != 1) {
        enum status status = error_set(
            err, STATUS_INVALID, "the server has %zu use cases: name one with --use-case", count);
        for (size_t i = 0; i < count && i < 8; i++) {
            if (err == NULL)
                break;
            const struct span name = wire_served_list_get(config, i)->use_case;
            const size_t used = strlen(err->message);
            snprintf(err->message + used, sizeof err->message - used, "%s%.*s",
                     i == 0 ? ": " : ", ", (int)name.size, (const char *)name.data);
        }
        return status;
    }
    const struct span name = wire_served_list_get(config, 0)->use_case;
    device->use_case = mem_alloc(name.size + 1, 1);
    if (device->use_case == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    memcpy(device->use_case, name.data, name.size);
    device->use_case[name.size] = '\0';
    return STATUS_OK;
}

static void forget_secret(struct device *device)
{
    bfv_secret_key_free(device->secret);
    device->secret = NULL;
    bytes_clear(&device->evaluation_key);
}

/* What a release of iOS takes. */
static enum status check_release(const struct device *device, const struct wire_served *served,
                                 struct error *err)
{
    const struct device_identity *identity = device->identity;
    const size_t count = served->shard_count;
    if (served->shards_are_repeated && !identity->knows_repeated_shards)
        return error_set(err, STATUS_UNSUPPORTED, "%s wants shards spelled out", identity->name);
    if (identity->wants_power_of_two && (count & (count - 1)) != 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s takes powers of two for the number of shards, not %zu", identity->name,
                         count);
    return STATUS_OK;
}

/* The configuration that is here still holds; what is new is which key the server has. */
static enum status keep_config(struct device *device, const struct wire_served_list *config,
                               struct error *err)
{
    if (device->config == NULL)
        return error_set(err, STATUS_MALFORMED, "reuse of what was never sent");
    return wire_served_list_key_time(config, device->served.key_id, &device->served.key_timestamp,
                                     err);
}

/* Of the configuration in device->body: all of it is taken, or nothing. A new context when the
 * encryption parameters are new; the secret key belongs to the old one and goes with it. */
static enum status take_config(struct device *device, struct error *err)
{
    struct wire_served_list *config = NULL;
    struct bfv_context *context = NULL;
    const struct wire_served *served;
    struct pir_parameters parameters;
    struct pir_layout layout;
    enum status status = wire_served_list_read(bytes_view(&device->body), &config, err);
    if (status == STATUS_OK && device->use_case == NULL)
        status = choose_use_case(device, config, err);
    if (status == STATUS_OK)
        status = wire_served_list_find(config, span_of_text(device->use_case), &served, err);
    if (status == STATUS_OK && served->reuse) {
        status = keep_config(device, config, err);
        goto done;
    }
    if (status == STATUS_OK)
        status = check_release(device, served, err);
    if (status == STATUS_OK && served->key_id.size != WIRE_KEY_ID_BYTES)
        status = error_set(err, STATUS_MALFORMED, "key identifier of %zu bytes, %d are expected",
                           served->key_id.size, WIRE_KEY_ID_BYTES);
    if (status == STATUS_OK)
        status = wire_served_shard(served, 0, &parameters, err);
    if (status == STATUS_OK)
        status = pir_layout_init(&parameters, 0, &layout, err);
    if (status != STATUS_OK)
        goto done;
    const bool is_new =
        device->context == NULL ||
        !bfv_parameters_equal(&parameters.encryption, &device->parameters.encryption);
    if (is_new) {
        status = bfv_context_new(&parameters.encryption, 0, NULL, &context, err);
        if (status != STATUS_OK)
            goto done;
        forget_secret(device);
        bfv_context_free(device->context);
        device->context = context;
        context = NULL;
    }
    device->served = *served;
    wire_served_list_free(device->config);
    device->config = config;
    config = NULL;
    device->parameters = parameters;
    device->layout = layout;
    device->layout_shard = 0;
done:
    wire_served_list_free(config);
    return status == STATUS_OK ? status : error_prefix(err, status, "configuration");
}

static enum status post_config(struct device *device, struct error *err)
{
    struct bytes request;
    const struct span name =
        device->use_case != NULL ? span_of_text(device->use_case) : span_of(NULL, 0);
    const bool has_id = device->config != NULL && device->identity->sends_known_id;
    bytes_init(&request, WIRE_BODY_MAX_BYTES);
    enum status status = wire_config_request_write(&name, has_id ? &device->served.config_id : NULL,
                                                   device->use_case != NULL ? 1 : 0, &request, err);
    if (status == STATUS_OK)
        status = post(device, "/config", bytes_view(&request), NULL, err);
    bytes_deinit(&request);
    return status;
}

static enum status fetch_config(struct device *device, struct error *err)
{
    const enum status status = device->identity->gets_config
                                   ? get(device, device->http, "/config", &device->body, err)
                                   : post_config(device, err);
    return status == STATUS_OK ? take_config(device, err) : status;
}

/* A secret key for the served key configuration: the kept one when it was made for that, else a new
 * one, kept from now on. */
static enum status ensure_secret(struct device *device, struct error *err)
{
    struct device_keys *keys = &device->keys;
    const bool fits =
        keys->has_key && memcmp(keys->key_id, device->served.key_id.data, sizeof keys->key_id) == 0;
    if (fits && device->secret != NULL)
        return STATUS_OK;
    enum status status;
    forget_secret(device);
    if (fits) {
        status = wire_secret_key_read(device->context, bytes_view(&keys->secret_key),
                                      &device->secret, err);
        return status == STATUS_OK
                   ? status
                   : error_prefix(err, status, "%s: $.secretKey",
                                  device->options.keys_path != NULL ? device->options.keys_path
                                                                    : "kept key");
    }
    const struct random_source random = random_system();
    status = bfv_secret_key_new(device->context, &random, &device->secret, err);
    if (status != STATUS_OK)
        return status;
    bytes_deinit_secret(&keys->secret_key);
    status = wire_secret_key_write(device->secret, &keys->secret_key, err);
    if (status != STATUS_OK)
        return status;
    memcpy(keys->key_id, device->served.key_id.data, sizeof keys->key_id);
    /* Later than the key before it, so that the server sees another one even within a second. */
    const time_t now = time(NULL);
    keys->timestamp =
        now > 0 && (uint64_t)now > keys->timestamp ? (uint64_t)now : keys->timestamp + 1;
    keys->has_key = true;
    if (device->options.keys_path == NULL)
        return STATUS_OK;
    return device_keys_write(device->options.keys_path, keys, err);
}

static enum status ensure_evaluation_key(struct device *device, struct error *err)
{
    const struct random_source random = random_system();
    if (device->evaluation_key.size > 0)
        return STATUS_OK;
    const enum status status =
        wire_evaluation_key_make(device->context, &device->parameters.evaluation_key,
                                 device->secret, &random, &device->evaluation_key, err);
    if (status != STATUS_OK)
        bytes_clear(&device->evaluation_key); /* no half of one */
    return status;
}

/* The evaluation key as it is uploaded or carried along. */
static struct wire_key key_message(const struct device *device)
{
    return (struct wire_key){.has_metadata = true,
                             .timestamp = device->keys.timestamp,
                             .identifier = span_of(device->keys.key_id, WIRE_KEY_ID_BYTES),
                             .has_key = true,
                             .serialized = bytes_view(&device->evaluation_key)};
}

static enum status upload_key(struct device *device, struct error *err)
{
    struct bytes request;
    bytes_init(&request, WIRE_BODY_MAX_BYTES);
    enum status status = ensure_evaluation_key(device, err);
    if (status == STATUS_OK) {
        const struct wire_key message = key_message(device);
        status = wire_key_upload_write(&message, 1, &request, err);
    }
    if (status == STATUS_OK)
        status = post(device, "/key", bytes_view(&request), NULL, err);
    if (status == STATUS_OK)
        device->served.key_timestamp = device->keys.timestamp;
    bytes_deinit(&request);
    return status;
}

/* Configuration, secret key, and the upload when the server does not have our key and is to. */
static enum status prepare(struct device *device, bool *ret_uploaded, struct error *err)
{
    enum status status = fetch_config(device, err);
    if (status == STATUS_OK)
        status = ensure_secret(device, err);
    const bool is_missing =
        !device->identity->carries_key && device->served.key_timestamp != device->keys.timestamp;
    if (status == STATUS_OK && is_missing)
        status = upload_key(device, err);
    if (status == STATUS_OK && device->identity->carries_key)
        status = ensure_evaluation_key(device, err);
    if (status == STATUS_OK)
        *ret_uploaded = is_missing;
    return status;
}

/* No network yet. */
static enum status connect_to(struct device *device, struct error *err)
{
    const struct device_options *options = &device->options;
    struct http_client_options client = {.base_url = options->server,
                                         .ca_path = options->ca_path,
                                         .connect_to = options->connect_to,
                                         .user_agent = options->user_agent != NULL
                                                           ? options->user_agent
                                                           : device->identity->user_agent,
                                         .user_identifier = device->keys.user_identifier,
                                         .content_type = "application/x-protobuf"};
    enum status status = http_client_new(&client, &device->files, err);
    client.gateway = options->gateway;
    if (status == STATUS_OK)
        status = http_client_new(&client, &device->http, err);
    if (status != STATUS_OK || options->user_token == NULL)
        return status;
    const struct device_tokens_options tokens = {
        .issuer = options->issuer != NULL ? options->issuer : options->server,
        .gateway = options->gateway,
        .ca_path = options->ca_path,
        .connect_to = options->connect_to,
        .user_agent = client.user_agent,
        .user_token = options->user_token,
        .batch = device->identity->tokens_at_once,
        .takes_first_key = device->identity->takes_first_key,
        .trace = options->trace};
    return device_tokens_new(&tokens, &device->tokens, err);
}

enum status device_open(const struct device_options *options, struct device **ret,
                        struct error *err)
{
    struct device *device = mem_alloc_zeroed(1, sizeof *device);
    if (device == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    device->options = *options;
    device->identity = options->identity != NULL ? options->identity : device_identity_default();
    device->layout_shard = SIZE_MAX;
    bytes_init(&device->body, WIRE_CONFIG_RESPONSE_MAX_BYTES);
    bytes_init(&device->prefilter, PREFILTER_MAX_BYTES);
    bytes_init(&device->evaluation_key, WIRE_BODY_MAX_BYTES);
    enum status status = device_keys_init(&device->keys, err);
    if (status == STATUS_OK)
        status = parsing_workspace_new(options->parsing, &device->workspace, err);
    if (status != STATUS_OK)
        goto done;
    if (options->keys_path != NULL) {
        status = device_keys_read(options->keys_path, &device->keys, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            goto done;
    }
    if (options->use_case != NULL) {
        device->use_case = mem_strdup(options->use_case);
        if (device->use_case == NULL) {
            status = error_set(err, STATUS_NOMEM, "out of memory");
            goto done;
        }
    }
    status = connect_to(device, err);
    bool uploaded;
    if (status == STATUS_OK)
        status = prepare(device, &uploaded, err);
    if (status == STATUS_OK)
        status = fetch_prefilter(device, err);
    if (status != STATUS_OK)
        goto done;
    *ret = device;
    device = NULL;
done:
    device_close(device);
    return status;
}

void device_close(struct device *device)
{
    if (device == NULL)
        return;
    bfv_secret_key_free(device->secret);
    bfv_context_free(device->context);
    wire_served_list_free(device->config);
    device_tokens_free(device->tokens);
    http_client_free(device->http);
    http_client_free(device->files);
    parsing_workspace_free(device->workspace);
    device_keys_deinit(&device->keys);
    bytes_deinit(&device->prefilter);
    bytes_deinit(&device->evaluation_key);
    bytes_deinit(&device->body);
    mem_free(device->use_case);
    mem_free(device);
}

const char *device_served_parsing(const struct device *device)
{
    return device->served_parsing;
}

/* ---- one URL ---- */

void device_verdict_init(struct device_verdict *verdict)
{
    *verdict = (struct device_verdict){.noise_budget_bits = (double)INFINITY};
    bytes_init(&verdict->key, PARSING_KEY_MAX_BYTES + 1);
}

void device_verdict_deinit(struct device_verdict *verdict)
{
    bytes_deinit(&verdict->key);
}

/* What is asked for. */
struct asked {
    struct span keyword; /* as the dataset has it */
    const uint8_t *f; /* of a symmetric one: [VOPRF_VALUE_BYTES], the keyword's value; else NULL */
};

struct answer {
    bool found;
    size_t shard;
    struct http_exchange exchange;
    double noise_budget_bits;
};

/* A row of a symmetric dataset is only there when its value opens. */
static enum status open_value(const struct asked *asked, const struct pir_result *result,
                              struct error *err)
{
    if (!result->found || asked->f == NULL)
        return STATUS_OK;
    struct bytes value;
    bytes_init(&value, result->value.size);
    const enum status status = symmetric_open(asked->f, bytes_view(&result->value), &value, err);
    bytes_deinit_secret(&value);
    return status;
}

static enum status read_answer(struct device *device, const struct asked *asked, struct answer *ret,
                               struct error *err)
{
    struct wire_responses *responses = NULL;
    struct wire_response *response = NULL;
    struct pir_result result;
    pir_result_init(&result);
    enum status status = wire_responses_read(bytes_view(&device->body), &responses, err);
    if (status != STATUS_OK)
        goto done;
    if (wire_responses_count(responses) != 1) {
        status = error_set(err, STATUS_MALFORMED, "/queries: %zu answers to one query",
                           wire_responses_count(responses));
        goto done;
    }
    status = wire_response_read(wire_responses_get(responses, 0).pir, &response, err);
    if (status == STATUS_OK)
        status =
            pir_client_read_response(device->context, &device->layout, device->secret,
                                     asked->keyword, wire_response_get(response), &result, err);
    if (status == STATUS_OK)
        status = open_value(asked, &result, err);
    if (status != STATUS_OK)
        goto done;
    ret->found = result.found;
    ret->noise_budget_bits = result.noise_budget_bits;
done:
    pir_result_deinit(&result);
    wire_response_free(response);
    wire_responses_free(responses);
    return status;
}

static size_t shard_of(const struct device *device, struct span keyword)
{
    return (size_t)sharding_shard_of(&device->parameters.sharding, keyword_hash(keyword),
                                     device->served.shard_count);
}

/* Asks for the server's function of a keyword. */
static enum status ask_function(struct device *device, struct span keyword,
                                uint8_t ret_f[VOPRF_VALUE_BYTES], struct http_exchange *ret,
                                struct error *err)
{
    const struct random_source random = random_system();
    const struct span public_key =
        span_of(device->parameters.symmetric_public_key, PIR_SYMMETRIC_KEY_BYTES);
    struct voprf_question *question = NULL;
    struct bytes request;
    bytes_init(&request, WIRE_BODY_MAX_BYTES);
    enum status status = voprf_question_new(keyword, &random, &question, err);
    if (status == STATUS_OK)
        status = device_symmetric_write(question, span_of_text(device->use_case),
                                        device->served.config_id, &request, err);
    if (status == STATUS_OK)
        status = post(device, "/queries", bytes_view(&request), ret, err);
    if (status == STATUS_OK)
        status = device_symmetric_read(question, public_key, bytes_view(&device->body), ret_f, err);
    voprf_question_free(question);
    bytes_deinit(&request);
    return status;
}

static enum status look_up(struct device *device, const struct asked *asked, struct answer *ret,
                           struct error *err)
{
    const struct random_source random = random_system();
    struct pir_client_query *query = NULL;
    struct bytes message;
    struct bytes request;
    bytes_init(&message, WIRE_BODY_MAX_BYTES);
    bytes_init(&request, WIRE_BODY_MAX_BYTES);
    ret->shard = shard_of(device, asked->keyword);
    enum status status = use_shard(device, ret->shard, err);
    if (status == STATUS_OK)
        status = pir_client_query_new(device->context, &device->layout, device->secret,
                                      asked->keyword, &random, &query, err);
    if (status == STATUS_OK)
        status = wire_query_write(pir_client_query_message(query), &message, err);
    if (status != STATUS_OK)
        goto done;
    const struct wire_request one = {.kind = WIRE_REQUEST_PIR,
                                     .use_case = span_of_text(device->use_case),
                                     .shard_index = (uint32_t)ret->shard,
                                     .has_query = true,
                                     .query = bytes_view(&message),
                                     .has_key_metadata = true,
                                     .key_timestamp = device->keys.timestamp,
                                     .key_identifier =
                                         span_of(device->keys.key_id, WIRE_KEY_ID_BYTES),
                                     .configuration_id = device->served.config_id,
                                     .has_inline_key = device->identity->carries_key,
                                     .inline_key = key_message(device)};
    status = wire_requests_write(&one, 1, &request, err);
    if (status == STATUS_OK)
        status = post(device, "/queries", bytes_view(&request), &ret->exchange, err);
    if (status == STATUS_OK)
        status = read_answer(device, asked, ret, err);
done:
    pir_client_query_free(query);
    bytes_deinit(&request);
    bytes_deinit(&message);
    return status;
}

static void add_exchange(struct http_exchange *sum, const struct http_exchange *more)
{
    sum->sent_bytes += more->sent_bytes;
    sum->got_bytes += more->got_bytes;
    sum->milliseconds += more->milliseconds;
}

static enum status query_once(struct device *device, struct span keyword, struct answer *ret,
                              struct error *err)
{
    uint8_t f[VOPRF_VALUE_BYTES];
    const struct asked plain = {.keyword = keyword};
    const struct asked symmetric = {.keyword = symmetric_keyword(f), .f = f};
    if (!device->parameters.is_symmetric)
        return look_up(device, &plain, ret, err);
    enum status status = ask_function(device, keyword, f, &ret->exchange, err);
    if (status == STATUS_OK) {
        const struct http_exchange first = ret->exchange;
        status = look_up(device, &symmetric, ret, err);
        add_exchange(&ret->exchange, &first);
    }
    mem_wipe(f, sizeof f);
    return status;
}

/* A dataset that outgrew its shape has a new configuration (410), and a server that lost its state
 * has no key of ours (400): both are mended once, the way a device does it. A 400 with our key in
 * place has another cause, and asking again would not help. */
static enum status query(struct device *device, struct span keyword, struct answer *ret,
                         struct error *err)
{
    struct error first;
    const enum status status = query_once(device, keyword, ret, &first);
    if (status == STATUS_STALE_CONFIG || ret->exchange.status == HTTP_BAD_REQUEST) {
        bool uploaded;
        const enum status prepared = prepare(device, &uploaded, err);
        if (prepared != STATUS_OK)
            return prepared;
        if (status == STATUS_STALE_CONFIG || uploaded) {
            const struct http_exchange vain = ret->exchange;
            const enum status again = query_once(device, keyword, ret, err);
            add_exchange(&ret->exchange, &vain);
            return again;
        }
    }
    if (status != STATUS_OK && err != NULL)
        *err = first;
    return status;
}

enum status device_key_is_stored(struct device *device, bool *ret, struct error *err)
{
    const enum status status = fetch_config(device, err);
    if (status == STATUS_OK)
        *ret = device->served.key_timestamp == device->keys.timestamp;
    return status;
}

size_t device_shard_count(const struct device *device)
{
    return device->served.shard_count;
}

enum status device_shard_of(struct device *device, const char *key, size_t *ret, struct error *err)
{
    uint8_t f[VOPRF_VALUE_BYTES];
    struct http_exchange exchange;
    if (!device->parameters.is_symmetric) {
        *ret = shard_of(device, span_of_text(key));
        return STATUS_OK;
    }
    const enum status status = ask_function(device, span_of_text(key), f, &exchange, err);
    if (status == STATUS_OK)
        *ret = shard_of(device, symmetric_keyword(f));
    mem_wipe(f, sizeof f);
    return status;
}

enum status device_query(struct device *device, const char *key, bool *ret_is_found,
                         struct error *err)
{
    struct answer answer = {0};
    const enum status status = query(device, span_of_text(key), &answer, err);
    if (status == STATUS_OK)
        *ret_is_found = answer.found;
    return status;
}

struct check {
    struct device *device;
    struct device_verdict *verdict;
};

static enum status visit(void *context, struct span sub_url, struct error *err)
{
    const struct check *check = context;
    struct device *device = check->device;
    struct device_verdict *verdict = check->verdict;
    FILE *trace = device->options.trace;
    verdict->sub_url_count++;
    const bool is_hit = bloom_reader_has_key(&device->reader, sub_url.data, sub_url.size);
    if (trace != NULL)
        fprintf(trace, "  %-52.*s %s\n", (int)sub_url.size, (const char *)sub_url.data,
                is_hit ? "prefilter: hit" : "prefilter: miss");
    if (!is_hit)
        return STATUS_OK;

    struct answer answer = {0};
    verdict->hit_count++;
    const enum status status = query(device, sub_url, &answer, err);
    if (status != STATUS_OK)
        return status;
    verdict->sent_bytes += answer.exchange.sent_bytes;
    verdict->got_bytes += answer.exchange.got_bytes;
    verdict->milliseconds += answer.exchange.milliseconds;
    if (answer.noise_budget_bits < verdict->noise_budget_bits)
        verdict->noise_budget_bits = answer.noise_budget_bits;
    if (trace != NULL)
        fprintf(trace, "    private query to shard %zu of %zu: %s\n", answer.shard,
                device->served.shard_count,
                answer.found ? "found" : "absent, a false positive of the prefilter");
    if (!answer.found)
        return STATUS_OK;
    verdict->is_denied = true;
    bytes_append(&verdict->key, sub_url);
    const enum status kept = bytes_status(&verdict->key, "key", err);
    return kept != STATUS_OK ? kept : STATUS_EXISTS; /* ends the expansion */
}

enum status device_check(struct device *device, const char *text, bool is_key,
                         struct device_verdict *ret, struct error *err)
{
    struct check check = {.device = device, .verdict = ret};
    enum status status;
    if (device->options.trace != NULL)
        fprintf(device->options.trace, "%s\n", text);
    if (is_key) {
        status = visit(&check, span_of_text(text), err);
    } else {
        const enum drop_reason reason = parsing_read(device->workspace, span_of_text(text));
        if (reason != DROP_NONE)
            return error_set(err, STATUS_INVALID, "%s: %s", text, drop_reason_text(reason));
        status = parsing_expand(device->workspace, visit, &check, err);
    }
    return ret->is_denied && status == STATUS_EXISTS ? STATUS_OK : status;
}
