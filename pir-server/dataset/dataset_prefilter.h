/* dataset_prefilter - makes the prefilter of a dataset version: its three files.
 *
 * Memory   the bits and 8 bytes a row. Threads  the work is spread over the pool. */
#ifndef BLINDLIST_DATASET_PREFILTER_H
#define BLINDLIST_DATASET_PREFILTER_H

#include "base/thread_pool.h"
#include "bloom/bloom.h"
#include "pir-server/dataset/dataset.h"
#include "urls/row_set.h"

/* Writes prefilter.bloom, .json and .plist of the finished `rows` into `folder`.
 *   key   signs the manifest; NULL = nobody does
 *   info  in: use_case, row_count, false_positive_rate, murmur_seed, parsing;
 *         out: prefilter_bytes and _tag
 *   pool  may be NULL
 *   ret_params  of the filter */
enum status dataset_prefilter_write(const struct row_set *rows, const char *folder,
                                    const struct bloom_signing_key *key, struct thread_pool *pool,
                                    struct dataset_info *info, struct bloom_params *ret_params,
                                    struct error *err) MUST_CHECK;

#endif
