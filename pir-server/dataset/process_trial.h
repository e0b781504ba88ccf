/* process_trial - proves a processed shard by looking rows up as a device would.
 *
 * Each trial makes a fresh secret key, evaluation key and query, passes all of them through their
 * messages, answers, and compares what comes out with the row. It finds a set of parameters without
 * noise budget as well as a wrong placement.
 *
 * Threads  any; a trial takes one answer workspace.
 * Source   spec/keyword-pir.md section 2.1, "Validation". */
#ifndef BLINDLIST_PIR_SERVER_DATASET_PROCESS_TRIAL_H
#define BLINDLIST_PIR_SERVER_DATASET_PROCESS_TRIAL_H

#include "base/random.h"
#include "pir-server/pir/pir_shard.h"

/* What a trial showed; zeroed before the first. */
struct process_trial {
    size_t count;             /* trials so far */
    double noise_budget_bits; /* least so far; infinite when all ciphertexts were zero */
    size_t key_count;         /* switching keys of an evaluation key */
    size_t key_bytes;         /* serialized messages */
    size_t query_ciphertexts;
    size_t query_bytes;
    size_t response_ciphertexts;
    size_t response_bytes;
    size_t entries_per_response; /* slots in all decrypted replies */
    double query_ms;             /* making the query, shortest */
    double answer_ms;            /* answering it, shortest */
};

/* One look-up. STATUS_MISMATCH: the value is another, absent, or does not decrypt; the message says
 * so without naming the row. */
enum status process_trial_run(const struct bfv_context *context, const struct pir_shard *shard,
                              struct span keyword, struct span value,
                              const struct random_source *random, struct process_trial *trial,
                              struct error *err) MUST_CHECK;

#endif
