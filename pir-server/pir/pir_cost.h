/* pir_cost - what a query on a shard costs: time on one thread, bytes sent and kept.
 *
 * Model    a query does eight kinds of work; each is counted from the shape and multiplied by the
 *          nanoseconds that one piece of it takes on one thread (struct pir_cost_constants). The
 *          constants are shipped (pir_cost_shipped.c) or those of a file (pir_cost_file.h) that
 *          `blindlist tune` measured.
 * Use      pir_shape_choose() picks shapes by it, `blindlist compile` prints it.
 * Exact    integers only: the same shape and constants give the same figures on every machine.
 *
 * Memory   plain values. Threads  any. */
#ifndef BLINDLIST_PIR_PIR_COST_H
#define BLINDLIST_PIR_PIR_COST_H

#include "pir-server/pir/pir_parameters.h"

/* The kinds of work. */
enum pir_cost_term {
    PIR_COST_QUERY,         /* a ciphertext of a query: seed expanded, transformed */
    PIR_COST_DECOMPOSITION, /* a node of the expansion: decomposed, its digits transformed */
    PIR_COST_AUTOMORPHISM,  /* an automorphism of those digits, and the selector it makes */
    PIR_COST_PLAINTEXT,     /* a plaintext in dimension 0 */
    PIR_COST_SELECTOR,      /* a selector of dimension 1, lifted */
    PIR_COST_COLUMN,        /* a column of dimension 1: lifted, multiplied with its selector */
    PIR_COST_PRODUCT,       /* a sum of products: scaled, relinearized */
    PIR_COST_REPLY,         /* a ciphertext of the response: switched down, written */
    PIR_COST_TERM_COUNT
};
/* "decomposition" and so on. */
const char *pir_cost_term_name(enum pir_cost_term term);

/* Nanoseconds of one piece of each kind, 0..PIR_COST_NS_MAX, measured with polynomials of `degree`
 * over `moduli_count` moduli, the key-switching one included. */
#define PIR_COST_NS_MAX ((uint64_t)100000000)
struct pir_cost_constants {
    uint64_t degree;
    uint64_t moduli_count;
    bool pairs_levels; /* two levels of the expansion at once; the kernel "ref" does not */
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

/* The numbers of a layout that cost depends on. */
struct pir_cost_grid {
    uint64_t tables;
    uint64_t chunks;  /* plaintexts of one entry */
    uint64_t rows;    /* D0 */
    uint64_t columns; /* D1; 1 with one dimension */
    bool one_dimension;
};
/* How often the largest element 2^k + 1 of the key up to that of level 1, 2, .. of the expansion is
 * applied to reach it (spec/bfv.md section 7.5). */
uint64_t pir_cost_level_times(uint64_t degree, unsigned level,
                              const struct pir_evaluation_key_config *key);
/* Encryption parameters other than those of the constants are reckoned in proportion to their words
 * and transforms, which is a guess. `key` lists what the expansion needs. */
struct pir_prediction pir_cost_of_grid(const struct bfv_parameters *encryption,
                                       const struct pir_cost_grid *grid,
                                       const struct pir_evaluation_key_config *key,
                                       const struct pir_cost_constants *constants);
/* For any valid shape, ours or the reference's. Fails as pir_layout_init() does.
 *   constants  NULL = the shipped ones */
enum status pir_cost_predict(const struct pir_parameters *parameters, unsigned bfv_flags,
                             const struct pir_cost_constants *constants, struct pir_prediction *ret,
                             struct error *err) MUST_CHECK;

#endif
