#include "pir-server/ring/drbg.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <string.h>

/* V + amount, mod 2^128. */
static void counter_add(uint8_t counter[16], uint32_t amount)
{
    uint32_t carry = amount;
    for (size_t i = 16; i-- > 0 && carry != 0;) {
        carry += counter[i];
        counter[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* block(1) || block(2) || .. of the current state into ret. AES-128-CTR increments the whole
 * 16-byte counter, as the generator does. */
static enum status blocks(struct drbg *drbg, uint8_t *ret, size_t size, struct error *err)
{
    uint8_t start[16];
    memcpy(start, drbg->counter, sizeof start);
    counter_add(start, 1);
    memset(ret, 0, size);
    int written = 0;
    /* Naming the cipher again would make OpenSSL look it up in every request. */
    const bool is_named = EVP_CIPHER_CTX_get0_cipher(drbg->cipher) != NULL;
    const bool done = EVP_EncryptInit_ex(drbg->cipher, is_named ? NULL : EVP_aes_128_ctr(), NULL,
                                         drbg->key, start) == 1 &&
                      EVP_EncryptUpdate(drbg->cipher, ret, &written, ret, (int)size) == 1 &&
                      (size_t)written == size;
    mem_wipe(start, sizeof start);
    return done ? STATUS_OK : error_set(err, STATUS_INTERNAL, "AES-128 of OpenSSL failed");
}

/* Key and V become two fresh blocks xor `more`. */
static void update(struct drbg *drbg, const uint8_t fresh[32], const uint8_t *more)
{
    for (size_t i = 0; i < 16; i++) {
        drbg->key[i] = more == NULL ? fresh[i] : (uint8_t)(fresh[i] ^ more[i]);
        drbg->counter[i] = more == NULL ? fresh[16 + i] : (uint8_t)(fresh[16 + i] ^ more[16 + i]);
    }
}

enum status drbg_init(struct drbg *drbg, const uint8_t seed[DRBG_SEED_BYTES], struct error *err)
{
    memset(drbg, 0, sizeof *drbg);
    drbg->cipher = EVP_CIPHER_CTX_new();
    if (drbg->cipher == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for an AES context");
    uint8_t fresh[32];
    const enum status status = blocks(drbg, fresh, sizeof fresh, err);
    if (status == STATUS_OK)
        update(drbg, fresh, seed);
    else
        drbg_deinit(drbg);
    mem_wipe(fresh, sizeof fresh);
    drbg->used = DRBG_REQUEST_BYTES;
    return status;
}

void drbg_deinit(struct drbg *drbg)
{
    EVP_CIPHER_CTX_free(drbg->cipher);
    mem_wipe(drbg, sizeof *drbg);
}

/* One request: its 256 blocks, and behind them the two blocks that its update takes. */
static enum status refill(struct drbg *drbg, struct error *err)
{
    const enum status status = blocks(drbg, drbg->buffer, sizeof drbg->buffer, err);
    if (status != STATUS_OK)
        return status;
    update(drbg, drbg->buffer + DRBG_REQUEST_BYTES, NULL);
    drbg->used = 0;
    return STATUS_OK;
}

enum status drbg_read(struct drbg *drbg, uint8_t *ret, size_t size, struct error *err)
{
    while (size > 0) {
        if (drbg->used == DRBG_REQUEST_BYTES) {
            const enum status status = refill(drbg, err);
            if (status != STATUS_OK)
                return status;
        }
        const size_t left = DRBG_REQUEST_BYTES - drbg->used;
        const size_t part = size < left ? size : left;
        memcpy(ret, drbg->buffer + drbg->used, part);
        drbg->used += part;
        ret += part;
        size -= part;
    }
    return STATUS_OK;
}

static enum status fill(void *state, uint8_t *out, size_t size, struct error *err)
{
    return drbg_read(state, out, size, err);
}

struct random_source drbg_source(struct drbg *drbg)
{
    return (struct random_source){.fill = fill, .state = drbg};
}
