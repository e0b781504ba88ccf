/* pir_update - a processed shard of changed rows, made from the shard before.
 *
 * With one hash function a row has one bucket, whatever the other rows are. So a bucket that rows
 * come to or leave is read out of the old shard's plaintexts, changed and encoded again; all other
 * plaintexts are taken over. The new file is the one that pir_process_shard() would make of the new
 * rows with the same parameters, byte for byte.
 *
 * Trust    what is taken over is not compared with its digests here: pir_shard_verify_digests() on
 *          the old shard does, before or after, but before anybody is served from the new one.
 * Threads  any; each call is for one shard. */
#ifndef BLINDLIST_PIR_PIR_UPDATE_H
#define BLINDLIST_PIR_PIR_UPDATE_H

#include "pir-server/pir/pir_shard.h"

#include <stdbool.h>

/* A row that came or left, by its key hash. */
struct pir_change {
    uint64_t hash;
    bool is_added;
};

/* Can shards of this layout be updated? One hash function. */
bool pir_update_is_possible(const struct pir_layout *layout);

/* Writes the file of `old` with changes, whole or not at all.
 *   kernel           hashes the plaintexts that are encoded again
 *   changes          [count] in any order; a hash that leaves and comes stays
 *   value            of the rows that come
 *   ret_plaintexts   how many were encoded again
 * What only processing all rows can settle: STATUS_TOO_LARGE (a bucket overflows), STATUS_EXISTS (a
 * hash that is there already comes, so two rows share it), STATUS_MISMATCH or STATUS_MALFORMED (the
 * old shard is damaged, or lacks a row that leaves). */
enum status pir_update_shard(const struct bfv_context *context,
                             const struct sha256_many_kernel *kernel, const struct pir_shard *old,
                             const struct pir_change *changes, size_t count, struct span value,
                             const char *path, size_t *ret_plaintexts,
                             struct error *err) MUST_CHECK;

#endif
