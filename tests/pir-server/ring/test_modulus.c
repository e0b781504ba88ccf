#include "pir-server/ring/modulus.h"

#include <criterion/criterion.h>

static const uint32_t moduli[] = {2,      3,         17,        97,         4099,
                                  131249, 134176769, 268369921, 1073741789, MODULUS_MAX};

Test(modulus, primes_are_told_from_composites)
{
    unsigned count = 0;
    for (uint64_t value = 0; value < 1000; value++)
        count += modulus_is_prime_vartime(value);
    cr_assert_eq(count, 168);
    cr_assert(modulus_is_prime_vartime(18446744073709551557u), "the largest below 2^64");
    cr_assert(modulus_is_prime_vartime(1152921504606830593u));
    cr_assert(!modulus_is_prime_vartime(3215031751u), "strong pseudoprime to 2, 3, 5, 7");
    cr_assert(!modulus_is_prime_vartime((uint64_t)134176769 * 268369921));
}

Test(modulus, range_is_checked)
{
    struct modulus modulus;
    struct error error;
    cr_assert_eq(modulus_init(1, &modulus, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "modulus 1 is not in 2..1073741823");
    cr_assert_eq(modulus_init((uint64_t)1 << 30, &modulus, NULL), STATUS_INVALID);
    cr_assert_eq(modulus_init((uint64_t)1 << 33, &modulus, NULL), STATUS_INVALID);
}

Test(modulus, reductions_equal_division)
{
    for (size_t m = 0; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        uint64_t x = 0;
        for (unsigned i = 0; i < 4000; i++) {
            cr_assert_eq(modulus_reduce(&q, x), x % q.value);
            cr_assert_eq(modulus_quotient(&q, x), x / q.value);
            const uint64_t near = UINT64_MAX - i;
            cr_assert_eq(modulus_reduce(&q, near), near % q.value);
            cr_assert_eq(modulus_quotient(&q, near), near / q.value);
            const uint64_t multiple = (uint64_t)i * i * q.value;
            cr_assert_eq(modulus_quotient(&q, multiple), (uint64_t)i * i);
            x = x * 6364136223846793005u + 1442695040888963407u;
        }
        cr_assert_eq(modulus_add(&q, q.value - 1, q.value - 1), (q.value - 2) % q.value);
        cr_assert_eq(modulus_sub(&q, 0, q.value - 1), 1 % q.value);
        cr_assert_eq(modulus_negate(&q, 0), 0);
        cr_assert_eq(modulus_negate(&q, 1), q.value - 1);
    }
}

Test(modulus, lazy_products_are_congruent_and_in_range)
{
    for (size_t m = 1; m < ARRAY_COUNT(moduli); m++) {
        struct modulus q;
        cr_assert_eq(modulus_init(moduli[m], &q, NULL), STATUS_OK);
        uint64_t x = 99;
        for (unsigned i = 0; i < 2000; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            const uint32_t factor = (uint32_t)(x >> 32) % q.value;
            const uint32_t value = i == 0 ? UINT32_MAX : (uint32_t)(x >> 20);
            const uint32_t shoup =
                shoup_mul_lazy(value, factor, shoup_quotient(&q, factor), q.value);
            cr_assert_lt(shoup, 2 * q.value);
            cr_assert_eq(shoup % q.value, (uint64_t)value * factor % q.value);

            const uint64_t wide = i == 0 ? ((uint64_t)q.value << 32) - 1 : (uint64_t)value * factor;
            const uint32_t reduced = montgomery_reduce_lazy(wide, q.value, q.montgomery_inverse);
            cr_assert_lt(reduced, 2 * q.value);
            cr_assert_eq(((uint64_t)reduced << 32) % q.value, wide % q.value);
            cr_assert_eq(montgomery_from(&q, factor), ((uint64_t)factor << 32) % q.value);
        }
    }
}

Test(modulus, powers_and_inverses)
{
    struct modulus q;
    cr_assert_eq(modulus_init(268369921, &q, NULL), STATUS_OK);
    cr_assert_eq(modulus_power(&q, 3, 0), 1);
    cr_assert_eq(modulus_power(&q, 3, 5), 243);
    for (uint32_t a = 1; a < 300; a++)
        cr_assert_eq(modulus_mul(&q, a, modulus_inverse(&q, a)), 1);
    /* spec/bfv.md section 1: inverses of P and of q_1. */
    struct modulus q0;
    cr_assert_eq(modulus_init(134176769, &q0, NULL), STATUS_OK);
    cr_assert_eq(modulus_inverse(&q0, 268361729 % 134176769), 67096575);
    cr_assert_eq(modulus_inverse(&q, 268361729), 32760);
    cr_assert_eq(modulus_inverse(&q0, 268369921 % 134176769), 8190);
}
