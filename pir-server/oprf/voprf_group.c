#include "pir-server/oprf/voprf_group.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"
#include "pir-server/oprf/hash_to_curve.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static const char hash_to_group_domain[] = "HashToGroup-OPRFV1-\x01-P384-SHA384";

enum status voprf_group_init(struct voprf_group *group, struct error *err)
{
    group->group = EC_GROUP_new_by_curve_name(NID_secp384r1);
    group->context = BN_CTX_secure_new();
    if (group->group != NULL && group->context != NULL)
        return STATUS_OK;
    voprf_group_deinit(group);
    return openssl_error(err, "the group P-384");
}

void voprf_group_deinit(struct voprf_group *group)
{
    EC_GROUP_free(group->group);
    BN_CTX_free(group->context); /* wipes */
    *group = (struct voprf_group){0};
}

BIGNUM *voprf_scalar_new(void)
{
    BIGNUM *scalar = BN_new();
    if (scalar != NULL)
        BN_set_flags(scalar, BN_FLG_CONSTTIME);
    return scalar;
}

bool voprf_scalar_is_valid(const struct voprf_group *group, const BIGNUM *scalar)
{
    return !BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group->group)) < 0;
}

/* Rejection: one draw in 2^190 is taken again. */
enum status voprf_scalar_draw(const struct voprf_group *group, const struct random_source *random,
                              BIGNUM *ret, struct error *err)
{
    uint8_t drawn[VOPRF_SCALAR_BYTES];
    enum status status;
    do {
        status = random_fill(random, drawn, sizeof drawn, err);
        if (status == STATUS_OK && BN_bin2bn(drawn, sizeof drawn, ret) == NULL)
            status = openssl_error(err, "a random scalar");
    } while (status == STATUS_OK && !voprf_scalar_is_valid(group, ret));
    mem_wipe(drawn, sizeof drawn);
    return status;
}

bool voprf_element_read(const struct voprf_group *group, struct span bytes, EC_POINT *ret)
{
    /* The point at infinity has one byte. */
    if (bytes.size != VOPRF_ELEMENT_BYTES)
        return false;
    return EC_POINT_oct2point(group->group, ret, bytes.data, bytes.size, group->context) == 1;
}

bool voprf_element_write(const struct voprf_group *group, const EC_POINT *element,
                         uint8_t ret[VOPRF_ELEMENT_BYTES])
{
    return EC_POINT_point2oct(group->group, element, POINT_CONVERSION_COMPRESSED, ret,
                              VOPRF_ELEMENT_BYTES, group->context) == VOPRF_ELEMENT_BYTES;
}

bool voprf_multiply(const struct voprf_group *group, const BIGNUM *scalar, const EC_POINT *element,
                    EC_POINT *ret)
{
    return EC_POINT_mul(group->group, ret, NULL, element, scalar, group->context) == 1;
}

enum status voprf_hash_input(const struct voprf_group *group, struct span input, EC_POINT *ret,
                             struct error *err)
{
    return hash_to_point(group->group, input, span_of_text(hash_to_group_domain), ret, err);
}

enum status voprf_value(const struct voprf_group *group, struct span input,
                        const EC_POINT *evaluated, uint8_t ret[VOPRF_VALUE_BYTES],
                        struct error *err)
{
    static const char last[] = "Finalize";
    const uint8_t input_size[2] = {(uint8_t)(input.size >> 8), (uint8_t)input.size};
    const uint8_t element_size[2] = {0, VOPRF_ELEMENT_BYTES};
    uint8_t element[VOPRF_ELEMENT_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool is_done = context != NULL && voprf_element_write(group, evaluated, element) &&
                         EVP_DigestInit_ex(context, EVP_sha384(), NULL) == 1 &&
                         EVP_DigestUpdate(context, input_size, sizeof input_size) == 1 &&
                         EVP_DigestUpdate(context, input.data, input.size) == 1 &&
                         EVP_DigestUpdate(context, element_size, sizeof element_size) == 1 &&
                         EVP_DigestUpdate(context, element, sizeof element) == 1 &&
                         EVP_DigestUpdate(context, last, sizeof last - 1) == 1 &&
                         EVP_DigestFinal_ex(context, ret, NULL) == 1;
    EVP_MD_CTX_free(context);
    mem_wipe(element, sizeof element);
    if (is_done)
        return STATUS_OK;
    mem_wipe(ret, VOPRF_VALUE_BYTES);
    return openssl_error(err, "the value of an oblivious function");
}
