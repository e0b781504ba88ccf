#include "tests/pir-server/privacypass/issued_token.h"

#include "pir-server/privacypass/token_client.h"

#include <stdlib.h>

struct token issued_token(const struct issuer_key *key)
{
    static const uint8_t digest[TOKEN_DIGEST_BYTES] = {1, 2, 3};
    const struct random_source random = random_system();
    struct token_pending pending;
    uint8_t request[TOKEN_REQUEST_BYTES];
    uint8_t response[TOKEN_RESPONSE_BYTES];
    struct token_request parsed;
    struct token token;
    const struct token_key *public_key = issuer_key_public(key);
    if (token_client_begin(public_key, digest, &random, &pending, request, NULL) != STATUS_OK ||
        token_request_parse(span_of(request, sizeof request), &parsed, NULL) != STATUS_OK ||
        issuer_key_sign(key, parsed.blinded, response, NULL) != STATUS_OK ||
        token_client_finish(public_key, &pending, span_of(response, sizeof response), &token,
                            NULL) != STATUS_OK)
        abort();
    return token;
}
