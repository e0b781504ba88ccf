#include "pir-server/privacypass/issuer_key.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#define MODULUS_BITS 2048

struct issuer_key {
    atomic_size_t references;
    EVP_PKEY *key;
    struct token_key *public_key;
};

/* Takes `pkey`, also on failure. */
static enum status make(EVP_PKEY *pkey, struct issuer_key **ret, struct error *err)
{
    uint8_t modulus[TOKEN_KEY_MODULUS_BYTES];
    BIGNUM *n = NULL;
    enum status status = STATUS_OK;
    struct issuer_key *key = mem_alloc_zeroed(1, sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return error_set(err, STATUS_NOMEM, "issuer key: out of memory");
    }
    atomic_init(&key->references, 1);
    key->key = pkey;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        BN_bn2binpad(n, modulus, sizeof modulus) != (int)sizeof modulus)
        status = openssl_error(err, "issuer key");
    if (status == STATUS_OK)
        status = token_key_new(modulus, &key->public_key, err);
    if (status == STATUS_OK) {
        *ret = key;
        key = NULL;
    }
    BN_free(n);
    issuer_key_unref(key);
    return status;
}

enum status issuer_key_new(struct issuer_key **ret, struct error *err)
{
    EVP_PKEY *pkey = EVP_RSA_gen(MODULUS_BITS);
    if (pkey == NULL)
        return openssl_error(err, "making an issuer key");
    return make(pkey, ret, err);
}

struct issuer_key *issuer_key_ref(struct issuer_key *key)
{
    atomic_fetch_add(&key->references, 1);
    return key;
}

void issuer_key_unref(struct issuer_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->references, 1) != 1)
        return;
    token_key_free(key->public_key);
    EVP_PKEY_free(key->key); /* OpenSSL wipes the numbers of a private key */
    mem_free(key);
}

const struct token_key *issuer_key_public(const struct issuer_key *key)
{
    return key->public_key;
}

/* ---- storing ---- */

enum status issuer_key_write(const struct issuer_key *key, struct bytes *ret, struct error *err)
{
    unsigned char *der = NULL;
    int size = 0;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->key);
    if (info != NULL)
        size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    enum status status = STATUS_OK;
    if (size <= 0) {
        status = openssl_error(err, "storing an issuer key");
    } else {
        bytes_append(ret, span_of(der, (size_t)size));
        status = bytes_status(ret, "issuer key", err);
    }
    OPENSSL_clear_free(der, size > 0 ? (size_t)size : 0);
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes what it holds */
    return status;
}

/* A plain RSA key of the right size and exponent? */
static enum status check_kind(EVP_PKEY *pkey, struct error *err)
{
    BIGNUM *e = NULL;
    const bool is_rsa = EVP_PKEY_is_a(pkey, "RSA") == 1;
    const bool is_usual = is_rsa && EVP_PKEY_get_bits(pkey) == MODULUS_BITS &&
                          EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                          BN_is_word(e, TOKEN_KEY_EXPONENT);
    BN_free(e);
    if (is_usual)
        return STATUS_OK;
    ERR_clear_error();
    return error_set(err, STATUS_UNSUPPORTED,
                     "issuer key: %s of %d bits, an RSA key of %d with exponent %u is due",
                     is_rsa ? "RSA" : "not RSA,", EVP_PKEY_get_bits(pkey), MODULUS_BITS,
                     TOKEN_KEY_EXPONENT);
}

/* d e = 1 modulo p - 1, and modulo q - 1. OpenSSL signs without d until something goes wrong. */
static bool exponents_fit(const BIGNUM *d, BIGNUM *prime, BN_CTX *context)
{
    BIGNUM *product = BN_secure_new();
    BIGNUM *e = BN_new();
    const bool fit = product != NULL && e != NULL && BN_set_word(e, TOKEN_KEY_EXPONENT) == 1 &&
                     BN_sub_word(prime, 1) == 1 && !BN_is_zero(prime) &&
                     BN_mod_mul(product, d, e, prime, context) == 1 && BN_is_one(product);
    BN_free(e);
    BN_clear_free(product);
    return fit;
}

static enum status check_exponents(EVP_PKEY *pkey, struct error *err)
{
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *d = NULL;
    BIGNUM *p = NULL;
    BIGNUM *q = NULL;
    const bool fit = context != NULL &&
                     EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &d) == 1 &&
                     EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) == 1 &&
                     EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &q) == 1 &&
                     exponents_fit(d, p, context) && exponents_fit(d, q, context);
    BN_clear_free(d);
    BN_clear_free(p);
    BN_clear_free(q);
    BN_CTX_free(context);
    ERR_clear_error();
    return fit ? STATUS_OK
               : error_set(err, STATUS_MISMATCH, "issuer key: its numbers do not fit each other");
}

static enum status try_out(const struct issuer_key *key, struct error *err)
{
    const uint8_t two[TOKEN_AUTHENTICATOR_BYTES] = {[TOKEN_AUTHENTICATOR_BYTES - 1] = 2};
    uint8_t signature[TOKEN_RESPONSE_BYTES];
    const enum status status = issuer_key_sign(key, two, signature, err);
    return status == STATUS_INTERNAL
               ? error_set(err, STATUS_MISMATCH, "issuer key: its numbers do not fit each other")
               : status;
}

enum status issuer_key_parse(struct span der, struct issuer_key **ret, struct error *err)
{
    if (der.size > ISSUER_KEY_MAX_BYTES)
        return error_set(err, STATUS_MALFORMED, "issuer key: %zu bytes, at most %zu are one",
                         der.size, ISSUER_KEY_MAX_BYTES);
    const unsigned char *at = der.data;
    EVP_PKEY *pkey = NULL;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.size);
    if (info != NULL && at == der.data + der.size)
        pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (pkey == NULL) {
        ERR_clear_error();
        return error_set(err, STATUS_MALFORMED, "issuer key: not a PKCS#8 private key");
    }
    enum status status = check_kind(pkey, err);
    if (status != STATUS_OK) {
        EVP_PKEY_free(pkey);
        return status;
    }
    struct issuer_key *key = NULL;
    status = make(pkey, &key, err);
    if (status == STATUS_OK)
        status = try_out(key, err);
    if (status == STATUS_OK)
        status = check_exponents(key->key, err);
    if (status == STATUS_OK) {
        *ret = key;
        key = NULL;
    }
    issuer_key_unref(key);
    return status;
}

/* ---- signing ---- */

static bool is_zero_or_one(const uint8_t number[TOKEN_AUTHENTICATOR_BYTES])
{
    uint8_t any = 0;
    for (size_t i = 0; i + 1 < TOKEN_AUTHENTICATOR_BYTES; i++)
        any |= number[i];
    return any == 0 && number[TOKEN_AUTHENTICATOR_BYTES - 1] <= 1;
}

static enum status apply_private(const struct issuer_key *key,
                                 const uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES],
                                 uint8_t ret[TOKEN_RESPONSE_BYTES], struct error *err)
{
    size_t size = TOKEN_RESPONSE_BYTES;
    enum status status = STATUS_OK;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    if (context == NULL || EVP_PKEY_sign_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) != 1 ||
        EVP_PKEY_sign(context, ret, &size, blinded, TOKEN_AUTHENTICATOR_BYTES) != 1 ||
        size != TOKEN_RESPONSE_BYTES)
        status = openssl_error(err, "signing with an issuer key");
    EVP_PKEY_CTX_free(context);
    return status;
}

enum status issuer_key_sign(const struct issuer_key *key,
                            const uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES],
                            uint8_t ret[TOKEN_RESPONSE_BYTES], struct error *err)
{
    if (is_zero_or_one(blinded) ||
        memcmp(blinded, token_key_modulus(key->public_key), TOKEN_AUTHENTICATOR_BYTES) >= 0)
        return error_set(err, STATUS_INVALID,
                         "token request: the blinded message is 0, 1 or not below the modulus");
    uint8_t signature[TOKEN_RESPONSE_BYTES];
    uint8_t back[TOKEN_AUTHENTICATOR_BYTES];
    enum status status = apply_private(key, blinded, signature, err);
    if (status == STATUS_OK)
        status = token_key_apply(key->public_key, signature, back, err);
    if (status == STATUS_INVALID ||
        (status == STATUS_OK && memcmp(back, blinded, sizeof back) != 0))
        status = error_set(err, STATUS_INTERNAL,
                           "issuer key: a signature was computed wrongly and is not given out");
    if (status == STATUS_OK)
        memcpy(ret, signature, sizeof signature);
    mem_wipe(signature, sizeof signature);
    return status;
}
