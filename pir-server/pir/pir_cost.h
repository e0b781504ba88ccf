/* pir_cost - what a query on a shard costs, and the shape that costs least.
 *
 * Model    a query does seven kinds of work; each is counted from the shape and multiplied by the
 *          nanoseconds that one piece of it takes on one thread (struct pir_cost_constants). The
 *          constants are shipped (pir_cost_shipped.c); scripts/ship-costs measures them again.
 *          Composite Galois elements have no term of their own yet: what they save is not counted.
 * Use      of bench_shape so far; `compile` chooses by pir_processing_fit()'s rule.
 * Choice   every bucket size, number of columns and set of Galois elements is tried; rows of
 *          dimension 0 follow. Integers only: the same request and constants give the same shape
 *          on every machine.
 * Head     rows come and go between versions, a shape should stay. Buckets are filled to
 * room     `fill_percent` on average. With one hash function a bucket's rows are Poisson
 *          distributed, so the mean also stays 6.5 standard deviations below what a bucket takes.
 *          Cells of the D0 x D1 grid that would stay empty hold buckets, too.
 *
 * Memory   plain values. Threads  any. */
#ifndef BLINDLIST_PIR_PIR_COST_H
#define BLINDLIST_PIR_PIR_COST_H

#include "pir-server/pir/pir_parameters.h"

/* The kinds of work. */
enum pir_cost_term {
    PIR_COST_QUERY,      /* a ciphertext of a query: seed expanded, transformed */
    PIR_COST_KEY_SWITCH, /* an automorphism of the expansion, and the two selectors it makes */
    PIR_COST_PLAINTEXT,  /* a plaintext in dimension 0 */
    PIR_COST_SELECTOR,   /* a selector of dimension 1, lifted */
    PIR_COST_COLUMN,     /* a column of dimension 1: lifted, multiplied with its selector */
    PIR_COST_PRODUCT,    /* a sum of products: scaled, relinearized */
    PIR_COST_REPLY,      /* a ciphertext of the response: switched down, written */
    PIR_COST_TERM_COUNT
};
/* "keySwitch" and so on. */
const char *pir_cost_term_name(enum pir_cost_term term);

/* Nanoseconds of one piece of each kind, 0..PIR_COST_NS_MAX, measured with polynomials of `degree`
 * over `moduli_count` moduli, the key-switching one included. */
#define PIR_COST_NS_MAX ((uint64_t)100000000)
struct pir_cost_constants {
    uint64_t degree;
    uint64_t moduli_count;
    uint64_t ns[PIR_COST_TERM_COUNT];
};
const struct pir_cost_constants *pir_cost_shipped(void);

/* Pieces of each kind in one query. */
struct pir_cost_counts {
    uint64_t count[PIR_COST_TERM_COUNT];
};

struct pir_prediction {
    struct pir_cost_counts counts;
    uint64_t query_ns;             /* of one query, one thread */
    uint64_t query_bytes;          /* EncryptedIndices */
    uint64_t response_bytes;       /* PIRResponse */
    uint64_t evaluation_key_bytes; /* SerializedEvaluationKey */
    uint64_t shard_bytes; /* plaintexts of one shard in file and memory, none of them nil */
};
/* For any valid shape, ours or the reference's. Encryption parameters other than those of the
 * constants are reckoned in proportion to their words and transforms, which is a guess. Fails as
 * pir_layout_init() does.
 *   constants  NULL = the shipped ones */
enum status pir_cost_predict(const struct pir_parameters *parameters, unsigned bfv_flags,
                             const struct pir_cost_constants *constants, struct pir_prediction *ret,
                             struct error *err) MUST_CHECK;

#define PIR_COST_FILL_PERCENT       60 /* one hash function */
#define PIR_COST_FILL_PERCENT_MORE  80 /* more: rows move on to their other bucket */
#define PIR_COST_FILL_PERCENT_ALONE 40 /* more, and a bucket takes a single row */

/* What a shape is wanted for. */
struct pir_cost_request {
    struct bfv_parameters encryption; /* valid */
    uint64_t rows;                    /* in the fullest shard */
    size_t longest_value;             /* bytes, at most HASH_BUCKET_VALUE_MAX */
    size_t hash_function_count;       /* 1..KEYWORD_HASH_FUNCTIONS_MAX */
    uint32_t fill_percent;            /* 1..100; 0 = the default of the above */
    bool one_dimension;               /* try shapes of a single dimension as well */
    struct sharding sharding;
    /* Limits, 0 = none. */
    uint64_t max_response_bytes;
    uint64_t max_evaluation_key_bytes;
    uint64_t max_shard_bytes;
    const struct pir_cost_constants *constants; /* NULL = the shipped ones */
};
/* The cheapest shape within the limits as the parameters of each shard. STATUS_INVALID: a field is
 * out of its range; STATUS_TOO_LARGE: no shape is within the limits, the message says what the
 * least would be. */
enum status pir_cost_choose(const struct pir_cost_request *request, struct pir_parameters *ret,
                            struct error *err) MUST_CHECK;

/* Buckets of all tables, a multiple of `hash_function_count`, that hold `rows` with head room.
 *   fill_percent  as above */
uint64_t pir_cost_bucket_count(uint64_t rows, size_t longest_value, size_t bucket_bytes,
                               size_t hash_function_count, uint32_t fill_percent);

#endif
