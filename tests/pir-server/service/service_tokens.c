#include "tests/pir-server/service/service_tokens.h"

#include "pir-server/privacypass/token_client.h"
#include "pir-server/privacypass/token_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)65536)

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static unsigned ask(struct service_fixture *fixture, enum http_method method, const char *target,
                    const char *authorization, struct span body, struct bytes *ret,
                    unsigned *ret_retry_after_s)
{
    struct http_request request = fixture_request(method, target, body);
    struct http_response response;
    request.headers[HTTP_AUTHORIZATION] = authorization;
    const unsigned status = fixture_ask(fixture, &request, &response);
    bytes_append(ret, http_response_body(&response));
    if (ret_retry_after_s != NULL)
        *ret_retry_after_s = response.retry_after_s;
    http_response_deinit(&response);
    return status;
}

void service_tokens_directory(struct service_fixture *fixture, struct issuer_directory *ret)
{
    struct bytes body;
    bytes_init(&body, ISSUER_DIRECTORY_MAX_BYTES);
    must(ask(fixture, HTTP_GET, "/.well-known/private-token-issuer-directory", NULL,
             span_of(NULL, 0), &body, NULL) == 200 &&
             issuer_directory_parse(bytes_view(&body), ret, NULL) == STATUS_OK,
         "a token issuer's directory");
    bytes_deinit(&body);
}

unsigned service_tokens_user_key(struct service_fixture *fixture, const char *bearer,
                                 uint8_t ret_spki[TOKEN_KEY_SPKI_BYTES])
{
    struct bytes body;
    bytes_init(&body, BODY_MAX);
    const unsigned status =
        ask(fixture, HTTP_GET, "/token-key-for-user-token", bearer, span_of(NULL, 0), &body, NULL);
    if (status == 200) {
        must(body.size == TOKEN_KEY_SPKI_BYTES, "the key of a user token");
        memcpy(ret_spki, body.data, TOKEN_KEY_SPKI_BYTES);
    }
    bytes_deinit(&body);
    return status;
}

static void write_value(const struct token *token, char ret[SERVICE_TOKENS_VALUE_BYTES])
{
    struct bytes value;
    bytes_init(&value, SERVICE_TOKENS_VALUE_BYTES - 1);
    token_header_write_authorization(token, &value);
    must(value.status == STATUS_OK, "a header");
    memcpy(ret, value.data, value.size);
    ret[value.size] = '\0';
    bytes_deinit(&value);
}

unsigned service_tokens_issue(struct service_fixture *fixture, const char *bearer,
                              const uint8_t spki[TOKEN_KEY_SPKI_BYTES],
                              char ret_value[SERVICE_TOKENS_VALUE_BYTES],
                              unsigned *ret_retry_after_s)
{
    static const uint8_t digest[TOKEN_DIGEST_BYTES] = {7};
    const struct random_source random = random_system();
    struct token_pending pending;
    struct token token;
    struct token_key *key = NULL;
    struct bytes answer;
    uint8_t request[TOKEN_REQUEST_BYTES];
    bytes_init(&answer, BODY_MAX);
    must(token_key_parse(span_of(spki, TOKEN_KEY_SPKI_BYTES), &key, NULL) == STATUS_OK &&
             token_client_begin(key, digest, &random, &pending, request, NULL) == STATUS_OK,
         "a token request");
    const unsigned status = ask(fixture, HTTP_POST, "/issue", bearer,
                                span_of(request, sizeof request), &answer, ret_retry_after_s);
    if (status == 200) {
        must(token_client_finish(key, &pending, bytes_view(&answer), &token, NULL) == STATUS_OK,
             "a token's signature");
        write_value(&token, ret_value);
    }
    bytes_deinit(&answer);
    token_key_free(key);
    return status;
}

unsigned service_tokens_pay(struct service_fixture *fixture, const char *value, const char *agent)
{
    struct http_request request = fixture_request(HTTP_POST, "/config", span_of(NULL, 0));
    request.headers[HTTP_AUTHORIZATION] = value;
    request.headers[HTTP_USER_AGENT] = agent;
    return fixture_status(fixture, &request);
}
