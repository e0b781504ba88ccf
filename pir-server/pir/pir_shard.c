/* The file's layout: docs/FILE-FORMATS.md, "shard-<i>.pir". Its data is one block for each chunk of
 * each table; a block holds, tile after tile, that tile of all its filled plaintexts side by side.
 * Dimension 0 works tile by tile, so it reads a block from front to back, and no two rows that it
 * reads together lie a power of two apart. */
#include "pir-server/pir/pir_shard.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/reader.h"

#define SHARD_MAGIC       "BLPIRSHD"
#define SHARD_MAGIC_BYTES ((size_t)8)
#define SHARD_VERSION     1u
#define SHARD_BYTE_ORDER  0x01020304u
#define SHARD_DIGEST_AT   ((size_t)32)
/* The data begins at a multiple of this, the page size of every machine we know or a multiple. */
#define SHARD_DATA_ALIGNMENT ((size_t)4096)
#define SHARD_HEADER_MAX     ((size_t)4096)

struct pir_shard {
    struct pir_parameters parameters;
    struct pir_layout layout;
    struct span file;
    struct file_map map; /* when opened from a file */
    uint8_t *owned;      /* when built in memory */
    uint8_t digest[SHA256_BYTES];
    size_t tile_words;
    size_t data_at;
    size_t filled_count;
    const uint32_t **words; /* [plaintexts]: the first tile, NULL = nil */
    size_t *block_filled;   /* [tables * chunks] */
};

static bool is_little_endian(void)
{
    const uint32_t number = 1;
    uint8_t first;
    memcpy(&first, &number, 1);
    return first == 1;
}

static size_t tile_words_of(const struct pir_layout *layout)
{
    return layout->degree < BFV_TILE_WORDS ? layout->degree : BFV_TILE_WORDS;
}

static size_t words_per_plaintext(const struct pir_layout *layout)
{
    return layout->moduli_count * layout->degree;
}

static size_t block_count(const struct pir_layout *layout)
{
    return layout->table_count * layout->chunk_count;
}

static size_t round_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* ---- header ---- */

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

static void write_header(const struct pir_parameters *p, size_t tile_words, size_t bitmap_at,
                         uint64_t file_bytes, struct bytes *out)
{
    static const uint8_t no_digest[SHA256_BYTES];
    bytes_append(out, span_of(SHARD_MAGIC, SHARD_MAGIC_BYTES));
    bytes_append_u32le(out, SHARD_VERSION);
    bytes_append_u32le(out, SHARD_BYTE_ORDER);
    bytes_append_u32le(out, (uint32_t)bitmap_at);
    bytes_append_u32le(out, (uint32_t)tile_words);
    bytes_append_u64le(out, file_bytes);
    bytes_append(out, span_of(no_digest, sizeof no_digest));
    write_encryption(&p->encryption, out);
    bytes_append_u64le(out, p->entry_count);
    bytes_append_u64le(out, p->entry_bytes);
    bytes_append_u64le(out, p->hash_function_count);
    bytes_append_u64le(out, p->batch_size);
    bytes_append_u32le(out, (uint32_t)p->sharding.function);
    bytes_append_u32le(out, p->sharding.other_shard_count);
    bytes_append_u32le(out, p->has_sharding_function);
    bytes_append_u32le(out, p->key_compression);
    bytes_append_u32le(out, (uint32_t)p->dimension_count);
    for (size_t i = 0; i < p->dimension_count; i++)
        bytes_append_u64le(out, p->dimensions[i]);
    bytes_append_u32le(out, p->evaluation_key.has_relin_key);
    bytes_append_u32le(out, (uint32_t)p->evaluation_key.galois_element_count);
    for (size_t i = 0; i < p->evaluation_key.galois_element_count; i++)
        bytes_append_u32le(out, p->evaluation_key.galois_elements[i]);
}

static enum status bad_count(const char *what, uint32_t count, size_t max, struct error *err)
{
    return error_set(err, STATUS_MALFORMED, "shard header: %u %s, at most %zu", count, what, max);
}

static enum status read_encryption(struct reader *reader, struct bfv_parameters *p,
                                   struct error *err)
{
    p->degree = reader_u64le(reader);
    p->plaintext_modulus = reader_u64le(reader);
    p->error_std_dev = reader_u32le(reader);
    p->security_level = reader_u32le(reader);
    p->he_scheme = reader_u32le(reader);
    const uint32_t count = reader_u32le(reader);
    if (count > BFV_MAX_MODULI)
        return bad_count("moduli", count, BFV_MAX_MODULI, err);
    p->moduli_count = count;
    for (size_t i = 0; i < count; i++)
        p->coefficient_moduli[i] = reader_u64le(reader);
    return STATUS_OK;
}

/* The part of the header that holds the parameters. A zeroed `p` is filled. */
static enum status read_parameters(struct reader *reader, struct pir_parameters *p,
                                   struct error *err)
{
    enum status st = read_encryption(reader, &p->encryption, err);
    if (st != STATUS_OK)
        return st;
    p->entry_count = reader_u64le(reader);
    p->entry_bytes = reader_u64le(reader);
    p->hash_function_count = reader_u64le(reader);
    p->batch_size = reader_u64le(reader);
    const uint32_t function = reader_u32le(reader);
    if (function > SHARDING_DOUBLE_MOD)
        return error_set(err, STATUS_MALFORMED, "shard header: sharding function %u is not known",
                         function);
    p->sharding.function = (enum sharding_function)function;
    p->sharding.other_shard_count = reader_u32le(reader);
    p->has_sharding_function = reader_u32le(reader) != 0;
    p->key_compression = reader_u32le(reader);
    p->has_keyword_parameters = true;
    p->algorithm = PIR_ALGORITHM_MUL_PIR;
    const uint32_t dimension_count = reader_u32le(reader);
    if (dimension_count > PIR_DIMENSIONS_MAX)
        return bad_count("dimensions", dimension_count, PIR_DIMENSIONS_MAX, err);
    p->dimension_count = dimension_count;
    for (size_t i = 0; i < dimension_count; i++)
        p->dimensions[i] = reader_u64le(reader);
    p->evaluation_key.encryption = p->encryption;
    p->evaluation_key.has_relin_key = reader_u32le(reader) != 0;
    const uint32_t element_count = reader_u32le(reader);
    if (element_count > PIR_GALOIS_ELEMENTS_MAX)
        return bad_count("Galois elements", element_count, PIR_GALOIS_ELEMENTS_MAX, err);
    p->evaluation_key.galois_element_count = element_count;
    for (size_t i = 0; i < element_count; i++)
        p->evaluation_key.galois_elements[i] = reader_u32le(reader);
    return reader_check(reader, "shard header", err);
}

/* ---- from bytes to a shard ---- */

static bool bit_is_set(const uint8_t *bitmap, size_t position)
{
    return (bitmap[position / 8] >> (position % 8) & 1) != 0;
}

static enum status check_zero(struct span bytes, const char *what, struct error *err)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != 0)
            return error_set(err, STATUS_MALFORMED, "shard header: %s is not zero", what);
    return STATUS_OK;
}

/* Counts the bitmap's plaintexts, finds the data, checks the file's size to the byte. */
static enum status place_data(struct pir_shard *shard, struct span bitmap, size_t bitmap_end,
                              struct error *err)
{
    const struct pir_layout *layout = &shard->layout;
    const size_t blocks = block_count(layout);
    size_t data_bytes;
    size_t file_bytes;

    shard->words = mem_alloc_zeroed(layout->plaintext_count, sizeof *shard->words);
    shard->block_filled = mem_alloc_zeroed(blocks, sizeof *shard->block_filled);
    if (shard->words == NULL || shard->block_filled == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for %zu plaintexts",
                         layout->plaintext_count);
    for (size_t i = 0; i < layout->plaintext_count; i++)
        if (bit_is_set(bitmap.data, i)) {
            shard->block_filled[i / layout->block_plaintext_count]++;
            shard->filled_count++;
        }
    for (size_t i = layout->plaintext_count; i < bitmap.size * 8; i++)
        if (bit_is_set(bitmap.data, i))
            return error_set(err, STATUS_MALFORMED, "shard header: bitmap has bits beyond its end");

    shard->data_at = round_up(bitmap_end, SHARD_DATA_ALIGNMENT);
    if (!size_mul(shard->filled_count, words_per_plaintext(layout) * sizeof(uint32_t),
                  &data_bytes) ||
        !size_add(shard->data_at, data_bytes, &file_bytes) || file_bytes != shard->file.size)
        return error_set(err, STATUS_MALFORMED,
                         "shard file: %zu plaintexts need another size than %zu bytes",
                         shard->filled_count, shard->file.size);
    const enum status st =
        check_zero(span_part(shard->file, bitmap_end, shard->data_at - bitmap_end), "padding", err);
    if (st != STATUS_OK)
        return st;

    const uint32_t *data = (const void *)(shard->file.data + shard->data_at);
    size_t position = 0;
    for (size_t block = 0; block < blocks; block++) {
        size_t column = 0;
        for (size_t i = 0; i < layout->block_plaintext_count; i++, position++)
            if (bit_is_set(bitmap.data, position))
                shard->words[position] = data + column++ * shard->tile_words;
        data += shard->block_filled[block] * words_per_plaintext(layout);
    }
    return STATUS_OK;
}

/* Fills in everything from shard->file. */
static enum status parse(struct pir_shard *shard, unsigned bfv_flags, struct error *err)
{
    struct reader reader;
    if (!is_little_endian())
        return error_set(err, STATUS_UNSUPPORTED,
                         "shard files need a little-endian machine, this one is not");
    if (shard->file.size < SHARD_MAGIC_BYTES ||
        memcmp(shard->file.data, SHARD_MAGIC, SHARD_MAGIC_BYTES) != 0)
        return error_set(err, STATUS_MALFORMED, "not a shard file (%s)", SHARD_MAGIC);
    reader_init(&reader, span_part(shard->file, 0,
                                   shard->file.size < SHARD_HEADER_MAX ? shard->file.size
                                                                       : SHARD_HEADER_MAX));
    (void)reader_take(&reader, SHARD_MAGIC_BYTES);
    const uint32_t version = reader_u32le(&reader);
    const uint32_t byte_order = reader_u32le(&reader);
    const size_t bitmap_at = reader_u32le(&reader);
    shard->tile_words = reader_u32le(&reader);
    const uint64_t file_bytes = reader_u64le(&reader);
    const struct span digest = reader_take(&reader, SHA256_BYTES);
    enum status st = reader_check(&reader, "shard header", err);
    if (st != STATUS_OK)
        return st;
    if (version != SHARD_VERSION)
        return error_set(err, STATUS_UNSUPPORTED, "shard file version %u, this program reads %u",
                         version, SHARD_VERSION);
    if (byte_order != SHARD_BYTE_ORDER)
        return error_set(err, STATUS_MALFORMED, "shard header: byte order mark %08x is not %08x",
                         byte_order, SHARD_BYTE_ORDER);
    if (file_bytes != shard->file.size)
        return error_set(err, STATUS_MALFORMED, "shard file has %zu bytes, its header says %llu",
                         shard->file.size, (unsigned long long)file_bytes);
    memcpy(shard->digest, digest.data, SHA256_BYTES);
    st = read_parameters(&reader, &shard->parameters, err);
    if (st == STATUS_OK)
        st = pir_layout_init(&shard->parameters, bfv_flags, &shard->layout, err);
    if (st != STATUS_OK)
        return st;
    if (bitmap_at != reader.position)
        return error_set(err, STATUS_MALFORMED, "shard header: ends at %zu, says %zu",
                         reader.position, bitmap_at);
    if (shard->tile_words != tile_words_of(&shard->layout))
        return error_set(err, STATUS_UNSUPPORTED,
                         "shard header: tiles of %zu words, this program reads %zu",
                         shard->tile_words, tile_words_of(&shard->layout));
    const size_t bitmap_bytes = (shard->layout.plaintext_count + 7) / 8;
    if (bitmap_bytes > shard->file.size - bitmap_at ||
        shard->file.size < round_up(bitmap_at + bitmap_bytes, SHARD_DATA_ALIGNMENT))
        return error_set(err, STATUS_MALFORMED,
                         "shard file: %zu bytes do not hold the bitmap of %zu plaintexts",
                         shard->file.size, shard->layout.plaintext_count);
    return place_data(shard, span_part(shard->file, bitmap_at, bitmap_bytes),
                      bitmap_at + bitmap_bytes, err);
}

enum status pir_shard_open_bytes(struct span file, unsigned bfv_flags, struct pir_shard **ret,
                                 struct error *err)
{
    struct pir_shard *shard = mem_alloc_zeroed(1, sizeof *shard);
    if (shard == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a shard");
    shard->file = file;
    const enum status st = parse(shard, bfv_flags, err);
    if (st == STATUS_OK)
        *ret = shard;
    else
        pir_shard_free(shard);
    return st;
}

enum status pir_shard_open(const char *path, unsigned bfv_flags, struct pir_shard **ret,
                           struct error *err)
{
    struct file_map map = {0};
    enum status st = file_map_open(path, &map, err);
    if (st != STATUS_OK)
        return st;
    st = pir_shard_open_bytes(map.bytes, bfv_flags, ret, err);
    if (st == STATUS_OK) {
        (*ret)->map = map;
        file_map_forget(&map);
        return STATUS_OK;
    }
    file_map_close(&map);
    return error_prefix(err, st, "%s", path);
}

void pir_shard_free(struct pir_shard *shard)
{
    if (shard == NULL)
        return;
    if (shard->map.bytes.data != NULL)
        file_map_close(&shard->map);
    mem_free(shard->owned);
    mem_free(shard->words);
    mem_free(shard->block_filled);
    mem_free(shard);
}

/* ---- questions ---- */

const struct pir_parameters *pir_shard_parameters(const struct pir_shard *shard)
{
    return &shard->parameters;
}

const struct pir_layout *pir_shard_layout(const struct pir_shard *shard)
{
    return &shard->layout;
}

const uint8_t *pir_shard_digest(const struct pir_shard *shard)
{
    return shard->digest;
}

size_t pir_shard_size(const struct pir_shard *shard)
{
    return shard->file.size;
}

size_t pir_shard_filled_count(const struct pir_shard *shard)
{
    return shard->filled_count;
}

bool pir_shard_plaintext(const struct pir_shard *shard, size_t position, uint32_t *ret)
{
    const uint32_t *words = shard->words[position];
    if (words == NULL)
        return false;
    const size_t block = position / shard->layout.block_plaintext_count;
    const size_t stride = shard->block_filled[block] * shard->tile_words;
    const size_t tiles = words_per_plaintext(&shard->layout) / shard->tile_words;
    for (size_t tile = 0; tile < tiles; tile++)
        memcpy(ret + tile * shard->tile_words, words + tile * stride,
               shard->tile_words * sizeof *ret);
    return true;
}

struct bfv_plaintext_rows pir_shard_rows(const struct pir_shard *shard, size_t table, size_t chunk)
{
    const size_t block = table * shard->layout.chunk_count + chunk;
    return (struct bfv_plaintext_rows){
        .words = shard->words + block * shard->layout.block_plaintext_count,
        .tile_stride = shard->block_filled[block] * shard->tile_words};
}

static enum status source_next(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                               struct error *err)
{
    (void)err;
    *ret_is_nil = !pir_shard_plaintext(context, position, ret);
    return STATUS_OK;
}

struct pir_plaintext_source pir_shard_source(const struct pir_shard *shard)
{
    /* source_next() only reads it. */
    return (struct pir_plaintext_source){.context = (void *)(uintptr_t)shard, .next = source_next};
}

/* ---- verification ---- */

static void digest_of(struct span file, uint8_t ret[SHA256_BYTES])
{
    static const uint8_t zeros[SHA256_BYTES];
    const size_t rest = SHARD_DIGEST_AT + SHA256_BYTES;
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_part(file, 0, SHARD_DIGEST_AT));
    sha256_add(&hash, span_of(zeros, sizeof zeros));
    sha256_add(&hash, span_part(file, rest, file.size - rest));
    sha256_finish(&hash, ret);
}

enum status pir_shard_verify(const struct pir_shard *shard, struct error *err)
{
    const struct pir_layout *layout = &shard->layout;
    const size_t words = words_per_plaintext(layout);
    uint8_t digest[SHA256_BYTES];
    digest_of(shard->file, digest);
    if (memcmp(digest, shard->digest, sizeof digest) != 0)
        return error_set(err, STATUS_MISMATCH, "shard file: its contents do not have its digest");

    uint32_t *row = mem_alloc(words, sizeof *row);
    if (row == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a plaintext");
    enum status st = STATUS_OK;
    for (size_t i = 0; i < layout->plaintext_count && st == STATUS_OK; i++) {
        if (!pir_shard_plaintext(shard, i, row))
            continue;
        for (size_t k = 0; k < words; k++)
            if (row[k] >= shard->parameters.encryption.coefficient_moduli[k / layout->degree]) {
                st =
                    error_set(err, STATUS_MALFORMED,
                              "shard file: plaintext %zu, word %zu is not below its modulus", i, k);
                break;
            }
    }
    mem_free(row);
    return st;
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
    size_t bitmap_at;
    uint32_t *scratch; /* [L][N] */
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
        bool is_nil = true;
        st = build->source->next(build->source->context, position, build->scratch, &is_nil, err);
        if (st != STATUS_OK)
            return st;
        if (is_nil)
            continue;
        if (filled == stride) {
            restride(data, tile, words / tile, filled, stride, most);
            stride = most;
        }
        for (size_t k = 0; k < words / tile; k++)
            memcpy(data + (k * stride + filled) * tile, build->scratch + k * tile,
                   tile * sizeof *data);
        build->image[build->bitmap_at + position / 8] |= (uint8_t)(1u << (position % 8));
        filled++;
    }
    restride(data, tile, words / tile, filled, stride, filled);
    build->image_bytes += filled * words * sizeof *data;
    return STATUS_OK;
}

/* Header with the final size, then the digest over everything. */
static void build_finish(struct build *build, const struct pir_parameters *parameters,
                         struct bytes *header)
{
    uint8_t digest[SHA256_BYTES];
    bytes_clear(header); /* its storage stays, so nothing can fail here */
    write_header(parameters, build->tile_words, build->bitmap_at, build->image_bytes, header);
    memcpy(build->image, header->data, header->size);
    digest_of(span_of(build->image, build->image_bytes), digest);
    memcpy(build->image + SHARD_DIGEST_AT, digest, sizeof digest);
}

enum status pir_shard_build(const struct pir_parameters *parameters, unsigned bfv_flags,
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
    write_header(parameters, build.tile_words, 0, 0, &header);
    st = bytes_status(&header, "shard header", err);
    if (st != STATUS_OK)
        goto done;
    build.bitmap_at = header.size;
    const size_t data_at =
        round_up(header.size + (layout.plaintext_count + 7) / 8, SHARD_DATA_ALIGNMENT);
    st = build_reserve(&build, data_at, err);
    if (st != STATUS_OK)
        goto done;
    memset(build.image, 0, data_at);
    build.image_bytes = data_at;
    build.scratch =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, words_per_plaintext(&layout), sizeof *build.scratch);
    if (build.scratch == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a plaintext");
        goto done;
    }
    for (size_t block = 0; block < block_count(&layout) && st == STATUS_OK; block++)
        st = build_block(&build, block, err);
    if (st != STATUS_OK)
        goto done;
    build_finish(&build, parameters, &header);
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
