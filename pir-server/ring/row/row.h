/* row - the inner loops over rows of residues that are not transforms.
 *
 * Sums       products are summed unreduced in 64-bit accumulators and reduced once:
 *            row_capacity() says how many products of residues below q fit. An array of such sums
 *            is private to the kernel that made it: it may keep them in an order of its own.
 * Kernels    chosen by name beside the transforms (ntt_kernel_choose()); results are the same for
 *            all, except where a range [0, 2q) leaves a choice of representative.
 * Shapes     n is a multiple of 4, and as large as the degree the kernel was chosen for, or a
 *            power of two of at least ROW_TILE_MIN words that divides it.
 * Moduli     odd, below 2^30.
 * Threads    any; the rows belong to the caller. Rows do not overlap unless it says so.
 * Time       no branch and no address depends on a value.
 * Source     Montgomery 1985; Harvey, arXiv:1205.2926 (Shoup's multiplication). */
#ifndef BLINDLIST_RING_ROW_H
#define BLINDLIST_RING_ROW_H

#include "pir-server/ring/modulus.h"

#include <stddef.h>

#define ROW_TILE_MIN ((size_t)64)

/* Products of two residues in [0, q) whose sum stays below 2^64, for every q up to max_modulus.
 * At least 16; 256 for q < 2^28. */
size_t row_capacity(uint32_t max_modulus);

struct row_kernel;
/* The kernel of that name, which belongs to a transform kernel: never NULL for those. */
const struct row_kernel *row_kernel_named(const char *name);

/* Rows of a dot product: row r of the first two starts at a0 + r * stride and a1 + r * stride, of
 * the third at b[r] + b_offset; b[r] NULL stands for zeros. Borrowed for the call. */
struct row_operands {
    const uint32_t *a0;
    const uint32_t *a1;
    size_t stride; /* in words */
    const uint32_t *const *b;
    size_t b_offset; /* in words */
    size_t count;
};

/* ret0[i] = sum over r of a0[r][i] * b[r][i], ret1 the same with a1, fully reduced: [0, q).
 *   room  products that a sum below 2^64 holds (row_capacity()), at least 8 */
void row_dot_pair(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                  const struct row_operands *operands, size_t n, uint64_t room,
                  const struct modulus *q);
/* The same times 2^-32 mod q, in [0, 2q).
 *   room  products that a sum below 2^32 q holds, at least 2 */
void row_dot_pair_montgomery_lazy(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                                  const struct row_operands *operands, size_t n, uint64_t room,
                                  const struct modulus *q);

/* sum0[i] += a0[i] * b[i] and sum1[i] += a1[i] * b[i] */
void row_multiply_add_pair(const struct row_kernel *kernel, uint64_t *sum0, uint64_t *sum1,
                           const uint32_t *a0, const uint32_t *a1, const uint32_t *b, size_t n);
/* sum[i] mod q, in place: counts as one product from then on. */
void row_fold(const struct row_kernel *kernel, uint64_t *sum, size_t n, const struct modulus *q);
/* ret[i] = sum[i] mod q in [0, q) */
void row_reduce(const struct row_kernel *kernel, uint32_t *ret, const uint64_t *sum, size_t n,
                const struct modulus *q);

/* A factor in [0, q) in Montgomery form, times 2^32 mod q, for row_combine(). */
static inline uint32_t row_combine_factor(const struct modulus *q, uint32_t factor)
{
    return montgomery_from(q, factor);
}
/* ret[i] = sum over r of rows[r][i] * factor[r] mod q in [0, q); ret may be one of the rows.
 *   rows     [count] words in [0, 2^30)
 *   factors  [count] of row_combine_factor() */
void row_combine(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *const *rows,
                 const uint32_t *factors, size_t count, size_t n, const struct modulus *q);
/* ret[i] = a[i] * factor mod q in [0, q), a[i] any 32-bit value. ret may be a. */
void row_scale(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, uint32_t factor,
               size_t n, const struct modulus *q);
/* ret[i] = (a[i] + offset - b[i]) * factor mod q in [0, q); the sum in [0, 2^32). ret may be a. */
void row_scale_difference(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                          const uint32_t *b, uint32_t offset, uint32_t factor, size_t n,
                          const struct modulus *q);
/* ret[i] = a[i] * b[i] mod q in [0, q), a and b in [0, 2q) with b in Montgomery form. ret may be
 * a. */
void row_multiply_montgomery(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                             const uint32_t *b, size_t n, const struct modulus *q);

/* Numbers of 128 bits: ret[i] = number i mod q in [0, q).
 *   words  [n][4], the lowest word first */
void row_reduce_128(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *words, size_t n,
                    const struct modulus *q);

/* Residues in [0, q); ret may be a or b: a + b, a - b, and a + constant. */
void row_add(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, const uint32_t *b,
             size_t n, const struct modulus *q);
void row_sub(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, const uint32_t *b,
             size_t n, const struct modulus *q);
void row_add_constant(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                      uint32_t constant, size_t n, const struct modulus *q);

#endif
