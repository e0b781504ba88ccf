/* ntt - negacyclic number-theoretic transform modulo one RNS prime.
 *
 * Data     rows of n coefficients, n a power of two in [NTT_DEGREE_MIN, NTT_DEGREE_MAX]; q prime,
 *          q < 2^30 and q = 1 mod 2n. Coefficient form is in natural order, evaluation form in
 *          bit-reversed order: Eval[i] = sum_k f_k psi^((2 rev(i) + 1) k), psi the numerically
 *          smallest primitive 2n-th root of unity (spec/bfv.md section 3).
 * Memory   tables never change after ntt_tables_new(). Rows from mem_alloc_aligned() with
 *          MEM_ROW_ALIGNMENT let kernels use their widest loads; n words apart is enough for the
 *          portable one.
 * Threads  tables may be shared; a row that is written belongs to one thread meanwhile.
 * Time     no branch and no address depends on a coefficient.
 * Source   Longa and Naehrig, eprint 2016/504; Harvey, arXiv:1205.2926. */
#ifndef BLINDLIST_RING_NTT_H
#define BLINDLIST_RING_NTT_H

#include "base/cpu.h"
#include "base/status.h"
#include "pir-server/ring/modulus.h"

#include <stddef.h>
#include <stdint.h>

#define NTT_DEGREE_MIN 4
#define NTT_DEGREE_MAX 32768

struct ntt_tables;
struct ntt_kernel;

/* The fastest kernel that `cpu` runs for rows of n coefficients. With `name` not NULL: that one, or
 * STATUS_NOT_FOUND (no kernel is called so), STATUS_UNSUPPORTED (this machine does not run it). */
enum status ntt_kernel_choose(const struct cpu *cpu, const char *name, size_t n,
                              const struct ntt_kernel **ret, struct error *err) MUST_CHECK;
const char *ntt_kernel_name(const struct ntt_kernel *kernel);
/* The number-th kernel there is, fastest first, whether or not it runs here; NULL at the end. */
const char *ntt_kernel_list(size_t number);

/* Tables for one (n, q). `kernel` comes from ntt_kernel_choose() with the same n. STATUS_INVALID
 * when n or q is not as said above. */
enum status ntt_tables_new(size_t n, const struct modulus *q, const struct ntt_kernel *kernel,
                           struct ntt_tables **ret, struct error *err) MUST_CHECK;
void ntt_tables_free(struct ntt_tables *tables); /* takes NULL */
/* psi, the smallest primitive 2n-th root. */
uint32_t ntt_tables_root(const struct ntt_tables *tables);

/* Forward transform, lazily reduced. Cannot fail.
 *   from  [n] coefficient form in [0, 4q)
 *   ret   [n] evaluation form in [0, 4q); may be `from`, else the two do not overlap */
void ntt_forward_lazy(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);
/* The same, ret in [0, q). */
void ntt_forward(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);
/* Inverse transform, with the factor 1/n.
 *   from  [n] evaluation form in [0, 2q)
 *   ret   [n] coefficient form in [0, q); may be `from`, else the two do not overlap */
void ntt_inverse(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);

#endif
