/* hash_to_curve - byte strings onto the curve P-384 and into its scalars (RFC 9380).
 *
 * Suites   P384_XMD:SHA-384_SSWU_RO_ for points; expand_message_xmd with SHA-384 for both.
 * Domain   `domain` is the domain separation tag, 1 to 255 bytes.
 * Time     of a point depends on the size of the message only.
 * Threads  any. */
#ifndef BLINDLIST_OPRF_HASH_TO_CURVE_H
#define BLINDLIST_OPRF_HASH_TO_CURVE_H

#include "base/span.h"
#include "base/status.h"

#include <openssl/ec.h>

#define HASH_TO_CURVE_DOMAIN_MAX_BYTES 255

/* `ret` is a point of `group`, which is P-384. */
enum status hash_to_point(const EC_GROUP *group, struct span message, struct span domain,
                          EC_POINT *ret, struct error *err) MUST_CHECK;
/* `ret` in [0, order of P-384), for messages that are public. */
enum status hash_to_scalar_vartime(const EC_GROUP *group, struct span message, struct span domain,
                                   BIGNUM *ret, struct error *err) MUST_CHECK;

#endif
