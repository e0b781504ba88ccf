/* modulus - arithmetic modulo one number below 2^30.
 *
 * Values   residues are uint32_t in [0, q) unless a name ends in _lazy.
 * Memory   struct modulus is plain storage, constant once initialised, freely copied.
 * Threads  any.
 * Time     the inline functions have no branch, index or division on operands; what is slow or
 *          depends on its operands ends in _vartime.
 * Source   Barrett 1986; Montgomery 1985; Harvey, arXiv:1205.2926 (Shoup's multiplication). */
#ifndef BLINDLIST_RING_MODULUS_H
#define BLINDLIST_RING_MODULUS_H

#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Four times a residue still fits 32 bits: the lazy ranges of the transforms rest on it. */
#define MODULUS_MAX ((uint32_t)0x3fffffff)

struct modulus {
    uint32_t value;              /* q, in [2, 2^30) */
    uint32_t bits;               /* ceil(log2 q), the width of a packed residue */
    uint64_t barrett;            /* floor(2^64 / q) */
    uint32_t montgomery_inverse; /* q^-1 mod 2^32; 0 when q is even */
    uint32_t pow32;              /* 2^32 mod q */
    uint32_t pow64;              /* 2^64 mod q */
    uint32_t pow96;              /* 2^96 mod q */
};

/* STATUS_INVALID unless 2 <= value <= MODULUS_MAX. The value need not be prime. */
enum status modulus_init(uint64_t value, struct modulus *ret, struct error *err) MUST_CHECK;

/* Whether `value` is prime; exact for all 64-bit values. */
bool modulus_is_prime_vartime(uint64_t value);

/* x - q when x >= q, else x; x in [0, 2q). */
static inline uint32_t modulus_correct(uint32_t x, uint32_t q)
{
    const uint32_t smaller = x - q;
    return smaller + (q & (0 - (smaller >> 31)));
}

/* floor(x / q) for every x. */
static inline uint64_t modulus_quotient(const struct modulus *modulus, uint64_t x)
{
    const uint64_t estimate = (uint64_t)(((uint128)x * modulus->barrett) >> 64);
    const uint64_t rest = x - estimate * modulus->value; /* in [0, 2q) */
    return estimate + (1 ^ ((rest - modulus->value) >> 63));
}

/* x mod q for every x. */
static inline uint32_t modulus_reduce(const struct modulus *modulus, uint64_t x)
{
    const uint64_t estimate = (uint64_t)(((uint128)x * modulus->barrett) >> 64);
    return modulus_correct((uint32_t)(x - estimate * modulus->value), modulus->value);
}

static inline uint32_t modulus_add(const struct modulus *modulus, uint32_t a, uint32_t b)
{
    return modulus_correct(a + b, modulus->value);
}

static inline uint32_t modulus_sub(const struct modulus *modulus, uint32_t a, uint32_t b)
{
    return modulus_correct(a + modulus->value - b, modulus->value);
}

static inline uint32_t modulus_negate(const struct modulus *modulus, uint32_t a)
{
    return modulus_correct(modulus->value - a, modulus->value);
}

static inline uint32_t modulus_mul(const struct modulus *modulus, uint32_t a, uint32_t b)
{
    return modulus_reduce(modulus, (uint64_t)a * b);
}

/* base^exponent; the time depends on the exponent only. */
uint32_t modulus_power(const struct modulus *modulus, uint32_t base, uint64_t exponent);
/* The inverse of a; q prime and a not 0 mod q. */
uint32_t modulus_inverse(const struct modulus *modulus, uint32_t a);

/* Shoup: floor(factor * 2^32 / q) for a factor in [0, q) that is used often. */
static inline uint32_t shoup_quotient(const struct modulus *modulus, uint32_t factor)
{
    return (uint32_t)modulus_quotient(modulus, (uint64_t)factor << 32);
}

/* x * factor mod q in [0, 2q), for every 32-bit x. */
static inline uint32_t shoup_mul_lazy(uint32_t x, uint32_t factor, uint32_t quotient, uint32_t q)
{
    const uint32_t estimate = (uint32_t)(((uint64_t)x * quotient) >> 32);
    return x * factor - estimate * q;
}

/* x * 2^-32 mod q in [0, 2q), for x in [0, 2^32 * q); q odd. */
static inline uint32_t montgomery_reduce_lazy(uint64_t x, uint32_t q, uint32_t inverse)
{
    const uint32_t quotient = (uint32_t)x * inverse;
    return (uint32_t)(x >> 32) + q - (uint32_t)(((uint64_t)quotient * q) >> 32);
}

/* A prime field element in Montgomery form: a * 2^32 mod q. */
static inline uint32_t montgomery_from(const struct modulus *modulus, uint32_t a)
{
    return modulus_reduce(modulus, (uint64_t)a << 32);
}

#endif
