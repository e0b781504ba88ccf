#include "tools/device/device_tokens.h"

#include "base/mem.h"
#include "base/random.h"
#include "pir-server/privacypass/issuer_directory.h"
#include "pir-server/privacypass/token_client.h"
#include "pir-server/privacypass/token_header.h"
#include "tools/device/http_client.h"

#include <time.h>

#define USER_KEY_PATH "/token-key-for-user-token"

#define HTTP_NOT_FOUND 404
/* "Bearer " and a user token. */
#define BEARER_MAX_BYTES ((size_t)4096)
/* Error bodies are longer than token responses. */
#define ANSWER_MAX_BYTES ((size_t)8192)

struct device_tokens {
    struct http_client *http;
    FILE *trace;
    struct bytes bearer; /* with its NUL */
    uint8_t challenge_digest[TOKEN_DIGEST_BYTES];
    struct issuer_directory directory;
    size_t batch;
    bool takes_first_key;
    struct token tokens[DEVICE_TOKENS_MAX];
    size_t count;
};

/* ---- the parts that do not change ---- */

static enum status set_bearer(struct device_tokens *tokens, const char *user_token,
                              struct error *err)
{
    for (const char *c = user_token; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            return error_set(err, STATUS_INVALID, "the user token holds what no header can");
    }
    bytes_reserve(&tokens->bearer, BEARER_MAX_BYTES); /* no copy stays behind */
    bytes_append_text(&tokens->bearer, "Bearer ");
    bytes_append_text(&tokens->bearer, user_token);
    bytes_append_u8(&tokens->bearer, 0);
    return bytes_status(&tokens->bearer, "user token", err);
}

static const char *bearer_of(const struct device_tokens *tokens)
{
    return (const char *)tokens->bearer.data;
}

/* Devices leave all but the issuer's name empty. */
static enum status set_challenge(struct device_tokens *tokens, struct error *err)
{
    struct bytes host;
    struct bytes written;
    bytes_init(&host, UINT16_MAX);
    bytes_init(&written, TOKEN_CHALLENGE_MAX_BYTES);
    enum status status = http_client_host(tokens->http, &host, err);
    if (status == STATUS_OK) {
        const struct token_challenge challenge = {.issuer_name = bytes_view(&host)};
        status = token_challenge_write(&challenge, &written, err);
    }
    if (status == STATUS_OK)
        token_challenge_digest(bytes_view(&written), tokens->challenge_digest);
    bytes_deinit(&written);
    bytes_deinit(&host);
    return status;
}

enum status device_tokens_new(const struct device_tokens_options *options,
                              struct device_tokens **ret, struct error *err)
{
    struct device_tokens *tokens = mem_alloc_zeroed(1, sizeof *tokens);
    if (tokens == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    tokens->trace = options->trace;
    tokens->batch = options->batch;
    tokens->takes_first_key = options->takes_first_key;
    bytes_init(&tokens->bearer, BEARER_MAX_BYTES);
    const struct http_client_options client = {.base_url = options->issuer,
                                               .gateway = options->gateway,
                                               .ca_path = options->ca_path,
                                               .connect_to = options->connect_to,
                                               .user_agent = options->user_agent,
                                               .content_type = "application/private-token-request"};
    enum status status = set_bearer(tokens, options->user_token, err);
    if (status == STATUS_OK)
        status = http_client_new(&client, &tokens->http, err);
    if (status == STATUS_OK)
        status = set_challenge(tokens, err);
    if (status == STATUS_OK) {
        *ret = tokens;
        tokens = NULL;
    }
    device_tokens_free(tokens);
    return status;
}

void device_tokens_free(struct device_tokens *tokens)
{
    if (tokens == NULL)
        return;
    http_client_free(tokens->http);
    bytes_deinit_secret(&tokens->bearer);
    mem_free_secret(tokens, sizeof *tokens);
}

/* ---- which key ---- */

static enum status fetch_directory(struct device_tokens *tokens, struct error *err)
{
    struct http_exchange exchange;
    struct bytes body;
    bytes_init(&body, ISSUER_DIRECTORY_MAX_BYTES);
    enum status status =
        http_client_get(tokens->http, ISSUER_DIRECTORY_PATH, NULL, &body, &exchange, err);
    if (status == STATUS_OK) {
        http_exchange_trace(tokens->trace, "GET", ISSUER_DIRECTORY_PATH, &exchange);
        status = http_exchange_check(&exchange, ISSUER_DIRECTORY_PATH, bytes_view(&body), err);
    }
    if (status == STATUS_OK)
        status = issuer_directory_parse(bytes_view(&body), &tokens->directory, err);
    /* A URL elsewhere would be given the user token. */
    if (status == STATUS_OK && tokens->directory.request_uri[0] != '/')
        status = error_set(err, STATUS_UNSUPPORTED,
                           "token issuer directory: $.issuer-request-uri is no path of its server");
    bytes_deinit(&body);
    return status;
}

/* Is it listed, and has it begun? A key that only this user is given would be a name. */
static enum status check_listed(const struct device_tokens *tokens, struct span spki,
                                uint64_t now_s, struct error *err)
{
    for (size_t i = 0; i < tokens->directory.key_count; i++) {
        const struct issuer_directory_key *key = &tokens->directory.keys[i];
        if (!span_equal(span_of(key->spki, sizeof key->spki), spki))
            continue;
        if (key->has_not_before && key->not_before_s > now_s)
            return error_set(err, STATUS_MISMATCH, "%s: the key has not begun", USER_KEY_PATH);
        return STATUS_OK;
    }
    return error_set(err, STATUS_MISMATCH, "%s: the key is not in the issuer's directory",
                     USER_KEY_PATH);
}

static enum status first_key(const struct device_tokens *tokens, uint64_t now_s,
                             struct token_key **ret, struct error *err)
{
    const struct issuer_directory_key *first = issuer_directory_choose(&tokens->directory, now_s);
    if (first == NULL)
        return error_set(err, STATUS_NOT_FOUND, "token issuer directory: no key that has begun");
    return token_key_parse(span_of(first->spki, sizeof first->spki), ret, err);
}

static enum status choose_key(struct device_tokens *tokens, struct token_key **ret,
                              struct error *err)
{
    struct http_exchange exchange;
    struct bytes body;
    const time_t now = time(NULL);
    const uint64_t now_s = now > 0 ? (uint64_t)now : 0;
    if (tokens->takes_first_key)
        return first_key(tokens, now_s, ret, err);
    bytes_init(&body, ANSWER_MAX_BYTES);
    enum status status =
        http_client_get(tokens->http, USER_KEY_PATH, bearer_of(tokens), &body, &exchange, err);
    if (status != STATUS_OK)
        goto done;
    http_exchange_trace(tokens->trace, "GET", USER_KEY_PATH, &exchange);
    if (exchange.status == HTTP_NOT_FOUND) {
        status = first_key(tokens, now_s, ret, err);
        goto done;
    }
    status = http_exchange_check(&exchange, USER_KEY_PATH, bytes_view(&body), err);
    if (status == STATUS_OK)
        status = check_listed(tokens, bytes_view(&body), now_s, err);
    if (status == STATUS_OK)
        status = token_key_parse(bytes_view(&body), ret, err);
done:
    bytes_deinit(&body);
    return status;
}

/* ---- a batch ---- */

struct batch {
    struct token_pending pending[DEVICE_TOKENS_MAX];
    uint8_t requests[DEVICE_TOKENS_MAX][TOKEN_REQUEST_BYTES];
    struct http_post posts[DEVICE_TOKENS_MAX];
};

static enum status make_requests(const struct device_tokens *tokens, const struct token_key *key,
                                 struct batch *batch, struct error *err)
{
    const struct random_source random = random_system();
    enum status status = STATUS_OK;
    for (size_t i = 0; i < tokens->batch && status == STATUS_OK; i++) {
        status = token_client_begin(key, tokens->challenge_digest, &random, &batch->pending[i],
                                    batch->requests[i], err);
        batch->posts[i].request = span_of(batch->requests[i], sizeof batch->requests[i]);
    }
    return status;
}

/* An issuer may answer some and refuse others (a limit): what there is is taken, and a refusal
 * counts when there is nothing else. */
static enum status take_responses(struct device_tokens *tokens, const struct token_key *key,
                                  const struct batch *batch, struct error *err)
{
    const char *path = tokens->directory.request_uri;
    struct error refusal = {.status = STATUS_OK};
    for (size_t i = 0; i < tokens->batch; i++) {
        const struct http_post *post = &batch->posts[i];
        http_exchange_trace(tokens->trace, "POST", path, &post->exchange);
        enum status status =
            http_exchange_check(&post->exchange, path, bytes_view(&post->body), &refusal);
        if (status != STATUS_OK)
            continue;
        status = token_client_finish(key, &batch->pending[i], bytes_view(&post->body),
                                     &tokens->tokens[tokens->count], err);
        if (status != STATUS_OK)
            return error_prefix(err, status, "%s", path);
        tokens->count++;
    }
    return tokens->count > 0 ? STATUS_OK : error_set(err, refusal.status, "%s", refusal.message);
}

static enum status refill(struct device_tokens *tokens, struct error *err)
{
    struct token_key *key = NULL;
    struct batch *batch = mem_alloc_zeroed(1, sizeof *batch);
    if (batch == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < tokens->batch; i++)
        bytes_init(&batch->posts[i].body, ANSWER_MAX_BYTES);
    enum status status = fetch_directory(tokens, err);
    if (status == STATUS_OK)
        status = choose_key(tokens, &key, err);
    if (status == STATUS_OK)
        status = make_requests(tokens, key, batch, err);
    if (status == STATUS_OK)
        status = http_client_post_all(tokens->http, tokens->directory.request_uri,
                                      bearer_of(tokens), batch->posts, tokens->batch, err);
    if (status == STATUS_OK)
        status = take_responses(tokens, key, batch, err);
    for (size_t i = 0; i < tokens->batch; i++)
        bytes_deinit_secret(&batch->posts[i].body);
    mem_free_secret(batch, sizeof *batch);
    token_key_free(key);
    return status;
}

enum status device_tokens_take(struct device_tokens *tokens, struct bytes *ret, struct error *err)
{
    if (tokens->count == 0) {
        const enum status status = refill(tokens, err);
        if (status != STATUS_OK)
            return status;
    }
    struct token *token = &tokens->tokens[--tokens->count];
    bytes_reserve(ret, DEVICE_TOKENS_VALUE_BYTES);
    token_header_write_authorization(token, ret);
    bytes_append_u8(ret, 0);
    mem_wipe(token, sizeof *token);
    return bytes_status(ret, "token", err);
}

size_t device_tokens_left(const struct device_tokens *tokens)
{
    return tokens->count;
}
