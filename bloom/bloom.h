/* bloom - the Bloom filter that iPhone, iPad and Mac ask before they ask a server.
 *
 * A filter is bit_count bits and three numbers. A key is in it when its hash_count positions are
 * all set; a key that was inserted always is, any other with a small probability.
 *
 * Keys     byte strings of any length; NUL bytes are ordinary. Devices hash the UTF-8 text of a
 *          sub-URL without scheme, such as "example.com/path".
 * Position (h1 + i * h2 mod 2^32) mod bit_count, i in [0, hash_count), where h1 is 32-bit FNV-1a
 *          and h2 MurmurHash3_x86_32 with the filter's seed. The sum wraps at 2^32 before the
 *          remainder is taken; a 64-bit sum gives other positions.
 * Bits     bit k is bit k % 8, counted from the least significant, of byte k / 8. The spare bits of
 *          the last byte are zero.
 * Memory   nothing here allocates. Bits belong to the caller, who passes their size.
 * Threads  no state outside the arguments. A builder belongs to one thread, a reader may be shared.
 * Needs    the C standard library with its mathematics (link with -lbloom -lm).
 * Source   blindlist, PROTOCOL section 2; FNV: draft-eastlake-fnv; MurmurHash3: Austin Appleby. */
#ifndef BLINDLIST_BLOOM_BLOOM_H
#define BLINDLIST_BLOOM_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Switches over this have no default, so the compiler finds the forgotten member. */
enum bloom_result {
    BLOOM_OK = 0,
    BLOOM_NO_ITEMS,       /* a filter needs at least one item */
    BLOOM_BAD_RATE,       /* the rate is not between 0 and 1, both excluded */
    BLOOM_TOO_MANY_BITS,  /* more bits than a 32-bit count can say */
    BLOOM_BAD_BIT_COUNT,  /* zero bits */
    BLOOM_BAD_HASH_COUNT, /* outside [1, BLOOM_MAX_HASH_COUNT] */
    BLOOM_WRONG_SIZE      /* the caller's bytes are not bloom_byte_count() */
};

/* A sentence without a full stop, static. */
const char *bloom_result_text(enum bloom_result result);

/* No rate that a double can hold asks for more (the least positive double, one item: 1,075). */
#define BLOOM_MAX_HASH_COUNT 2048
#define BLOOM_DEFAULT_RATE   0.001

struct bloom_params {
    uint32_t bit_count;  /* at least 1 */
    uint32_t hash_count; /* [1, BLOOM_MAX_HASH_COUNT] */
    uint32_t murmur_seed;
};

/* The least filter for `item_count` items and the false-positive rate `rate` in (0, 1):
 *     bit_count  = ceil(-(item_count * ln rate) / (ln 2)^2)
 *     hash_count = ceil((bit_count / item_count) * ln 2)
 * in IEEE double, both rounded up. BLOOM_NO_ITEMS, BLOOM_BAD_RATE or BLOOM_TOO_MANY_BITS. */
enum bloom_result bloom_params_choose(uint64_t item_count, double rate, uint32_t murmur_seed,
                                      struct bloom_params *ret);
/* The least false-positive rate for which the filter that bloom_params_choose() gives has at most
 * `byte_count` bytes (at least 1) for `item_count` items (at least 1); 0 when even the least
 * positive double would do. */
double bloom_rate_of_size(uint64_t item_count, size_t byte_count);
/* Whether a filter can have these parameters: BLOOM_OK, _BAD_BIT_COUNT or _BAD_HASH_COUNT. */
enum bloom_result bloom_params_check(const struct bloom_params *params);
/* ceil(bit_count / 8), at most 2^29. */
size_t bloom_byte_count(uint32_t bit_count);
/* The false-positive rate to expect with `item_count` distinct items: (1 - e^(-kn/m))^k. */
double bloom_expected_rate(const struct bloom_params *params, uint64_t item_count);

/* The two hash functions. `key` may be NULL when `size_bytes` is 0. MurmurHash3 takes the length
 * modulo 2^32, as the original does. */
uint32_t bloom_fnv1a_32(const void *key, size_t size_bytes);
uint32_t bloom_murmur3_32(const void *key, size_t size_bytes, uint32_t seed);

/* The positions of a key, in order of i; repeats are possible.
 *   params  checked by bloom_params_check()
 *   ret     [hash_count] each in [0, bit_count) */
void bloom_positions(const struct bloom_params *params, const void *key, size_t size_bytes,
                     uint32_t *ret);

/* A division by an invariant divisor, done by multiplication; private to this module. */
struct bloom_divisor {
    uint64_t reciprocal;
    uint32_t divisor;
};

#define BLOOM_PENDING_COUNT 512

/* A key of a batch, borrowed for the call. */
struct bloom_key {
    const uint8_t *data;
    size_t size;
};

/* What a filter needs to know of a key. */
struct bloom_hashes {
    uint32_t fnv;
    uint32_t murmur;
};

/* Both hashes of many keys, four keys at a time: faster than one by one, since each hash waits for
 * its last multiplication.
 *   keys   [count]
 *   ret    [count] */
void bloom_hash_keys(const struct bloom_key *keys, size_t count, uint32_t murmur_seed,
                     struct bloom_hashes *ret);

/* Inserts keys. Positions are gathered and their memory is fetched ahead, so that large filters are
 * not slowed by waiting for memory: the bits are complete after bloom_builder_finish() only. The
 * fields are private. */
struct bloom_builder {
    struct bloom_divisor bit_count;
    uint32_t first_bit; /* of the window */
    uint32_t window_bits;
    uint32_t hash_count;
    uint32_t murmur_seed;
    uint8_t *bits; /* borrowed */
    size_t pending_count;
    uint32_t pending[BLOOM_PENDING_COUNT];
};

/* Starts on bits of the caller, which are not cleared: zeros for a new filter, else more keys are
 * added to what is there.
 *   bits   [size_bytes] borrowed until bloom_builder_finish(); size_bytes = bloom_byte_count() */
enum bloom_result bloom_builder_init(struct bloom_builder *builder,
                                     const struct bloom_params *params, uint8_t *bits,
                                     size_t size_bytes);
/* From now on only positions in [first_bit, first_bit + window_bits) are written: builders with
 * windows that share no byte may work on the same bits in different threads, each given all keys.
 * Not while positions are pending. At first the window is the whole filter. */
void bloom_builder_set_window(struct bloom_builder *builder, uint32_t first_bit,
                              uint32_t window_bits);
/* Adds keys by their hashes; made with the filter's seed. */
void bloom_builder_add_hashes(struct bloom_builder *builder, const struct bloom_hashes *hashes,
                              size_t count);
/* The key's bytes are not needed after the return. */
void bloom_builder_add(struct bloom_builder *builder, const void *key, size_t size_bytes);
/* Writes what is pending. More keys may follow, and another finish. */
void bloom_builder_finish(struct bloom_builder *builder);

/* Asks a filter. The fields are private. */
struct bloom_reader {
    struct bloom_divisor bit_count;
    uint32_t hash_count;
    uint32_t murmur_seed;
    const uint8_t *bits; /* borrowed */
};

/*   bits   [size_bytes] borrowed as long as the reader is used; size_bytes = bloom_byte_count() */
enum bloom_result bloom_reader_init(struct bloom_reader *reader, const struct bloom_params *params,
                                    const uint8_t *bits, size_t size_bytes);
bool bloom_reader_has_key(const struct bloom_reader *reader, const void *key, size_t size_bytes);

/* Bits that are set among the first `bit_count`. */
uint64_t bloom_count_set(const uint8_t *bits, uint32_t bit_count);
/* Bits that are set in the last byte behind `bit_count`: 0 in a well-made filter, [0, 7]. */
unsigned bloom_count_spare_set(const uint8_t *bits, uint32_t bit_count);

#ifdef __cplusplus
}
#endif

#endif
