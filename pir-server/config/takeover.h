/* takeover - a deployment of the reference becomes one of ours: its datasets and its user tokens.
 *
 * Datasets  of the use cases that are served are imported (dataset_import.h) when their files are
 *           new; the log says what is done.
 * Tokens    belong to the app "" and have TAKEOVER_LABEL in the store. Those that the file names
 *           are in force, those that it names no more are revoked; tokens with other labels are
 *           somebody else's and stay as they are.
 * Privacy   the log has counts of tokens only.
 * Threads   one at a time. */
#ifndef BLINDLIST_CONFIG_TAKEOVER_H
#define BLINDLIST_CONFIG_TAKEOVER_H

#include "base/log.h"
#include "base/thread_pool.h"
#include "pir-server/config/reference_config.h"

#define TAKEOVER_LABEL "service-config.json"

/* All or none of them: the first use case that fails ends it. */
enum status takeover_datasets(const struct reference_config *config, const char *data,
                              struct thread_pool *pool, const struct log *log,
                              struct error *err) MUST_CHECK;
/* Again after a failure in between does the rest. */
enum status takeover_tokens(const struct reference_config *config, struct store *store,
                            uint64_t now_s, const struct log *log, struct error *err) MUST_CHECK;

#endif
