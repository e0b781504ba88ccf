/* bfv_workspace - scratch of one compute thread, and the key-switching steps that use it.
 *
 * Memory   all of it is allocated here; nothing that takes a workspace allocates or locks.
 * Threads  one workspace a thread. It may be used with any ciphertexts and keys of its context. */
#ifndef BLINDLIST_BFV_WORKSPACE_H
#define BLINDLIST_BFV_WORKSPACE_H

#include "pir-server/bfv/bfv_evaluation_key.h"

/* What one thread does of work that several share: part `index` of `count`. */
struct bfv_part {
    size_t index;
    size_t count;
};
/* All of it. */
#define BFV_WHOLE ((struct bfv_part){.index = 0, .count = 1})

struct bfv_workspace;
enum status bfv_workspace_new(const struct bfv_context *context, struct bfv_workspace **ret,
                              struct error *err) MUST_CHECK;
void bfv_workspace_free(struct bfv_workspace *workspace); /* takes NULL */

/* f(X) -> f(X^element), with key switching back to s. ciphertext: two polynomials, coefficient
 * form, 1 to L moduli; in place. STATUS_NO_KEY when the key lacks the element. */
enum status bfv_apply_galois(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                             uint64_t element, struct bfv_ciphertext *ciphertext,
                             struct error *err) MUST_CHECK;
/* Three polynomials to two, in place (poly_count becomes 2). Coefficient form, 1 to L moduli.
 * STATUS_NO_KEY without a relinearization key. */
enum status bfv_relinearize(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                            struct bfv_ciphertext *ciphertext, struct error *err) MUST_CHECK;

#endif
