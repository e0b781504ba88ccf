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

/* Key and V become two fresh blocks xor `more`. */
static void update(struct drbg *drbg, const uint8_t fresh[32], const uint8_t *more)
{
    for (size_t i = 0; i < 16; i++) {
        drbg->key[i] = more == NULL ? fresh[i] : (uint8_t)(fresh[i] ^ more[i]);
        drbg->counter[i] = more == NULL ? fresh[16 + i] : (uint8_t)(fresh[16 + i] ^ more[16 + i]);
    }
}

/* block(1) || block(2) || .. of the current state into ret, at most a request, and the two blocks
 * behind them into the update. AES-128-CTR increments the whole 16-byte counter, as the generator
 * does. */
static enum status generate(struct drbg *drbg, uint8_t *ret, size_t size, const uint8_t *more,
                            struct error *err)
{
    static const uint8_t zeros[DRBG_REQUEST_BYTES] = {0};
    uint8_t start[16];
    uint8_t fresh[32];
    memcpy(start, drbg->counter, sizeof start);
    counter_add(start, 1);
    int written = 0;
    /* Naming the cipher again would make OpenSSL look it up in every request. */
    const bool is_named = EVP_CIPHER_CTX_get0_cipher(drbg->cipher) != NULL;
    bool done = EVP_EncryptInit_ex(drbg->cipher, is_named ? NULL : EVP_aes_128_ctr(), NULL,
                                   drbg->key, start) == 1;
    if (done && size > 0)
        done = EVP_EncryptUpdate(drbg->cipher, ret, &written, zeros, (int)size) == 1 &&
               (size_t)written == size;
    done = done && EVP_EncryptUpdate(drbg->cipher, fresh, &written, zeros, sizeof fresh) == 1 &&
           (size_t)written == sizeof fresh;
    if (done)
        update(drbg, fresh, more);
    mem_wipe(start, sizeof start);
    mem_wipe(fresh, sizeof fresh);
    return done ? STATUS_OK : error_set(err, STATUS_INTERNAL, "AES-128 of OpenSSL failed");
}

enum status drbg_init(struct drbg *drbg, const uint8_t seed[DRBG_SEED_BYTES], struct error *err)
{
    memset(drbg, 0, sizeof *drbg);
    drbg->cipher = EVP_CIPHER_CTX_new();
    if (drbg->cipher == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for an AES context");
    const enum status status = generate(drbg, NULL, 0, seed, err);
    if (status != STATUS_OK)
        drbg_deinit(drbg);
    drbg->used = DRBG_REQUEST_BYTES;
    return status;
}

void drbg_deinit(struct drbg *drbg)
{
    EVP_CIPHER_CTX_free(drbg->cipher);
    mem_wipe(drbg, sizeof *drbg);
}

/* Whole requests go to the reader directly, parts of one through the buffer. */
enum status drbg_read(struct drbg *drbg, uint8_t *ret, size_t size, struct error *err)
{
    enum status status = STATUS_OK;
    while (size > 0 && status == STATUS_OK) {
        const size_t left = DRBG_REQUEST_BYTES - drbg->used;
        size_t part = size < left ? size : left;
        if (left == 0 && size >= DRBG_REQUEST_BYTES) {
            part = DRBG_REQUEST_BYTES;
            status = generate(drbg, ret, part, NULL, err);
        } else if (left == 0) {
            status = generate(drbg, drbg->buffer, DRBG_REQUEST_BYTES, NULL, err);
            if (status == STATUS_OK)
                drbg->used = 0;
        } else {
            memcpy(ret, drbg->buffer + drbg->used, part);
            drbg->used += part;
        }
        ret += part;
        size -= part;
    }
    return status;
}

static enum status fill(void *state, uint8_t *out, size_t size, struct error *err)
{
    return drbg_read(state, out, size, err);
}

struct random_source drbg_source(struct drbg *drbg)
{
    return (struct random_source){.fill = fill, .state = drbg};
}
