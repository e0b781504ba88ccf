#include "pir-server/oprf/hash_to_curve.h"

#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/oprf/oprf_help.h"

#include <criterion/criterion.h>
#include <openssl/obj_mac.h>

#define POINT_BYTES ((size_t)97)

static struct error error;

static const char *text(const json_t *vector, const char *member)
{
    const char *value = json_string_value(json_object_get(vector, member));
    cr_assert(value != NULL, "vector without %s", member);
    return value;
}

Test(hash_to_curve, vectors_of_rfc_9380)
{
    json_t *vectors = oprf_vectors("rfc9380.json");
    const struct span domain = span_of_text(text(vectors, "DST"));
    const json_t *cases = json_object_get(vectors, "vectors");
    cr_assert_eq(json_array_size(cases), 5);
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp384r1);
    EC_POINT *point = EC_POINT_new(group);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        cr_assert_eq(hash_to_point(group, span_of_text(text(vector, "msg")), domain, point, &error),
                     STATUS_OK, "%s", error.message);
        uint8_t got[POINT_BYTES];
        cr_assert_eq(
            EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, got, sizeof got, NULL),
            POINT_BYTES);
        assert_member(span_of(got + 1, POINT_BYTES / 2), vector, "x");
        assert_member(span_of(got + 1 + POINT_BYTES / 2, POINT_BYTES / 2), vector, "y");
    }
    EC_POINT_free(point);
    EC_GROUP_free(group);
    json_decref(vectors);
}

Test(hash_to_curve, scalars_are_below_the_order_and_differ_by_domain)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp384r1);
    BIGNUM *a = BN_new();
    BIGNUM *b = BN_new();
    const struct span message = span_of_text("a message");
    cr_assert_eq(hash_to_scalar_vartime(group, message, span_of_text("A"), a, &error), STATUS_OK);
    cr_assert_eq(hash_to_scalar_vartime(group, message, span_of_text("B"), b, &error), STATUS_OK);
    cr_assert(BN_cmp(a, EC_GROUP_get0_order(group)) < 0 && BN_cmp(a, b) != 0);
    BN_free(b);
    BN_free(a);
    EC_GROUP_free(group);
}
