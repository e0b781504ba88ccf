#include "pir-server/privacypass/token_client.h"

#include "base/mem.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;

/* RFC 9578 appendix A.2: with its nonce, salt and blind the request is the published one, byte by
 * byte, and the published response becomes the published token. */
Test(token_client, requests_and_tokens_of_rfc_9578)
{
    json_t *vectors = rfc_vectors("PrivacyPassPublicTokens.json");
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct bytes spki = vector_bytes(vector, "pkS");
        struct bytes challenge = vector_bytes(vector, "token_challenge");
        struct bytes nonce = vector_bytes(vector, "nonce");
        struct bytes salt = vector_bytes(vector, "salt");
        struct bytes blind = vector_bytes(vector, "blind");
        struct bytes expected_request = vector_bytes(vector, "token_request");
        struct bytes response = vector_bytes(vector, "token_response");
        struct bytes expected_token = vector_bytes(vector, "token");

        struct token_key *key = NULL;
        cr_assert_eq(token_key_parse(bytes_view(&spki), &key, &error), STATUS_OK);
        uint8_t digest[TOKEN_DIGEST_BYTES];
        token_challenge_digest(bytes_view(&challenge), digest);
        const struct span parts[] = {bytes_view(&nonce), bytes_view(&salt), bytes_view(&blind)};
        struct scripted_random script = {.parts = parts, .part_count = ARRAY_COUNT(parts)};
        const struct random_source random = scripted_random_source(&script);

        struct token_pending pending;
        uint8_t request[TOKEN_REQUEST_BYTES];
        cr_assert_eq(token_client_begin(key, digest, &random, &pending, request, &error), STATUS_OK,
                     "%s", error.message);
        cr_assert(span_equal(span_of(request, sizeof request), bytes_view(&expected_request)));
        struct token token;
        cr_assert_eq(token_client_finish(key, &pending, bytes_view(&response), &token, &error),
                     STATUS_OK, "%s", error.message);
        uint8_t written[TOKEN_BYTES];
        token_write(&token, written);
        cr_assert(span_equal(span_of(written, sizeof written), bytes_view(&expected_token)));

        token_key_free(key);
        struct bytes *const all[] = {&spki,  &challenge,        &nonce,    &salt,
                                     &blind, &expected_request, &response, &expected_token};
        for (size_t n = 0; n < ARRAY_COUNT(all); n++)
            bytes_deinit(all[n]);
    }
    json_decref(vectors);
}

static struct issuer_key *issuer;
static const uint8_t digest_of_challenge[TOKEN_DIGEST_BYTES] = {9};

static void set_up(void)
{
    cr_assert_eq(issuer_key_new(&issuer, &error), STATUS_OK, "%s", error.message);
}

static void tear_down(void)
{
    issuer_key_unref(issuer);
}

TestSuite(token_client_fresh, .init = set_up, .fini = tear_down);

Test(token_client_fresh, wrong_responses_make_no_token)
{
    const struct token_key *key = issuer_key_public(issuer);
    const struct random_source random = random_system();
    struct token_pending pending;
    uint8_t request[TOKEN_REQUEST_BYTES];
    uint8_t response[TOKEN_RESPONSE_BYTES + 1] = {0};
    cr_assert_eq(token_client_begin(key, digest_of_challenge, &random, &pending, request, &error),
                 STATUS_OK);
    cr_assert_eq(request[2], token_key_truncated_id(key));
    cr_assert_eq(issuer_key_sign(issuer, request + 3, response, &error), STATUS_OK);

    struct token token = {.type = 77};
    for (size_t size = 0; size <= sizeof response; size++) {
        if (size != TOKEN_RESPONSE_BYTES)
            cr_assert_eq(
                token_client_finish(key, &pending, span_of(response, size), &token, &error),
                STATUS_MALFORMED);
    }
    response[100] ^= 1;
    const struct span whole = span_of(response, TOKEN_RESPONSE_BYTES);
    cr_assert_eq(token_client_finish(key, &pending, whole, &token, &error), STATUS_MISMATCH);
    response[100] ^= 1;
    pending.unblinding[100] ^= 1;
    cr_assert_eq(token_client_finish(key, &pending, whole, &token, &error), STATUS_MISMATCH);
    pending.unblinding[100] ^= 1;
    cr_assert_eq(token.type, 77);
    cr_assert_eq(token_client_finish(key, &pending, whole, &token, &error), STATUS_OK);
    cr_assert_eq(token.type, TOKEN_TYPE_BLIND_RSA);
    token_pending_wipe(&pending);
    cr_assert_eq(pending.token.nonce[0] | pending.unblinding[0] | pending.unblinding[255], 0);
}

/* Blinds that are 0 or not below the modulus are drawn again. */
Test(token_client_fresh, draws_the_blind_again)
{
    const struct token_key *key = issuer_key_public(issuer);
    uint8_t bytes[256] = {0};
    uint8_t ones[256];
    uint8_t three[256] = {[255] = 3};
    memset(ones, 0xff, sizeof ones);
    const struct span parts[] = {span_of(bytes, 32),
                                 span_of(bytes, 48),
                                 span_of(bytes, 256),
                                 span_of(ones, 256),
                                 span_of(token_key_modulus(key), TOKEN_KEY_MODULUS_BYTES),
                                 span_of(three, 256)};
    struct token_pending pending;
    uint8_t request[TOKEN_REQUEST_BYTES];
    for (size_t count = 0; count <= ARRAY_COUNT(parts); count++) {
        struct scripted_random script = {.parts = parts, .part_count = count};
        const struct random_source random = scripted_random_source(&script);
        cr_assert_eq(
            token_client_begin(key, digest_of_challenge, &random, &pending, request, &error),
            count == ARRAY_COUNT(parts) ? STATUS_OK : STATUS_IO, "%zu", count);
    }
}

/* What the issuer sees has nothing of the token: two requests for the same token differ. */
Test(token_client_fresh, requests_of_one_token_differ)
{
    const struct token_key *key = issuer_key_public(issuer);
    uint8_t zeros[48] = {0};
    uint8_t requests[2][TOKEN_REQUEST_BYTES];
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t blind[256] = {[255] = (uint8_t)(i + 2)};
        const struct span parts[] = {span_of(zeros, 32), span_of(zeros, 48), span_of(blind, 256)};
        struct scripted_random script = {.parts = parts, .part_count = ARRAY_COUNT(parts)};
        const struct random_source random = scripted_random_source(&script);
        struct token_pending pending;
        cr_assert_eq(
            token_client_begin(key, digest_of_challenge, &random, &pending, requests[i], &error),
            STATUS_OK);
    }
    cr_assert(memcmp(requests[0], requests[1], TOKEN_REQUEST_BYTES) != 0);
}
