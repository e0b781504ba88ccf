/* pir_parameters - what one shard of a keyword PIR dataset looks like, and what follows from it.
 *
 * struct pir_parameters says the same as the reference's PirParameters message (the
 * `.params.txtpb` file of a shard); wire/ reads and writes it. pir_layout_init() checks it and
 * derives the counts that everything else uses. Both sides take dimensions and Galois elements as
 * they are given; pir_dimensions() and pir_galois_elements() are how a builder picks them.
 *
 * Memory   plain values, copied freely. Threads  any.
 * Source   spec/keyword-pir.md sections 4, 5.2 and 8; spec/wire.md section 3. */
#ifndef BLINDLIST_PIR_PIR_PARAMETERS_H
#define BLINDLIST_PIR_PIR_PARAMETERS_H

#include "base/status.h"
#include "pir-server/bfv/bfv_parameters.h"
#include "pir-server/pir/keyword_hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIR_DIMENSIONS_MAX ((size_t)2)
/* A compressed point of P-384: oprf/voprf.h. */
#define PIR_SYMMETRIC_KEY_BYTES 49
/* log2(2N) elements for every level of the expansion; the rest is room for composite ones. */
#define PIR_GALOIS_ELEMENTS_MAX ((size_t)64)
/* Selectors of one query: bounds the memory of one answer (64 KiB each for N = 4096). */
#define PIR_SELECTORS_MAX ((uint64_t)16384)
/* Plaintexts of a shard: its `.bin` counts them in 32 bits. */
#define PIR_PLAINTEXTS_MAX ((uint64_t)UINT32_MAX)

/* Wire numbers of PirAlgorithm. */
enum pir_algorithm { PIR_ALGORITHM_ACLS = 0, PIR_ALGORITHM_MUL_PIR = 1 };
/* Wire numbers of KeyCompressionStrategy. */
enum pir_key_compression {
    PIR_KEY_COMPRESSION_NONE = 0,
    PIR_KEY_COMPRESSION_MAX = 1,
    PIR_KEY_COMPRESSION_HYBRID = 2
};

/* What an evaluation key has to contain. */
struct pir_evaluation_key_config {
    struct bfv_parameters encryption;
    uint32_t galois_elements[PIR_GALOIS_ELEMENTS_MAX]; /* as listed; ours are ascending */
    size_t galois_element_count;
    bool has_relin_key;
};

struct pir_parameters {
    struct bfv_parameters encryption;
    uint64_t entry_count; /* num_entries: entries (buckets) of one table */
    uint64_t entry_bytes; /* entry_size: bytes of one entry (serialized bucket) */
    uint64_t dimensions[PIR_DIMENSIONS_MAX]; /* D0, D1: plaintexts of one chunk */
    size_t dimension_count;                  /* 1 or 2 */
    bool has_keyword_parameters;             /* false: an index database */
    uint64_t hash_function_count;            /* = tables; 1 without keyword parameters */
    /* Symmetric PIR: keywords have gone through a keyed function, values are sealed (oprf/). */
    bool is_symmetric;
    uint8_t symmetric_public_key[PIR_SYMMETRIC_KEY_BYTES]; /* of that function; else zeros */
    bool has_sharding_function; /* false: the file leaves it out, which means SHA-256 */
    struct sharding sharding;
    uint32_t algorithm;  /* enum pir_algorithm */
    uint64_t batch_size; /* indices of one query */
    struct pir_evaluation_key_config evaluation_key;
    uint32_t key_compression; /* as written in the file; means nothing */
    bool encoding_entry_size; /* index databases only */
};

/* Counts that follow from the parameters; all products are checked. N is the degree, L the number
 * of ciphertext moduli (without the key-switching one). */
struct pir_layout {
    size_t degree;          /* N */
    size_t moduli_count;    /* L */
    size_t plaintext_bytes; /* payload of a plaintext: bfv_bytes_per_plaintext() */
    size_t entry_bytes;
    uint64_t entry_count;
    size_t entries_per_plaintext; /* 1 when an entry needs several plaintexts */
    size_t chunk_count;           /* plaintexts of one entry */
    size_t table_count;           /* hash functions */
    size_t dimensions[2];         /* D0 rows, D1 columns; D1 = 1 with one dimension */
    size_t dimension_count;
    size_t used_plaintext_count;  /* of one chunk: the rest up to D0 * D1 is nil */
    size_t block_plaintext_count; /* D0 * D1 */
    size_t plaintext_count;       /* tables * chunks * D0 * D1 */
    size_t selectors_per_index;   /* D0 + D1, or D0 alone */
    size_t selector_count;        /* of a query: indices * selectors_per_index */
    size_t query_ciphertext_count;
};

/* Checks everything that a hostile file may hold, BFV parameters included, and derives the layout.
 * STATUS_INVALID names the field; STATUS_UNSUPPORTED names index databases and other algorithms.
 *   bfv_flags  of bfv_parameters_validate(); 0 outside of tests */
enum status pir_layout_init(const struct pir_parameters *parameters, unsigned bfv_flags,
                            struct pir_layout *ret, struct error *err) MUST_CHECK;
/* The same check alone, with no flags. */
enum status pir_parameters_validate(const struct pir_parameters *parameters,
                                    struct error *err) MUST_CHECK;
/* Same dataset shape: everything a client's query or the server's work depends on. */
bool pir_parameters_equal(const struct pir_parameters *a, const struct pir_parameters *b);

/* Both are symmetric with the same key, or neither is. */
bool pir_symmetric_equal(const struct pir_parameters *a, const struct pir_parameters *b);

/* The same key serves both. */
bool pir_evaluation_key_config_equal(const struct pir_evaluation_key_config *a,
                                     const struct pir_evaluation_key_config *b);

/* Where plaintext `p` of a chunk is stored: column by column. p in [0, D0 * D1). */
static inline size_t pir_layout_position(const struct pir_layout *layout, size_t table,
                                         size_t chunk, size_t p)
{
    const size_t row = p / layout->dimensions[1];
    const size_t column = p % layout->dimensions[1];
    return ((table * layout->chunk_count + chunk) * layout->dimensions[1] + column) *
               layout->dimensions[0] +
           row;
}

/* Plaintexts that one chunk of `entry_count` entries of `entry_bytes` takes. All > 0. */
uint64_t pir_plaintexts_needed(uint64_t entry_count, uint64_t entry_bytes,
                               uint64_t plaintext_bytes);
/* Dimensions for `plaintexts` (1..PIR_PLAINTEXTS_MAX), exactly as the reference picks them; uneven
 * ones trade dimension 1 for as much of dimension 0 as costs no further expansion level.
 *   batch_size  1..KEYWORD_HASH_FUNCTIONS_MAX */
void pir_dimensions(uint64_t plaintexts, uint64_t batch_size, bool uneven,
                    uint64_t ret_dimensions[PIR_DIMENSIONS_MAX]);
/* Galois elements that the expansion of `selector_count` (>= 2) selectors needs, ascending.
 *   degree  a power of two, 4..2^30 */
void pir_galois_elements(uint64_t degree, uint64_t selector_count,
                         enum pir_key_compression compression,
                         uint32_t ret_elements[PIR_GALOIS_ELEMENTS_MAX], size_t *ret_count);
/* Adds the composite elements with which the last `pairs` pairs of levels of that expansion are
 * done two at a time (bfv_expand()): for each pair g h mod 2N, its elements g and h listed. One
 * more key each. The list stays ascending; those that the list has, lacks the parts of, or has no
 * room for are left out. */
void pir_galois_elements_pair(uint64_t degree, uint64_t selector_count, size_t pairs,
                              uint32_t elements[PIR_GALOIS_ELEMENTS_MAX], size_t *count);
/* Do keys for these elements expand `selector_count` selectors? */
bool pir_galois_elements_serve(const struct pir_evaluation_key_config *config, uint64_t degree,
                               uint64_t selector_count);
/* One configuration that serves all shards: adds to `all` what `more` lists, ascending. An empty
 * `all` (all zero) takes over the encryption parameters. STATUS_TOO_LARGE when the list is full. */
enum status pir_evaluation_key_config_merge(struct pir_evaluation_key_config *all,
                                            const struct pir_evaluation_key_config *more,
                                            struct error *err) MUST_CHECK;

#endif
