/* bfv_plaintext - bytes, coefficients mod t and the evaluation form of database plaintexts.
 *
 * Source   spec/bfv.md section 8.3. Threads  any. */
#ifndef BLINDLIST_BFV_PLAINTEXT_H
#define BLINDLIST_BFV_PLAINTEXT_H

#include "base/span.h"
#include "pir-server/bfv/bfv_context.h"

/* Bytes as a bit string, floor(log2 t) bits a coefficient, most significant first; the rest of the
 * N coefficients are 0. STATUS_TOO_LARGE beyond bfv_bytes_per_plaintext().
 *   ret  [N] */
enum status bfv_plaintext_encode(const struct bfv_context *context, struct span bytes,
                                 uint32_t *ret, struct error *err) MUST_CHECK;
/* The inverse: bfv_bytes_per_plaintext() bytes. STATUS_MALFORMED for a coefficient that no encoder
 * writes (>= 2^floor(log2 t)): a wrong key or no noise budget left.
 *   coefficients  [N] in [0, t) */
enum status bfv_plaintext_decode(const struct bfv_context *context, const uint32_t *coefficients,
                                 uint8_t *ret, struct error *err) MUST_CHECK;

/* Centred lift of values mod t to every q_i, then to evaluation form: what a ciphertext is
 * multiplied with. Not scaled.
 *   coefficients  [N] in [0, t)
 *   ret           [L][N] */
void bfv_plaintext_lift(const struct bfv_context *context, const uint32_t *coefficients,
                        uint32_t *ret);
/* Undoes it. STATUS_MALFORMED when the polynomial is not the lift of values mod t.
 *   lifted   [L][N] evaluation form, values in [0, q_i)
 *   scratch  [L][N]
 *   ret      [N] in [0, t) */
enum status bfv_plaintext_unlift(const struct bfv_context *context, const uint32_t *lifted,
                                 uint32_t *scratch, uint32_t *ret, struct error *err) MUST_CHECK;

#endif
