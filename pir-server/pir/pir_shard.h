/* pir_shard - one processed shard: plaintexts in evaluation form, ready to be queried.
 *
 * The file (`shard-<i>.pir`, docs/FILE-FORMATS.md) is mapped read-only, so opening it costs no more
 * than its header and bitmap, several processes share its pages, and it may be larger than memory.
 * The plaintexts that are not nil lie as tiles in the order in which dimension 0 reads them.
 *
 * Trust    opening checks every field of the header, the bitmap and the exact file size; a query
 *          on a shard with wrong words gives wrong answers but touches no foreign memory.
 *          pir_shard_verify() reads all of it: digests and ranges.
 * Digest   in front of the data stands a leaf for each plaintext: SHA-256 of its words [L][N],
 *          zeros for a nil one. The digest covers header, bitmap and leaves, and so the data too.
 * Memory   a shard is immutable. It owns its image (built), borrows it, or pir_shard_open() keeps
 *          the file mapped until pir_shard_free().
 * Threads  shared freely. */
#ifndef BLINDLIST_PIR_PIR_SHARD_H
#define BLINDLIST_PIR_PIR_SHARD_H

#include "base/bytes.h"
#include "base/file.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/bfv/bfv_product.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/pir/sha256.h"
#include "pir-server/pir/sha256_many/sha256_many.h"

#include <stdatomic.h>

struct pir_shard;

/* Maps and checks `path`. bfv_flags: as for bfv_parameters_validate(). */
enum status pir_shard_open(const char *path, unsigned bfv_flags, struct pir_shard **ret,
                           struct error *err) MUST_CHECK;
/* The same over bytes in memory, aligned to 64, borrowed until pir_shard_free(). */
enum status pir_shard_open_bytes(struct span file, unsigned bfv_flags, struct pir_shard **ret,
                                 struct error *err) MUST_CHECK;
void pir_shard_free(struct pir_shard *shard); /* takes NULL */

const struct pir_parameters *pir_shard_parameters(const struct pir_shard *shard);
const struct pir_layout *pir_shard_layout(const struct pir_shard *shard);
/* SHA-256 of header, bitmap and leaves: [SHA256_BYTES]. Equal for equal parameters and plaintexts.
 */
const uint8_t *pir_shard_digest(const struct pir_shard *shard);
/* Bytes of the file. */
size_t pir_shard_size(const struct pir_shard *shard);
/* Plaintexts that are not nil. */
size_t pir_shard_filled_count(const struct pir_shard *shard);

/* Reads everything: STATUS_MISMATCH when a digest is another, STATUS_MALFORMED when a word is not
 * below its modulus. The message names the first plaintext that is damaged. */
enum status pir_shard_verify(const struct pir_shard *shard, struct error *err) MUST_CHECK;
/* The same, but reads `path`, the file it was opened from, in pieces instead of touching the map,
 * so that no memory stays taken. STATUS_CANCELLED soon after *is_cancelled is set. */
enum status pir_shard_verify_file(const struct pir_shard *shard, const char *path,
                                  const atomic_bool *is_cancelled, struct error *err) MUST_CHECK;

/* The digests alone, several plaintexts at a time: that the words are those the file was written
 * with. STATUS_MISMATCH as above. */
enum status pir_shard_verify_digests(const struct pir_shard *shard,
                                     const struct sha256_many_kernel *kernel,
                                     struct error *err) MUST_CHECK;

/* Plaintext at a stored position (pir_layout_position()) as [L][N] words, evaluation form, values
 * in [0, q_i). False, with `ret` untouched, for a nil one. */
bool pir_shard_plaintext(const struct pir_shard *shard, size_t position, uint32_t *ret);
/* The plaintexts of one chunk of one table as dimension 0 reads them; borrowed from the shard. */
struct bfv_plaintext_matrix pir_shard_matrix(const struct pir_shard *shard, size_t table,
                                             size_t chunk);

/* Where a shard's plaintexts come from when it is written: processing, `.bin` or another shard. */
struct pir_plaintext_source {
    void *context; /* borrowed */
    /* Plaintext at a stored position; positions are asked for once each, ascending.
     *   ret  [L][N], evaluation form, values in [0, q_i); untouched when nil */
    enum status (*next)(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                        struct error *err);
};
struct pir_plaintext_source pir_shard_source(const struct pir_shard *shard);

/* Makes a shard in memory, the image of its file. Deterministic, whatever kernel hashes its leaves.
 */
enum status pir_shard_build(const struct pir_parameters *parameters, unsigned bfv_flags,
                            const struct sha256_many_kernel *kernel,
                            const struct pir_plaintext_source *source, struct pir_shard **ret,
                            struct error *err) MUST_CHECK;
/* Writes the shard's file, whole or not at all. */
enum status pir_shard_save(const struct pir_shard *shard, const char *path,
                           struct error *err) MUST_CHECK;

/* A plaintext that is another one in the new shard. */
struct pir_replacement {
    size_t position;       /* stored position */
    const uint32_t *words; /* [L][N] as in pir_plaintext_source; NULL = nil from now on */
};
/* Writes the file of `old` with some plaintexts replaced, whole or not at all: the bytes that
 * building such a shard anew would give. The plaintexts that stay are neither encoded nor hashed
 * again; they go from the map to the file in pieces.
 *   replacements  each position once at most
 *   ret_digest    pir_shard_digest() of the new file */
enum status pir_shard_patch(const struct pir_shard *old, const struct sha256_many_kernel *kernel,
                            const struct pir_replacement *replacements, size_t count,
                            const char *path, uint8_t ret_digest[SHA256_BYTES],
                            struct error *err) MUST_CHECK;

#endif
