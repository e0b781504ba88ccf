/* pir_shard_internal - a shard in memory and the constants of its file.
 *
 * The file's layout: docs/FILE-FORMATS.md, "shard-<i>.pir". Its data is one block for each chunk of
 * each table; a block holds, tile after tile, that tile of all its filled plaintexts side by side.
 * Dimension 0 works tile by tile, so it reads a block from front to back, and no two rows that it
 * reads together lie a power of two apart. */
#ifndef BLINDLIST_PIR_PIR_SHARD_INTERNAL_H
#define BLINDLIST_PIR_PIR_SHARD_INTERNAL_H

#include "pir-server/pir/pir_shard.h"

#include <assert.h>

#define SHARD_MAGIC       "BLPIRSHD"
#define SHARD_MAGIC_BYTES ((size_t)8)
#define SHARD_VERSION     2u
#define SHARD_BYTE_ORDER  0x01020304u
/* Flags of the header's keyword parameters. */
#define SHARD_HAS_SHARDING_FUNCTION 1u
#define SHARD_IS_SYMMETRIC          2u /* the public key stands behind the Galois elements */
/* Fields of the header that are known last. */
#define SHARD_BITMAP_AT     ((size_t)16)
#define SHARD_FILE_BYTES_AT ((size_t)24)
#define SHARD_DIGEST_AT     ((size_t)32)
/* The data begins at a multiple of this, the page size of every machine we know or a multiple. */
#define SHARD_DATA_ALIGNMENT ((size_t)4096)
#define SHARD_HEADER_MAX     ((size_t)4096)

/* What lies in front of the data, in bytes from the file's beginning. */
struct pir_shard_head {
    size_t bitmap;
    size_t leaves; /* [plaintexts][SHA256_BYTES], zeros for a nil one */
    size_t end;    /* zeros from here to the data */
    size_t data;
};

struct pir_shard {
    struct pir_parameters parameters;
    struct pir_layout layout;
    struct span file;
    struct file_map map; /* when opened from a file */
    uint8_t *owned;      /* when built in memory */
    uint8_t digest[SHA256_BYTES];
    struct pir_shard_head at;
    size_t tile_words;
    size_t filled_count;
    const uint32_t **words;  /* [plaintexts]: the first tile, NULL = nil */
    size_t *block_filled;    /* [tables * chunks] */
    const uint32_t **blocks; /* [tables * chunks]: where each begins */
    uint16_t *rows; /* [tables * chunks][D0 * D1]: row of each filled plaintext, then unused */
    uint32_t *column_counts; /* [tables * chunks][D1]: filled plaintexts */
};

static_assert(PIR_SELECTORS_MAX <= UINT16_MAX, "a row of a block fits 16 bits");

static inline size_t tile_words_of(const struct pir_layout *layout)
{
    return layout->degree < BFV_TILE_WORDS ? layout->degree : BFV_TILE_WORDS;
}

static inline size_t words_per_plaintext(const struct pir_layout *layout)
{
    return layout->moduli_count * layout->degree;
}

static inline size_t block_count(const struct pir_layout *layout)
{
    return layout->table_count * layout->chunk_count;
}

/* False: it exceeds the address space. */
bool pir_shard_head_init(size_t header_bytes, const struct pir_layout *layout,
                         struct pir_shard_head *ret);
/* SHA-256 of `head` with the digest's field zero. */
void pir_shard_head_digest(struct span head, uint8_t ret[SHA256_BYTES]);

#endif
