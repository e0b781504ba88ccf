#define _GNU_SOURCE /* memmem */
#include "pir-server/privacypass/issuer_key.h"

#include "base/mem.h"
#include "tests/pir-server/privacypass/issued_token.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static struct error error;

/* RFC 9578 appendix A.2: the response follows from the request alone. */
Test(issuer_key, responses_of_rfc_9578)
{
    json_t *vectors = rfc_vectors("PrivacyPassPublicTokens.json");
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct issuer_key *key = vector_issuer_key(vector);
        struct bytes spki = vector_bytes(vector, "pkS");
        struct bytes request = vector_bytes(vector, "token_request");
        struct bytes expected = vector_bytes(vector, "token_response");
        cr_assert(span_equal(span_of(token_key_spki(issuer_key_public(key)), TOKEN_KEY_SPKI_BYTES),
                             bytes_view(&spki)));
        struct token_request parsed;
        cr_assert_eq(token_request_parse(bytes_view(&request), &parsed, &error), STATUS_OK);
        uint8_t response[TOKEN_RESPONSE_BYTES];
        cr_assert_eq(issuer_key_sign(key, parsed.blinded, response, &error), STATUS_OK);
        cr_assert(span_equal(span_of(response, sizeof response), bytes_view(&expected)));
        bytes_deinit(&expected);
        bytes_deinit(&request);
        bytes_deinit(&spki);
        issuer_key_unref(key);
    }
    json_decref(vectors);
}

static struct issuer_key *key;

static void set_up(void)
{
    cr_assert_eq(issuer_key_new(&key, &error), STATUS_OK, "%s", error.message);
}

static void tear_down(void)
{
    issuer_key_unref(key);
}

TestSuite(issuer_key_fresh, .init = set_up, .fini = tear_down);

static void check_refused(const uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES])
{
    uint8_t response[TOKEN_RESPONSE_BYTES] = {77};
    cr_assert_eq(issuer_key_sign(key, blinded, response, &error), STATUS_INVALID);
    cr_assert_eq(response[0], 77);
}

Test(issuer_key_fresh, refuses_numbers_that_are_no_blinded_messages)
{
    uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES] = {0};
    uint8_t response[TOKEN_RESPONSE_BYTES];
    check_refused(blinded);
    blinded[sizeof blinded - 1] = 1;
    check_refused(blinded);
    blinded[sizeof blinded - 1] = 2;
    cr_assert_eq(issuer_key_sign(key, blinded, response, &error), STATUS_OK);
    memset(blinded, 0xff, sizeof blinded);
    check_refused(blinded);
    memcpy(blinded, token_key_modulus(issuer_key_public(key)), sizeof blinded);
    check_refused(blinded);
    blinded[sizeof blinded - 1] -= 1; /* odd before */
    cr_assert_eq(issuer_key_sign(key, blinded, response, &error), STATUS_OK);
}

Test(issuer_key_fresh, is_stored_and_read_back)
{
    struct bytes der;
    bytes_init(&der, ISSUER_KEY_MAX_BYTES);
    cr_assert_eq(issuer_key_write(key, &der, &error), STATUS_OK);
    struct issuer_key *back = NULL;
    cr_assert_eq(issuer_key_parse(bytes_view(&der), &back, &error), STATUS_OK, "%s", error.message);
    const struct token token = issued_token(back);
    enum token_verdict verdict = TOKEN_VERDICT_COUNT;
    cr_assert_eq(token_key_verify(issuer_key_public(key), &token, &verdict, &error), STATUS_OK);
    cr_assert_eq(verdict, TOKEN_GOOD);
    issuer_key_unref(back);

    struct bytes small;
    bytes_init(&small, 100);
    cr_assert_eq(issuer_key_write(key, &small, &error), STATUS_TOO_LARGE);
    bytes_deinit_secret(&small);

    back = NULL;
    for (size_t size = 0; size < der.size; size++)
        cr_assert_eq(issuer_key_parse(span_of(der.data, size), &back, &error), STATUS_MALFORMED,
                     "%zu", size);
    bytes_append_u8(&der, 0);
    cr_assert_eq(issuer_key_parse(bytes_view(&der), &back, &error), STATUS_MALFORMED);
    cr_assert_eq(back, NULL);
    bytes_deinit_secret(&der);
}

/* Replaces a number of the key in its DER by one that is 2 off, everywhere that it occurs. */
static void bend(struct bytes *der, EVP_PKEY *pkey, const char *name)
{
    BIGNUM *number = NULL;
    uint8_t bytes[512];
    cr_assert_eq(EVP_PKEY_get_bn_param(pkey, name, &number), 1, "%s", name);
    const int size = BN_bn2bin(number, bytes);
    uint8_t *at = memmem(der->data, der->size, bytes, (size_t)size);
    cr_assert(at != NULL, "%s", name);
    at[size - 1] ^= 2;
    BN_clear_free(number);
}

static void check_bent(const char *const *names, size_t count)
{
    struct bytes der;
    bytes_init(&der, ISSUER_KEY_MAX_BYTES);
    cr_assert_eq(issuer_key_write(key, &der, &error), STATUS_OK);
    const unsigned char *at = der.data;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.size);
    for (size_t i = 0; i < count; i++)
        bend(&der, pkey, names[i]);
    struct issuer_key *back = NULL;
    const enum status status = issuer_key_parse(bytes_view(&der), &back, &error);
    cr_assert_eq(status, STATUS_MISMATCH, "%s: %s", names[0], status_name(status));
    cr_assert_eq(back, NULL);
    EVP_PKEY_free(pkey);
    bytes_deinit_secret(&der);
}

/* What a fault in the computation would look like: every power is wrong. OpenSSL falls back from
 * its factors to the exponent when they disagree; with both wrong, only our comparison is left. */
Test(issuer_key_fresh, wrong_powers_are_not_given_out)
{
    static const char *const all[] = {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                      OSSL_PKEY_PARAM_RSA_EXPONENT2};
    check_bent(all, ARRAY_COUNT(all));
}

/* Signatures are right without it, until a fault makes OpenSSL use it. */
Test(issuer_key_fresh, a_wrong_exponent_is_found_before_it_is_needed)
{
    static const char *const exponent[] = {OSSL_PKEY_PARAM_RSA_D};
    check_bent(exponent, ARRAY_COUNT(exponent));
}

static void check_other_key(EVP_PKEY *pkey)
{
    cr_assert(pkey != NULL);
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    cr_assert(size > 0);
    struct issuer_key *back = NULL;
    cr_assert_eq(issuer_key_parse(span_of(der, (size_t)size), &back, &error), STATUS_UNSUPPORTED,
                 "%s", error.message);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(pkey);
}

Test(issuer_key, other_kinds_of_keys)
{
    check_other_key(EVP_RSA_gen(1024));
    check_other_key(EVP_EC_gen("P-256"));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    BIGNUM *three = BN_new();
    cr_assert(BN_set_word(three, 3) == 1 && EVP_PKEY_keygen_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
              EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, three) == 1 &&
              EVP_PKEY_generate(context, &pkey) == 1);
    BN_free(three);
    EVP_PKEY_CTX_free(context);
    check_other_key(pkey);
}

Test(issuer_key_fresh, survives_failing_allocations)
{
    struct bytes der;
    bytes_init(&der, ISSUER_KEY_MAX_BYTES);
    cr_assert_eq(issuer_key_write(key, &der, &error), STATUS_OK);
    for (size_t n = 1;; n++) {
        struct issuer_key *back = NULL;
        mem_fail_nth(n);
        const enum status status = issuer_key_parse(bytes_view(&der), &back, &error);
        const bool is_past = mem_fail_pending();
        mem_fail_nth(0);
        issuer_key_unref(back);
        if (is_past) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM);
    }
    bytes_deinit_secret(&der);
}
