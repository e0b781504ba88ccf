/* bfv_secret - the client's side: secret key, encryption, decryption, noise budget.
 *
 * Secret   key, noise and messages: nothing branches on them, indexes with them or divides by them,
 *          except in functions that end in _vartime. bfv_secret_key_free() wipes.
 * Random   `random` yields noise; seeds are given by the caller (32 fresh random bytes for every
 *          ciphertext, or fixed ones in tests).
 * Threads  a key may be shared once made. */
#ifndef BLINDLIST_BFV_SECRET_H
#define BLINDLIST_BFV_SECRET_H

#include "base/random.h"
#include "pir-server/bfv/bfv_ciphertext.h"
#include "pir-server/bfv/bfv_serial.h"

struct bfv_secret_key;

/* A ternary key drawn from `random`. */
enum status bfv_secret_key_new(const struct bfv_context *context,
                               const struct random_source *random, struct bfv_secret_key **ret,
                               struct error *err) MUST_CHECK;
/* From and to the `polys` field of SerializedSecretKey: one polynomial over all moduli in
 * evaluation form. STATUS_MALFORMED also when it is not ternary. */
enum status bfv_secret_key_read(const struct bfv_context *context, struct span polys,
                                struct bfv_secret_key **ret, struct error *err) MUST_CHECK;
/* Reserve bfv_ciphertext_full_bytes(context, 1, L + 1, NULL) in `ret` before, so that growth leaves
 * no copy behind, and give it back with bytes_deinit_secret(). */
void bfv_secret_key_write(const struct bfv_secret_key *key, struct bytes *ret);
void bfv_secret_key_free(struct bfv_secret_key *key); /* wipes; takes NULL */
/* [L + 1][N] evaluation form, over all moduli. */
const uint32_t *bfv_secret_key_poly(const struct bfv_secret_key *key);

/* c0 = -(a s + e), c1 = a with a = uniform(seed), in evaluation form, over ret->moduli_count
 * moduli (L + 1: all, as key-switching keys need). ret has two polynomials. */
enum status bfv_encrypt_zero(const struct bfv_context *context, const struct bfv_secret_key *key,
                             const uint8_t seed[DRBG_SEED_BYTES],
                             const struct random_source *random, struct bfv_ciphertext *ret,
                             struct error *err) MUST_CHECK;
/* message [N] in [0, t); ret: two polynomials, L moduli; left in coefficient form. */
enum status bfv_encrypt(const struct bfv_context *context, const struct bfv_secret_key *key,
                        const uint32_t *message, const uint8_t seed[DRBG_SEED_BYTES],
                        const struct random_source *random, struct bfv_ciphertext *ret,
                        struct error *err) MUST_CHECK;
/* The same with a seed drawn from `random`, as it travels in a query. `ret` is initialised. */
enum status bfv_encrypt_seeded(const struct bfv_context *context, const struct bfv_secret_key *key,
                               const uint32_t *message, const struct random_source *random,
                               struct bfv_seeded *ret, struct error *err) MUST_CHECK;

/* Of two or three polynomials, at any level, in either form.
 *   ret  [N] in [0, t) */
enum status bfv_decrypt(const struct bfv_context *context, const struct bfv_secret_key *key,
                        const struct bfv_ciphertext *ciphertext, uint32_t *ret,
                        struct error *err) MUST_CHECK;
/* Bits of noise that the ciphertext could still take: log2(Q / (2 max |cent_Q(t x)|)). Decryption
 * is right while it is above 0. INFINITY for a phase of zero. */
enum status bfv_noise_budget_vartime(const struct bfv_context *context,
                                     const struct bfv_secret_key *key,
                                     const struct bfv_ciphertext *ciphertext, double *ret_bits,
                                     struct error *err) MUST_CHECK;

#endif
