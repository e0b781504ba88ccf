#include "pir-server/crypto/aead.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"

#include <openssl/err.h>
#include <openssl/evp.h>

struct aead {
    uint16_t id;
    size_t key_bytes;
    const EVP_CIPHER *(*cipher)(void);
};

static const struct aead aeads[] = {
    {AEAD_AES_128_GCM, 16, EVP_aes_128_gcm},
    {AEAD_CHACHA20_POLY1305, 32, EVP_chacha20_poly1305},
};

const struct aead *aead_find(uint16_t id)
{
    for (size_t i = 0; i < ARRAY_COUNT(aeads); i++) {
        if (aeads[i].id == id)
            return &aeads[i];
    }
    return NULL;
}

const struct aead *aead_aes_192_gcm(void)
{
    static const struct aead aes_192_gcm = {0, 24, EVP_aes_192_gcm};
    return &aes_192_gcm;
}

const struct aead *aead_aes_256_gcm(void)
{
    static const struct aead aes_256_gcm = {0, 32, EVP_aes_256_gcm};
    return &aes_256_gcm;
}

uint16_t aead_id(const struct aead *aead)
{
    return aead->id;
}

size_t aead_key_bytes(const struct aead *aead)
{
    return aead->key_bytes;
}

/* Feeds text or, with out == NULL, what is authenticated only. */
static bool update(EVP_CIPHER_CTX *context, uint8_t *out, struct span in)
{
    int size = 0;
    return in.size == 0 || (EVP_CipherUpdate(context, out, &size, in.data, (int)in.size) == 1 &&
                            (size_t)size == in.size);
}

static bool begin(EVP_CIPHER_CTX *context, const struct aead *aead, bool seals, const uint8_t *key,
                  const uint8_t *nonce, struct span aad)
{
    return context != NULL &&
           EVP_CipherInit_ex(context, aead->cipher(), NULL, key, nonce, seals) == 1 &&
           update(context, NULL, aad);
}

static enum status check_sizes(struct span aad, struct span text, struct error *err)
{
    if (aad.size > AEAD_MAX_BYTES || text.size > AEAD_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "sealed text: %zu bytes, at most %zu", text.size,
                         AEAD_MAX_BYTES);
    return STATUS_OK;
}

/* Room for `size` bytes in one step: growth would leave a copy of what is secret. */
static uint8_t *room_for(struct bytes *bytes, size_t size)
{
    bytes_reserve(bytes, bytes->size + size);
    return bytes_append_space(bytes, size);
}

static void take_back(struct bytes *bytes, size_t size)
{
    bytes->size -= size;
    mem_wipe(bytes->data + bytes->size, size);
}

enum status aead_seal(const struct aead *aead, const uint8_t *key,
                      const uint8_t nonce[AEAD_NONCE_BYTES], struct span aad, struct span plain,
                      struct bytes *ret, struct error *err)
{
    enum status status = check_sizes(aad, plain, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *out = room_for(ret, plain.size + AEAD_TAG_BYTES);
    if (out == NULL)
        return bytes_status(ret, "sealed text", err);
    int rest = 0;
    uint8_t *const tag = out + plain.size;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!begin(context, aead, true, key, nonce, aad) || !update(context, out, plain) ||
        EVP_CipherFinal_ex(context, tag, &rest) != 1 || rest != 0 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, tag) != 1) {
        take_back(ret, plain.size + AEAD_TAG_BYTES);
        status = openssl_error(err, "sealing");
    }
    EVP_CIPHER_CTX_free(context); /* wipes its key */
    return status;
}

enum status aead_open(const struct aead *aead, const uint8_t *key,
                      const uint8_t nonce[AEAD_NONCE_BYTES], struct span aad, struct span sealed,
                      struct bytes *ret, struct error *err)
{
    enum status status = check_sizes(aad, sealed, err);
    if (status != STATUS_OK)
        return status;
    if (sealed.size < AEAD_TAG_BYTES)
        return error_set(err, STATUS_MISMATCH, "sealed text: %zu bytes, a tag alone has %d",
                         sealed.size, AEAD_TAG_BYTES);
    const size_t size = sealed.size - AEAD_TAG_BYTES;
    uint8_t tag[AEAD_TAG_BYTES];
    memcpy(tag, sealed.data + size, sizeof tag);
    uint8_t *out = room_for(ret, size);
    if (out == NULL)
        return bytes_status(ret, "opened text", err);
    uint8_t none[1];
    int rest = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!begin(context, aead, false, key, nonce, aad)) {
        status = openssl_error(err, "opening a sealed text");
    } else if (!update(context, out, span_part(sealed, 0, size)) ||
               EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag) != 1 ||
               EVP_CipherFinal_ex(context, none, &rest) != 1 || rest != 0) {
        ERR_clear_error();
        status = error_set(err, STATUS_MISMATCH, "a sealed text does not open with this key");
    }
    if (status != STATUS_OK)
        take_back(ret, size);
    EVP_CIPHER_CTX_free(context); /* wipes its key */
    return status;
}
