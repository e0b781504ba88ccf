/* bfv_help - a client for the tests of bfv: context, key, seeds made of one byte. */
#ifndef BLINDLIST_TESTS_BFV_HELP_H
#define BLINDLIST_TESTS_BFV_HELP_H

#include "pir-server/bfv/bfv_product.h"
#include "tests/pir-server/lattice_help.h"

/* A context of a named set (the insecure one allowed), or the test ends. */
struct bfv_context *context_for(const char *name);
/* drbg_init() with 32 equal bytes; the source borrows drbg. */
struct random_source byte_source(struct drbg *drbg, uint8_t byte);
/* 32 equal bytes, in storage of the helper (the next call overwrites it). */
const uint8_t *byte_seed(uint8_t byte);
struct bfv_secret_key *secret_for(const struct bfv_context *context, uint8_t byte);
struct bfv_ciphertext ciphertext_for(const struct bfv_context *context, size_t polys, size_t moduli,
                                     enum bfv_form form);
/* A fresh encryption of message [N], seeds from the two bytes. */
struct bfv_ciphertext encrypted(const struct bfv_context *context, const struct bfv_secret_key *key,
                                const uint32_t *message, uint8_t seed_byte, uint8_t error_byte);
/* An evaluation key with these elements and a relinearization key, read from what the client made.
 */
struct bfv_evaluation_key *evaluation_key_for(const struct bfv_context *context,
                                              const struct bfv_secret_key *secret,
                                              const uint32_t *elements, size_t count,
                                              bool with_relin, struct random_source *random);
/* SHA-256 of the full form: count prefix and polynomials. */
const char *full_hex(const struct bfv_context *context, const struct bfv_ciphertext *ciphertext,
                     const uint32_t *skips);
double budget_of(const struct bfv_context *context, const struct bfv_secret_key *key,
                 const struct bfv_ciphertext *ciphertext);
/* Negacyclic product of a and b mod t, [N] each. */
void multiply_plain(const struct bfv_context *context, const uint32_t *a, const uint32_t *b,
                    uint32_t *ret);

#endif
