/* The leaves of a shard in memory compared with its words, as many plaintexts at a time as SHA-256
 * takes side by side. Their tiles are gathered row of tiles after row of tiles: what is read
 * together lies together. */
#include "base/mem.h"
#include "pir-server/pir/pir_shard_internal.h"

#define AT_ONCE ((size_t)16)
/* Between the copies, so that they do not fall into the same sets of a cache. */
#define GAP_WORDS ((size_t)16)

struct comparison {
    const struct pir_shard *shard;
    const struct sha256_many_kernel *kernel;
    uint32_t *words; /* [AT_ONCE] copies with their gaps */
    size_t pitch;    /* words from one copy to the next */
    size_t positions[AT_ONCE];
    size_t count;
};

static void gather(struct comparison *comparison)
{
    const struct pir_shard *shard = comparison->shard;
    const size_t tile = shard->tile_words;
    for (size_t row = 0; row < words_per_plaintext(&shard->layout) / tile; row++) {
        for (size_t i = 0; i < comparison->count; i++) {
            const size_t position = comparison->positions[i];
            const size_t block = position / shard->layout.block_plaintext_count;
            memcpy(comparison->words + i * comparison->pitch + row * tile,
                   shard->words[position] + row * shard->block_filled[block] * tile,
                   tile * sizeof(uint32_t));
        }
    }
}

static enum status compare(struct comparison *comparison, struct error *err)
{
    const struct pir_shard *shard = comparison->shard;
    struct span inputs[AT_ONCE];
    uint8_t digests[AT_ONCE][SHA256_MANY_BYTES];
    gather(comparison);
    for (size_t i = 0; i < comparison->count; i++)
        inputs[i] = span_of(comparison->words + i * comparison->pitch,
                            words_per_plaintext(&shard->layout) * sizeof(uint32_t));
    sha256_many(comparison->kernel, inputs, comparison->count, digests);
    for (size_t i = 0; i < comparison->count; i++) {
        const size_t position = comparison->positions[i];
        if (memcmp(digests[i], shard->file.data + shard->at.leaves + position * SHA256_BYTES,
                   SHA256_BYTES) != 0)
            return error_set(err, STATUS_MISMATCH,
                             "shard file: plaintext %zu of %zu does not have its digest", position,
                             shard->layout.plaintext_count);
    }
    comparison->count = 0;
    return STATUS_OK;
}

enum status pir_shard_verify_digests(const struct pir_shard *shard,
                                     const struct sha256_many_kernel *kernel, struct error *err)
{
    struct comparison comparison = {
        .shard = shard, .kernel = kernel, .pitch = words_per_plaintext(&shard->layout) + GAP_WORDS};
    uint8_t digest[SHA256_BYTES];
    pir_shard_head_digest(span_part(shard->file, 0, shard->at.data), digest);
    if (memcmp(digest, shard->digest, sizeof digest) != 0)
        return error_set(err, STATUS_MISMATCH,
                         "shard file: header, bitmap and leaves do not have their digest");
    comparison.words =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, AT_ONCE * comparison.pitch, sizeof(uint32_t));
    if (comparison.words == NULL)
        return error_set(err, STATUS_NOMEM, "no memory to compare digests");
    enum status st = STATUS_OK;
    for (size_t i = 0; i < shard->layout.plaintext_count && st == STATUS_OK; i++) {
        if (shard->words[i] == NULL)
            continue;
        comparison.positions[comparison.count++] = i;
        if (comparison.count == AT_ONCE)
            st = compare(&comparison, err);
    }
    if (st == STATUS_OK)
        st = compare(&comparison, err);
    mem_free(comparison.words);
    return st;
}
