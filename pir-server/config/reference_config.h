/* reference_config - the configuration of the reference's service, service-config.json, as it is.
 *
 * Known    by its members "users" and "usecases", which no file of ours has. Other members are
 *          skipped, as the reference does; null stands for "absent".
 * Differs  a missing tier is fine and tiers say nothing; a use case that stands twice is refused.
 * Paths    are relative to the working directory, as the reference has it.
 * Secrets  user tokens are hashed when they are read (store_token_hash()); no message holds one.
 * Source   spec/service.md section 2.1. Threads  constant once read. */
#ifndef BLINDLIST_CONFIG_REFERENCE_CONFIG_H
#define BLINDLIST_CONFIG_REFERENCE_CONFIG_H

#include "json/json_field.h"
#include "pir-server/service/app.h"
#include "pir-server/store/store_tokens.h"

#include <stdbool.h>

#define REFERENCE_TOKENS_MAX        ((size_t)10000000)
#define REFERENCE_USE_CASES_MAX     ((size_t)10000)
#define REFERENCE_VERSION_COUNT_MAX ((uint64_t)1000000)
#define REFERENCE_TOKEN_MAX_BYTES   ((size_t)4096)
#define REFERENCE_STEM_MAX_BYTES    ((size_t)4000)
#define REFERENCE_VERSIONS_KEPT     2
/* Where imported datasets lie, beside the file, when nothing else is said. */
#define REFERENCE_DATA_NAME "blindlist-data"

struct reference_use_case {
    char *name;
    char *stem;
    char *symmetric_key; /* a path; NULL = not symmetric */
    uint64_t shard_count;
    uint64_t version_count; /* as written; 0 = is not served */
};

struct reference_config {
    struct reference_use_case *use_cases; /* [use_case_count] */
    size_t use_case_count;
    uint8_t (*tokens)[STORE_TOKEN_HASH_BYTES]; /* [token_count], sorted, each once */
    size_t token_count;
    char *reports; /* NULL = dropped */
};

bool reference_config_is_one(const struct json_field *root);
/* What is wrong is noted in the field's reader; *ret is then NULL. */
void reference_config_read(const struct json_field *root, struct reference_config **ret);
void reference_config_free(struct reference_config *config); /* takes NULL */

#endif
