#include "tests/pir-server/service/token_fixture.h"

#include "base/mem.h"
#include "pir-server/privacypass/token_header.h"
#include "pir-server/store/store_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(enum status status, const struct error *error)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    abort();
}

void fixture_add_user_token(struct service_fixture *fixture, const char *app, const char *text,
                            uint32_t per_minute, uint64_t now_s)
{
    struct store_user_token token = {.made_at = now_s, .per_minute = per_minute};
    struct error error;
    snprintf(token.app, sizeof token.app, "%s", app);
    store_token_hash(span_of_text(text), token.hash);
    must(store_add_user_tokens(fixture->store, &token, 1, &error), &error);
}

/* With that Authorization, which may be NULL. `ret` is deinitialised by the caller. */
static unsigned ask(struct service_fixture *fixture, enum http_method method, const char *target,
                    const char *authorization, struct span body, struct http_response *ret)
{
    struct http_request request = fixture_request(method, target, body);
    request.headers[HTTP_AUTHORIZATION] = authorization;
    return fixture_ask(fixture, &request, ret);
}

void fixture_directory(struct service_fixture *fixture, struct issuer_directory *ret)
{
    struct http_response response;
    struct error error = {.message = "no token issuer's directory"};
    enum status status = STATUS_NOT_FOUND;
    if (ask(fixture, HTTP_GET, ISSUER_DIRECTORY_PATH, "", span_of(NULL, 0), &response) == 200)
        status = issuer_directory_parse(http_response_body(&response), ret, &error);
    must(status, &error);
    http_response_deinit(&response);
}

unsigned fixture_user_key(struct service_fixture *fixture, const char *bearer,
                          uint8_t ret_spki[TOKEN_KEY_SPKI_BYTES])
{
    struct http_response response;
    const unsigned status =
        ask(fixture, HTTP_GET, "/token-key-for-user-token", bearer, span_of(NULL, 0), &response);
    if (status == 200) {
        const struct span body = http_response_body(&response);
        if (body.size != TOKEN_KEY_SPKI_BYTES)
            abort();
        memcpy(ret_spki, body.data, TOKEN_KEY_SPKI_BYTES);
    }
    http_response_deinit(&response);
    return status;
}

struct token_key *fixture_token_key(struct service_fixture *fixture, uint64_t now_s)
{
    struct issuer_directory *directory = mem_alloc(1, sizeof *directory);
    struct token_key *key = NULL;
    struct error error;
    if (directory == NULL)
        abort();
    fixture_directory(fixture, directory);
    const struct issuer_directory_key *chosen = issuer_directory_choose(directory, now_s);
    if (chosen == NULL)
        abort();
    must(token_key_parse(span_of(chosen->spki, sizeof chosen->spki), &key, &error), &error);
    mem_free(directory);
    return key;
}

static unsigned issue(struct service_fixture *fixture, const char *bearer,
                      const struct token_key *key, struct token *ret, unsigned *ret_retry_after_s)
{
    static const uint8_t digest[TOKEN_DIGEST_BYTES] = {7};
    const struct random_source random = random_system();
    struct token_pending pending;
    uint8_t message[TOKEN_REQUEST_BYTES];
    struct http_response response;
    struct error error;
    must(token_client_begin(key, digest, &random, &pending, message, &error), &error);
    const unsigned status =
        ask(fixture, HTTP_POST, "/issue", bearer, span_of(message, sizeof message), &response);
    if (status == 200)
        must(token_client_finish(key, &pending, http_response_body(&response), ret, &error),
             &error);
    if (ret_retry_after_s != NULL)
        *ret_retry_after_s = response.retry_after_s;
    http_response_deinit(&response);
    return status;
}

unsigned fixture_issue(struct service_fixture *fixture, const char *bearer, uint64_t now_s,
                       struct token *ret)
{
    struct token_key *key = fixture_token_key(fixture, now_s);
    const unsigned status = issue(fixture, bearer, key, ret, NULL);
    token_key_free(key);
    return status;
}

void fixture_authorization(const struct token *token, char ret[FIXTURE_AUTHORIZATION_BYTES])
{
    struct bytes value;
    bytes_init(&value, FIXTURE_AUTHORIZATION_BYTES - 1);
    token_header_write_authorization(token, &value);
    memcpy(ret, value.data, value.size);
    ret[value.size] = '\0';
    bytes_deinit(&value);
}

unsigned fixture_issue_under(struct service_fixture *fixture, const char *bearer,
                             const uint8_t spki[TOKEN_KEY_SPKI_BYTES],
                             char ret_value[FIXTURE_AUTHORIZATION_BYTES],
                             unsigned *ret_retry_after_s)
{
    struct token_key *key = NULL;
    struct token token;
    struct error error;
    must(token_key_parse(span_of(spki, TOKEN_KEY_SPKI_BYTES), &key, &error), &error);
    const unsigned status = issue(fixture, bearer, key, &token, ret_retry_after_s);
    if (status == 200)
        fixture_authorization(&token, ret_value);
    token_key_free(key);
    return status;
}

unsigned fixture_pay(struct service_fixture *fixture, const char *value, const char *agent)
{
    struct http_request request = fixture_request(HTTP_POST, "/config", span_of(NULL, 0));
    request.headers[HTTP_AUTHORIZATION] = value;
    request.headers[HTTP_USER_AGENT] = agent;
    return fixture_status(fixture, &request);
}
