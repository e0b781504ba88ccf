#include "pir-server/pir/pir_shard_bin.h"

#include "base/mem.h"
#include "base/reader.h"
#include "pir-server/bfv/bfv_serial.h"

#define BIN_VERSION      1u
#define BIN_TAG_NIL      0u
#define BIN_TAG_POLY     1u
#define BIN_HEADER_BYTES ((size_t)5)

struct pir_bin_reader {
    const struct bfv_context *context;
    const struct pir_layout *layout;
    struct reader reader;
    size_t poly_bytes;
};

enum status pir_bin_reader_new(const struct bfv_context *context, const struct pir_layout *layout,
                               struct span file, struct pir_bin_reader **ret, struct error *err)
{
    struct reader reader;
    reader_init(&reader, file);
    const uint8_t version = reader_u8(&reader);
    const uint32_t count = reader_u32le(&reader);
    const enum status st = reader_check(&reader, "shard file", err);
    if (st != STATUS_OK)
        return st;
    if (version != BIN_VERSION)
        return error_set(err, STATUS_UNSUPPORTED, "shard file: version %u, this program reads %u",
                         version, BIN_VERSION);
    if (count != layout->plaintext_count)
        return error_set(err, STATUS_MALFORMED, "shard file: %u plaintexts, the parameters say %zu",
                         count, layout->plaintext_count);
    struct pir_bin_reader *made = mem_alloc_zeroed(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a shard file's reader");
    made->context = context;
    made->layout = layout;
    made->reader = reader;
    made->poly_bytes = bfv_poly_bytes(context, layout->moduli_count, 0);
    *ret = made;
    return STATUS_OK;
}

void pir_bin_reader_free(struct pir_bin_reader *reader)
{
    mem_free(reader);
}

static enum status bin_next(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                            struct error *err)
{
    struct pir_bin_reader *bin = context;
    const uint8_t tag = reader_u8(&bin->reader);
    const struct span poly =
        tag == BIN_TAG_NIL ? span_of(NULL, 0) : reader_take(&bin->reader, bin->poly_bytes);
    const bool is_last = position + 1 == bin->layout->plaintext_count;
    if (tag > BIN_TAG_POLY)
        return error_set(err, STATUS_MALFORMED, "shard file: plaintext %zu has tag %u", position,
                         tag);
    enum status st = is_last ? reader_finish(&bin->reader, "shard file", err)
                             : reader_check(&bin->reader, "shard file", err);
    if (st != STATUS_OK)
        return st;
    *ret_is_nil = tag == BIN_TAG_NIL;
    if (*ret_is_nil)
        return STATUS_OK;
    st = bfv_poly_read(bin->context, poly, bin->layout->moduli_count, 0, "plaintext", ret, err);
    return st == STATUS_OK ? st : error_prefix(err, st, "shard file: plaintext %zu", position);
}

struct pir_plaintext_source pir_bin_source(struct pir_bin_reader *reader)
{
    return (struct pir_plaintext_source){.context = reader, .next = bin_next};
}

/* ---- writing ---- */

static enum status write_all(struct file_writer *writer, const struct bfv_context *context,
                             const struct pir_layout *layout,
                             const struct pir_plaintext_source *source, uint32_t *row,
                             struct bytes *packed, struct error *err)
{
    bytes_append_u8(packed, BIN_VERSION);
    bytes_append_u32le(packed, (uint32_t)layout->plaintext_count);
    for (size_t i = 0; i < layout->plaintext_count; i++) {
        bool is_nil = true;
        enum status st = source->next(source->context, i, row, &is_nil, err);
        if (st != STATUS_OK)
            return st;
        bytes_append_u8(packed, (uint8_t)(is_nil ? BIN_TAG_NIL : BIN_TAG_POLY));
        if (!is_nil)
            bfv_poly_write(context, row, layout->moduli_count, 0, packed);
        st = bytes_status(packed, "plaintext", err);
        if (st == STATUS_OK) {
            file_writer_write(writer, bytes_view(packed));
            st = file_writer_check(writer, err);
        }
        if (st != STATUS_OK)
            return st;
        bytes_clear(packed);
    }
    return STATUS_OK;
}

enum status pir_bin_write(const char *path, const struct bfv_context *context,
                          const struct pir_layout *layout,
                          const struct pir_plaintext_source *source, struct error *err)
{
    struct file_writer *writer = NULL;
    uint32_t *row =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, layout->moduli_count * layout->degree, sizeof *row);
    struct bytes packed;
    bytes_init(&packed, BIN_HEADER_BYTES + 1 + bfv_poly_bytes(context, layout->moduli_count, 0));
    enum status st =
        row == NULL ? error_set(err, STATUS_NOMEM, "no memory for a plaintext") : STATUS_OK;
    if (st == STATUS_OK)
        st = file_writer_new(path, FILE_MODE_PUBLIC, &writer, err);
    if (st != STATUS_OK)
        goto done;
    st = write_all(writer, context, layout, source, row, &packed, err);
    if (st != STATUS_OK)
        goto done;
    st = file_writer_commit(writer, err);
    writer = NULL;
done:
    file_writer_cancel(writer);
    bytes_deinit(&packed);
    mem_free(row);
    return st;
}

/* ---- conversion of files ---- */

enum status pir_shard_load_bin(const char *path, const struct pir_parameters *parameters,
                               unsigned bfv_flags, struct pir_shard **ret, struct error *err)
{
    struct bfv_context *context = NULL;
    struct pir_bin_reader *reader = NULL;
    struct file_map map = {0};
    struct pir_layout layout;
    const struct cpu cpu = cpu_detect();

    enum status st = pir_layout_init(parameters, bfv_flags, &layout, err);
    if (st != STATUS_OK)
        goto done;
    st = bfv_context_new(&parameters->encryption, bfv_flags, NULL, &context, err);
    if (st != STATUS_OK)
        goto done;
    st = file_map_open(path, &map, err);
    if (st != STATUS_OK)
        goto done;
    st = pir_bin_reader_new(context, &layout, map.bytes, &reader, err);
    if (st == STATUS_OK) {
        const struct pir_plaintext_source source = pir_bin_source(reader);
        st =
            pir_shard_build(parameters, bfv_flags, sha256_many_kernel_for(&cpu), &source, ret, err);
    }
    if (st != STATUS_OK)
        st = error_prefix(err, st, "%s", path);
done:
    pir_bin_reader_free(reader);
    if (map.bytes.data != NULL)
        file_map_close(&map);
    bfv_context_free(context);
    return st;
}

enum status pir_shard_export_bin(const struct pir_shard *shard, unsigned bfv_flags,
                                 const char *path, struct error *err)
{
    struct bfv_context *context = NULL;
    enum status st =
        bfv_context_new(&pir_shard_parameters(shard)->encryption, bfv_flags, NULL, &context, err);
    if (st != STATUS_OK)
        return st;
    const struct pir_plaintext_source source = pir_shard_source(shard);
    st = pir_bin_write(path, context, pir_shard_layout(shard), &source, err);
    bfv_context_free(context);
    return st;
}
