/* Makes shards: of plaintexts that a source hands over, and of an older shard. */
#include "base/checked.h"
#include "base/mem.h"
#include "pir-server/pir/pir_shard_internal.h"

#include <assert.h>

/* No kernel of today takes more plaintexts side by side. */
#define LEAVES_AT_ONCE ((size_t)16)

/* ---- header, bitmap, leaves ---- */

static void write_encryption(const struct bfv_parameters *p, struct bytes *out)
{
    bytes_append_u64le(out, p->degree);
    bytes_append_u64le(out, p->plaintext_modulus);
    bytes_append_u32le(out, p->error_std_dev);
    bytes_append_u32le(out, p->security_level);
    bytes_append_u32le(out, p->he_scheme);
    bytes_append_u32le(out, (uint32_t)p->moduli_count);
    for (size_t i = 0; i < p->moduli_count; i++)
        bytes_append_u64le(out, p->coefficient_moduli[i]);
}

/* The header, without the fields that head_finish() fills in. */
static void write_header(const struct pir_parameters *p, const struct pir_layout *layout,
                         struct bytes *out)
{
    static const uint8_t no_digest[SHA256_BYTES];
    bytes_append(out, span_of(SHARD_MAGIC, SHARD_MAGIC_BYTES));
    bytes_append_u32le(out, SHARD_VERSION);
    bytes_append_u32le(out, SHARD_BYTE_ORDER);
    bytes_append_u32le(out, 0);
    bytes_append_u32le(out, (uint32_t)tile_words_of(layout));
    bytes_append_u64le(out, 0);
    bytes_append(out, span_of(no_digest, sizeof no_digest));
    write_encryption(&p->encryption, out);
    bytes_append_u64le(out, p->entry_count);
    bytes_append_u64le(out, p->entry_bytes);
    bytes_append_u64le(out, p->hash_function_count);
    bytes_append_u64le(out, p->batch_size);
    bytes_append_u32le(out, (uint32_t)p->sharding.function);
    bytes_append_u32le(out, p->sharding.other_shard_count);
    bytes_append_u32le(out, (p->has_sharding_function ? SHARD_HAS_SHARDING_FUNCTION : 0) |
                                (p->is_symmetric ? SHARD_IS_SYMMETRIC : 0));
    bytes_append_u32le(out, p->key_compression);
    bytes_append_u32le(out, (uint32_t)p->dimension_count);
    for (size_t i = 0; i < p->dimension_count; i++)
        bytes_append_u64le(out, p->dimensions[i]);
    bytes_append_u32le(out, p->evaluation_key.has_relin_key);
    bytes_append_u32le(out, (uint32_t)p->evaluation_key.galois_element_count);
    for (size_t i = 0; i < p->evaluation_key.galois_element_count; i++)
        bytes_append_u32le(out, p->evaluation_key.galois_elements[i]);
    if (p->is_symmetric)
        bytes_append(out, span_of(p->symmetric_public_key, PIR_SYMMETRIC_KEY_BYTES));
}

static void set_bit(uint8_t *bitmap, size_t position, bool value)
{
    const unsigned bit = 1u << (position % 8);
    bitmap[position / 8] =
        (uint8_t)(value ? bitmap[position / 8] | bit : bitmap[position / 8] & ~bit);
}

/* Plaintexts on their way into bitmap and leaves: as many are hashed at once as the kernel takes.
 */
struct leaves {
    const struct sha256_many_kernel *kernel;
    uint8_t *head;
    const struct pir_shard_head *at;
    size_t plaintext_bytes;
    size_t waiting_count;
    size_t positions[LEAVES_AT_ONCE];
    struct span waiting[LEAVES_AT_ONCE];
};

static struct leaves leaves_of(const struct sha256_many_kernel *kernel, uint8_t *head,
                               const struct pir_shard_head *at, const struct pir_layout *layout)
{
    return (struct leaves){.kernel = kernel,
                           .head = head,
                           .at = at,
                           .plaintext_bytes = words_per_plaintext(layout) * sizeof(uint32_t)};
}

/* Plaintexts that may wait: their words stay until the last of them is here, or leaves_flush(). */
static size_t leaves_room(const struct leaves *leaves)
{
    const size_t lanes = sha256_many_kernel_lanes(leaves->kernel);
    return lanes < LEAVES_AT_ONCE ? lanes : LEAVES_AT_ONCE;
}

static void leaves_flush(struct leaves *leaves)
{
    uint8_t digests[LEAVES_AT_ONCE][SHA256_MANY_BYTES];
    sha256_many(leaves->kernel, leaves->waiting, leaves->waiting_count, digests);
    for (size_t i = 0; i < leaves->waiting_count; i++)
        memcpy(leaves->head + leaves->at->leaves + leaves->positions[i] * SHA256_BYTES, digests[i],
               sizeof digests[i]);
    leaves->waiting_count = 0;
}

/* Enters a plaintext; words NULL = nil. */
static void leaves_set(struct leaves *leaves, size_t position, const uint32_t *words)
{
    set_bit(leaves->head + leaves->at->bitmap, position, words != NULL);
    if (words == NULL) {
        leaves_flush(leaves); /* what waits may be the same position's */
        memset(leaves->head + leaves->at->leaves + position * SHA256_BYTES, 0, SHA256_BYTES);
        return;
    }
    leaves->positions[leaves->waiting_count] = position;
    leaves->waiting[leaves->waiting_count++] = span_of(words, leaves->plaintext_bytes);
    if (leaves->waiting_count == leaves_room(leaves))
        leaves_flush(leaves);
}

static void write_little_endian(uint8_t *ret, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ret[i] = (uint8_t)(value >> (8 * i));
}

/* The fields that are known when all plaintexts are. */
static void head_finish(uint8_t *head, const struct pir_shard_head *at, uint64_t file_bytes)
{
    write_little_endian(head + SHARD_BITMAP_AT, at->bitmap, sizeof(uint32_t));
    write_little_endian(head + SHARD_FILE_BYTES_AT, file_bytes, sizeof file_bytes);
    pir_shard_head_digest(span_of(head, at->data), head + SHARD_DIGEST_AT);
}

/* ---- building ---- */

/* What is being built: the image grows block by block. */
struct build {
    const struct pir_layout *layout;
    const struct pir_plaintext_source *source;
    size_t tile_words;
    uint8_t *image;
    size_t image_bytes;    /* used so far */
    size_t image_capacity; /* a multiple of the alignment */
    struct pir_shard_head at;
    struct leaves leaves;
    uint32_t *scratch; /* [leaves_room()][L][N] */
};

/* Room for `more` bytes behind the used ones. Blocks must be aligned, so no realloc. */
static enum status build_reserve(struct build *build, size_t more, struct error *err)
{
    size_t wanted;
    if (!size_add(build->image_bytes, more, &wanted))
        return error_set(err, STATUS_NOMEM, "a shard exceeds the address space");
    if (wanted <= build->image_capacity)
        return STATUS_OK;
    uint8_t *image = mem_alloc_aligned(MEM_ROW_ALIGNMENT, wanted, 1);
    if (image == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a shard of %zu bytes", wanted);
    if (build->image_bytes > 0)
        memcpy(image, build->image, build->image_bytes);
    mem_free(build->image);
    build->image = image;
    build->leaves.head = image;
    build->image_capacity = wanted;
    return STATUS_OK;
}

/* Moves the `filled` first tiles of each of `rows` rows, which lie `from` tiles apart, so that they
 * lie `to` tiles apart. */
static void restride(uint32_t *data, size_t tile_words, size_t rows, size_t filled, size_t from,
                     size_t to)
{
    const size_t bytes = filled * tile_words * sizeof *data;
    if (to < from)
        for (size_t row = 1; row < rows; row++)
            memmove(data + row * to * tile_words, data + row * from * tile_words, bytes);
    else if (to > from)
        for (size_t row = rows - 1; row > 0; row--)
            memmove(data + row * to * tile_words, data + row * from * tile_words, bytes);
}

/* Cuts a plaintext into tiles, which lie `stride` tiles apart. Of our own parameters a tile is a
 * line; through the caches this would take three times as long, for every line was fetched first.
 */
static void place_tiles(uint32_t *data, const uint32_t *words, size_t tile_words, size_t tiles,
                        size_t stride)
{
    const size_t tile_bytes = tile_words * sizeof *data;
    if (tile_bytes == MEM_ROW_ALIGNMENT) {
        mem_scatter_lines(data, stride * tile_bytes, words, tiles);
        return;
    }
    for (size_t k = 0; k < tiles; k++)
        memcpy(data + k * stride * tile_words, words + k * tile_words, tile_bytes);
}

/* Takes the plaintexts of one block from the source and puts them into the image, cut into tiles.
 * How far apart a plaintext's tiles lie is known only when all are there; mostly it is the number
 * of plaintexts in use, so they are put there at once and moved only when that was wrong. */
static enum status build_block(struct build *build, size_t block, struct error *err)
{
    const struct pir_layout *layout = build->layout;
    const size_t words = words_per_plaintext(layout);
    const size_t tile = build->tile_words;
    const size_t most = layout->block_plaintext_count;
    size_t stride = layout->used_plaintext_count;
    size_t filled = 0;
    size_t bytes;
    if (!size_mul(most, words * sizeof(uint32_t), &bytes))
        return error_set(err, STATUS_NOMEM, "no memory for %zu plaintexts", most);
    enum status st = build_reserve(build, bytes, err);
    if (st != STATUS_OK)
        return st;
    uint32_t *data = (void *)(build->image + build->image_bytes);
    for (size_t i = 0; i < most; i++) {
        const size_t position = block * most + i;
        uint32_t *const scratch = build->scratch + build->leaves.waiting_count * words;
        bool is_nil = true;
        st = build->source->next(build->source->context, position, scratch, &is_nil, err);
        if (st != STATUS_OK)
            return st;
        if (is_nil)
            continue;
        if (filled == stride) {
            restride(data, tile, words / tile, filled, stride, most);
            stride = most;
        }
        place_tiles(data + filled * tile, scratch, tile, words / tile, stride);
        leaves_set(&build->leaves, position, scratch);
        filled++;
    }
    restride(data, tile, words / tile, filled, stride, filled);
    build->image_bytes += filled * words * sizeof *data;
    return STATUS_OK;
}

enum status pir_shard_build(const struct pir_parameters *parameters, unsigned bfv_flags,
                            const struct sha256_many_kernel *kernel,
                            const struct pir_plaintext_source *source, struct pir_shard **ret,
                            struct error *err)
{
    struct pir_layout layout;
    struct build build = {.layout = &layout, .source = source};
    struct bytes header;

    bytes_init(&header, SHARD_HEADER_MAX);
    enum status st = pir_layout_init(parameters, bfv_flags, &layout, err);
    if (st != STATUS_OK)
        goto done;
    build.tile_words = tile_words_of(&layout);
    write_header(parameters, &layout, &header);
    st = bytes_status(&header, "shard header", err);
    if (st != STATUS_OK)
        goto done;
    if (!pir_shard_head_init(header.size, &layout, &build.at)) {
        st = error_set(err, STATUS_NOMEM, "a shard exceeds the address space");
        goto done;
    }
    build.leaves = leaves_of(kernel, NULL, &build.at, &layout);
    st = build_reserve(&build, build.at.data, err);
    if (st != STATUS_OK)
        goto done;
    memset(build.image, 0, build.at.data);
    memcpy(build.image, header.data, header.size);
    build.image_bytes = build.at.data;
    build.scratch = mem_alloc_aligned(MEM_ROW_ALIGNMENT, leaves_room(&build.leaves),
                                      words_per_plaintext(&layout) * sizeof *build.scratch);
    if (build.scratch == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for %zu plaintexts",
                       leaves_room(&build.leaves));
        goto done;
    }
    for (size_t block = 0; block < block_count(&layout) && st == STATUS_OK; block++)
        st = build_block(&build, block, err);
    if (st != STATUS_OK)
        goto done;
    leaves_flush(&build.leaves);
    head_finish(build.image, &build.at, build.image_bytes);
    st = pir_shard_open_bytes(span_of(build.image, build.image_bytes), bfv_flags, ret, err);
    if (st != STATUS_OK)
        goto done;
    (*ret)->owned = build.image;
    build.image = NULL;
done:
    mem_free(build.image);
    mem_free(build.scratch);
    bytes_deinit(&header);
    return st;
}

enum status pir_shard_save(const struct pir_shard *shard, const char *path, struct error *err)
{
    return file_write(path, FILE_MODE_PUBLIC, shard->file, err);
}

/* ---- patching ---- */

/* Where the tiles of a plaintext lie. */
struct tiles {
    const uint32_t *words; /* NULL = nil */
    size_t stride;         /* in words, from one tile to the next */
};

struct patch {
    const struct pir_shard *old;
    const struct sha256_many_kernel *kernel;
    struct tiles *tiles; /* [plaintexts] of the new shard */
    uint8_t *head;       /* all in front of the data */
    struct file_writer *writer;
    struct span run; /* bytes side by side in memory that are not yet handed to the writer */
};

/* What the new shard is made of, and the head of its file. */
static enum status patch_plan(struct patch *patch, const struct pir_replacement *replacements,
                              size_t count, struct error *err)
{
    const struct pir_shard *old = patch->old;
    const struct pir_layout *layout = &old->layout;
    patch->tiles = mem_alloc(layout->plaintext_count, sizeof *patch->tiles);
    patch->head = mem_alloc(old->at.data, 1);
    if (patch->tiles == NULL || patch->head == NULL)
        return error_set(err, STATUS_NOMEM, "no memory to patch a shard of %zu plaintexts",
                         layout->plaintext_count);
    memcpy(patch->head, old->file.data, old->at.data);
    for (size_t i = 0; i < layout->plaintext_count; i++)
        patch->tiles[i] = (struct tiles){
            .words = old->words[i],
            .stride = old->block_filled[i / layout->block_plaintext_count] * old->tile_words};
    struct leaves leaves = leaves_of(patch->kernel, patch->head, &old->at, layout);
    size_t filled = old->filled_count;
    for (size_t i = 0; i < count; i++) {
        const size_t position = replacements[i].position;
        struct tiles *tiles = &patch->tiles[position];
        assert(position < layout->plaintext_count);
        filled += (size_t)(replacements[i].words != NULL) - (size_t)(tiles->words != NULL);
        *tiles = (struct tiles){.words = replacements[i].words, .stride = old->tile_words};
        leaves_set(&leaves, position, tiles->words);
    }
    leaves_flush(&leaves);
    size_t data_bytes;
    size_t file_bytes;
    if (!size_mul(filled, words_per_plaintext(layout) * sizeof(uint32_t), &data_bytes) ||
        !size_add(old->at.data, data_bytes, &file_bytes))
        return error_set(err, STATUS_NOMEM, "a shard exceeds the address space");
    head_finish(patch->head, &old->at, file_bytes);
    return STATUS_OK;
}

static void patch_flush(struct patch *patch)
{
    file_writer_write(patch->writer, patch->run);
    patch->run = span_of(NULL, 0);
}

/* Tiles that lie side by side, as those of an old block do, go to the writer together. */
static void patch_write(struct patch *patch, const uint32_t *tile)
{
    const size_t bytes = patch->old->tile_words * sizeof *tile;
    const void *run_end = patch->run.size == 0 ? NULL : patch->run.data + patch->run.size;
    if (run_end == tile) {
        patch->run.size += bytes;
        return;
    }
    patch_flush(patch);
    patch->run = span_of(tile, bytes);
}

static enum status patch_stream(struct patch *patch, struct error *err)
{
    const struct pir_layout *layout = &patch->old->layout;
    const size_t tile_count = words_per_plaintext(layout) / patch->old->tile_words;
    enum status st = STATUS_OK;
    file_writer_write(patch->writer, span_of(patch->head, patch->old->at.data));
    for (size_t block = 0; block < block_count(layout) && st == STATUS_OK; block++) {
        const struct tiles *tiles = patch->tiles + block * layout->block_plaintext_count;
        for (size_t k = 0; k < tile_count; k++)
            for (size_t i = 0; i < layout->block_plaintext_count; i++)
                if (tiles[i].words != NULL)
                    patch_write(patch, tiles[i].words + k * tiles[i].stride);
        patch_flush(patch);
        st = file_writer_check(patch->writer, err);
    }
    return st;
}

enum status pir_shard_patch(const struct pir_shard *old, const struct sha256_many_kernel *kernel,
                            const struct pir_replacement *replacements, size_t count,
                            const char *path, uint8_t ret_digest[SHA256_BYTES], struct error *err)
{
    struct patch patch = {.old = old, .kernel = kernel};
    enum status st = patch_plan(&patch, replacements, count, err);
    if (st == STATUS_OK)
        st = file_writer_new(path, FILE_MODE_PUBLIC, &patch.writer, err);
    if (st == STATUS_OK)
        st = patch_stream(&patch, err);
    if (st == STATUS_OK) {
        st = file_writer_commit(patch.writer, err);
        patch.writer = NULL;
    }
    if (st == STATUS_OK)
        memcpy(ret_digest, patch.head + SHARD_DIGEST_AT, SHA256_BYTES);
    file_writer_cancel(patch.writer);
    mem_free(patch.head);
    mem_free(patch.tiles);
    return st;
}
