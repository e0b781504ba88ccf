/* hash_bucket - the bytes of one bucket: which key hashes it holds and their values.
 *
 *     u8 slot count, then for each slot: key hash (8 bytes LE) | value size (2 bytes LE) | value
 *
 * An empty bucket is one zero byte. Bytes behind the last slot are padding and ignored. The order
 * of slots is free; ours are sorted by key hash. When a hash appears twice the first slot counts.
 *
 * Memory   nothing is kept; values returned are borrowed from the bucket. Threads  any.
 * Source   spec/keyword-pir.md section 3.2. */
#ifndef BLINDLIST_PIR_HASH_BUCKET_H
#define BLINDLIST_PIR_HASH_BUCKET_H

#include "base/span.h"
#include "base/status.h"

#define HASH_BUCKET_EMPTY_BYTES ((size_t)1)
#define HASH_BUCKET_SLOT_BYTES  ((size_t)10) /* of a slot, before its value */
#define HASH_BUCKET_SLOTS_MAX   ((size_t)255)
#define HASH_BUCKET_VALUE_MAX   ((size_t)65535)
/* Largest bucket there can be. */
#define HASH_BUCKET_BYTES_MAX                                                                      \
    (HASH_BUCKET_EMPTY_BYTES +                                                                     \
     HASH_BUCKET_SLOTS_MAX * (HASH_BUCKET_SLOT_BYTES + HASH_BUCKET_VALUE_MAX))

/* One slot to write. Borrows the value. */
struct hash_bucket_slot {
    uint64_t hash;
    struct span value; /* at most HASH_BUCKET_VALUE_MAX bytes */
};

/* Bytes of a bucket with these slots. */
size_t hash_bucket_size(const struct hash_bucket_slot *slots, size_t count);
/* Writes the bucket at `out`, which has room for hash_bucket_size() bytes; returns that size.
 *   count  at most HASH_BUCKET_SLOTS_MAX */
size_t hash_bucket_write(const struct hash_bucket_slot *slots, size_t count, uint8_t *out);

/* Looks the hash up. The whole bucket is parsed first: a slot that runs over the end is
 * STATUS_MALFORMED, never "not found". *ret_value is borrowed from `bucket`, set when found. */
enum status hash_bucket_find(struct span bucket, uint64_t hash, bool *ret_found,
                             struct span *ret_value, struct error *err) MUST_CHECK;
/* All slots, in order, at most HASH_BUCKET_SLOTS_MAX; values borrowed from `bucket`. */
enum status hash_bucket_parse(struct span bucket,
                              struct hash_bucket_slot ret_slots[HASH_BUCKET_SLOTS_MAX],
                              size_t *ret_count, struct error *err) MUST_CHECK;

#endif
