/* pir_shape - the shape of a dataset's shards: buckets, dimensions, Galois elements.
 *
 * Choice   every bucket size, number of columns, compression of the keys and number of composite
 *          Galois elements is tried; rows of dimension 0 follow. The cheapest by pir_cost within
 *          the limits is taken; the same request and constants give the same shape everywhere.
 * Head     rows come and go between versions, a shape should stay. With one hash function a
 * room     bucket's rows are Poisson distributed: there are so many buckets that after the stated
 *          growth one anywhere in the dataset overflows with a chance of 1 in
 *          PIR_SHAPE_OVERFLOW_ODDS. With more, rows move on to their other bucket, and buckets are
 *          filled to PIR_SHAPE_FILL_PERCENT after the growth. Cells of the D0 x D1 grid that would
 *          stay empty hold buckets, too.
 *
 * Noise    a shape leaves PIR_NOISE_BUDGET_BITS_MIN at least (pir_noise.h), which ends the growth
 * of a shard at some three million rows with t = 37, at 75 million with t = 17.
 *
 * Memory   plain values. Threads  any. */
#ifndef BLINDLIST_PIR_PIR_SHAPE_H
#define BLINDLIST_PIR_PIR_SHAPE_H

#include "pir-server/pir/pir_cost.h"

#define PIR_SHAPE_OVERFLOW_ODDS      10000
#define PIR_SHAPE_FILL_PERCENT       88 /* more than one hash function */
#define PIR_SHAPE_FILL_PERCENT_ALONE 44 /* likewise, and a bucket takes a single row */
#define PIR_SHAPE_GROWTH_PERCENT     10 /* a default; docs/PERFORMANCE.md has the figures */
#define PIR_SHAPE_GROWTH_PERCENT_MAX 10000

/* What has to be held. */
struct pir_shape_load {
    struct bfv_parameters encryption; /* valid */
    struct sharding sharding;
    uint64_t shard_count;
    uint64_t rows; /* in the fullest shard */
    size_t longest_value;
};

/* How it should be held. */
struct pir_shape_wish {
    size_t hash_function_count; /* 1..KEYWORD_HASH_FUNCTIONS_MAX */
    uint32_t growth_percent;    /* 0..PIR_SHAPE_GROWTH_PERCENT_MAX */
    size_t bucket_bytes;        /* only buckets of this size, which takes a row; 0 = any */
    /* Limits, 0 = none. */
    uint64_t max_response_bytes;
    uint64_t max_key_bytes;
    uint64_t max_shard_bytes;
    /* Only shapes that devices can ask with keys they have; borrowed, NULL = any. */
    const struct pir_evaluation_key_config *key;
    const struct pir_cost_constants *constants; /* borrowed; NULL = the shipped ones */
};
/* One hash function, the growth above, no limits. */
void pir_shape_wish_init(struct pir_shape_wish *ret);

/* The parameters of every shard. STATUS_INVALID: a field is out of its range; STATUS_TOO_LARGE: no
 * shape is within the limits, the message says what the least would be. */
enum status pir_shape_choose(const struct pir_shape_load *load, const struct pir_shape_wish *wish,
                             struct pir_parameters *ret, struct error *err) MUST_CHECK;

/* Buckets of all tables of a shard, a multiple of the hash functions, that hold the load with the
 * head room of the wish. */
uint64_t pir_shape_bucket_count(const struct pir_shape_load *load,
                                const struct pir_shape_wish *wish, size_t bucket_bytes);
/* Rows that a bucket takes when all have the longest value, at least 1. */
uint64_t pir_shape_slots(size_t bucket_bytes, size_t longest_value);

#endif
