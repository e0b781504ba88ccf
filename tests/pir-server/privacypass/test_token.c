#include "pir-server/privacypass/token.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;

static struct bytes written(const struct token_challenge *challenge)
{
    struct bytes bytes;
    bytes_init(&bytes, TOKEN_CHALLENGE_MAX_BYTES);
    cr_assert_eq(token_challenge_write(challenge, &bytes, &error), STATUS_OK, "%s", error.message);
    return bytes;
}

static void check_digest(const char *issuer, const char *expected)
{
    const struct token_challenge challenge = {.issuer_name = span_of_text(issuer)};
    struct bytes bytes = written(&challenge);
    struct bytes digest = from_hex(expected);
    uint8_t got[TOKEN_DIGEST_BYTES];
    token_challenge_digest(bytes_view(&bytes), got);
    cr_assert(span_equal(span_of(got, sizeof got), bytes_view(&digest)), "%s", issuer);
    bytes_deinit(&digest);
    bytes_deinit(&bytes);
}

/* service.md section 7.1. */
Test(token, challenge_of_a_device)
{
    const struct token_challenge challenge = {.issuer_name = span_of_text("test")};
    struct bytes bytes = written(&challenge);
    cr_assert(span_equal(bytes_view(&bytes), span_of("\0\x02\0\x04test\0\0\0", 11)));
    bytes_deinit(&bytes);
    check_digest("test", "1c3cabecaaa153f6c2a9a4fb490f95eb1c222784f58734f3bcb6ff1f9876ddd3");
    check_digest("issuer.example",
                 "b741ec1b6fd05f1e95f8982906aec1612896d9ca97d53eef94ad3c9fe023f7a4");
}

static void check_challenge_vector(const json_t *vector)
{
    struct bytes issuer = vector_bytes(vector, "issuer_name");
    struct bytes context = vector_bytes(vector, "redemption_context");
    struct bytes origins = vector_bytes(vector, "origin_info");
    struct bytes nonce = vector_bytes(vector, "nonce");
    struct bytes key_id = vector_bytes(vector, "token_key_id");
    struct bytes input = vector_bytes(vector, "token_authenticator_input");

    const struct token_challenge challenge = {.issuer_name = bytes_view(&issuer),
                                              .redemption_context = bytes_view(&context),
                                              .origins = bytes_view(&origins)};
    struct bytes bytes = written(&challenge);
    struct token token = {.type = TOKEN_TYPE_BLIND_RSA};
    cr_assert_eq(nonce.size, sizeof token.nonce);
    memcpy(token.nonce, nonce.data, sizeof token.nonce);
    token_challenge_digest(bytes_view(&bytes), token.challenge_digest);
    cr_assert_eq(key_id.size, sizeof token.key_id);
    memcpy(token.key_id, key_id.data, sizeof token.key_id);
    uint8_t got[TOKEN_INPUT_BYTES];
    token_write_input(&token, got);
    cr_assert(span_equal(span_of(got, sizeof got), bytes_view(&input)));

    struct token_challenge back;
    cr_assert_eq(token_challenge_parse(bytes_view(&bytes), &back, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert(span_equal(back.issuer_name, challenge.issuer_name));
    cr_assert(span_equal(back.redemption_context, challenge.redemption_context));
    cr_assert(span_equal(back.origins, challenge.origins));

    struct bytes *const all[] = {&issuer, &context, &origins, &nonce, &key_id, &input, &bytes};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        bytes_deinit(all[i]);
}

/* RFC 9577 appendix A; the sixth is of a type that has no layout. */
Test(token, challenges_of_rfc_9577)
{
    json_t *vectors = rfc_vectors("PrivacyPassChallengeAndRedemptionStructure.json");
    size_t checked = 0;
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        if (strcmp(json_string_value(json_object_get(vector, "token_type")), "0002") != 0)
            continue;
        check_challenge_vector(vector);
        checked++;
    }
    cr_assert_eq(checked, 5);
    json_decref(vectors);
}

/* RFC 9578 appendix A.2: what requests and tokens are made of. */
Test(token, messages_of_rfc_9578)
{
    json_t *vectors = rfc_vectors("PrivacyPassPublicTokens.json");
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct bytes request = vector_bytes(vector, "token_request");
        struct bytes token = vector_bytes(vector, "token");
        struct bytes nonce = vector_bytes(vector, "nonce");
        struct bytes challenge = vector_bytes(vector, "token_challenge");

        struct token_request parsed_request;
        cr_assert_eq(token_request_parse(bytes_view(&request), &parsed_request, &error), STATUS_OK);
        cr_assert_eq(parsed_request.truncated_key_id, 0x08);
        uint8_t request_again[TOKEN_REQUEST_BYTES];
        token_request_write(parsed_request.truncated_key_id, parsed_request.blinded, request_again);
        cr_assert(span_equal(span_of(request_again, sizeof request_again), bytes_view(&request)));

        struct token parsed;
        cr_assert_eq(token.size, TOKEN_BYTES);
        token_parse(token.data, &parsed);
        cr_assert_eq(parsed.type, TOKEN_TYPE_BLIND_RSA);
        cr_assert(span_equal(span_of(parsed.nonce, sizeof parsed.nonce), bytes_view(&nonce)));
        uint8_t digest[TOKEN_DIGEST_BYTES];
        token_challenge_digest(bytes_view(&challenge), digest);
        cr_assert_eq(memcmp(parsed.challenge_digest, digest, sizeof digest), 0);
        cr_assert_eq(parsed.key_id[TOKEN_KEY_ID_BYTES - 1], 0x08);
        uint8_t again[TOKEN_BYTES];
        token_write(&parsed, again);
        cr_assert(span_equal(span_of(again, sizeof again), bytes_view(&token)));

        bytes_deinit(&challenge);
        bytes_deinit(&nonce);
        bytes_deinit(&token);
        bytes_deinit(&request);
    }
    json_decref(vectors);
}

Test(token, challenge_parts_of_wrong_length)
{
    struct bytes bytes;
    bytes_init(&bytes, 4 * TOKEN_CHALLENGE_MAX_BYTES);
    static const uint8_t zeros[65536];
    const struct token_challenge wrong[] = {
        {.issuer_name = span_of(NULL, 0)},
        {.issuer_name = span_of(zeros, 65536)},
        {.issuer_name = span_of(zeros, 1), .redemption_context = span_of(zeros, 31)},
        {.issuer_name = span_of(zeros, 1), .redemption_context = span_of(zeros, 33)},
        {.issuer_name = span_of(zeros, 1), .origins = span_of(zeros, 65536)},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(token_challenge_write(&wrong[i], &bytes, &error), STATUS_INVALID);
        cr_assert_eq(bytes.size, 0);
    }
    const struct token_challenge largest = {.issuer_name = span_of(zeros, 65535),
                                            .redemption_context = span_of(zeros, 32),
                                            .origins = span_of(zeros, 65535)};
    cr_assert_eq(token_challenge_write(&largest, &bytes, &error), STATUS_OK);
    cr_assert_eq(bytes.size, TOKEN_CHALLENGE_MAX_BYTES);
    bytes_deinit(&bytes);
}

Test(token, challenge_cut_short_or_continued)
{
    struct bytes good =
        from_hex("0002 0001 61 20 0000000000000000000000000000000000000000000000000000000000000000"
                 "0003 622c63 00");
    struct token_challenge challenge = {.issuer_name = span_of_text("untouched")};
    for (size_t size = 0; size <= good.size; size++) {
        const enum status status =
            token_challenge_parse(span_of(good.data, size), &challenge, &error);
        cr_assert_eq(status, size == good.size - 1 ? STATUS_OK : STATUS_MALFORMED, "%zu", size);
        if (size < good.size - 1)
            cr_assert(span_equal(challenge.issuer_name, span_of_text("untouched")));
    }
    bytes_deinit(&good);

    static const struct {
        const char *hex;
        enum status status;
    } wrong[] = {{"0002 0000 00 0000", STATUS_MALFORMED},
                 {"0002 0001 61 01 00 0000", STATUS_MALFORMED},
                 {"0001 0001 61 00 0000", STATUS_UNSUPPORTED},
                 {"0000", STATUS_UNSUPPORTED}};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct bytes bytes = from_hex(wrong[i].hex);
        cr_assert_eq(token_challenge_parse(bytes_view(&bytes), &challenge, &error), wrong[i].status,
                     "%s", wrong[i].hex);
        bytes_deinit(&bytes);
    }
}

Test(token, request_of_wrong_length_or_type)
{
    uint8_t request[TOKEN_REQUEST_BYTES + 1] = {0, 2, 7};
    struct token_request parsed = {.truncated_key_id = 99};
    for (size_t size = 0; size <= sizeof request; size++) {
        if (size == TOKEN_REQUEST_BYTES)
            continue;
        cr_assert_eq(token_request_parse(span_of(request, size), &parsed, &error),
                     STATUS_MALFORMED);
    }
    request[1] = 1;
    cr_assert_eq(token_request_parse(span_of(request, TOKEN_REQUEST_BYTES), &parsed, &error),
                 STATUS_UNSUPPORTED);
    cr_assert(says(&error, "token type 1"));
    cr_assert_eq(parsed.truncated_key_id, 99);
}
