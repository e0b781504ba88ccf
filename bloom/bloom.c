/* The remainder by bit_count is Lemire's (arXiv:1902.01961): with c = ceil(2^64 / d), the low 64
 * bits of c * a are the fraction a / d, and multiplying them by d gives a mod d, exactly, for all
 * 32-bit a and d. d = 1 makes c wrap to 0, which gives the right remainder 0.
 *
 * This file must link without the other rooms: of base/ it takes compiler.h only, which has no
 * code. */
#include "bloom/bloom.h"

#include "base/compiler.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FNV_OFFSET_BASIS UINT32_C(0x811c9dc5)
#define FNV_PRIME        UINT32_C(0x01000193)
#define HASH_LANES       4
/* Positions between the fetch of a byte and its change. */
#define FETCH_AHEAD 32

static const double ln_2 = 0x1.62e42fefa39efp-1;

const char *bloom_result_text(enum bloom_result result)
{
    switch (result) {
    case BLOOM_OK:
        return "ok";
    case BLOOM_NO_ITEMS:
        return "there is no item, and a filter needs at least one";
    case BLOOM_BAD_RATE:
        return "the false-positive rate must be greater than 0 and less than 1";
    case BLOOM_TOO_MANY_BITS:
        return "the filter would need more than 4294967295 bits, the most that its 32-bit count "
               "can say";
    case BLOOM_BAD_BIT_COUNT:
        return "the bit count must be at least 1";
    case BLOOM_BAD_HASH_COUNT:
        return "the hash count must be from 1 to 2048";
    case BLOOM_WRONG_SIZE:
        return "the bits have another size than the bit count says";
    }
    return "unknown result";
}

/* ---- geometry ---- */

enum bloom_result bloom_params_choose(uint64_t item_count, double rate, uint32_t murmur_seed,
                                      struct bloom_params *ret)
{
    if (item_count == 0)
        return BLOOM_NO_ITEMS;
    if (!(rate > 0.0 && rate < 1.0)) /* also refuses what is no number */
        return BLOOM_BAD_RATE;
    const double items = (double)item_count;
    const double bits = ceil(-(items * log(rate)) / (ln_2 * ln_2));
    if (!(bits <= (double)UINT32_MAX))
        return BLOOM_TOO_MANY_BITS;
    const double hashes = ceil(bits / items * ln_2);
    *ret = (struct bloom_params){
        .bit_count = (uint32_t)bits, .hash_count = (uint32_t)hashes, .murmur_seed = murmur_seed};
    return bloom_params_check(ret);
}

double bloom_rate_of_size(uint64_t item_count, size_t byte_count)
{
    /* One bit less: what is rounded up must still fit. */
    const double bits = 8 * (double)byte_count - 1;
    return exp(-bits * ln_2 * ln_2 / (double)item_count);
}

enum bloom_result bloom_params_check(const struct bloom_params *params)
{
    if (params->bit_count == 0)
        return BLOOM_BAD_BIT_COUNT;
    if (params->hash_count == 0 || params->hash_count > BLOOM_MAX_HASH_COUNT)
        return BLOOM_BAD_HASH_COUNT;
    return BLOOM_OK;
}

size_t bloom_byte_count(uint32_t bit_count)
{
    return (size_t)bit_count / 8 + (bit_count % 8 != 0 ? 1 : 0);
}

double bloom_expected_rate(const struct bloom_params *params, uint64_t item_count)
{
    const double k = (double)params->hash_count;
    return pow(-expm1(-k * (double)item_count / (double)params->bit_count), k);
}

/* ---- hashes ---- */

static inline uint32_t fnv_step(uint32_t hash, uint32_t byte)
{
    return (hash ^ byte) * FNV_PRIME;
}

static inline uint32_t fnv_over(uint32_t hash, const uint8_t *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        hash = fnv_step(hash, bytes[i]);
    return hash;
}

uint32_t bloom_fnv1a_32(const void *key, size_t size_bytes)
{
    return fnv_over(FNV_OFFSET_BASIS, key, size_bytes);
}

static inline uint32_t rotate_left(uint32_t x, unsigned count)
{
    return (x << count) | (x >> (32 - count));
}

static inline uint32_t load_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint32_t murmur_block(uint32_t block)
{
    return rotate_left(block * UINT32_C(0xcc9e2d51), 15) * UINT32_C(0x1b873593);
}

static inline uint32_t murmur_step(uint32_t hash, uint32_t block)
{
    return rotate_left(hash ^ murmur_block(block), 13) * 5 + UINT32_C(0xe6546b64);
}

/* From `hash` over the first `size_bytes - left` bytes to the end; `bytes` is what is left. */
static inline uint32_t murmur_end(uint32_t hash, const uint8_t *bytes, size_t left,
                                  size_t size_bytes)
{
    for (; left >= 4; left -= 4, bytes += 4)
        hash = murmur_step(hash, load_le32(bytes));
    uint32_t tail = 0;
    for (size_t i = left; i > 0; i--)
        tail = tail << 8 | bytes[i - 1];
    hash ^= murmur_block(tail); /* a tail of no bytes is 0, and so is its block */
    hash ^= (uint32_t)size_bytes;
    hash = (hash ^ hash >> 16) * UINT32_C(0x85ebca6b);
    hash = (hash ^ hash >> 13) * UINT32_C(0xc2b2ae35);
    return hash ^ hash >> 16;
}

uint32_t bloom_murmur3_32(const void *key, size_t size_bytes, uint32_t seed)
{
    return murmur_end(seed, key, size_bytes, size_bytes);
}

/* Four chains side by side as far as the shortest key goes; then each on its own. */
static inline void hash_lanes(const struct bloom_key *keys, uint32_t seed, struct bloom_hashes *ret)
{
    uint32_t fnv[HASH_LANES];
    uint32_t murmur[HASH_LANES];
    size_t shared = keys[0].size;
    for (size_t lane = 1; lane < HASH_LANES; lane++)
        shared = keys[lane].size < shared ? keys[lane].size : shared;
    shared -= shared % 4;
    UNROLL_8
    for (size_t lane = 0; lane < HASH_LANES; lane++) {
        fnv[lane] = FNV_OFFSET_BASIS;
        murmur[lane] = seed;
    }
    for (size_t at = 0; at < shared; at += 4) {
        UNROLL_8
        for (size_t lane = 0; lane < HASH_LANES; lane++) {
            const uint32_t block = load_le32(keys[lane].data + at);
            uint32_t hash = fnv[lane];
            hash = fnv_step(hash, block & 0xff);
            hash = fnv_step(hash, block >> 8 & 0xff);
            hash = fnv_step(hash, block >> 16 & 0xff);
            fnv[lane] = fnv_step(hash, block >> 24);
            murmur[lane] = murmur_step(murmur[lane], block);
        }
    }
    UNROLL_8
    for (size_t lane = 0; lane < HASH_LANES; lane++) {
        const size_t size = keys[lane].size;
        const uint8_t *rest = size > shared ? keys[lane].data + shared : NULL;
        ret[lane].fnv = fnv_over(fnv[lane], rest, size - shared);
        ret[lane].murmur = murmur_end(murmur[lane], rest, size - shared, size);
    }
}

void bloom_hash_keys(const struct bloom_key *keys, size_t count, uint32_t murmur_seed,
                     struct bloom_hashes *ret)
{
    size_t i = 0;
    for (; i + HASH_LANES <= count; i += HASH_LANES)
        hash_lanes(keys + i, murmur_seed, ret + i);
    for (; i < count; i++) {
        ret[i].fnv = bloom_fnv1a_32(keys[i].data, keys[i].size);
        ret[i].murmur = bloom_murmur3_32(keys[i].data, keys[i].size, murmur_seed);
    }
}

/* ---- positions ---- */

static struct bloom_divisor divisor_of(uint32_t divisor)
{
    return (struct bloom_divisor){.reciprocal = UINT64_MAX / divisor + 1, .divisor = divisor};
}

static inline uint32_t remainder_of(uint32_t value, struct bloom_divisor by)
{
    const uint64_t fraction = by.reciprocal * value;
    /* The high 64 bits of fraction * divisor, in two 32-bit halves: no sum here overflows. */
    const uint64_t low = (fraction & UINT32_MAX) * by.divisor >> 32;
    return (uint32_t)(((fraction >> 32) * by.divisor + low) >> 32);
}

void bloom_positions(const struct bloom_params *params, const void *key, size_t size_bytes,
                     uint32_t *ret)
{
    const struct bloom_divisor bit_count = divisor_of(params->bit_count);
    uint32_t sum = bloom_fnv1a_32(key, size_bytes);
    const uint32_t step = bloom_murmur3_32(key, size_bytes, params->murmur_seed);
    for (uint32_t i = 0; i < params->hash_count; i++) {
        ret[i] = remainder_of(sum, bit_count);
        sum += step; /* wraps mod 2^32 before the remainder, as devices do */
    }
}

/* ---- builder ---- */

enum bloom_result bloom_builder_init(struct bloom_builder *builder,
                                     const struct bloom_params *params, uint8_t *bits,
                                     size_t size_bytes)
{
    const enum bloom_result result = bloom_params_check(params);
    if (result != BLOOM_OK)
        return result;
    if (size_bytes != bloom_byte_count(params->bit_count))
        return BLOOM_WRONG_SIZE;
    builder->bit_count = divisor_of(params->bit_count);
    builder->first_bit = 0;
    builder->window_bits = params->bit_count;
    builder->hash_count = params->hash_count;
    builder->murmur_seed = params->murmur_seed;
    builder->bits = bits;
    builder->pending_count = 0;
    return BLOOM_OK;
}

void bloom_builder_set_window(struct bloom_builder *builder, uint32_t first_bit,
                              uint32_t window_bits)
{
    assert(builder->pending_count == 0);
    builder->first_bit = first_bit;
    builder->window_bits = window_bits;
}

void bloom_builder_finish(struct bloom_builder *builder)
{
    uint8_t *bits = builder->bits;
    const size_t count = builder->pending_count;
    for (size_t i = 0; i < count && i < FETCH_AHEAD; i++)
        PREFETCH_WRITE(bits + (builder->pending[i] >> 3));
    for (size_t i = 0; i < count; i++) {
        if (i + FETCH_AHEAD < count)
            PREFETCH_WRITE(bits + (builder->pending[i + FETCH_AHEAD] >> 3));
        const uint32_t position = builder->pending[i];
        bits[position >> 3] = (uint8_t)(bits[position >> 3] | 1u << (position & 7));
    }
    builder->pending_count = 0;
}

void bloom_builder_add_hashes(struct bloom_builder *builder, const struct bloom_hashes *hashes,
                              size_t count)
{
    const struct bloom_divisor bit_count = builder->bit_count;
    const uint32_t first_bit = builder->first_bit;
    const uint32_t window_bits = builder->window_bits;
    for (size_t key = 0; key < count; key++) {
        uint32_t sum = hashes[key].fnv;
        const uint32_t step = hashes[key].murmur;
        for (uint32_t left = builder->hash_count; left > 0;) {
            if (builder->pending_count == BLOOM_PENDING_COUNT)
                bloom_builder_finish(builder);
            size_t at = builder->pending_count;
            const size_t room = BLOOM_PENDING_COUNT - at;
            const uint32_t now = left < room ? left : (uint32_t)room;
            for (uint32_t i = 0; i < now; i++) {
                const uint32_t position = remainder_of(sum, bit_count);
                builder->pending[at] = position;
                at += position - first_bit < window_bits; /* wraps when it lies before */
                sum += step; /* wraps mod 2^32 before the remainder, as devices do */
            }
            builder->pending_count = at;
            left -= now;
        }
    }
}

void bloom_builder_add(struct bloom_builder *builder, const void *key, size_t size_bytes)
{
    const struct bloom_hashes hashes = {
        .fnv = bloom_fnv1a_32(key, size_bytes),
        .murmur = bloom_murmur3_32(key, size_bytes, builder->murmur_seed)};
    bloom_builder_add_hashes(builder, &hashes, 1);
}

/* ---- reader ---- */

enum bloom_result bloom_reader_init(struct bloom_reader *reader, const struct bloom_params *params,
                                    const uint8_t *bits, size_t size_bytes)
{
    const enum bloom_result result = bloom_params_check(params);
    if (result != BLOOM_OK)
        return result;
    if (size_bytes != bloom_byte_count(params->bit_count))
        return BLOOM_WRONG_SIZE;
    *reader = (struct bloom_reader){.bit_count = divisor_of(params->bit_count),
                                    .hash_count = params->hash_count,
                                    .murmur_seed = params->murmur_seed,
                                    .bits = bits};
    return BLOOM_OK;
}

bool bloom_reader_has_key(const struct bloom_reader *reader, const void *key, size_t size_bytes)
{
    uint32_t sum = bloom_fnv1a_32(key, size_bytes);
    const uint32_t step = bloom_murmur3_32(key, size_bytes, reader->murmur_seed);
    for (uint32_t i = 0; i < reader->hash_count; i++) {
        const uint32_t position = remainder_of(sum, reader->bit_count);
        if ((reader->bits[position >> 3] >> (position & 7) & 1) == 0)
            return false;
        sum += step; /* wraps mod 2^32 before the remainder, as devices do */
    }
    return true;
}

/* ---- counting ---- */

static unsigned count_in_byte(unsigned byte)
{
    unsigned count = 0;
    for (; byte != 0; byte &= byte - 1)
        count++;
    return count;
}

/* Sums of neighbours, doubling in width: the usual count of a word without an instruction for it.
 */
static uint64_t count_in_word(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return word * UINT64_C(0x0101010101010101) >> 56;
}

uint64_t bloom_count_set(const uint8_t *bits, uint32_t bit_count)
{
    uint64_t total = 0;
    const size_t whole = bit_count / 8;
    size_t i = 0;
    for (; i + 8 <= whole; i += 8) {
        uint64_t word;
        memcpy(&word, bits + i, sizeof word);
        total += count_in_word(word);
    }
    for (; i < whole; i++)
        total += count_in_byte(bits[i]);
    if (bit_count % 8 != 0)
        total += count_in_byte(bits[whole] & ((1u << bit_count % 8) - 1));
    return total;
}

unsigned bloom_count_spare_set(const uint8_t *bits, uint32_t bit_count)
{
    if (bit_count % 8 == 0)
        return 0;
    return count_in_byte((unsigned)bits[bit_count / 8] >> bit_count % 8);
}
