/* ntt_internal - what the kernels of ntt share: tables, and the contract that all of them keep.
 *
 * forward_lazy  from [n] coefficient form in [0, 4q); ret [n] evaluation form in [0, 4q)
 * forward       the same, ret in [0, q)
 * inverse       from [n] evaluation form in [0, 2q); ret [n] coefficient form in [0, q)
 *
 * ret is from, or the two do not overlap and from is left as it is.
 * Results equal those of `ref` modulo q (forward, inverse: equal). Rows may start anywhere; a
 * kernel that wants alignment loads unaligned. No branch and no address depends on a coefficient.
 *
 * A kernel is one row of the table in ntt.c, fastest first, `ref` last. One that this build has no
 * instructions for has a name only. */
#ifndef BLINDLIST_RING_NTT_INTERNAL_H
#define BLINDLIST_RING_NTT_INTERNAL_H

#include "pir-server/ring/ntt/ntt.h"

#include <stdbool.h>

/* A factor and its Shoup quotient. */
struct ntt_factor {
    uint32_t value;
    uint32_t quotient;
};

struct ntt_tables {
    size_t n;
    unsigned log2_n;
    struct modulus modulus;
    uint32_t root; /* psi */
    const struct ntt_kernel *kernel;
    /* forward[j] = psi^rev(j), inverse[j] = psi^-rev(j), rev on log2_n bits; n of each. The
     * quotients lie in arrays of their own, so that wide kernels load either with one load. */
    uint32_t *forward;
    uint32_t *forward_quotient;
    uint32_t *inverse;
    uint32_t *inverse_quotient;
    /* The last inverse step carries the factor 1/n: 1/n, and 1/n * inverse[1]. */
    struct ntt_factor scale;
    struct ntt_factor scale_root;
};

struct ntt_kernel {
    const char *name;
    bool (*runs_on)(const struct cpu *cpu, size_t n);
    void (*forward_lazy)(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);
    void (*forward)(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);
    void (*inverse)(uint32_t *ret, const uint32_t *from, const struct ntt_tables *tables);
};

extern const struct ntt_kernel ntt_kernel_avx512;
extern const struct ntt_kernel ntt_kernel_avx2;
extern const struct ntt_kernel ntt_kernel_neon;
extern const struct ntt_kernel ntt_kernel_ref;

#endif
