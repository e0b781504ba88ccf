/* The arithmetic is OpenSSL's: EVP with a plain RSA key made of modulus and exponent, and PSS set
 * for each check. The ASN.1 is a constant prefix. */
#include "pir-server/privacypass/token_key.h"

#include "base/mem.h"
#include "base/reader.h"
#include "pir-server/crypto/openssl_error.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

/* SEQUENCE { SEQUENCE { id-RSASSA-PSS, SEQUENCE { [0] SHA-384, [1] MGF1 of SHA-384, [2] 48 } },
 * BIT STRING { SEQUENCE { INTEGER of 257 bytes, the first of them 0 ... */
static const uint8_t spki_prefix[] = {
    0x30, 0x82, 0x01, 0x52, 0x30, 0x3d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
    0x01, 0x01, 0x0a, 0x30, 0x30, 0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
    0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0xa1, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86,
    0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
    0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0xa2, 0x03, 0x02, 0x01, 0x30, 0x03, 0x82, 0x01,
    0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00,
};
/* ... INTEGER 65537 } } } */
static const uint8_t spki_suffix[] = {0x02, 0x03, 0x01, 0x00, 0x01};

#define SPKI_AT_MODULUS (sizeof spki_prefix)
#define SPKI_AT_SUFFIX  (SPKI_AT_MODULUS + TOKEN_KEY_MODULUS_BYTES)

static_assert(SPKI_AT_SUFFIX + sizeof spki_suffix == TOKEN_KEY_SPKI_BYTES, "342 bytes");
static_assert(TOKEN_KEY_MODULUS_BYTES == TOKEN_AUTHENTICATOR_BYTES, "a signature is a residue");

struct token_key {
    EVP_PKEY *key;
    uint8_t spki[TOKEN_KEY_SPKI_BYTES];
    uint8_t id[TOKEN_KEY_ID_BYTES];
};

static enum status make_pkey(const uint8_t modulus[TOKEN_KEY_MODULUS_BYTES], EVP_PKEY **ret,
                             struct error *err)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *n = BN_bin2bn(modulus, TOKEN_KEY_MODULUS_BYTES, NULL);
    enum status status = STATUS_OK;
    if (builder == NULL || context == NULL || n == NULL ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_uint(builder, OSSL_PKEY_PARAM_RSA_E, TOKEN_KEY_EXPONENT) != 1 ||
        (params = OSSL_PARAM_BLD_to_param(builder)) == NULL ||
        EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        status = openssl_error(err, "token key");
    else
        *ret = key;
    OSSL_PARAM_free(params);
    BN_free(n);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_BLD_free(builder);
    return status;
}

enum status token_key_new(const uint8_t modulus[TOKEN_KEY_MODULUS_BYTES], struct token_key **ret,
                          struct error *err)
{
    if ((modulus[0] & 0x80) == 0 || (modulus[TOKEN_KEY_MODULUS_BYTES - 1] & 1) == 0)
        return error_set(err, STATUS_INVALID, "token key: the modulus is not odd and of 2048 bits");
    struct token_key *key = mem_alloc_zeroed(1, sizeof *key);
    if (key == NULL)
        return error_set(err, STATUS_NOMEM, "token key: out of memory");
    memcpy(key->spki, spki_prefix, sizeof spki_prefix);
    memcpy(key->spki + SPKI_AT_MODULUS, modulus, TOKEN_KEY_MODULUS_BYTES);
    memcpy(key->spki + SPKI_AT_SUFFIX, spki_suffix, sizeof spki_suffix);
    SHA256(key->spki, sizeof key->spki, key->id);
    const enum status status = make_pkey(modulus, &key->key, err);
    if (status == STATUS_OK) {
        *ret = key;
        key = NULL;
    }
    token_key_free(key);
    return status;
}

enum status token_key_parse(struct span spki, struct token_key **ret, struct error *err)
{
    struct reader reader;
    reader_init(&reader, spki);
    const struct span prefix = reader_take(&reader, sizeof spki_prefix);
    const struct span modulus = reader_take(&reader, TOKEN_KEY_MODULUS_BYTES);
    const struct span suffix = reader_take(&reader, sizeof spki_suffix);
    enum status status = reader_finish(&reader, "token key", err);
    if (status != STATUS_OK)
        return status;
    if (!span_equal(prefix, span_of(spki_prefix, sizeof spki_prefix)) ||
        !span_equal(suffix, span_of(spki_suffix, sizeof spki_suffix)))
        return error_set(err, STATUS_MALFORMED,
                         "token key: not an RSASSA-PSS key of 2048 bits for tokens");
    status = token_key_new(modulus.data, ret, err);
    return status == STATUS_INVALID ? error_set(err, STATUS_MALFORMED, "token key: bad modulus")
                                    : status;
}

void token_key_free(struct token_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->key);
    mem_free(key);
}

const uint8_t *token_key_spki(const struct token_key *key)
{
    return key->spki;
}

const uint8_t *token_key_id(const struct token_key *key)
{
    return key->id;
}

const uint8_t *token_key_modulus(const struct token_key *key)
{
    return key->spki + SPKI_AT_MODULUS;
}

uint8_t token_key_truncated_id(const struct token_key *key)
{
    return key->id[TOKEN_KEY_ID_BYTES - 1];
}

/* RFC 9474 section 4.5: RSASSA-PSS-VERIFY over the token input. `salt_length` may be OpenSSL's
 * RSA_PSS_SALTLEN_AUTO: whatever the signature has. */
static enum status verify(const struct token_key *key, const struct token *token, int salt_length,
                          bool *ret_is_good, struct error *err)
{
    uint8_t input[TOKEN_INPUT_BYTES];
    uint8_t digest[SHA384_DIGEST_LENGTH];
    token_write_input(token, input);
    SHA384(input, sizeof input, digest);
    enum status status = STATUS_OK;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    if (context == NULL || EVP_PKEY_verify_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context, EVP_sha384()) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha384()) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_length) != 1) {
        status = openssl_error(err, "checking a token");
    } else {
        *ret_is_good = EVP_PKEY_verify(context, token->authenticator, sizeof token->authenticator,
                                       digest, sizeof digest) == 1;
        ERR_clear_error(); /* a wrong signature leaves its reasons there */
    }
    EVP_PKEY_CTX_free(context);
    return status;
}

enum status token_key_verify(const struct token_key *key, const struct token *token,
                             enum token_verdict *ret, struct error *err)
{
    if (token->type != TOKEN_TYPE_BLIND_RSA) {
        *ret = TOKEN_WRONG_TYPE;
        return STATUS_OK;
    }
    if (memcmp(token->key_id, key->id, sizeof key->id) != 0) {
        *ret = TOKEN_WRONG_KEY_ID;
        return STATUS_OK;
    }
    bool is_good = false;
    enum status status = verify(key, token, TOKEN_KEY_SALT_BYTES, &is_good, err);
    if (status == STATUS_OK && is_good) {
        *ret = TOKEN_GOOD;
        return STATUS_OK;
    }
    /* Refused either way; the second look only finds out why. */
    if (status == STATUS_OK)
        status = verify(key, token, RSA_PSS_SALTLEN_AUTO, &is_good, err);
    if (status == STATUS_OK)
        *ret = is_good ? TOKEN_WRONG_SALT_LENGTH : TOKEN_WRONG_SIGNATURE;
    return status;
}

enum status token_key_apply(const struct token_key *key,
                            const uint8_t value[TOKEN_KEY_MODULUS_BYTES],
                            uint8_t ret[TOKEN_KEY_MODULUS_BYTES], struct error *err)
{
    if (memcmp(value, token_key_modulus(key), TOKEN_KEY_MODULUS_BYTES) >= 0)
        return error_set(err, STATUS_INVALID, "token key: a value is not below the modulus");
    uint8_t applied[TOKEN_KEY_MODULUS_BYTES];
    size_t size = sizeof applied;
    enum status status = STATUS_OK;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    if (context == NULL || EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) != 1 ||
        EVP_PKEY_encrypt(context, applied, &size, value, TOKEN_KEY_MODULUS_BYTES) != 1 ||
        size != sizeof applied)
        status = openssl_error(err, "applying a token key");
    else
        memcpy(ret, applied, sizeof applied);
    EVP_PKEY_CTX_free(context);
    return status;
}
