/* Privacy Pass from outside: token challenge, token request, both header fields, base64; the first
 * byte says which. What is read is written again and must be the same. */
#include "pir-server/privacypass/base64url.h"
#include "pir-server/privacypass/token_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_challenge(struct span in)
{
    struct token_challenge challenge;
    if (token_challenge_parse(in, &challenge, NULL) != STATUS_OK)
        return;
    struct bytes again;
    bytes_init(&again, TOKEN_CHALLENGE_MAX_BYTES);
    const enum status status = token_challenge_write(&challenge, &again, NULL);
    if (status == STATUS_INVALID || (status == STATUS_OK && !span_equal(bytes_view(&again), in)))
        abort();
    bytes_deinit(&again);
}

static void check_request(struct span in)
{
    struct token_request request;
    if (token_request_parse(in, &request, NULL) != STATUS_OK)
        return;
    uint8_t again[TOKEN_REQUEST_BYTES];
    token_request_write(request.truncated_key_id, request.blinded, again);
    if (!span_equal(span_of(again, sizeof again), in))
        abort();
}

static void check_authorization(struct span in)
{
    struct token token;
    struct token back;
    if (token_header_read_authorization(in, &token) != TOKEN_GOOD)
        return;
    struct bytes again;
    bytes_init(&again, 1024);
    token_header_write_authorization(&token, &again);
    if (again.status == STATUS_OK &&
        (token_header_read_authorization(bytes_view(&again), &back) != TOKEN_GOOD ||
         memcmp(&token, &back, sizeof token) != 0))
        abort();
    bytes_deinit(&again);
}

static void check_challenge_header(struct span in)
{
    struct token_header_challenge challenge;
    if (token_header_read_challenge(in, &challenge, NULL) == STATUS_OK &&
        (challenge.challenge_size == 0 || challenge.challenge_size > sizeof challenge.challenge ||
         challenge.token_key_size > sizeof challenge.token_key))
        abort();
}

static void check_base64(struct span in)
{
    uint8_t decoded[256];
    size_t size = 0;
    if (!base64url_decode(in, decoded, sizeof decoded, &size) || size > sizeof decoded)
        return;
    uint8_t back[256];
    size_t back_size = 0;
    struct bytes text;
    bytes_init(&text, 1024);
    base64url_append(&text, span_of(decoded, size));
    if (text.status == STATUS_OK &&
        (!base64url_decode(bytes_view(&text), back, sizeof back, &back_size) || back_size != size ||
         memcmp(decoded, back, size) != 0))
        abort();
    bytes_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct span in) = {
        check_challenge, check_request, check_authorization, check_challenge_header, check_base64};
    if (size > 0)
        checks[data[0] % ARRAY_COUNT(checks)](span_of(data + 1, size - 1));
    return 0;
}
