/* dataset_import - takes datasets over that the reference has processed.
 *
 * Files    `<stem>-<i>.bin` and `<stem>-<i>.params.txtpb` for i in [0, shard_count), as the
 *          reference's processing leaves them: shards and their parameters, no rows, no prefilter.
 *          Any number of shards, and each may have a shape of its own; encryption parameters are
 *          those of shard 0.
 * Result   a version in force below DATA/<use case> with `imported` in its dataset.json; whole or
 *          not at all, as dataset_write.h makes one. Its name follows from the content: the first
 *          16 hex digits of SHA-256 over the shards' digests.
 * Several  are all made before the first is put in force, so that a file that is wrong or missing
 *           changes none of them. Only a disk that fails while they are put in force, one behind
 *           the other, leaves some new and some old.
 * Again    DATA/<use case>/.imported has a digest over names, sizes and times of the files that the
 *          version was made of. While it is the same and that version in force nothing is read, so
 *          that a start costs milliseconds; files that change while they are read end the import.
 * Symmetric  the key is compared with the public key in the parameters (STATUS_MISMATCH), and is
 *          part of the version; a symmetric dataset without it, or another one with it, is
 *          STATUS_INVALID.
 * Memory   one shard for each thread.
 * Threads  the work is spread over the pool; one import of a use case at a time (STATUS_BUSY). */
#ifndef BLINDLIST_DATASET_DATASET_IMPORT_H
#define BLINDLIST_DATASET_DATASET_IMPORT_H

#include "base/thread_pool.h"
#include "pir-server/dataset/dataset.h"

struct dataset_import {
    const char *use_case;
    const char *stem; /* a path */
    uint64_t shard_count;
    const char *symmetric_key; /* file of the key of a symmetric dataset; NULL = is none */
    /* Called when it turns out that there is something to do, with done = 0, and after each shard,
     * by the thread that made it, one at a time. May be NULL. */
    void (*tell)(void *context, uint64_t done, uint64_t shard_count);
    void *tell_context;
};

/* STATUS_NOT_FOUND names the file that is missing, STATUS_MALFORMED, STATUS_INVALID,
 * STATUS_UNSUPPORTED or STATUS_MISMATCH the one that is wrong; what was in force stays.
 *   imports        [count] of different use cases, which errors name
 *   ret_new_count  of those that were not known already */
enum status dataset_import(const char *data, const struct dataset_import *imports, size_t count,
                           struct thread_pool *pool, size_t *ret_new_count,
                           struct error *err) MUST_CHECK;
/* Whether dataset_import() would do: reads and checks everything, and makes nothing. */
enum status dataset_import_check(const struct dataset_import *import, struct thread_pool *pool,
                                 struct error *err) MUST_CHECK;

#endif
