/* voprf - a keyed function that two parties compute together: VOPRF(P-384, SHA-384) of RFC 9497,
 * mode 1, without info.
 *
 * The client has an input, the server a key; the client learns the function's value and nothing of
 * the key, the server nothing at all. A proof shows that the key is the one whose public element
 * the client knows.
 *
 * Forms    elements are compressed points [49], scalars big-endian [48], a proof is c || s. Wrong
 *          elements and proofs from outside are errors, never taken for right ones.
 * Secret   keys, inputs, blinds and values: wiped. Time does not depend on key or blind, nor on an
 *          input beyond its size.
 * Random   passed in; each answer and each question takes one scalar of it.
 * Threads  a key never changes and is shared freely; a question belongs to one thread.
 * Source   RFC 9497 sections 2.2, 3.3.2, 4.4; RFC 9380 section 8.3. */
#ifndef BLINDLIST_OPRF_VOPRF_H
#define BLINDLIST_OPRF_VOPRF_H

#include "base/random.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define VOPRF_ELEMENT_BYTES   49
#define VOPRF_SCALAR_BYTES    48
#define VOPRF_PROOF_BYTES     (2 * VOPRF_SCALAR_BYTES)
#define VOPRF_VALUE_BYTES     48
#define VOPRF_INPUT_MAX_BYTES ((size_t)UINT16_MAX)

/* ---- the server's side ---- */

struct voprf_key; /* opaque, secret */

/* STATUS_INVALID unless the scalar is in [1, order). */
enum status voprf_key_new(const uint8_t scalar[VOPRF_SCALAR_BYTES], struct voprf_key **ret,
                          struct error *err) MUST_CHECK;
enum status voprf_key_generate(const struct random_source *random, struct voprf_key **ret,
                               struct error *err) MUST_CHECK;
void voprf_key_free(struct voprf_key *key); /* wipes; takes NULL */
/* Secret: the caller wipes it. */
void voprf_key_scalar(const struct voprf_key *key, uint8_t ret[VOPRF_SCALAR_BYTES]);
const uint8_t *voprf_key_public(const struct voprf_key *key); /* [VOPRF_ELEMENT_BYTES] */

/* The function's value for an input that the server knows itself. STATUS_TOO_LARGE beyond
 * VOPRF_INPUT_MAX_BYTES. */
enum status voprf_evaluate(const struct voprf_key *key, struct span input,
                           uint8_t ret[VOPRF_VALUE_BYTES], struct error *err) MUST_CHECK;

struct voprf_answer {
    uint8_t element[VOPRF_ELEMENT_BYTES];
    uint8_t proof[VOPRF_PROOF_BYTES];
};
/* Answers a question. STATUS_INVALID when `element` is no element. */
enum status voprf_answer(const struct voprf_key *key, struct span element,
                         const struct random_source *random, struct voprf_answer *ret,
                         struct error *err) MUST_CHECK;

/* ---- the client's side ---- */

struct voprf_question; /* opaque, secret */

/* Copies `input`, up to VOPRF_INPUT_MAX_BYTES: else STATUS_TOO_LARGE. */
enum status voprf_question_new(struct span input, const struct random_source *random,
                               struct voprf_question **ret, struct error *err) MUST_CHECK;
void voprf_question_free(struct voprf_question *question); /* wipes; takes NULL */
/* What the server is sent: [VOPRF_ELEMENT_BYTES]. */
const uint8_t *voprf_question_element(const struct voprf_question *question);
/* The function's value. STATUS_MALFORMED when an element is none, STATUS_MISMATCH when the proof is
 * wrong: the server used another key than that of `public_key`, or the answer is for another
 * question. */
enum status voprf_finish(const struct voprf_question *question, struct span public_key,
                         const struct voprf_answer *answer, uint8_t ret[VOPRF_VALUE_BYTES],
                         struct error *err) MUST_CHECK;

#endif
