/* row - the inner loops over rows of residues that are not transforms.
 *
 * Products are summed unreduced in 64-bit accumulators and reduced once: row_capacity() says how
 * many products of residues below q fit. Plain loops that compilers vectorize; n a multiple of 4.
 *
 * Threads  any; the rows belong to the caller. Rows do not overlap.
 * Time     no branch and no address depends on a value. */
#ifndef BLINDLIST_RING_ROW_H
#define BLINDLIST_RING_ROW_H

#include "pir-server/ring/modulus.h"

#include <stddef.h>

/* Products of two residues in [0, q) whose sum stays below 2^64, for every q up to max_modulus.
 * At least 16; 256 for q < 2^28. */
size_t row_capacity(uint32_t max_modulus);

/* sum[i] += a[i] * b[i] */
void row_multiply_add(uint64_t *sum, const uint32_t *a, const uint32_t *b, size_t n);
/* The same for two rows with one common factor: sum0 += a0 * b, sum1 += a1 * b. */
void row_multiply_add_pair(uint64_t *sum0, uint64_t *sum1, const uint32_t *a0, const uint32_t *a1,
                           const uint32_t *b, size_t n);
/* sum[i] mod q, in place: counts as one product from then on. */
void row_fold(uint64_t *sum, size_t n, const struct modulus *q);
/* ret[i] = sum[i] mod q in [0, q) */
void row_reduce(uint32_t *ret, const uint64_t *sum, size_t n, const struct modulus *q);
/* ret[i] = sum[i] * 2^-32 mod q in [0, 2q); sum[i] in [0, 2^32 q). */
void row_montgomery_reduce_lazy(uint32_t *ret, const uint64_t *sum, size_t n,
                                const struct modulus *q);
/* ret[i] = a[i] * factor mod q in [0, q), a[i] any 32-bit value. ret may be a. */
void row_scale(uint32_t *ret, const uint32_t *a, uint32_t factor, size_t n,
               const struct modulus *q);

#endif
