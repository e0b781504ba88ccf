/* cuckoo_table - places rows in the hash buckets of one shard.
 *
 * There are h tables of n buckets; a row may sit in one bucket of each table, chosen by its key
 * hash (keyword_hash.h). A bucket holds at most `slot_count` rows and `bucket_bytes` serialized
 * bytes. Rows that find no room evict others (h >= 2); when that fails the table is built again
 * with more buckets, or the work fails, as the configuration says. No row is ever lost.
 *
 * Result   depends on the rows and the configuration only, not on their order: rows are sorted by
 *          key hash first, and the generator that picks victims is seeded from them. With h = 1
 *          nothing is picked, so the placement is canonical.
 * Time     bounded: evictions are counted per row, and expansion has a limit, so keys that were
 *          made to collide end in a larger table or an error.
 * Memory   flat arrays, about 40 bytes a row (h = 1). Values are borrowed for the table's life.
 * Threads  a built table is constant.
 * Source   spec/keyword-pir.md section 3.3; we differ from the reference in inserting the evicted
 *          row again after an expansion (the reference loses it) and in always starting over. */
#ifndef BLINDLIST_PIR_CUCKOO_TABLE_H
#define BLINDLIST_PIR_CUCKOO_TABLE_H

#include "base/span.h"
#include "base/status.h"
#include "pir-server/pir/sha256_many/sha256_many.h"

#include <stdbool.h>

struct cuckoo_config {
    size_t hash_function_count; /* 1..KEYWORD_HASH_FUNCTIONS_MAX */
    size_t max_eviction_count;  /* per inserted row, >= 1 */
    size_t bucket_bytes;        /* largest serialized bucket, >= 11 + longest value */
    size_t slot_count;          /* 1..255 rows a bucket */
    bool allow_expansion;
    /* When expansion is allowed. */
    double expansion_factor;   /* > 1 */
    double target_load_factor; /* (0, 1) */
    /* When it is not: buckets of all tables together, rounded up to a multiple of the tables. */
    uint64_t fixed_bucket_count;
};

/* One row. */
struct cuckoo_row {
    uint64_t hash;     /* key hash */
    struct span value; /* borrowed; at most HASH_BUCKET_VALUE_MAX bytes */
};

/* Largest table: buckets of all tables together. */
#define CUCKOO_BUCKETS_MAX ((uint64_t)1 << 26)

struct cuckoo_table;

/* STATUS_OK when every value of the configuration is in its range. */
enum status cuckoo_config_validate(const struct cuckoo_config *config,
                                   struct error *err) MUST_CHECK;

/* Builds the table, finding buckets with `kernel`; `rows` is sorted in place by key hash, and
 * borrowed until the table is freed. STATUS_TOO_LARGE: a row or the rows do not fit (fixed size or
 * end of expansion). STATUS_EXISTS: two rows have one key hash. */
enum status cuckoo_table_new(struct cuckoo_row *rows, size_t row_count,
                             const struct cuckoo_config *config,
                             const struct sha256_many_kernel *kernel, struct cuckoo_table **ret,
                             struct error *err) MUST_CHECK;
void cuckoo_table_free(struct cuckoo_table *table);

/* Buckets of one table, and bytes of the longest serialized bucket (at least 1). */
uint64_t cuckoo_table_bucket_count(const struct cuckoo_table *table);
size_t cuckoo_table_longest_bucket(const struct cuckoo_table *table);
/* Serializes bucket `index` of table `function`, slots sorted by key hash, and returns its size.
 *   out  at least cuckoo_table_longest_bucket() bytes; the rest is left alone */
size_t cuckoo_table_write_bucket(const struct cuckoo_table *table, size_t function, uint64_t index,
                                 uint8_t *out);

#endif
