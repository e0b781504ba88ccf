#include "pir-server/ring/modulus.h"

#include <inttypes.h>
#include <stddef.h>

static uint64_t mul_mod_u64(uint64_t a, uint64_t b, uint64_t q)
{
    return (uint64_t)((uint128)a * b % q);
}

static uint64_t power_mod_u64(uint64_t base, uint64_t exponent, uint64_t q)
{
    uint64_t result = 1 % q;
    base %= q;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = mul_mod_u64(result, base, q);
        base = mul_mod_u64(base, base, q);
    }
    return result;
}

/* Miller and Rabin; the first twelve primes as bases decide every number below 3.3e24 (Sorenson and
 * Webster, arXiv:1509.00864). */
bool modulus_is_prime_vartime(uint64_t value)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (value < 2)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(bases); i++)
        if (value % bases[i] == 0)
            return value == bases[i];

    uint64_t odd = value - 1;
    unsigned twos = 0;
    for (; odd % 2 == 0; odd /= 2)
        twos++;
    for (size_t i = 0; i < ARRAY_COUNT(bases); i++) {
        uint64_t x = power_mod_u64(bases[i], odd, value);
        bool passes = x == 1 || x == value - 1;
        for (unsigned k = 1; k < twos && !passes; k++) {
            x = mul_mod_u64(x, x, value);
            passes = x == value - 1;
        }
        if (!passes)
            return false;
    }
    return true;
}

enum status modulus_init(uint64_t value, struct modulus *ret, struct error *err)
{
    if (value < 2 || value > MODULUS_MAX)
        return error_set(err, STATUS_INVALID, "modulus %" PRIu64 " is not in 2..%" PRIu32, value,
                         MODULUS_MAX);
    const uint32_t q = (uint32_t)value;
    struct modulus modulus = {.value = q};
    while (((uint64_t)1 << modulus.bits) < value)
        modulus.bits++;
    modulus.barrett = (uint64_t)(((uint128)1 << 64) / q);
    if (q & 1) {
        /* Newton: each step doubles the number of right low bits, starting from three. */
        uint32_t inverse = q;
        for (int step = 0; step < 4; step++)
            inverse *= 2 - q * inverse;
        modulus.montgomery_inverse = inverse;
    }
    modulus.pow32 = (uint32_t)(((uint64_t)1 << 32) % q);
    modulus.pow64 = (uint32_t)((uint64_t)modulus.pow32 * modulus.pow32 % q);
    modulus.pow96 = (uint32_t)((uint64_t)modulus.pow64 * modulus.pow32 % q);
    *ret = modulus;
    return STATUS_OK;
}

uint32_t modulus_power(const struct modulus *modulus, uint32_t base, uint64_t exponent)
{
    uint32_t result = modulus_reduce(modulus, 1);
    uint32_t square = modulus_reduce(modulus, base);
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = modulus_mul(modulus, result, square);
        square = modulus_mul(modulus, square, square);
    }
    return result;
}

/* Fermat: the exponent q - 2 is public, so the time tells nothing about a. */
uint32_t modulus_inverse(const struct modulus *modulus, uint32_t a)
{
    return modulus_power(modulus, a, modulus->value - 2);
}
