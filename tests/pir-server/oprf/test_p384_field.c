#include "pir-server/oprf/p384_field.h"

#include "base/random.h"
#include "base/span.h"

#include <criterion/criterion.h>
#include <openssl/bn.h>

#define ROUNDS 200

/* 2^384 - 2^128 - 2^96 + 2^32 - 1 */
static BIGNUM *prime(void)
{
    BIGNUM *p = BN_new();
    BIGNUM *power = BN_new();
    static const struct {
        int exponent;
        bool is_taken_off;
    } terms[] = {{384, false}, {128, true}, {96, true}, {32, false}, {0, true}};
    BN_zero(p);
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        BN_zero(power);
        BN_set_bit(power, terms[i].exponent);
        cr_assert_eq(terms[i].is_taken_off ? BN_sub(p, p, power) : BN_add(p, p, power), 1);
    }
    BN_free(power);
    return p;
}

static void assert_is(const struct p384_number *got, const BIGNUM *expected, const char *what)
{
    uint8_t bytes[P384_FIELD_BYTES];
    uint8_t due[P384_FIELD_BYTES];
    p384_to_bytes(got, bytes);
    cr_assert_eq(BN_bn2binpad(expected, due, sizeof due), (int)sizeof due);
    cr_assert(memcmp(bytes, due, sizeof due) == 0, "%s", what);
}

/* Random ones, all zeros, all ones, and the prime and its neighbours. */
static void wide_number(size_t round, const struct random_source *random, const BIGNUM *p,
                        uint8_t ret[P384_FIELD_WIDE_BYTES])
{
    if (round < 2) {
        memset(ret, round == 0 ? 0 : 0xff, P384_FIELD_WIDE_BYTES);
    } else if (round < 5) {
        BIGNUM *near = BN_dup(p);
        cr_assert_eq(BN_sub_word(near, 1) && BN_add_word(near, round - 2), 1);
        cr_assert_gt(BN_bn2binpad(near, ret, P384_FIELD_WIDE_BYTES), 0);
        BN_free(near);
    } else {
        cr_assert_eq(random_fill(random, ret, P384_FIELD_WIDE_BYTES, NULL), STATUS_OK);
    }
}

Test(p384_field, computes_as_big_numbers_do)
{
    struct random_seeded state;
    static const uint8_t seed[RANDOM_SEED_BYTES] = "p384_field";
    const struct random_source random = random_seeded_init(&state, seed);
    BN_CTX *context = BN_CTX_new();
    BIGNUM *p = prime();
    BIGNUM *x = BN_new();
    BIGNUM *y = BN_new();
    BIGNUM *due = BN_new();
    BIGNUM *exponent = BN_dup(p);
    cr_assert_eq(BN_sub_word(exponent, 3) && BN_rshift(exponent, exponent, 2), 1);
    for (size_t round = 0; round < ROUNDS; round++) {
        uint8_t wide[2][P384_FIELD_WIDE_BYTES];
        wide_number(round, &random, p, wide[0]);
        wide_number((round * 7) % ROUNDS, &random, p, wide[1]);
        BN_bin2bn(wide[0], P384_FIELD_WIDE_BYTES, x);
        BN_bin2bn(wide[1], P384_FIELD_WIDE_BYTES, y);
        cr_assert(BN_nnmod(x, x, p, context) && BN_nnmod(y, y, p, context));
        const struct p384_number a = p384_from_wide(wide[0]);
        const struct p384_number b = p384_from_wide(wide[1]);
        assert_is(&a, x, "remainder");
        struct p384_number got = p384_add(&a, &b);
        cr_assert_eq(BN_mod_add(due, x, y, p, context), 1);
        assert_is(&got, due, "sum");
        got = p384_multiply(&a, &b);
        cr_assert_eq(BN_mod_mul(due, x, y, p, context), 1);
        assert_is(&got, due, "product");
        got = p384_negate(&a);
        BN_zero(due);
        cr_assert_eq(BN_mod_sub(due, due, x, p, context), 1);
        assert_is(&got, due, "negative");
        got = p384_root_power(&a);
        cr_assert_eq(BN_mod_exp(due, x, exponent, p, context), 1);
        assert_is(&got, due, "power for a root");
        got = p384_invert(&a);
        BN_zero(due);
        cr_assert(BN_is_zero(x) || BN_mod_inverse(due, x, p, context) != NULL);
        assert_is(&got, due, "inverse");
        cr_assert_eq(p384_is_odd(&a), BN_is_odd(x) ? UINT64_MAX : 0);
        cr_assert_eq(p384_is_zero(&a), BN_is_zero(x) ? UINT64_MAX : 0);
        cr_assert_eq(p384_is_equal(&a, &b), BN_cmp(x, y) == 0 ? UINT64_MAX : 0);
        got = p384_select(0, &a, &b);
        assert_is(&got, y, "the other one");
    }
    BN_free(exponent);
    BN_free(due);
    BN_free(y);
    BN_free(x);
    BN_free(p);
    BN_CTX_free(context);
}

Test(p384_field, small_numbers)
{
    const struct p384_number six = p384_from_small(6);
    const struct p384_number two = p384_from_small(2);
    struct p384_number three = p384_from_small(3);
    three = p384_multiply(&three, &two);
    cr_assert_eq(p384_is_equal(&three, &six), UINT64_MAX);
}
