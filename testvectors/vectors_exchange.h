/* vectors_exchange - the shard and the keys of one exchange, and one look-up in it.
 *
 * Secret material here is published: it comes from the seeds of the case. */
#ifndef BLINDLIST_TESTVECTORS_VECTORS_EXCHANGE_H
#define BLINDLIST_TESTVECTORS_VECTORS_EXCHANGE_H

#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/bfv/bfv_secret.h"
#include "pir-server/pir/pir_shard.h"
#include "testvectors/vectors_case.h"

#define EXCHANGE_MAX_TABLES 4

/* Made with the portable kernels. */
struct exchange {
    struct bfv_context *context;
    struct pir_parameters parameters;
    struct pir_layout layout;
    struct pir_shard *shard;
    struct bfv_secret_key *secret;
    struct bfv_evaluation_key *key;
};

/* The noise of a case: the stream of a seed given as hex. */
struct exchange_noise {
    struct drbg drbg;
};
enum status exchange_noise_init(struct exchange_noise *noise, const uint8_t seed[DRBG_SEED_BYTES],
                                struct error *err) MUST_CHECK;
void exchange_noise_deinit(struct exchange_noise *noise); /* takes a zeroed struct too */
struct random_source exchange_noise_source(struct exchange_noise *noise);

/* Item `index` of a checked list of seeds as bytes. */
enum status exchange_seed_at(const json_t *list, size_t index, uint8_t ret[DRBG_SEED_BYTES],
                             struct error *err) MUST_CHECK;

/* Make the secret key, then the evaluation key, and put their digests. */
enum status exchange_make_secret(struct exchange *exchange, const json_t *in,
                                 struct vectors_out *out, struct error *err) MUST_CHECK;
enum status exchange_make_keys(struct exchange *exchange, const json_t *in, struct vectors_out *out,
                               struct error *err) MUST_CHECK;
/* Appends the inputs of the published exchanges. */
enum status exchange_list_inputs(json_t *ret, struct error *err) MUST_CHECK;

/* One query of a case: its inputs and all that follows from them. */
enum status exchange_look_up(const struct exchange *exchange, const json_t *query,
                             struct vectors_out *out, struct error *err) MUST_CHECK;

#endif
