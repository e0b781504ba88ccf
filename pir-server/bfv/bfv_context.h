/* bfv_context - everything precomputed for one set of parameters.
 *
 * Memory   a context never changes after bfv_context_new(); it must outlive what is made with it.
 * Threads  shared freely. */
#ifndef BLINDLIST_BFV_CONTEXT_H
#define BLINDLIST_BFV_CONTEXT_H

#include "pir-server/bfv/bfv_parameters.h"
#include "pir-server/ring/rns.h"

struct bfv_context;

/* Validates (flags: BFV_ALLOW_INSECURE) and builds. `kernel` forces the kernels called so ("ref",
 * ..); NULL takes the fastest. Fails as bfv_parameters_validate() and ntt_kernel_choose() do. */
enum status bfv_context_new(const struct bfv_parameters *parameters, unsigned flags,
                            const char *kernel, struct bfv_context **ret,
                            struct error *err) MUST_CHECK;
void bfv_context_free(struct bfv_context *context); /* takes NULL */

const struct bfv_parameters *bfv_context_parameters(const struct bfv_context *context);
/* N */
size_t bfv_context_degree(const struct bfv_context *context);
/* L, the moduli of a fresh ciphertext: all but the key-switching modulus. */
size_t bfv_context_ciphertext_moduli(const struct bfv_context *context);
/* t */
const struct modulus *bfv_context_plaintext_modulus(const struct bfv_context *context);
/* All moduli, P last; ciphertexts use its first L rows. */
const struct rns_basis *bfv_context_basis(const struct bfv_context *context);
const char *bfv_context_kernel_name(const struct bfv_context *context);

#endif
