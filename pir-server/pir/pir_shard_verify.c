/* Reads a shard once, from front to back, and compares it with its digests and moduli: its own
 * bytes, or its file in pieces, so that no page of the map comes into memory. */
#include "base/mem.h"
#include "pir-server/pir/pir_shard_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Where the bytes to verify come from: a file, read in pieces, or the shard's own. */
struct verify_source {
    int fd; /* -1 = the shard's own bytes */
    const char *path;
    const atomic_bool *is_cancelled; /* NULL = never */
    uint8_t *head;                   /* of a file: all in front of its data */
    uint8_t *piece;                  /* of a file: what is looked at */
};

/* `bytes` bytes at `at`, in the shard's own or read into `buffer`. */
static enum status verify_fetch(const struct verify_source *source, const struct pir_shard *shard,
                                size_t at, size_t bytes, uint8_t *buffer, const uint8_t **ret,
                                struct error *err)
{
    if (source->is_cancelled != NULL && atomic_load(source->is_cancelled))
        return error_set(err, STATUS_CANCELLED, "%s: broken off", source->path);
    if (source->fd < 0) {
        *ret = shard->file.data + at;
        return STATUS_OK;
    }
    for (size_t done = 0; done < bytes;) {
        const ssize_t got = pread(source->fd, buffer + done, bytes - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "%s", source->path);
        if (got == 0)
            return error_set(err, STATUS_MISMATCH, "%s: ends at byte %zu", source->path, at + done);
        done += (size_t)got;
    }
    *ret = buffer;
    return STATUS_OK;
}

/* The leaves of one block and the range of its words, row of tiles after row of tiles: the block is
 * read once, from front to back.
 *   leaves  [plaintexts] as they stand in the file
 *   hashes  [filled plaintexts of the block] */
static enum status verify_block(const struct pir_shard *shard, const struct verify_source *source,
                                size_t block, size_t at, const uint8_t *leaves,
                                struct sha256 *hashes, struct error *err)
{
    const struct pir_layout *layout = &shard->layout;
    const size_t filled = shard->block_filled[block];
    const size_t tile = shard->tile_words;
    const size_t tile_bytes = tile * sizeof(uint32_t);
    size_t too_large = filled; /* number of the first one with a word out of range */
    for (size_t k = 0; k < filled; k++)
        sha256_init(&hashes[k]);
    for (size_t row = 0; row < words_per_plaintext(layout) && filled > 0; row += tile) {
        const uint64_t q = shard->parameters.encryption.coefficient_moduli[row / layout->degree];
        const uint8_t *bytes;
        const enum status st = verify_fetch(source, shard, at + row * filled * sizeof(uint32_t),
                                            filled * tile_bytes, source->piece, &bytes, err);
        if (st != STATUS_OK)
            return st;
        for (size_t k = 0; k < filled; k++) {
            const uint32_t *words = (const void *)(bytes + k * tile_bytes);
            sha256_add(&hashes[k], span_of(words, tile_bytes));
            uint32_t most = 0;
            for (size_t i = 0; i < tile; i++)
                most = words[i] > most ? words[i] : most;
            if (most >= q && k < too_large)
                too_large = k;
        }
    }
    size_t number = 0;
    for (size_t i = 0; i < layout->block_plaintext_count; i++) {
        const size_t position = block * layout->block_plaintext_count + i;
        uint8_t leaf[SHA256_BYTES];
        if (shard->words[position] == NULL)
            continue;
        sha256_finish(&hashes[number], leaf);
        if (memcmp(leaf, leaves + position * SHA256_BYTES, sizeof leaf) != 0)
            return error_set(err, STATUS_MISMATCH,
                             "shard file: plaintext %zu of %zu does not have its digest", position,
                             layout->plaintext_count);
        if (number == too_large)
            return error_set(
                err, STATUS_MALFORMED,
                "shard file: plaintext %zu of %zu has words that are not below their modulus",
                position, layout->plaintext_count);
        number++;
    }
    return STATUS_OK;
}

static enum status verify_all(const struct pir_shard *shard, const struct verify_source *source,
                              struct sha256 *hashes, struct error *err)
{
    const uint8_t *head;
    uint8_t digest[SHA256_BYTES];
    enum status st = verify_fetch(source, shard, 0, shard->at.data, source->head, &head, err);
    if (st != STATUS_OK)
        return st;
    pir_shard_head_digest(span_of(head, shard->at.data), digest);
    if (memcmp(digest, shard->digest, sizeof digest) != 0 ||
        memcmp(head + SHARD_DIGEST_AT, shard->digest, sizeof digest) != 0)
        return error_set(err, STATUS_MISMATCH,
                         "shard file: header, bitmap and leaves do not have their digest");
    size_t at = shard->at.data;
    for (size_t block = 0; block < block_count(&shard->layout) && st == STATUS_OK; block++) {
        st = verify_block(shard, source, block, at, head + shard->at.leaves, hashes, err);
        at += shard->block_filled[block] * words_per_plaintext(&shard->layout) * sizeof(uint32_t);
    }
    return st;
}

/* Plaintexts of the largest block. */
static size_t largest_filled(const struct pir_shard *shard)
{
    size_t filled = 0;
    for (size_t block = 0; block < block_count(&shard->layout); block++)
        if (shard->block_filled[block] > filled)
            filled = shard->block_filled[block];
    return filled;
}

static enum status verify(const struct pir_shard *shard, struct verify_source *source,
                          struct error *err)
{
    const size_t filled = largest_filled(shard);
    struct sha256 *hashes = mem_alloc(filled, sizeof *hashes);
    if (source->fd >= 0) {
        source->head = mem_alloc(shard->at.data, sizeof *source->head);
        source->piece =
            mem_alloc_aligned(MEM_ROW_ALIGNMENT, filled, shard->tile_words * sizeof(uint32_t));
    }
    enum status st;
    if (hashes == NULL || (source->fd >= 0 && (source->head == NULL || source->piece == NULL)))
        st = error_set(err, STATUS_NOMEM, "no memory to verify a shard");
    else
        st = verify_all(shard, source, hashes, err);
    mem_free(source->head);
    mem_free(source->piece);
    mem_free(hashes);
    return st;
}

enum status pir_shard_verify(const struct pir_shard *shard, struct error *err)
{
    struct verify_source source = {.fd = -1};
    return verify(shard, &source, err);
}

enum status pir_shard_verify_file(const struct pir_shard *shard, const char *path,
                                  const atomic_bool *is_cancelled, struct error *err)
{
    struct verify_source source = {.path = path, .is_cancelled = is_cancelled};
    source.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source.fd < 0)
        return error_set_errno(err, errno, "%s", path);
    const enum status st = verify(shard, &source, err);
    close(source.fd);
    return st;
}
