/* pir_answer_internal - an answer before its last modulus switch, for tests of its noise.
 *
 * The switch to one modulus adds noise of its own, under which that of the computation disappears.
 */
#ifndef BLINDLIST_PIR_PIR_ANSWER_INTERNAL_H
#define BLINDLIST_PIR_PIR_ANSWER_INTERNAL_H

#include "pir-server/bfv/bfv_ciphertext.h"
#include "pir-server/pir/pir_answer.h"

/* As pir_answer(), but chunk 0 of one table only, and not switched down.
 *   ret  two polynomials, L moduli, coefficient form; borrowed from the workspace until its next
 *        use */
enum status pir_answer_before_drop(struct pir_workspace *workspace, const struct pir_shard *shard,
                                   const struct bfv_evaluation_key *key,
                                   const struct pir_query *query, size_t table,
                                   const struct bfv_ciphertext **ret, struct error *err) MUST_CHECK;

#endif
