/* bfv_evaluation_key - key-switching keys: Galois keys by element, and the relinearization key.
 *
 * Client   bfv_galois_key_make() and bfv_relin_key_make() give the L seeded components of one key
 *          as they travel.
 * Server   one struct bfv_switch_key is filled component by component from a message, then handed
 *          to the evaluation key, which is complete and constant from then on: shared freely.
 * Memory   2 L (L + 1) N words a key, in evaluation form and Montgomery form (times 2^32), the rows
 *          of the q_i divided by P; ordered as key switching reads them. */
#ifndef BLINDLIST_BFV_EVALUATION_KEY_H
#define BLINDLIST_BFV_EVALUATION_KEY_H

#include "pir-server/bfv/bfv_secret.h"

/* Elements in one evaluation key, at most. */
#define BFV_MAX_GALOIS_KEYS 64

struct bfv_switch_key;
enum status bfv_switch_key_new(const struct bfv_context *context, struct bfv_switch_key **ret,
                               struct error *err) MUST_CHECK;
void bfv_switch_key_free(struct bfv_switch_key *key); /* takes NULL */
/* Component j in [0, L) from its message, seeded or full. Each is read once. */
enum status bfv_switch_key_read_seeded(struct bfv_switch_key *key, size_t j, struct span poly0,
                                       struct span seed, struct error *err) MUST_CHECK;
enum status bfv_switch_key_read_full(struct bfv_switch_key *key, size_t j, struct span polys,
                                     const uint32_t *skips, size_t skip_count,
                                     uint64_t correction_factor, struct error *err) MUST_CHECK;

struct bfv_evaluation_key;
enum status bfv_evaluation_key_new(const struct bfv_context *context,
                                   struct bfv_evaluation_key **ret, struct error *err) MUST_CHECK;
void bfv_evaluation_key_free(struct bfv_evaluation_key *key); /* takes NULL */
/* Takes `part`, also on failure. STATUS_MALFORMED: components are missing, the element is even, not
 * in (1, 2N), or there already; STATUS_TOO_LARGE beyond BFV_MAX_GALOIS_KEYS. */
enum status bfv_evaluation_key_add_galois(struct bfv_evaluation_key *key, uint64_t element,
                                          struct bfv_switch_key *part,
                                          struct error *err) MUST_CHECK;
enum status bfv_evaluation_key_set_relin(struct bfv_evaluation_key *key,
                                         struct bfv_switch_key *part, struct error *err) MUST_CHECK;
bool bfv_evaluation_key_has_galois(const struct bfv_evaluation_key *key, uint64_t element);
bool bfv_evaluation_key_has_relin(const struct bfv_evaluation_key *key);
/* Elements, ascending. */
size_t bfv_evaluation_key_galois_count(const struct bfv_evaluation_key *key);
uint32_t bfv_evaluation_key_galois_element(const struct bfv_evaluation_key *key, size_t number);
/* Memory it takes, for bounded caches. */
size_t bfv_evaluation_key_memory_bytes(const struct bfv_evaluation_key *key);

/* Client: component j (in [0, L)) of the key that switches from s(X^element), or from s^2, to s:
 * an encryption of zero over all moduli plus P s' in row j. ret: evaluation form, two polynomials,
 * L + 1 moduli. */
enum status bfv_galois_key_component(const struct bfv_context *context,
                                     const struct bfv_secret_key *secret, uint64_t element,
                                     size_t j, const uint8_t seed[DRBG_SEED_BYTES],
                                     const struct random_source *random, struct bfv_ciphertext *ret,
                                     struct error *err) MUST_CHECK;
enum status bfv_relin_key_component(const struct bfv_context *context,
                                    const struct bfv_secret_key *secret, size_t j,
                                    const uint8_t seed[DRBG_SEED_BYTES],
                                    const struct random_source *random, struct bfv_ciphertext *ret,
                                    struct error *err) MUST_CHECK;
/* All L components as they travel, seeds drawn from `random`.
 *   ret  [L], each initialised with bfv_seeded_init() */
enum status bfv_galois_key_make(const struct bfv_context *context,
                                const struct bfv_secret_key *secret, uint64_t element,
                                const struct random_source *random, struct bfv_seeded *ret,
                                struct error *err) MUST_CHECK;
enum status bfv_relin_key_make(const struct bfv_context *context,
                               const struct bfv_secret_key *secret,
                               const struct random_source *random, struct bfv_seeded *ret,
                               struct error *err) MUST_CHECK;

#endif
