#include "pir-server/privacypass/key_seal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/reader.h"
#include "pir-server/crypto/openssl_error.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define NONCE_BYTES 12
#define TAG_BYTES   16

static const uint8_t magic[] = {'B', 'L', 'S', '1'};

static_assert(sizeof magic + NONCE_BYTES + TAG_BYTES == KEY_SEAL_OVERHEAD_BYTES, "three parts");

enum status key_seal_read(const char *path, struct key_seal *ret, struct error *err)
{
    struct bytes key;
    bytes_init(&key, sizeof ret->key + 1); /* one more, to see what is too long */
    enum status status = file_read_secret(path, &key, err);
    if (status == STATUS_TOO_LARGE || (status == STATUS_OK && key.size != sizeof ret->key))
        status = error_set(err, STATUS_INVALID, "%s: not of %zu bytes", path, sizeof ret->key);
    if (status != STATUS_OK)
        status = error_prefix(err, status, "key file");
    if (status == STATUS_OK)
        memcpy(ret->key, key.data, sizeof ret->key);
    bytes_deinit_secret(&key);
    return status;
}

void key_seal_wipe(struct key_seal *seal)
{
    mem_wipe(seal, sizeof *seal);
}

/* Of one text; `tag` is written or compared. False when OpenSSL fails or the tag is another. */
static bool transform(const struct key_seal *seal, bool encrypts, const uint8_t nonce[NONCE_BYTES],
                      struct span belongs_to, struct span in, uint8_t *out, uint8_t tag[TAG_BYTES])
{
    int size = 0;
    int last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool is_done =
        context != NULL &&
        EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, nonce, encrypts) == 1 &&
        EVP_CipherUpdate(context, NULL, &size, belongs_to.data, (int)belongs_to.size) == 1 &&
        EVP_CipherUpdate(context, out, &size, in.data, (int)in.size) == 1;
    if (is_done && !encrypts)
        is_done = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1;
    if (is_done)
        is_done = EVP_CipherFinal_ex(context, out + size, &last) == 1;
    if (is_done && encrypts)
        is_done = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(context); /* wipes its key */
    return is_done;
}

enum status key_seal_encrypt(const struct key_seal *seal, struct span plain, struct span belongs_to,
                             const struct random_source *random, struct bytes *ret,
                             struct error *err)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t tag[TAG_BYTES];
    if (plain.size > KEY_SEAL_MAX_BYTES || belongs_to.size > KEY_SEAL_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "sealing %zu bytes, at most %zu", plain.size,
                         KEY_SEAL_MAX_BYTES);
    enum status status = random_fill(random, nonce, sizeof nonce, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *out = mem_alloc(plain.size, 1);
    if (out == NULL)
        return error_set(err, STATUS_NOMEM, "sealing: out of memory");
    if (!transform(seal, true, nonce, belongs_to, plain, out, tag)) {
        status = openssl_error(err, "sealing");
    } else {
        bytes_append(ret, span_of(magic, sizeof magic));
        bytes_append(ret, span_of(nonce, sizeof nonce));
        bytes_append(ret, span_of(out, plain.size));
        bytes_append(ret, span_of(tag, sizeof tag));
        status = bytes_status(ret, "sealed text", err);
    }
    mem_free(out);
    return status;
}

bool key_seal_is_sealed(struct span text)
{
    return span_starts_with(text, span_of(magic, sizeof magic));
}

enum status key_seal_decrypt(const struct key_seal *seal, struct span sealed,
                             struct span belongs_to, struct bytes *ret, struct error *err)
{
    if (!key_seal_is_sealed(sealed) || sealed.size < KEY_SEAL_OVERHEAD_BYTES ||
        sealed.size > KEY_SEAL_MAX_BYTES + KEY_SEAL_OVERHEAD_BYTES)
        return error_set(err, STATUS_MALFORMED, "not a sealed text");
    struct reader reader;
    uint8_t tag[TAG_BYTES];
    reader_init(&reader, span_part(sealed, sizeof magic, sealed.size - sizeof magic));
    const uint8_t *nonce = reader_take(&reader, NONCE_BYTES).data;
    const struct span ciphertext = reader_take(&reader, sealed.size - KEY_SEAL_OVERHEAD_BYTES);
    memcpy(tag, reader_take(&reader, TAG_BYTES).data, sizeof tag);

    uint8_t *plain = mem_alloc(ciphertext.size, 1);
    if (plain == NULL)
        return error_set(err, STATUS_NOMEM, "opening a sealed text: out of memory");
    enum status status = STATUS_OK;
    if (!transform(seal, false, nonce, belongs_to, ciphertext, plain, tag)) {
        ERR_clear_error();
        status = error_set(err, STATUS_MISMATCH, "a sealed text does not open with this key file");
    } else {
        bytes_append(ret, span_of(plain, ciphertext.size));
        status = bytes_status(ret, "sealed text", err);
    }
    mem_free_secret(plain, ciphertext.size);
    return status;
}
