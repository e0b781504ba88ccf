/* bfv_ciphertext - ciphertexts in memory: forms, levels, switching down.
 *
 * Shape    words is [poly_count][moduli_count][N], values in [0, q_i), aligned to
 *          MEM_ROW_ALIGNMENT. moduli_count = k means modulus q_0 .. q_{k-1} (k = L + 1: P too).
 * Form     coefficient form in natural order or evaluation form in bit-reversed order.
 * Phase    c0 + c1 s (+ c2 s^2) = message scaled by Q/t plus noise, Q of the current moduli.
 * Threads  one at a time while it is written. */
#ifndef BLINDLIST_BFV_CIPHERTEXT_H
#define BLINDLIST_BFV_CIPHERTEXT_H

#include "pir-server/bfv/bfv_context.h"

enum bfv_form { BFV_COEFFICIENT, BFV_EVALUATION };

#define BFV_MAX_POLYS 3

struct bfv_ciphertext {
    uint32_t *words;
    size_t poly_count;
    size_t moduli_count;
    enum bfv_form form;
    bool is_view; /* words belong to somebody else */
};

/* Words of poly_count polynomials over moduli_count moduli. */
size_t bfv_ciphertext_words(const struct bfv_context *context, size_t poly_count,
                            size_t moduli_count);
/* Zeroed, with its own memory. poly_count <= BFV_MAX_POLYS, moduli_count <= L + 1. */
enum status bfv_ciphertext_init(const struct bfv_context *context, size_t poly_count,
                                size_t moduli_count, enum bfv_form form, struct bfv_ciphertext *ret,
                                struct error *err) MUST_CHECK;
/* Over memory of the caller, which stays as it is. */
void bfv_ciphertext_init_view(uint32_t *words, size_t poly_count, size_t moduli_count,
                              enum bfv_form form, struct bfv_ciphertext *ret);
void bfv_ciphertext_deinit(struct bfv_ciphertext *ciphertext); /* takes a zeroed struct too */
/* Polynomial `number`, [moduli_count][N]. */
uint32_t *bfv_ciphertext_poly(const struct bfv_context *context,
                              const struct bfv_ciphertext *ciphertext, size_t number);

/* Changes the form in place; nothing to do when it has that form. */
void bfv_ciphertext_to_form(const struct bfv_context *context, struct bfv_ciphertext *ciphertext,
                            enum bfv_form form);

/* Divides by the last modulus with rounding (spec/bfv.md section 8.1), in place: moduli_count goes
 * down until it is `moduli_count` (>= 1). Coefficient form. The polynomials are moved together. */
void bfv_ciphertext_switch_down(const struct bfv_context *context,
                                struct bfv_ciphertext *ciphertext, size_t moduli_count);

/* Low bits that a response of one modulus may drop, for c0 and c1 (spec/bfv.md section 8.2). */
void bfv_response_skips(const struct bfv_context *context, uint32_t ret_skips[2]);

#endif
