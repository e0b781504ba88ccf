#include "pir-server/privacypass/token_key.h"

#include "base/mem.h"
#include "tests/pir-server/privacypass/issued_token.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

static struct error error;

static struct token_key *parsed(struct span spki)
{
    struct token_key *key = NULL;
    cr_assert_eq(token_key_parse(spki, &key, &error), STATUS_OK, "%s", error.message);
    return key;
}

/* RFC 9578 appendix A.2: pkS, its id, and the tokens. */
Test(token_key, verifies_the_tokens_of_rfc_9578)
{
    json_t *vectors = rfc_vectors("PrivacyPassPublicTokens.json");
    cr_assert_eq(json_array_size(vectors), 5);
    struct bytes id = from_hex("ca572f8982a9ca248a3056186322d93ca147266121ddeb5632c07f1f71cd2708");
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct bytes spki = vector_bytes(vector, "pkS");
        struct bytes written = vector_bytes(vector, "token");
        struct token_key *key = parsed(bytes_view(&spki));
        cr_assert(
            span_equal(span_of(token_key_spki(key), TOKEN_KEY_SPKI_BYTES), bytes_view(&spki)));
        cr_assert(span_equal(span_of(token_key_id(key), TOKEN_KEY_ID_BYTES), bytes_view(&id)));
        cr_assert_eq(token_key_truncated_id(key), 0x08);
        struct token token;
        token_parse(written.data, &token);
        enum token_verdict verdict = TOKEN_VERDICT_COUNT;
        cr_assert_eq(token_key_verify(key, &token, &verdict, &error), STATUS_OK);
        cr_assert_eq(verdict, TOKEN_GOOD, "%s", token_verdict_text(verdict));
        token_key_free(key);
        bytes_deinit(&written);
        bytes_deinit(&spki);
    }
    bytes_deinit(&id);
    json_decref(vectors);
}

/* The reference's own issuer (vectors/http): its key, and an answer to a request. */
Test(token_key, fits_what_the_reference_signed)
{
    struct bytes spki = vector_file("http/fixed-buckets/token-key.spki.der");
    struct bytes request = vector_file("http/fixed-buckets/issue.request.bin");
    struct bytes response = vector_file("http/fixed-buckets/issue.response.bin");
    if (spki.size == 0)
        cr_skip_test("no token key among the vectors");
    struct token_key *key = parsed(bytes_view(&spki));
    struct token_request asked;
    cr_assert_eq(token_request_parse(bytes_view(&request), &asked, &error), STATUS_OK);
    cr_assert_eq(asked.truncated_key_id, token_key_truncated_id(key));
    cr_assert_eq(response.size, TOKEN_RESPONSE_BYTES);
    uint8_t back[TOKEN_KEY_MODULUS_BYTES];
    cr_assert_eq(token_key_apply(key, response.data, back, &error), STATUS_OK);
    cr_assert_eq(memcmp(back, asked.blinded, sizeof back), 0);
    token_key_free(key);
    bytes_deinit(&response);
    bytes_deinit(&request);
    bytes_deinit(&spki);
}

static struct issuer_key *issuer;

static void set_up(void)
{
    cr_assert_eq(issuer_key_new(&issuer, &error), STATUS_OK, "%s", error.message);
}

static void tear_down(void)
{
    issuer_key_unref(issuer);
}

TestSuite(token_key_fresh, .init = set_up, .fini = tear_down);

Test(token_key_fresh, is_written_and_read_back)
{
    const struct token_key *key = issuer_key_public(issuer);
    struct token_key *back = parsed(span_of(token_key_spki(key), TOKEN_KEY_SPKI_BYTES));
    cr_assert_eq(memcmp(token_key_id(back), token_key_id(key), TOKEN_KEY_ID_BYTES), 0);
    cr_assert_eq(memcmp(token_key_modulus(back), token_key_modulus(key), TOKEN_KEY_MODULUS_BYTES),
                 0);
    token_key_free(back);
}

Test(token_key_fresh, refuses_any_other_form)
{
    const struct token_key *key = issuer_key_public(issuer);
    uint8_t spki[TOKEN_KEY_SPKI_BYTES + 1] = {0};
    struct token_key *back = NULL;
    memcpy(spki, token_key_spki(key), TOKEN_KEY_SPKI_BYTES);
    for (size_t size = 0; size <= sizeof spki; size++) {
        if (size != TOKEN_KEY_SPKI_BYTES)
            cr_assert_eq(token_key_parse(span_of(spki, size), &back, &error), STATUS_MALFORMED);
    }
    /* Every byte outside the modulus, and its first and last. */
    const size_t prefix = 81;
    for (size_t i = 0; i < TOKEN_KEY_SPKI_BYTES; i++) {
        const bool is_inside = i > prefix && i < prefix + TOKEN_KEY_MODULUS_BYTES - 1;
        const uint8_t flip = i == prefix ? 0x80 : 0x01;
        spki[i] ^= flip;
        if (!is_inside)
            cr_assert_eq(token_key_parse(span_of(spki, TOKEN_KEY_SPKI_BYTES), &back, &error),
                         STATUS_MALFORMED, "byte %zu", i);
        spki[i] ^= flip;
    }
    cr_assert_eq(back, NULL);
}

static enum token_verdict verdict_of(const struct token *token)
{
    enum token_verdict verdict = TOKEN_VERDICT_COUNT;
    cr_assert_eq(token_key_verify(issuer_key_public(issuer), token, &verdict, &error), STATUS_OK,
                 "%s", error.message);
    return verdict;
}

Test(token_key_fresh, each_wrong_part_has_its_verdict)
{
    const struct token good = issued_token(issuer);
    cr_assert_eq(verdict_of(&good), TOKEN_GOOD);

    struct token wrong = good;
    wrong.type = 1;
    cr_assert_eq(verdict_of(&wrong), TOKEN_WRONG_TYPE);
    wrong = good;
    wrong.key_id[0] ^= 1;
    cr_assert_eq(verdict_of(&wrong), TOKEN_WRONG_KEY_ID);
    wrong = good;
    wrong.nonce[31] ^= 1;
    cr_assert_eq(verdict_of(&wrong), TOKEN_WRONG_SIGNATURE);
    wrong = good;
    wrong.challenge_digest[0] ^= 0x80;
    cr_assert_eq(verdict_of(&wrong), TOKEN_WRONG_SIGNATURE);
    for (size_t i = 0; i < sizeof wrong.authenticator; i++) {
        wrong = good;
        wrong.authenticator[i] ^= 1;
        cr_assert_eq(verdict_of(&wrong), TOKEN_WRONG_SIGNATURE, "byte %zu", i);
    }
}

/* s + n is the same residue and must not pass as another token; nor must trivial signatures. */
Test(token_key_fresh, signatures_outside_the_modulus)
{
    struct token token = issued_token(issuer);
    memset(token.authenticator, 0xff, sizeof token.authenticator);
    cr_assert_eq(verdict_of(&token), TOKEN_WRONG_SIGNATURE);
    memcpy(token.authenticator, token_key_modulus(issuer_key_public(issuer)),
           sizeof token.authenticator);
    cr_assert_eq(verdict_of(&token), TOKEN_WRONG_SIGNATURE);
    memset(token.authenticator, 0, sizeof token.authenticator);
    cr_assert_eq(verdict_of(&token), TOKEN_WRONG_SIGNATURE);
    token.authenticator[sizeof token.authenticator - 1] = 1;
    cr_assert_eq(verdict_of(&token), TOKEN_WRONG_SIGNATURE);
}

/* The private key signs with PSS and the given salt length, as OpenSSL does it. */
static void sign_with_salt(struct token *token, int salt_length)
{
    struct bytes der;
    bytes_init(&der, ISSUER_KEY_MAX_BYTES);
    cr_assert_eq(issuer_key_write(issuer, &der, &error), STATUS_OK);
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.size);
    cr_assert(key != NULL);
    uint8_t input[TOKEN_INPUT_BYTES];
    uint8_t digest[SHA384_DIGEST_LENGTH];
    token_write_input(token, input);
    SHA384(input, sizeof input, digest);
    size_t size = sizeof token->authenticator;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    cr_assert(EVP_PKEY_sign_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(context, EVP_sha384()) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_length) == 1 &&
              EVP_PKEY_sign(context, token->authenticator, &size, digest, sizeof digest) == 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    bytes_deinit_secret(&der);
}

Test(token_key_fresh, salt_length)
{
    struct token token = issued_token(issuer);
    sign_with_salt(&token, 48);
    cr_assert_eq(verdict_of(&token), TOKEN_GOOD);
    static const int wrong[] = {0, 32, 47, 49, 64};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        sign_with_salt(&token, wrong[i]);
        cr_assert_eq(verdict_of(&token), TOKEN_WRONG_SALT_LENGTH, "%d", wrong[i]);
    }
}

Test(token_key_fresh, applies_below_the_modulus_only)
{
    const struct token_key *key = issuer_key_public(issuer);
    uint8_t value[TOKEN_KEY_MODULUS_BYTES];
    uint8_t result[TOKEN_KEY_MODULUS_BYTES] = {7};
    memcpy(value, token_key_modulus(key), sizeof value);
    cr_assert_eq(token_key_apply(key, value, result, &error), STATUS_INVALID);
    cr_assert_eq(result[0], 7);
    /* (n - 1)^e = -1 for an odd exponent. */
    value[sizeof value - 1] -= 1;
    cr_assert_eq(token_key_apply(key, value, result, &error), STATUS_OK);
    cr_assert_eq(memcmp(value, result, sizeof value), 0);
}

Test(token_key_fresh, survives_failing_allocations)
{
    const uint8_t *spki = token_key_spki(issuer_key_public(issuer));
    struct token_key *key = NULL;
    mem_fail_nth(1);
    cr_assert_eq(token_key_parse(span_of(spki, TOKEN_KEY_SPKI_BYTES), &key, &error), STATUS_NOMEM);
    cr_assert_eq(key, NULL);
    mem_fail_nth(0);
}
