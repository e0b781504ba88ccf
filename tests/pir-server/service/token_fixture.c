#include "tests/pir-server/service/token_fixture.h"

#include "base/mem.h"
#include "pir-server/privacypass/issuer_directory.h"
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

struct token_key *fixture_token_key(struct service_fixture *fixture, uint64_t now_s)
{
    struct issuer_directory *directory = mem_alloc(1, sizeof *directory);
    struct token_key *key = NULL;
    struct http_response response;
    struct error error;
    struct http_request request =
        fixture_request(HTTP_GET, "/.well-known/private-token-issuer-directory", span_of(NULL, 0));
    request.headers[HTTP_AUTHORIZATION] = "";
    if (directory == NULL || fixture_ask(fixture, &request, &response) != 200)
        abort();
    must(issuer_directory_parse(http_response_body(&response), directory, &error), &error);
    const struct issuer_directory_key *chosen = issuer_directory_choose(directory, now_s);
    if (chosen == NULL)
        abort();
    must(token_key_parse(span_of(chosen->spki, sizeof chosen->spki), &key, &error), &error);
    http_response_deinit(&response);
    mem_free(directory);
    return key;
}

unsigned fixture_issue(struct service_fixture *fixture, const char *bearer, uint64_t now_s,
                       struct token *ret)
{
    static const uint8_t digest[TOKEN_DIGEST_BYTES] = {7};
    const struct random_source random = random_system();
    struct token_pending pending;
    uint8_t message[TOKEN_REQUEST_BYTES];
    struct http_response response;
    struct error error;
    struct token_key *key = fixture_token_key(fixture, now_s);
    must(token_client_begin(key, digest, &random, &pending, message, &error), &error);
    struct http_request request =
        fixture_request(HTTP_POST, "/issue", span_of(message, sizeof message));
    request.headers[HTTP_AUTHORIZATION] = bearer;
    const unsigned status = fixture_ask(fixture, &request, &response);
    if (status == 200)
        must(token_client_finish(key, &pending, http_response_body(&response), ret, &error),
             &error);
    http_response_deinit(&response);
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
