/* sampling - uniform, ternary and error polynomials.
 *
 * The mapping from bytes to values is that of spec/bfv.md sections 4.2 and 4.3.
 *
 * Time     ternary and error values are secret: no branch, index or division depends on them. */
#ifndef BLINDLIST_RING_SAMPLING_H
#define BLINDLIST_RING_SAMPLING_H

#include "pir-server/ring/drbg.h"
#include "pir-server/ring/rns.h"

/* The polynomial a of a seeded ciphertext, in evaluation form: row by row, 16 bytes of the seed's
 * stream a value, little-endian, mod q_i.
 *   ret  [count][n] */
enum status sample_uniform(uint32_t *ret, const uint8_t seed[DRBG_SEED_BYTES],
                           const struct rns_basis *basis, size_t count,
                           struct error *err) MUST_CHECK;
/* Values -1, 0, 1 of equal probability, 12 bytes each. */
enum status sample_ternary(int32_t *ret, size_t n, const struct random_source *random,
                           struct error *err) MUST_CHECK;
/* Centred binomial of parameter 21: range [-21, 21], standard deviation sqrt(10.5); 16 bytes each.
 */
enum status sample_error(int32_t *ret, size_t n, const struct random_source *random,
                         struct error *err) MUST_CHECK;

#endif
