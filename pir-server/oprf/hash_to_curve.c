#include "pir-server/oprf/hash_to_curve.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"
#include "pir-server/oprf/p384_field.h"

#include <assert.h>
#include <openssl/evp.h>

#define DIGEST_BYTES       48
#define DIGEST_BLOCK_BYTES 128
/* Blocks are counted in a byte. */
#define EXPAND_MAX_BYTES ((size_t)255 * DIGEST_BYTES)
#define POINT_BYTES      (1 + 2 * P384_FIELD_BYTES)
#define UNCOMPRESSED     ((uint8_t)4)

/* ---- expand_message_xmd, RFC 9380 section 5.3.1 ---- */

/* H(first || index || DST || |DST|), where `first` may come in two parts. */
static bool digest(EVP_MD_CTX *context, struct span first, struct span second, struct span tail,
                   struct span domain, uint8_t ret[DIGEST_BYTES])
{
    const uint8_t domain_size = (uint8_t)domain.size;
    return EVP_DigestInit_ex(context, EVP_sha384(), NULL) == 1 &&
           EVP_DigestUpdate(context, first.data, first.size) == 1 &&
           EVP_DigestUpdate(context, second.data, second.size) == 1 &&
           EVP_DigestUpdate(context, tail.data, tail.size) == 1 &&
           EVP_DigestUpdate(context, domain.data, domain.size) == 1 &&
           EVP_DigestUpdate(context, &domain_size, 1) == 1 &&
           EVP_DigestFinal_ex(context, ret, NULL) == 1;
}

/* `size` bytes that look random. */
static enum status hash_expand(struct span message, struct span domain, uint8_t *ret, size_t size,
                               struct error *err)
{
    static const uint8_t pad[DIGEST_BLOCK_BYTES];
    assert(size > 0 && size <= EXPAND_MAX_BYTES);
    assert(domain.size > 0 && domain.size <= HASH_TO_CURVE_DOMAIN_MAX_BYTES);
    const uint8_t tail[3] = {(uint8_t)(size >> 8), (uint8_t)size, 0};
    uint8_t first[DIGEST_BYTES];
    uint8_t block[DIGEST_BYTES] = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && digest(context, span_of(pad, sizeof pad), message,
                                             span_of(tail, sizeof tail), domain, first);
    for (size_t at = 0; is_done && at < size; at += DIGEST_BYTES) {
        const uint8_t index = (uint8_t)(at / DIGEST_BYTES + 1);
        for (size_t i = 0; i < DIGEST_BYTES; i++)
            block[i] ^= first[i];
        is_done = digest(context, span_of(block, sizeof block), span_of(NULL, 0),
                         span_of(&index, 1), domain, block);
        memcpy(ret + at, block, size - at < DIGEST_BYTES ? size - at : DIGEST_BYTES);
    }
    EVP_MD_CTX_free(context);
    mem_wipe(first, sizeof first);
    mem_wipe(block, sizeof block);
    return is_done ? STATUS_OK : openssl_error(err, "hashing a message");
}

/* ---- Simplified Shallue-van de Woestijne-Ulas, RFC 9380 section 6.6.2 ---- */

/* y^2 = x^3 + A x + B, and what the map is made with (section 8.3: Z = -12). */
struct curve {
    struct p384_number one;
    struct p384_number a;      /* -3 */
    struct p384_number b;      /* FIPS 186-5 */
    struct p384_number z;      /* no square */
    struct p384_number root_z; /* of -Z */
};

static struct curve curve_make(void)
{
    static const uint8_t wide_b[P384_FIELD_WIDE_BYTES] = {
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0xb3, 0x31, 0x2f, 0xa7, 0xe2, 0x3e,
        0xe7, 0xe4, 0x98, 0x8e, 0x05, 0x6b, 0xe3, 0xf8, 0x2d, 0x19, 0x18, 0x1d, 0x9c, 0x6e, 0xfe,
        0x81, 0x41, 0x12, 0x03, 0x14, 0x08, 0x8f, 0x50, 0x13, 0x87, 0x5a, 0xc6, 0x56, 0x39, 0x8d,
        0x8a, 0x2e, 0xd1, 0x9d, 0x2a, 0x85, 0xc8, 0xed, 0xd3, 0xec, 0x2a, 0xef};
    const struct p384_number three = p384_from_small(3);
    const struct p384_number twelve = p384_from_small(12);
    const struct p384_number root = p384_root_power(&twelve);
    return (struct curve){.one = p384_from_small(1),
                          .a = p384_negate(&three),
                          .b = p384_from_wide(wide_b),
                          .z = p384_negate(&twelve),
                          .root_z = p384_multiply(&root, &twelve)};
}

/* sqrt(u/v) where u/v is a square, else sqrt(Z u/v); RFC 9380 appendix F.2.1.2. */
static p384_mask root_of_ratio(const struct curve *curve, const struct p384_number *u,
                               const struct p384_number *v, struct p384_number *ret)
{
    const struct p384_number u_v = p384_multiply(u, v);
    const struct p384_number v_2 = p384_square(v);
    const struct p384_number u_v_3 = p384_multiply(&u_v, &v_2);
    struct p384_number root = p384_root_power(&u_v_3);
    root = p384_multiply(&root, &u_v);
    const struct p384_number other = p384_multiply(&root, &curve->root_z);
    struct p384_number back = p384_square(&root);
    back = p384_multiply(&back, v);
    const p384_mask is_square = p384_is_equal(&back, u);
    *ret = p384_select(is_square, &root, &other);
    return is_square;
}

/* The point that the map gives for u: affine, uncompressed. Formulas of appendix F.2. */
static void map_to_curve(const struct curve *curve, const struct p384_number *u,
                         uint8_t ret[POINT_BYTES])
{
    /* x1 = B (1 + t) / (-A t) with t = Z^2 u^4 + Z u^2; where t is 0, x1 = B / (Z A). */
    struct p384_number z_u_2 = p384_square(u);
    z_u_2 = p384_multiply(&z_u_2, &curve->z);
    struct p384_number t = p384_square(&z_u_2);
    t = p384_add(&t, &z_u_2);
    struct p384_number above = p384_add(&t, &curve->one);
    above = p384_multiply(&above, &curve->b);
    struct p384_number below = p384_negate(&t);
    below = p384_select(p384_is_zero(&t), &curve->z, &below);
    below = p384_multiply(&below, &curve->a);
    /* The equation's right side at x1, as a ratio: x1^3 + A x1 + B over below^3. */
    const struct p384_number below_2 = p384_square(&below);
    const struct p384_number below_3 = p384_multiply(&below_2, &below);
    const struct p384_number constant = p384_multiply(&curve->b, &below_3);
    const struct p384_number linear = p384_multiply(&curve->a, &below_2);
    struct p384_number right = p384_square(&above);
    right = p384_add(&right, &linear);
    right = p384_multiply(&right, &above);
    right = p384_add(&right, &constant);
    /* x1 where that is a square, else x2 = Z u^2 x1. */
    struct p384_number y1;
    const p384_mask is_x1 = root_of_ratio(curve, &right, &below_3, &y1);
    struct p384_number x = p384_multiply(&z_u_2, &above);
    x = p384_select(is_x1, &above, &x);
    struct p384_number y = p384_multiply(&z_u_2, u);
    y = p384_multiply(&y, &y1);
    y = p384_select(is_x1, &y1, &y);
    const struct p384_number minus_y = p384_negate(&y);
    y = p384_select(p384_is_odd(u) ^ p384_is_odd(&y), &minus_y, &y);
    below = p384_invert(&below);
    x = p384_multiply(&x, &below);

    ret[0] = UNCOMPRESSED;
    p384_to_bytes(&x, ret + 1);
    p384_to_bytes(&y, ret + 1 + P384_FIELD_BYTES);
}

enum status hash_to_point(const EC_GROUP *group, struct span message, struct span domain,
                          EC_POINT *ret, struct error *err)
{
    uint8_t wide[2][P384_FIELD_WIDE_BYTES];
    uint8_t mapped[2][POINT_BYTES];
    const enum status status = hash_expand(message, domain, wide[0], sizeof wide, err);
    if (status != STATUS_OK)
        return status;
    const struct curve curve = curve_make();
    for (size_t i = 0; i < ARRAY_COUNT(mapped); i++) {
        struct p384_number u = p384_from_wide(wide[i]);
        map_to_curve(&curve, &u, mapped[i]);
        mem_wipe(&u, sizeof u);
    }
    EC_POINT *other = EC_POINT_new(group);
    const bool is_done = other != NULL &&
                         EC_POINT_oct2point(group, ret, mapped[0], POINT_BYTES, NULL) == 1 &&
                         EC_POINT_oct2point(group, other, mapped[1], POINT_BYTES, NULL) == 1 &&
                         EC_POINT_add(group, ret, ret, other, NULL) == 1;
    EC_POINT_clear_free(other);
    mem_wipe(wide, sizeof wide);
    mem_wipe(mapped, sizeof mapped);
    return is_done ? STATUS_OK : openssl_error(err, "hashing onto P-384");
}

enum status hash_to_scalar_vartime(const EC_GROUP *group, struct span message, struct span domain,
                                   BIGNUM *ret, struct error *err)
{
    uint8_t wide[P384_FIELD_WIDE_BYTES];
    const enum status status = hash_expand(message, domain, wide, sizeof wide, err);
    if (status != STATUS_OK)
        return status;
    BN_CTX *context = BN_CTX_new();
    const bool is_done = context != NULL && BN_bin2bn(wide, sizeof wide, ret) != NULL &&
                         BN_nnmod(ret, ret, EC_GROUP_get0_order(group), context) == 1;
    BN_CTX_free(context);
    return is_done ? STATUS_OK : openssl_error(err, "hashing into the scalars of P-384");
}
