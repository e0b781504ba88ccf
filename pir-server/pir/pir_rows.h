/* pir_rows - the rows of a dataset, and their distribution over shards.
 *
 * Rows are reached through functions, so that whoever holds them (a text of sorted keys, a parsed
 * database) needs no second copy. A partition knows of each row its key hash and number, grouped
 * by shard and sorted by hash.
 *
 * Duplicates  The same keyword twice is an error. Two keywords with one key hash (made on purpose:
 *             2^32 work) are kept as one row when their values are equal, for then every look-up is
 *             still right; with different values they are an error.
 * Memory      24 bytes a row while it is made, 16 afterwards. Borrows the rows.
 * Threads     a partition is constant once made; row functions are called from several threads. */
#ifndef BLINDLIST_PIR_PIR_ROWS_H
#define BLINDLIST_PIR_PIR_ROWS_H

#include "base/span.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "pir-server/pir/keyword_hash.h"

/* Shards of one dataset, at most. */
#define PIR_SHARDS_MAX ((uint64_t)65536)

struct pir_rows {
    size_t count; /* below 2^32 */
    const void *context;
    struct span (*keyword)(const void *context, size_t row);
    struct span (*value)(const void *context, size_t row); /* NULL: all have constant_value */
    struct span constant_value;
};

/* Rows as an array of pairs. */
struct pir_row {
    struct span keyword;
    struct span value;
};
/* Borrows `rows`. */
struct pir_rows pir_rows_of_array(const struct pir_row *rows, size_t count);
struct span pir_rows_value(const struct pir_rows *rows, size_t row);

struct pir_partition_entry {
    uint64_t hash;
    uint32_t row;
};

struct pir_partition;
/* Hashes all rows on the pool (may be NULL) and groups them. STATUS_EXISTS: a keyword twice; the
 * message names the row numbers, from 0. STATUS_INVALID: one key hash, two values. */
enum status pir_partition_new(const struct pir_rows *rows, uint64_t shard_count,
                              const struct sharding *sharding, struct thread_pool *pool,
                              struct pir_partition **ret, struct error *err) MUST_CHECK;
void pir_partition_free(struct pir_partition *partition); /* takes NULL */

/* The kernel that hashed the rows, for whatever else is hashed of them: chosen once. */
const struct sha256_many_kernel *pir_partition_kernel(const struct pir_partition *partition);
const struct pir_rows *pir_partition_rows(const struct pir_partition *partition);
uint64_t pir_partition_shard_count(const struct pir_partition *partition);
/* Entries of one shard, ascending by hash; *ret_count may be 0. Borrowed. */
const struct pir_partition_entry *pir_partition_shard(const struct pir_partition *partition,
                                                      uint64_t shard, size_t *ret_count);
/* Rows of the fullest shard, rows in all, and rows left out because another row has their key hash
 * and value. */
size_t pir_partition_largest_shard(const struct pir_partition *partition);
size_t pir_partition_row_count(const struct pir_partition *partition);
size_t pir_partition_merged_count(const struct pir_partition *partition);
/* Bytes of the longest value. */
size_t pir_partition_longest_value(const struct pir_partition *partition);

#endif
