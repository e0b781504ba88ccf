#include "pir-server/privacypass/key_seal.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/crypto/aead.h"

#include <assert.h>

static const uint8_t magic[] = {'B', 'L', 'S', '1'};

static_assert(sizeof magic + AEAD_NONCE_BYTES + AEAD_TAG_BYTES == KEY_SEAL_OVERHEAD_BYTES,
              "three parts");

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

enum status key_seal_encrypt(const struct key_seal *seal, struct span plain, struct span belongs_to,
                             const struct random_source *random, struct bytes *ret,
                             struct error *err)
{
    const size_t size_before = ret->size;
    uint8_t nonce[AEAD_NONCE_BYTES];
    if (plain.size > KEY_SEAL_MAX_BYTES || belongs_to.size > KEY_SEAL_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "sealing %zu bytes, at most %zu", plain.size,
                         KEY_SEAL_MAX_BYTES);
    enum status status = random_fill(random, nonce, sizeof nonce, err);
    if (status != STATUS_OK)
        return status;
    bytes_append(ret, span_of(magic, sizeof magic));
    bytes_append(ret, span_of(nonce, sizeof nonce));
    status = aead_seal(aead_aes_256_gcm(), seal->key, nonce, belongs_to, plain, ret, err);
    if (status != STATUS_OK)
        ret->size = size_before;
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
    const struct span behind_magic = span_part(sealed, sizeof magic, sealed.size - sizeof magic);
    const struct span text =
        span_part(behind_magic, AEAD_NONCE_BYTES, behind_magic.size - AEAD_NONCE_BYTES);
    const enum status status =
        aead_open(aead_aes_256_gcm(), seal->key, behind_magic.data, belongs_to, text, ret, err);
    return status == STATUS_MISMATCH
               ? error_set(err, status, "a sealed text does not open with this key file")
               : status;
}
