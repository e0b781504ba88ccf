/* Montgomery multiplication word by word (Koc, Acar, Kaliski 1996, "CIOS"). */
#include "pir-server/oprf/p384_field.h"

#include "base/compiler.h"

#include <assert.h>
#include <stddef.h>

#define WORD_BITS 64

static_assert(P384_FIELD_WORDS * sizeof(uint64_t) == P384_FIELD_BYTES, "384 bits");

static const struct p384_number prime = {{0x00000000ffffffff, 0xffffffff00000000,
                                          0xfffffffffffffffe, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
/* -1/p mod 2^64: (2^32 - 1) (2^32 + 1) = -1 mod 2^64. */
#define PRIME_NEGATIVE_INVERSE UINT64_C(0x100000001)
/* 2^768 and 2^1152 mod p: products with them bring numbers, and 2^384 times numbers, into
 * Montgomery form. */
static const struct p384_number into_form = {
    {0xfffffffe00000001, 0x0000000200000000, 0xfffffffe00000000, 0x0000000200000000, 1, 0}};
static const struct p384_number into_form_shifted = {{0xfffffffc00000002, 0x0000000300000002,
                                                      0xfffffffcfffffffe, 0x0000000300000005,
                                                      0xfffffffdfffffffd, 0x0000000300000002}};

/* a - b - borrow; the borrow out is 0 or 1. */
static uint64_t subtract_word(uint64_t a, uint64_t b, uint64_t *borrow)
{
    const uint128 difference = (uint128)a - b - *borrow;
    *borrow = (uint64_t)(difference >> WORD_BITS) & 1;
    return (uint64_t)difference;
}

/* What is left of top 2^384 + a, below 2p, when p is taken off it where that is possible. */
static struct p384_number reduce_once(uint64_t top, const struct p384_number *a)
{
    struct p384_number less;
    uint64_t borrow = 0;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++)
        less.words[i] = subtract_word(a->words[i], prime.words[i], &borrow);
    (void)subtract_word(top, 0, &borrow);
    return p384_select(0 - borrow, a, &less);
}

struct p384_number p384_add(const struct p384_number *a, const struct p384_number *b)
{
    struct p384_number sum;
    uint128 carry = 0;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++) {
        carry += (uint128)a->words[i] + b->words[i];
        sum.words[i] = (uint64_t)carry;
        carry >>= WORD_BITS;
    }
    return reduce_once((uint64_t)carry, &sum);
}

struct p384_number p384_negate(const struct p384_number *a)
{
    struct p384_number left;
    uint64_t borrow = 0;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++)
        left.words[i] = subtract_word(prime.words[i], a->words[i], &borrow);
    return reduce_once(0, &left); /* p - 0 = p */
}

/* a b / 2^384 mod p, for a below 2^384 and b below p. */
struct p384_number p384_multiply(const struct p384_number *a, const struct p384_number *b)
{
    uint64_t sum[P384_FIELD_WORDS + 2] = {0};
    for (size_t i = 0; i < P384_FIELD_WORDS; i++) {
        uint128 carry = 0;
        for (size_t j = 0; j < P384_FIELD_WORDS; j++) {
            carry += (uint128)a->words[i] * b->words[j] + sum[j];
            sum[j] = (uint64_t)carry;
            carry >>= WORD_BITS;
        }
        carry += sum[P384_FIELD_WORDS];
        sum[P384_FIELD_WORDS] = (uint64_t)carry;
        sum[P384_FIELD_WORDS + 1] = (uint64_t)(carry >> WORD_BITS);

        /* Adds the multiple of p that clears the lowest word, and shifts that word out. */
        const uint64_t multiple = sum[0] * PRIME_NEGATIVE_INVERSE;
        carry = ((uint128)multiple * prime.words[0] + sum[0]) >> WORD_BITS;
        for (size_t j = 1; j < P384_FIELD_WORDS; j++) {
            carry += (uint128)multiple * prime.words[j] + sum[j];
            sum[j - 1] = (uint64_t)carry;
            carry >>= WORD_BITS;
        }
        carry += sum[P384_FIELD_WORDS];
        sum[P384_FIELD_WORDS - 1] = (uint64_t)carry;
        sum[P384_FIELD_WORDS] = sum[P384_FIELD_WORDS + 1] + (uint64_t)(carry >> WORD_BITS);
    }
    struct p384_number product;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++)
        product.words[i] = sum[i];
    return reduce_once(sum[P384_FIELD_WORDS], &product);
}

struct p384_number p384_square(const struct p384_number *a)
{
    return p384_multiply(a, a);
}

static struct p384_number square_times(struct p384_number a, size_t times)
{
    for (size_t i = 0; i < times; i++)
        a = p384_square(&a);
    return a;
}

/* a^(2^(m + n) - 1) of powers a^(2^m - 1) and a^(2^n - 1). */
static struct p384_number join_ones(const struct p384_number *ones_m,
                                    const struct p384_number *ones_n, size_t n)
{
    const struct p384_number shifted = square_times(*ones_m, n);
    return p384_multiply(&shifted, ones_n);
}

/* (p - 3) / 4 = 2^382 - 2^126 - 2^94 + 2^30 - 1 in binary: 255 ones, a zero, 32 ones, 64 zeros and
 * 30 ones. */
struct p384_number p384_root_power(const struct p384_number *a)
{
    const struct p384_number ones_2 = join_ones(a, a, 1);
    const struct p384_number ones_3 = join_ones(&ones_2, a, 1);
    const struct p384_number ones_6 = join_ones(&ones_3, &ones_3, 3);
    const struct p384_number ones_12 = join_ones(&ones_6, &ones_6, 6);
    const struct p384_number ones_15 = join_ones(&ones_12, &ones_3, 3);
    const struct p384_number ones_30 = join_ones(&ones_15, &ones_15, 15);
    const struct p384_number ones_32 = join_ones(&ones_30, &ones_2, 2);
    const struct p384_number ones_60 = join_ones(&ones_30, &ones_30, 30);
    const struct p384_number ones_120 = join_ones(&ones_60, &ones_60, 60);
    const struct p384_number ones_240 = join_ones(&ones_120, &ones_120, 120);
    const struct p384_number ones_255 = join_ones(&ones_240, &ones_15, 15);
    struct p384_number power = join_ones(&ones_255, &ones_32, 1 + 32);
    power = square_times(power, 64);
    return join_ones(&power, &ones_30, 30);
}

/* a^(p - 2), and p - 2 = 4 (p - 3) / 4 + 1. */
struct p384_number p384_invert(const struct p384_number *a)
{
    struct p384_number power = p384_root_power(a);
    power = square_times(power, 2);
    return p384_multiply(&power, a);
}

struct p384_number p384_select(p384_mask chooses_a, const struct p384_number *a,
                               const struct p384_number *b)
{
    struct p384_number chosen;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++)
        chosen.words[i] = (a->words[i] & chooses_a) | (b->words[i] & ~chooses_a);
    return chosen;
}

p384_mask p384_is_zero(const struct p384_number *a)
{
    uint64_t any = 0;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++)
        any |= a->words[i];
    return ((any | (0 - any)) >> (WORD_BITS - 1)) - 1;
}

p384_mask p384_is_equal(const struct p384_number *a, const struct p384_number *b)
{
    struct p384_number difference;
    for (size_t i = 0; i < P384_FIELD_WORDS; i++)
        difference.words[i] = a->words[i] ^ b->words[i];
    return p384_is_zero(&difference);
}

static struct p384_number out_of_montgomery(const struct p384_number *a)
{
    static const struct p384_number one = {{1}};
    return p384_multiply(a, &one);
}

p384_mask p384_is_odd(const struct p384_number *a)
{
    return 0 - (out_of_montgomery(a).words[0] & 1);
}

/* Words of big-endian bytes, the last ones of `size` first; what is beyond them is 0. */
static struct p384_number words_of(const uint8_t *bytes, size_t size)
{
    struct p384_number number = {{0}};
    for (size_t i = 0; i < size; i++)
        number.words[i / 8] |= (uint64_t)bytes[size - 1 - i] << (8 * (i % 8));
    return number;
}

struct p384_number p384_from_wide(const uint8_t wide[P384_FIELD_WIDE_BYTES])
{
    const size_t high_bytes = P384_FIELD_WIDE_BYTES - P384_FIELD_BYTES;
    struct p384_number high = words_of(wide, high_bytes);
    struct p384_number low = words_of(wide + high_bytes, P384_FIELD_BYTES);
    high = p384_multiply(&high, &into_form_shifted);
    low = p384_multiply(&low, &into_form);
    return p384_add(&high, &low);
}

struct p384_number p384_from_small(uint32_t value)
{
    const struct p384_number number = {{value}};
    return p384_multiply(&number, &into_form);
}

void p384_to_bytes(const struct p384_number *a, uint8_t ret[P384_FIELD_BYTES])
{
    const struct p384_number number = out_of_montgomery(a);
    for (size_t i = 0; i < P384_FIELD_BYTES; i++)
        ret[P384_FIELD_BYTES - 1 - i] = (uint8_t)(number.words[i / 8] >> (8 * (i % 8)));
}
