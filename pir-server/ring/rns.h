/* rns - a residue number system over a polynomial ring: moduli with their transforms.
 *
 * Poly     a polynomial over `count` moduli is a flat array [count][n] of uint32_t, row i modulo
 *          modulus i, values in [0, q_i), from mem_alloc_aligned(MEM_ROW_ALIGNMENT). Functions
 *          take the first `count` rows of the basis, so one basis serves all its prefixes.
 * Memory   a basis never changes after rns_basis_new().
 * Threads  a basis is shared freely; a polynomial belongs to one thread while it is written.
 * Time     no branch and no address depends on a coefficient. */
#ifndef BLINDLIST_RING_RNS_H
#define BLINDLIST_RING_RNS_H

#include "pir-server/ring/ntt/ntt.h"
#include "pir-server/ring/row/row.h"

#define RNS_MAX_MODULI 64

struct rns_basis {
    size_t degree; /* n */
    size_t count;
    struct modulus modulus[RNS_MAX_MODULI];
    struct ntt_tables *tables[RNS_MAX_MODULI];
    const struct row_kernel *rows; /* goes with the transforms' kernel */
};

/* Moduli must be prime, distinct, below 2^30 and 1 mod 2n (checked). */
enum status rns_basis_new(size_t degree, const uint64_t *moduli, size_t count,
                          const struct ntt_kernel *kernel, struct rns_basis **ret,
                          struct error *err) MUST_CHECK;
void rns_basis_free(struct rns_basis *basis); /* takes NULL */

/* An aligned, zeroed array of count * degree words (mem_free); NULL without memory. */
uint32_t *poly_alloc(size_t degree, size_t count) MUST_CHECK;

/* In place over the first `count` rows; values in and out in [0, q_i). */
void poly_forward(uint32_t *poly, const struct rns_basis *basis, size_t count);
void poly_inverse(uint32_t *poly, const struct rns_basis *basis, size_t count);
/* ret = a + b, -a, and the columnwise product; ret may be a or b. */
void poly_add(uint32_t *ret, const uint32_t *a, const uint32_t *b, const struct rns_basis *basis,
              size_t count);
void poly_negate(uint32_t *ret, const uint32_t *a, const struct rns_basis *basis, size_t count);
void poly_mul(uint32_t *ret, const uint32_t *a, const uint32_t *b, const struct rns_basis *basis,
              size_t count);
/* Small signed values into every row; |value| < q_i. */
void poly_from_small(uint32_t *ret, const int32_t *small, const struct rns_basis *basis,
                     size_t count);
/* f(X) -> f(X^g) for odd g in (1, 2n). ret is not a. */
void poly_automorphism(uint32_t *ret, const uint32_t *a, uint32_t g, const struct rns_basis *basis,
                       size_t count);
/* The same in evaluation form: out[i] = in[source[i]], one permutation for all rows. */
void automorphism_eval_sources(uint32_t *ret_sources, uint32_t g, size_t degree);
/* Checks g: odd and 1 < g < 2n. */
bool automorphism_is_valid(uint64_t g, size_t degree);

#endif
