#include "pir-server/ring/sampling.h"

#include "base/mem.h"

#include <string.h>

#define UNIFORM_BYTES 16
#define UNIFORM_WORDS (UNIFORM_BYTES / 4)
#define TERNARY_BYTES 12
#define ERROR_BYTES   16
/* Values taken from the source at a time; all degrees up from 4 are multiples or less. Uniform
 * ones take one request of a drbg. */
#define CHUNK 256

static uint64_t load_u64le(const uint8_t *in)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

static uint32_t load_u32le(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static size_t chunk_of(size_t left)
{
    return left < CHUNK ? left : CHUNK;
}

enum status sample_uniform(uint32_t *ret, const uint8_t seed[DRBG_SEED_BYTES],
                           const struct rns_basis *basis, size_t count, struct error *err)
{
    uint32_t words[CHUNK * UNIFORM_WORDS]; /* first as bytes */
    uint8_t *const bytes = (uint8_t *)words;
    struct drbg drbg;
    enum status status = drbg_init(&drbg, seed, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct modulus *const q = &basis->modulus[i];
        uint32_t *const row = ret + i * basis->degree;
        for (size_t k = 0; k < basis->degree;) {
            const size_t part = chunk_of(basis->degree - k);
            status = drbg_read(&drbg, bytes, part * UNIFORM_BYTES, err);
            if (status != STATUS_OK)
                goto done;
            for (size_t j = 0; j < part * UNIFORM_WORDS; j++)
                words[j] = load_u32le(bytes + 4 * j);
            row_reduce_128(basis->rows, row + k, words, part, q);
            k += part;
        }
    }
done:
    drbg_deinit(&drbg);
    return status;
}

/* u 2^32 + v mod 3, where u has 64 bits and v 32: powers of 4 are 1 mod 3, so pieces of an even
 * number of bits are simply added. */
static uint32_t mod_three(uint64_t u, uint32_t v)
{
    uint64_t sum = (u >> 32) + (u & 0xffffffff) + v; /* below 3 * 2^32 */
    sum = (sum >> 16) + (sum & 0xffff);              /* below 2^19 */
    sum = (sum >> 8) + (sum & 0xff);                 /* below 2^12 */
    sum = (sum >> 4) + (sum & 0xf);                  /* below 2^9 */
    const uint32_t small = (uint32_t)sum;
    return small - 3 * ((small * 43691) >> 17); /* 43691 = (2^17 + 1) / 3: exact below 2^16 */
}

enum status sample_ternary(int32_t *ret, size_t n, const struct random_source *random,
                           struct error *err)
{
    uint8_t bytes[CHUNK * TERNARY_BYTES];
    enum status status = STATUS_OK;
    for (size_t k = 0; k < n && status == STATUS_OK;) {
        const size_t part = chunk_of(n - k);
        status = random_fill(random, bytes, part * TERNARY_BYTES, err);
        for (size_t j = 0; j < part && status == STATUS_OK; j++) {
            const uint64_t u = load_u64le(bytes + j * TERNARY_BYTES);
            const uint32_t v = load_u32le(bytes + j * TERNARY_BYTES + 8);
            ret[k + j] = (int32_t)mod_three(u, v) - 1;
        }
        k += part;
    }
    if (status != STATUS_OK)
        mem_wipe(ret, n * sizeof *ret);
    mem_wipe(bytes, sizeof bytes);
    return status;
}

/* Ones among the low 21 bits, without a table. */
static int32_t ones_of_21(uint64_t word)
{
    uint32_t x = (uint32_t)word & 0x1fffff;
    x = x - ((x >> 1) & 0x55555555);
    x = (x & 0x33333333) + ((x >> 2) & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    return (int32_t)((x * 0x01010101) >> 24);
}

enum status sample_error(int32_t *ret, size_t n, const struct random_source *random,
                         struct error *err)
{
    uint8_t bytes[CHUNK * ERROR_BYTES];
    enum status status = STATUS_OK;
    for (size_t k = 0; k < n && status == STATUS_OK;) {
        const size_t part = chunk_of(n - k);
        status = random_fill(random, bytes, part * ERROR_BYTES, err);
        for (size_t j = 0; j < part && status == STATUS_OK; j++)
            ret[k + j] = ones_of_21(load_u64le(bytes + j * ERROR_BYTES)) -
                         ones_of_21(load_u64le(bytes + j * ERROR_BYTES + 8));
        k += part;
    }
    if (status != STATUS_OK)
        mem_wipe(ret, n * sizeof *ret);
    mem_wipe(bytes, sizeof bytes);
    return status;
}
