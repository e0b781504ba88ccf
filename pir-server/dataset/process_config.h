/* process_config - the processing configuration of the reference's tool, read unchanged.
 *
 * JSON     unknown keys are ignored, null counts as absent, a comma before a closing bracket is
 *          tolerated, comments are not. Errors name the key as a path:
 * cuckooTableArguments.slotCount. Refused  by name, STATUS_UNSUPPORTED: index databases, the
 * algorithm aclsPir, sets of parameters that need 64-bit words or leave no noise budget.
 * Ours     a missing databaseType is `keyword` (the older branch does not know the key);
 *          maxEvictionCount 0 is an error; the default bucket size and its check use stored sizes.
 * Memory   process_config_read() fills the caller's struct; process_config_deinit() empties it.
 * Source   spec/keyword-pir.md sections 1.4, 2.1, 2.2. */
#ifndef BLINDLIST_PIR_SERVER_DATASET_PROCESS_CONFIG_H
#define BLINDLIST_PIR_SERVER_DATASET_PROCESS_CONFIG_H

#include "base/span.h"
#include "pir-server/pir/pir_processing.h"

#define PROCESS_CONFIG_MAX_BYTES ((size_t)1 << 20)
/* What stands for the shard's number in the names of outputs. */
#define PROCESS_SHARD_ID   "SHARD_ID"
#define PROCESS_TRIALS_MAX 1000000

struct process_config {
    char *input_database;
    char *output_database;
    char *output_parameters;
    char *output_key_config; /* NULL: not wanted */
    char *symmetric_key;     /* file to read the key from, or */
    char *new_symmetric_key; /* file to write a new one to; both NULL: not symmetric */
    uint64_t shard_count;    /* 0: by entries_per_shard */
    uint64_t entries_per_shard;
    uint64_t max_shard_count; /* 0: no limit */
    bool require_power_of_two;
    bool has_bucket_bytes;            /* maxSerializedBucketSize is given */
    struct pir_processing processing; /* complete but for bucket_bytes when that is not given */
    size_t trials_per_shard;
};

/* STATUS_MALFORMED: no JSON of this form. STATUS_INVALID: a value. STATUS_UNSUPPORTED: see above.
 */
enum status process_config_read(struct span json, struct process_config *ret,
                                struct error *err) MUST_CHECK;
void process_config_deinit(struct process_config *config); /* takes a zeroed struct too */

/* Shards for so many input rows. */
enum status process_config_shard_count(const struct process_config *config, uint64_t rows,
                                       uint64_t *ret, struct error *err) MUST_CHECK;
/* The settings for a dataset with this longest value. STATUS_INVALID: it does not fit a bucket. */
enum status process_config_settings(const struct process_config *config, size_t longest_value,
                                    struct pir_processing *ret, struct error *err) MUST_CHECK;
/* `name` with every SHARD_ID replaced (mem_free); NULL without memory. */
char *process_config_path(const char *name, uint64_t shard) MUST_CHECK;

#endif
