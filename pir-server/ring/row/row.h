/* row - the inner loops over rows of residues that are not transforms.
 *
 * Sums       products are summed unreduced in 64-bit accumulators and reduced once:
 *            row_capacity() says how many products of residues below q fit. An array of such sums
 *            is private to the kernel that made it: it may keep them in an order of its own.
 * Kernels    chosen by name beside the transforms (ntt_kernel_choose()); results are the same for
 *            all, except where a range [0, 2q) leaves a choice of representative.
 * Shapes     n is a multiple of 4, and as large as half the degree the kernel was chosen for, or
 *            row_strip_words() of it.
 * Moduli     odd, below 2^30.
 * Threads    any; the rows belong to the caller. Rows do not overlap unless it says so.
 * Time       no branch and no address depends on a value.
 * Source     Montgomery 1985; Harvey, arXiv:1205.2926 (Shoup's multiplication). */
#ifndef BLINDLIST_RING_ROW_H
#define BLINDLIST_RING_ROW_H

#include "pir-server/ring/modulus.h"

#include <stddef.h>

/* Products of two residues in [0, q) whose sum stays below 2^64, for every q up to max_modulus.
 * At least 16; 256 for q < 2^28. */
size_t row_capacity(uint32_t max_modulus);

struct row_kernel;
/* The kernel of that name, which belongs to a transform kernel: never NULL for those. */
const struct row_kernel *row_kernel_named(const char *name);

/* ---- key switching ---- */

/* Digits times components of a key-switching key: component r has its two rows at key + r * stride
 * and key + r * stride + stride / 2. Borrowed for the call. */
struct row_switch {
    const uint32_t *const *digits; /* [count] rows */
    const uint32_t *sources;       /* of row_permute(), for digits and c; NULL = as they are */
    const uint32_t *key;
    size_t stride; /* in words, even */
    size_t count;
    uint64_t room; /* products that a sum below 2^32 q holds, at least 2 */
    /* row_switch_add() only: */
    const uint32_t *c;       /* in [0, q) */
    const uint32_t *more[2]; /* in [0, 4q), or in [0, q) where 7q is 2^32 or more */
};

/* Words at .. at + n - 1 of
 *     sum over r of digit r [i] * key row r [i] * 2^-32 mod q
 * to ret0 [n], the same with the second rows to ret1, in [0, 2q). Digits [0, 4q) or [0, q), keys
 * [0, q); a sum stays below 2^32 q or is folded. */
void row_switch_lazy(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                     const struct row_switch *operands, size_t at, size_t n,
                     const struct modulus *q);
/* The same plus more[0][i] + c[i], and plus more[1][i], in [0, q). */
void row_switch_add(const struct row_kernel *kernel, uint32_t *ret0, uint32_t *ret1,
                    const struct row_switch *operands, size_t at, size_t n,
                    const struct modulus *q);
/* ret[i] = x[i] * factor mod q, plus 1 where x[i] > bound, in [0, 2q]: what a modulus p leaves in
 * the others when it is divided away, for factor = -1/p mod q and bound = (p - 1)/2. */
void row_drop_lazy(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *x,
                   uint32_t bound, uint32_t factor, size_t n, const struct modulus *q);

/* ret[i] = from[sources[i]]: an automorphism in evaluation form. The sources are those of
 * automorphism_eval_sources(): every aligned group of 2^k words comes from one such group. ret is
 * not from. */
void row_permute(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *from,
                 const uint32_t *sources, size_t n);

/* ---- expansion ---- */

/* A row cut into strips of row_strip_words(n): strip k begins at words + k * stride. */
struct row_strips {
    uint32_t *words;
    size_t stride; /* in words; row_strip_words(n) = a whole row */
};
/* A cache line: a matrix product over a strip reads each line once, whole. */
#define ROW_STRIP_WORDS ((size_t)16)
/* min(ROW_STRIP_WORDS, n): divides n. */
static inline size_t row_strip_words(size_t n)
{
    return n < ROW_STRIP_WORDS ? n : ROW_STRIP_WORDS;
}

/* A row of factors in [0, q) whose words are equal in blocks of 2^log2_block: word i is
 * values[i >> log2_block]. Kernels read ROW_BLOCKS_SLACK words past the end. */
struct row_blocks {
    const uint32_t *values;
    const uint32_t *quotients; /* shoup_quotient() of them */
    unsigned log2_block;
};
#define ROW_BLOCKS_SLACK ((size_t)16)

/* Two children of a node: even = c + r, odd = (c - r) * monomial. Rows in [0, q); the results do
 * not overlap the rest. */
void row_split(const struct row_kernel *kernel, struct row_strips even, struct row_strips odd,
               const uint32_t *c, const uint32_t *r, const struct row_blocks *monomial, size_t n,
               const struct modulus *q);

/* Four children of a node c whose automorphisms of two levels are r1, r2 and (both) r3, with j
 * called `quarter`:
 *     ret[0] = (c + r1) + (r2 + r3)
 *     ret[1] = ((c - r1) + j (r2 - r3)) * monomials[0]
 *     ret[2] = ((c + r1) - (r2 + r3)) * monomials[1]
 *     ret[3] = ((c - r1) - j (r2 - r3)) * monomials[2]
 *   turned  r1, r2, r3, in [0, q) as c */
struct row_four {
    struct row_strips ret[4];
    const uint32_t *c;
    const uint32_t *turned[3];
    struct row_blocks monomials[3];
    uint32_t quarter; /* [0, q) */
};
void row_split_four(const struct row_kernel *kernel, const struct row_four *operands, size_t n,
                    const struct modulus *q);

/* ---- dimension 0 ---- */

/* One strip of `n` words of a matrix product: pairs times the tiles of a column. The tiles lie in
 * the order in which they are read, column after column, so they stream through the cache. */
struct row_dot {
    const uint32_t *pairs;  /* [..][2][n] */
    const uint32_t *tiles;  /* [sum of counts][n] */
    const uint16_t *rows;   /* [sum of counts]: the pair that a tile is multiplied with */
    const uint32_t *counts; /* [columns]: tiles of each */
    size_t columns;
    uint32_t *const *ret; /* [columns] */
    size_t ret_offset[2]; /* in words: the strip of ret[c], first and second of the pair */
};
/* ret[c][ret_offset[k] + i] = sum over the tiles t of column c of pairs[rows[t]][k][i] *
 * tiles[t][i], in [0, q). n     a multiple of 4, at most ROW_STRIP_WORDS room  products that a sum
 * below 2^64 holds (row_capacity()), at least 8 */
void row_dot_strip(const struct row_kernel *kernel, const struct row_dot *operands, size_t n,
                   uint64_t room, const struct modulus *q);

/* ---- products of ciphertexts ---- */

/* Two ciphertexts of two polynomials, one row of each. */
struct row_pair {
    const uint32_t *x; /* of the first polynomial */
    const uint32_t *y;
    size_t second; /* in words, from there to the row of the second polynomial */
};
/* sum0[i] += x0[i] y0[i], sum1[i] += x0[i] y1[i] + x1[i] y0[i], sum2[i] += x1[i] y1[i]. Several
 * pairs in one call would load and store the sums less often, which no query notices. */
void row_multiply_add_pair(const struct row_kernel *kernel, uint64_t *sum0, uint64_t *sum1,
                           uint64_t *sum2, const struct row_pair *pair, size_t n);
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
/* Residues of one base to those of another: with y_i = x_i * scale_i mod q_i and r the number in
 * [-2^(bits-1), 2^(bits-1)) that is sum over i of y_i * low_i mod 2^bits, row b becomes
 *     sum over i of y_i * factors[b][i] + r * factors[b][count] mod m_b, in [0, m_b). */
struct row_extend {
    const uint32_t *x; /* [count][n] words, any */
    size_t count;      /* 1..ROW_EXTEND_MAX */
    const struct modulus *moduli;
    const uint32_t *scale; /* [count] in [0, q_i) */
    const uint32_t *low;   /* [count] any */
    unsigned bits;         /* 1..27 */
    uint32_t *ret;         /* [ret_count][n] */
    size_t ret_count;
    const struct modulus *ret_moduli; /* above 2^bits */
    const uint32_t *factors;          /* [count + 1] of row_combine_factor() for each m_b */
    size_t factor_stride;             /* in words, from those of m_b to those of the next */
};
#define ROW_EXTEND_MAX ((size_t)31)
void row_extend(const struct row_kernel *kernel, const struct row_extend *operands, size_t n);
/* ret[i] = a[i] * factor mod q in [0, q), a[i] any 32-bit value. ret may be a. */
void row_scale(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, uint32_t factor,
               size_t n, const struct modulus *q);
/* ret[i] = (a[i] + offset - b[i]) * factor mod q in [0, q); the sum in [0, 2^32). ret may be a. */
void row_scale_difference(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                          const uint32_t *b, uint32_t offset, uint32_t factor, size_t n,
                          const struct modulus *q);
/* Numbers of 128 bits: ret[i] = number i mod q in [0, q).
 *   words  [n][4], the lowest word first */
void row_reduce_128(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *words, size_t n,
                    const struct modulus *q);

/* Residues in [0, q); ret may be a or b: a + b, and a + constant. */
void row_add(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a, const uint32_t *b,
             size_t n, const struct modulus *q);
void row_add_constant(const struct row_kernel *kernel, uint32_t *ret, const uint32_t *a,
                      uint32_t constant, size_t n, const struct modulus *q);

#endif
