/* dataset_files - the files of a version folder in work, with their sizes and digests.
 *
 * Threads  the work is spread over the pool. */
#ifndef BLINDLIST_DATASET_FILES_H
#define BLINDLIST_DATASET_FILES_H

#include "base/thread_pool.h"
#include "pir-server/dataset/dataset_manifest.h"

struct pir_shard; /* pir-server/pir/pir_shard.h */

/* Writes the two files of shard `index` into `folder`, the parameters last. */
enum status dataset_shard_save(const char *folder, uint64_t index, const struct pir_shard *shard,
                               struct error *err) MUST_CHECK;

/* Sets the files of a manifest whose info has row digest and number of shards: all that a version
 * has but dataset.json, DATASET_ORIGINS_NAME and DATASET_SYMMETRIC_KEY_NAME when they are there.
 * Shards are not read again: their headers have the digest, as the info has that of rows.txt.
 *   pool             may be NULL
 *   ret_shard_bytes  of all shards */
enum status dataset_files_list(const char *folder, struct thread_pool *pool,
                               struct dataset_manifest *manifest, uint64_t *ret_shard_bytes,
                               struct error *err) MUST_CHECK;

#endif
