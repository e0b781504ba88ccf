/* pir_fixture - parameters, rows and keys for the tests of this room. Everything is seeded. */
#ifndef BLINDLIST_TESTS_PIR_FIXTURE_H
#define BLINDLIST_TESTS_PIR_FIXTURE_H

#include "base/random.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/bfv/bfv_secret.h"
#include "pir-server/pir/pir_processing.h"
#include "pir-server/pir/pir_rows.h"
#include "pir-server/pir/sha256_many/sha256_many.h"

#define FIXTURE_SET     "n_4096_logq_27_28_28_logt_5"
#define FIXTURE_SET_N_8 "insecure_n_8_logq_5x18_logt_5"

/* Encryption parameters by name; ends the test when there are none. */
struct bfv_parameters fixture_encryption(const char *name);
/* Valid parameters of `buckets` buckets of one plaintext each, one hash function. */
struct pir_parameters fixture_parameters(uint64_t buckets);

/* The kernel that this machine hashes many inputs with. */
const struct sha256_many_kernel *fixture_kernel(void);

struct random_seeded fixture_random(uint64_t seed);
struct random_source fixture_source(struct random_seeded *random);

/* Rows "row<i>.example/" with random values of least .. most bytes. */
struct fixture_rows {
    struct pir_row *rows;
    size_t count;
    uint8_t *bytes;
};
struct fixture_rows fixture_rows_new(size_t count, size_t least, size_t most, uint64_t seed);
void fixture_rows_free(struct fixture_rows *rows);
struct pir_partition *fixture_partition(const struct fixture_rows *rows, uint64_t shards);

/* Secret and evaluation key for a shard's configuration. */
struct fixture_keys {
    struct bfv_secret_key *secret;
    struct bfv_evaluation_key *evaluation;
};
struct fixture_keys fixture_keys_new(const struct bfv_context *context,
                                     const struct pir_evaluation_key_config *config,
                                     struct random_seeded *random);
void fixture_keys_free(struct fixture_keys *keys);

#endif
