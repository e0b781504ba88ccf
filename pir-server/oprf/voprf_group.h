/* voprf_group - the group P-384 as both sides of the VOPRF use it: elements, scalars, transcripts.
 *
 * Functions that return a bool leave OpenSSL's reason in its queue, for openssl_error().
 * Threads  one at a time. */
#ifndef BLINDLIST_OPRF_VOPRF_GROUP_H
#define BLINDLIST_OPRF_VOPRF_GROUP_H

#include "pir-server/oprf/voprf.h"

#include <openssl/ec.h>
#include <stdbool.h>

/* What one computation works with. */
struct voprf_group {
    EC_GROUP *group;
    BN_CTX *context;
};
enum status voprf_group_init(struct voprf_group *group, struct error *err) MUST_CHECK;
void voprf_group_deinit(struct voprf_group *group); /* takes a zeroed one, too */

/* A scalar in [1, order), treated as secret. NULL without memory. */
BIGNUM *voprf_scalar_new(void);
bool voprf_scalar_is_valid(const struct voprf_group *group, const BIGNUM *scalar);
enum status voprf_scalar_draw(const struct voprf_group *group, const struct random_source *random,
                              BIGNUM *ret, struct error *err) MUST_CHECK;

/* false when the bytes are no element. */
bool voprf_element_read(const struct voprf_group *group, struct span bytes, EC_POINT *ret);
bool voprf_element_write(const struct voprf_group *group, const EC_POINT *element,
                         uint8_t ret[VOPRF_ELEMENT_BYTES]);
/* ret = scalar * element, in constant time. */
bool voprf_multiply(const struct voprf_group *group, const BIGNUM *scalar, const EC_POINT *element,
                    EC_POINT *ret);
/* HashToGroup of RFC 9497 section 4.4. */
enum status voprf_hash_input(const struct voprf_group *group, struct span input, EC_POINT *ret,
                             struct error *err) MUST_CHECK;
/* The value that belongs to an input and its evaluated element ("Finalize"). */
enum status voprf_value(const struct voprf_group *group, struct span input,
                        const EC_POINT *evaluated, uint8_t ret[VOPRF_VALUE_BYTES],
                        struct error *err) MUST_CHECK;

/* ---- the proof that two pairs have the same logarithm (section 2.2), for one pair ---- */

/* Of key * base = public and key * question = answer. */
enum status voprf_prove(const struct voprf_group *group, const BIGNUM *key,
                        const uint8_t public_key[VOPRF_ELEMENT_BYTES],
                        const uint8_t question[VOPRF_ELEMENT_BYTES],
                        const uint8_t answer[VOPRF_ELEMENT_BYTES],
                        const struct random_source *random, uint8_t ret_proof[VOPRF_PROOF_BYTES],
                        struct error *err) MUST_CHECK;
/* STATUS_MISMATCH when it is none of these; STATUS_MALFORMED when the key or the answer is no
 * element. */
enum status voprf_check_vartime(const struct voprf_group *group, struct span public_key,
                                const uint8_t question[VOPRF_ELEMENT_BYTES],
                                const uint8_t answer[VOPRF_ELEMENT_BYTES],
                                const uint8_t proof[VOPRF_PROOF_BYTES],
                                struct error *err) MUST_CHECK;

#endif
