#include "pir-server/ohttp/hkdf.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/* OpenSSL takes a parameter that is only read as a pointer to what may be written. */
static OSSL_PARAM octets(const char *name, struct span value)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)value.data, value.size);
}

static enum status derive(OSSL_PARAM *params, uint8_t *ret, size_t size, struct error *err)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    enum status status = STATUS_OK;
    if (context == NULL || EVP_KDF_derive(context, ret, size, params) != 1) {
        mem_wipe(ret, size);
        status = openssl_error(err, "deriving a key");
    }
    EVP_KDF_CTX_free(context); /* wipes its copies */
    EVP_KDF_free(kdf);
    return status;
}

enum status hkdf_extract(struct span salt, struct span secret, uint8_t ret[HKDF_PRK_BYTES],
                         struct error *err)
{
    static const uint8_t no_salt[HKDF_PRK_BYTES];
    int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_SALT, salt.size > 0 ? salt : span_of(no_salt, sizeof no_salt)),
        octets(OSSL_KDF_PARAM_KEY, secret),
        OSSL_PARAM_construct_end(),
    };
    return derive(params, ret, HKDF_PRK_BYTES, err);
}

enum status hkdf_expand(const uint8_t prk[HKDF_PRK_BYTES], struct span info, uint8_t *ret,
                        size_t size, struct error *err)
{
    if (size < 1 || size > HKDF_EXPAND_MAX_BYTES)
        return error_set(err, STATUS_INVALID, "deriving %zu bytes, 1 to %zu are possible", size,
                         HKDF_EXPAND_MAX_BYTES);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, span_of(prk, HKDF_PRK_BYTES)),
        octets(OSSL_KDF_PARAM_INFO, info),
        OSSL_PARAM_construct_end(),
    };
    return derive(params, ret, size, err);
}
