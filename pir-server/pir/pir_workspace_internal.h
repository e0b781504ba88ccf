/* pir_workspace_internal - what a query workspace holds, for the steps of an answer. */
#ifndef BLINDLIST_PIR_PIR_WORKSPACE_INTERNAL_H
#define BLINDLIST_PIR_PIR_WORKSPACE_INTERNAL_H

#include "base/bytes.h"
#include "pir-server/bfv/bfv_product.h"
#include "pir-server/pir/pir_answer.h"

/* What a shape asks of the workspace. */
struct pir_needs {
    size_t selectors;
    size_t queries; /* ciphertexts of a query */
    size_t columns; /* D1 */
    size_t lifted;  /* dimension-1 selectors that are kept lifted */
    size_t replies; /* tables */
    size_t chunks;  /* ciphertexts of all replies */
};

struct pir_workspace {
    const struct bfv_context *context;
    struct bfv_workspace *bfv;
    struct pir_needs have;
    struct bfv_selectors *selectors;
    struct bfv_ciphertext *queries; /* [queries] */
    struct bfv_ciphertext *columns; /* [columns] */
    struct bfv_lifted **lifted;     /* [lifted] */
    struct bfv_lifted *lifted_column;
    struct bfv_ciphertext selector; /* of dimension 1, about to be lifted */
    struct bfv_ciphertext product;  /* three polynomials: the memory behind `result` */
    struct bfv_ciphertext result;   /* a view; loses polynomials and moduli on its way */
    uint32_t skips[2];
    struct bytes polys;                             /* of all replies, one after the other */
    struct pir_ciphertext_bytes *reply_ciphertexts; /* [chunks] */
    struct pir_reply *replies;                      /* [replies] */
};

struct pir_needs pir_needs_of(const struct pir_layout *layout);
bool pir_needs_are_met(struct pir_needs have, struct pir_needs want);

#endif
