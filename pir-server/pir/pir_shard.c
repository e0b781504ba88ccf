#include "pir-server/pir/pir_shard_internal.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/reader.h"

static bool is_little_endian(void)
{
    const uint32_t number = 1;
    uint8_t first;
    memcpy(&first, &number, 1);
    return first == 1;
}

/* ---- header ---- */

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
    const uint32_t flags = reader_u32le(reader);
    if ((flags & ~(SHARD_HAS_SHARDING_FUNCTION | SHARD_IS_SYMMETRIC)) != 0)
        return error_set(err, STATUS_MALFORMED, "shard header: flags %#x are not known", flags);
    p->has_sharding_function = (flags & SHARD_HAS_SHARDING_FUNCTION) != 0;
    p->is_symmetric = (flags & SHARD_IS_SYMMETRIC) != 0;
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
    if (p->is_symmetric) {
        const struct span key = reader_take(reader, PIR_SYMMETRIC_KEY_BYTES);
        if (key.size > 0)
            memcpy(p->symmetric_public_key, key.data, key.size);
    }
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

static enum status alloc_index(struct pir_shard *shard, struct error *err)
{
    const struct pir_layout *layout = &shard->layout;
    const size_t blocks = block_count(layout);
    shard->words = mem_alloc_zeroed(layout->plaintext_count, sizeof *shard->words);
    shard->rows = mem_alloc(layout->plaintext_count, sizeof *shard->rows);
    shard->block_filled = mem_alloc_zeroed(blocks, sizeof *shard->block_filled);
    shard->blocks = mem_alloc(blocks, sizeof *shard->blocks);
    shard->column_counts = mem_alloc_zeroed(layout->plaintext_count / layout->dimensions[0],
                                            sizeof *shard->column_counts);
    if (shard->words == NULL || shard->rows == NULL || shard->block_filled == NULL ||
        shard->blocks == NULL || shard->column_counts == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for %zu plaintexts",
                         layout->plaintext_count);
    return STATUS_OK;
}

/* Where each block and plaintext lies. */
static void index_blocks(struct pir_shard *shard, const uint8_t *bitmap)
{
    const struct pir_layout *layout = &shard->layout;
    const uint32_t *data = (const void *)(shard->file.data + shard->at.data);
    size_t position = 0;
    for (size_t block = 0; block < block_count(layout); block++) {
        uint16_t *rows = shard->rows + position;
        size_t number = 0;
        for (size_t i = 0; i < layout->block_plaintext_count; i++, position++) {
            if (!bit_is_set(bitmap, position))
                continue;
            shard->words[position] = data + number * shard->tile_words;
            rows[number++] = (uint16_t)(i % layout->dimensions[0]);
            shard->column_counts[position / layout->dimensions[0]]++;
        }
        shard->blocks[block] = data;
        data += number * words_per_plaintext(layout);
    }
}

/* Counts the bitmap's plaintexts, finds the data, checks the file's size to the byte. */
static enum status place_data(struct pir_shard *shard, struct error *err)
{
    const uint8_t *bitmap = shard->file.data + shard->at.bitmap;
    const uint8_t *leaves = shard->file.data + shard->at.leaves;
    const struct pir_layout *layout = &shard->layout;
    size_t data_bytes;
    size_t file_bytes;

    for (size_t i = 0; i < layout->plaintext_count; i++)
        if (bit_is_set(bitmap, i)) {
            shard->block_filled[i / layout->block_plaintext_count]++;
            shard->filled_count++;
        } else {
            const struct span leaf = span_of(leaves + i * SHA256_BYTES, SHA256_BYTES);
            const enum status st = check_zero(leaf, "the leaf of a nil plaintext", err);
            if (st != STATUS_OK)
                return st;
        }
    for (size_t i = layout->plaintext_count; i < 8 * (shard->at.leaves - shard->at.bitmap); i++)
        if (bit_is_set(bitmap, i))
            return error_set(err, STATUS_MALFORMED, "shard header: bitmap has bits beyond its end");

    if (!size_mul(shard->filled_count, words_per_plaintext(layout) * sizeof(uint32_t),
                  &data_bytes) ||
        !size_add(shard->at.data, data_bytes, &file_bytes) || file_bytes != shard->file.size)
        return error_set(err, STATUS_MALFORMED,
                         "shard file: %zu plaintexts need another size than %zu bytes",
                         shard->filled_count, shard->file.size);
    const enum status st = check_zero(
        span_part(shard->file, shard->at.end, shard->at.data - shard->at.end), "padding", err);
    if (st != STATUS_OK)
        return st;

    index_blocks(shard, bitmap);
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
        return error_set(err, STATUS_UNSUPPORTED,
                         "shard file of format version %u, this program reads %u: make it anew "
                         "(blindlist compile, blindlist pir process or import)",
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
    if (!pir_shard_head_init(bitmap_at, &shard->layout, &shard->at) ||
        shard->at.data > shard->file.size)
        return error_set(err, STATUS_MALFORMED,
                         "shard file: %zu bytes do not hold bitmap and leaves of %zu plaintexts",
                         shard->file.size, shard->layout.plaintext_count);
    st = alloc_index(shard, err);
    return st == STATUS_OK ? place_data(shard, err) : st;
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
    mem_free(shard->blocks);
    mem_free(shard->rows);
    mem_free(shard->column_counts);
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

struct bfv_plaintext_matrix pir_shard_matrix(const struct pir_shard *shard, size_t table,
                                             size_t chunk)
{
    const struct pir_layout *layout = &shard->layout;
    const size_t block = table * layout->chunk_count + chunk;
    return (struct bfv_plaintext_matrix){
        .words = shard->blocks[block],
        .count = shard->block_filled[block],
        .rows = shard->rows + block * layout->block_plaintext_count,
        .column_counts = shard->column_counts + block * layout->dimensions[1],
        .column_count = layout->dimensions[1]};
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

/* ---- head ---- */

bool pir_shard_head_init(size_t header_bytes, const struct pir_layout *layout,
                         struct pir_shard_head *ret)
{
    struct pir_shard_head at = {.bitmap = header_bytes};
    size_t leaves_bytes;
    size_t padded;
    if (!size_add(at.bitmap, (layout->plaintext_count + 7) / 8, &at.leaves) ||
        !size_mul(layout->plaintext_count, SHA256_BYTES, &leaves_bytes) ||
        !size_add(at.leaves, leaves_bytes, &at.end) ||
        !size_add(at.end, SHARD_DATA_ALIGNMENT - 1, &padded))
        return false;
    at.data = padded / SHARD_DATA_ALIGNMENT * SHARD_DATA_ALIGNMENT;
    *ret = at;
    return true;
}

void pir_shard_head_digest(struct span head, uint8_t ret[SHA256_BYTES])
{
    static const uint8_t zeros[SHA256_BYTES];
    const size_t rest = SHARD_DIGEST_AT + SHA256_BYTES;
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_part(head, 0, SHARD_DIGEST_AT));
    sha256_add(&hash, span_of(zeros, sizeof zeros));
    sha256_add(&hash, span_part(head, rest, head.size - rest));
    sha256_finish(&hash, ret);
}
