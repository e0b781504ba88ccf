#include "bloom/formats/bloom_signature.h"

#include "base/file.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define PUBLIC_KEY_BYTES 32
#define SIGNATURE_BYTES  64
/* Of base64: three bytes are four digits. EVP_DecodeBlock() counts the padding as bytes. */
#define TEXT_BYTES(bytes)    (((size_t)(bytes) + 2) / 3 * 4)
#define DECODED_BYTES(bytes) (((size_t)(bytes) + 2) / 3 * 3)
#define SIGNED_MAX_BYTES     ((size_t)1024)

static_assert(TEXT_BYTES(PUBLIC_KEY_BYTES) + 1 == BLOOM_PUBLIC_KEY_TEXT_BYTES, "with a NUL");
static_assert(TEXT_BYTES(SIGNATURE_BYTES) == BLOOM_SIGNATURE_MAX_BYTES, "as the manifest has it");

struct bloom_signing_key {
    EVP_PKEY *key;
};

static enum status openssl_failed(const char *what, struct error *err)
{
    ERR_clear_error();
    return error_set(err, STATUS_INTERNAL, "%s: OpenSSL failed", what);
}

/* ---- keys ---- */

/* Takes `pkey`, which may be NULL: OpenSSL has failed. */
static enum status wrap(EVP_PKEY *pkey, const char *what, struct bloom_signing_key **ret,
                        struct error *err)
{
    if (pkey == NULL)
        return openssl_failed(what, err);
    struct bloom_signing_key *key = mem_alloc_zeroed(1, sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return error_set(err, STATUS_NOMEM, "%s: out of memory", what);
    }
    key->key = pkey;
    *ret = key;
    return STATUS_OK;
}

enum status bloom_signing_key_make(struct bloom_signing_key **ret, struct error *err)
{
    return wrap(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "making a signing key", ret, err);
}

/* Instead of asking on the terminal. */
static int no_password(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

enum status bloom_signing_key_parse(struct span pem, const char *name,
                                    struct bloom_signing_key **ret, struct error *err)
{
    if (pem.size > BLOOM_SIGNING_KEY_MAX_BYTES)
        return error_set(err, STATUS_MALFORMED, "%s: %zu bytes are no signing key", name, pem.size);
    BIO *bio = BIO_new_mem_buf(pem.size > 0 ? pem.data : (const void *)"", (int)pem.size);
    if (bio == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (pkey == NULL)
        return error_set(err, STATUS_MALFORMED, "%s: no private key in PEM, or one with a password",
                         name);
    if (EVP_PKEY_is_a(pkey, "ED25519") != 1) {
        EVP_PKEY_free(pkey);
        return error_set(err, STATUS_UNSUPPORTED, "%s: the key is not of the kind Ed25519", name);
    }
    return wrap(pkey, name, ret, err);
}

enum status bloom_signing_key_read(const char *path, struct bloom_signing_key **ret,
                                   struct error *err)
{
    struct bytes pem;
    bytes_init(&pem, BLOOM_SIGNING_KEY_MAX_BYTES);
    enum status status = file_read_secret(path, &pem, err);
    if (status == STATUS_OK)
        status = bloom_signing_key_parse(bytes_view(&pem), path, ret, err);
    bytes_deinit_secret(&pem);
    return status;
}

void bloom_signing_key_free(struct bloom_signing_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->key);
    mem_free(key);
}

enum status bloom_signing_key_format(const struct bloom_signing_key *key, struct bytes *ret,
                                     struct error *err)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    enum status status = STATUS_OK;
    if (bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key->key, NULL, NULL, 0, NULL, NULL) != 1) {
        status = openssl_failed("storing a signing key", err);
        goto done;
    }
    const long size = BIO_get_mem_data(bio, &text);
    bytes_append(ret, span_of(text, size > 0 ? (size_t)size : 0));
    status = bytes_status(ret, "signing key", err);
done:
    BIO_free(bio);
    return status;
}

enum status bloom_signing_key_public(const struct bloom_signing_key *key,
                                     char ret[BLOOM_PUBLIC_KEY_TEXT_BYTES], struct error *err)
{
    uint8_t raw[PUBLIC_KEY_BYTES];
    size_t size = sizeof raw;
    if (EVP_PKEY_get_raw_public_key(key->key, raw, &size) != 1 || size != sizeof raw)
        return openssl_failed("a signing key's public half", err);
    EVP_EncodeBlock((unsigned char *)ret, raw, sizeof raw);
    return STATUS_OK;
}

/* ---- signatures ---- */

static struct span format_signed(const struct bloom_meta *meta, char text[SIGNED_MAX_BYTES])
{
    const bool has_parsing = meta->parsing[0] != '\0';
    const int size = snprintf(
        text, SIGNED_MAX_BYTES,
        "blindlist prefilter 1\nbitCount %" PRIu32 "\nhashCount %" PRIu32 "\nmurmurSeed %" PRIu32
        "\ntag %s\n%s%s%s",
        meta->params.bit_count, meta->params.hash_count, meta->params.murmur_seed, meta->tag,
        has_parsing ? "parsingSha256 " : "", meta->parsing, has_parsing ? "\n" : "");
    return span_of(text, (size_t)size);
}

enum status bloom_meta_sign(const struct bloom_signing_key *key, struct bloom_meta *meta,
                            struct error *err)
{
    char text[SIGNED_MAX_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    size_t size = sizeof signature;
    const struct span message = format_signed(meta, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool is_signed =
        context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
        EVP_DigestSign(context, signature, &size, message.data, message.size) == 1 &&
        size == sizeof signature;
    EVP_MD_CTX_free(context);
    if (!is_signed)
        return openssl_failed("signing a manifest", err);
    EVP_EncodeBlock((unsigned char *)meta->signature, signature, sizeof signature);
    return STATUS_OK;
}

/* Base64 of exactly `size` bytes? `ret` has room for DECODED_BYTES(size). */
static bool decode(const char *text, size_t size, uint8_t *ret)
{
    const size_t length = strlen(text);
    const size_t padding = DECODED_BYTES(size) - size;
    if (length != TEXT_BYTES(size) || strcspn(text, "=") != length - padding)
        return false;
    const int decoded = EVP_DecodeBlock(ret, (const unsigned char *)text, (int)length);
    ERR_clear_error();
    return decoded == (int)DECODED_BYTES(size);
}

bool bloom_public_key_is_valid(const char *text)
{
    uint8_t raw[DECODED_BYTES(PUBLIC_KEY_BYTES)];
    return decode(text, PUBLIC_KEY_BYTES, raw);
}

enum status bloom_meta_verify(const struct bloom_meta *meta, const char *public_key, bool *ret,
                              struct error *err)
{
    uint8_t raw[DECODED_BYTES(PUBLIC_KEY_BYTES)];
    uint8_t signature[DECODED_BYTES(SIGNATURE_BYTES)];
    if (!decode(public_key, PUBLIC_KEY_BYTES, raw))
        return error_set(err, STATUS_MALFORMED,
                         "the public key must be base64 of %d bytes: %zu characters",
                         PUBLIC_KEY_BYTES, TEXT_BYTES(PUBLIC_KEY_BYTES));
    char text[SIGNED_MAX_BYTES];
    const struct span message = format_signed(meta, text);
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, PUBLIC_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool is_ready =
        key != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1;
    if (is_ready)
        *ret =
            decode(meta->signature, SIGNATURE_BYTES, signature) &&
            EVP_DigestVerify(context, signature, SIGNATURE_BYTES, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_ready ? STATUS_OK : openssl_failed("checking a signature", err);
}
