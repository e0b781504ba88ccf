#include "pir-server/pir/pir_processing.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"

#include <math.h>

/* When a bucket overflows all the same: a shape for this many more rows, up to FIT_LIMIT times as
 * many. */
#define FIT_GROWTH 1.25
#define FIT_LIMIT  64

#define DEFAULT_EVICTIONS 100

void pir_processing_init(const struct bfv_parameters *encryption, size_t hash_function_count,
                         struct pir_processing *ret)
{
    *ret = (struct pir_processing){
        .encryption = *encryption,
        .sharding = {.function = SHARDING_SHA256},
        .table = {.hash_function_count = hash_function_count,
                  .max_eviction_count = DEFAULT_EVICTIONS,
                  .bucket_bytes = bfv_bytes_per_plaintext(encryption),
                  .slot_count = HASH_BUCKET_SLOTS_MAX,
                  .allow_expansion = false},
        .uneven_dimensions = true,
        .key_compression = PIR_KEY_COMPRESSION_NONE,
    };
}

/* ---- choosing a shape ---- */

/* The shard's rows as the cuckoo table takes them (mem_free). */
static enum status shard_rows(const struct pir_partition *partition, uint64_t shard,
                              struct cuckoo_row **ret, size_t *ret_count, struct error *err)
{
    size_t count;
    const struct pir_partition_entry *entries = pir_partition_shard(partition, shard, &count);
    struct cuckoo_row *rows = mem_alloc(count, sizeof *rows);
    if (rows == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for %zu rows", count);
    for (size_t i = 0; i < count; i++) {
        rows[i].hash = entries[i].hash;
        rows[i].value = pir_rows_value(pir_partition_rows(partition), entries[i].row);
    }
    *ret = rows;
    *ret_count = count;
    return STATUS_OK;
}

struct fit_work {
    const struct pir_partition *partition;
    const struct pir_processing *processing;
};

static enum status try_shard(void *context, size_t shard, size_t worker, struct error *err)
{
    const struct fit_work *work = context;
    struct cuckoo_table *table = NULL;
    struct cuckoo_row *rows = NULL;
    size_t count;
    (void)worker;
    enum status st = shard_rows(work->partition, shard, &rows, &count, err);
    if (st == STATUS_OK)
        st = cuckoo_table_new(rows, count, &work->processing->table,
                              pir_partition_kernel(work->partition), &table, err);
    if (st != STATUS_OK)
        st = error_prefix(err, st, "shard %zu", shard);
    cuckoo_table_free(table);
    mem_free(rows);
    return st;
}

void pir_processing_set_shape(struct pir_processing *processing, const struct pir_parameters *shape)
{
    processing->encryption = shape->encryption;
    processing->sharding = shape->sharding;
    processing->table.hash_function_count = (size_t)shape->hash_function_count;
    processing->table.bucket_bytes = (size_t)shape->entry_bytes;
    processing->table.slot_count = HASH_BUCKET_SLOTS_MAX;
    processing->table.allow_expansion = false;
    processing->table.fixed_bucket_count = shape->entry_count * shape->hash_function_count;
    processing->has_shape = true;
    processing->shape = *shape;
}

/* A shape for `rows` in the fullest shard. */
static enum status choose_for(const struct pir_partition *partition, uint64_t rows,
                              const struct pir_shape_wish *wish, struct pir_processing *processing,
                              struct error *err)
{
    const struct pir_shape_load load = {.encryption = processing->encryption,
                                        .sharding = processing->sharding,
                                        .shard_count = pir_partition_shard_count(partition),
                                        .rows = rows,
                                        .longest_value = pir_partition_longest_value(partition)};
    struct pir_parameters shape;
    const enum status st = pir_shape_choose(&load, wish, &shape, err);
    if (st == STATUS_OK)
        pir_processing_set_shape(processing, &shape);
    return st;
}

enum status pir_processing_choose(const struct pir_partition *partition,
                                  const struct pir_shape_wish *wish,
                                  struct pir_processing *processing, struct error *err)
{
    return choose_for(partition, pir_partition_largest_shard(partition), wish, processing, err);
}

enum status pir_processing_try(const struct pir_partition *partition,
                               const struct pir_processing *processing, struct thread_pool *pool,
                               struct error *err)
{
    struct fit_work work = {.partition = partition, .processing = processing};
    return thread_pool_for(pool, (size_t)pir_partition_shard_count(partition), try_shard, &work,
                           err);
}

enum status pir_processing_fit(const struct pir_partition *partition, struct thread_pool *pool,
                               const struct pir_shape_wish *wish, struct pir_processing *processing,
                               struct error *err)
{
    struct pir_processing fitted = *processing;
    struct error overflow = {0};
    const uint64_t first = pir_partition_largest_shard(partition);
    for (uint64_t rows = first; rows <= first * FIT_LIMIT;
         rows = (uint64_t)ceil((double)rows * FIT_GROWTH) + 1) {
        enum status st = choose_for(partition, rows, wish, &fitted, err);
        if (st != STATUS_OK)
            return st;
        st = pir_processing_try(partition, &fitted, pool, &overflow);
        if (st == STATUS_OK) {
            *processing = fitted;
            return STATUS_OK;
        }
        if (st != STATUS_TOO_LARGE)
            return error_set(err, st, "%s", overflow.message);
    }
    return error_set(err, STATUS_TOO_LARGE, "no shape fits: %s", overflow.message);
}

/* ---- one shard ---- */

/* Plaintexts of a table, encoded one by one. */
struct encoder {
    const struct bfv_context *context;
    const struct cuckoo_table *table;
    struct pir_layout layout;
    uint8_t *bytes;         /* one plaintext's entries, or one entry of several plaintexts */
    size_t bytes_size;      /* max(plaintext_bytes, chunks * plaintext_bytes) */
    uint32_t *coefficients; /* [N] */
};

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

enum status pir_process_payload(const struct bfv_context *context, struct span payload,
                                uint32_t *coefficients, uint32_t *ret, bool *ret_is_nil,
                                struct error *err)
{
    *ret_is_nil = is_zero(payload.data, payload.size);
    if (*ret_is_nil)
        return STATUS_OK;
    const enum status st = bfv_plaintext_encode(context, payload, coefficients, err);
    if (st == STATUS_OK)
        bfv_plaintext_lift(context, coefficients, ret);
    return st;
}

static enum status encode_next(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                               struct error *err)
{
    struct encoder *encoder = context;
    const struct pir_layout *layout = &encoder->layout;
    /* The inverse of pir_layout_position(). */
    const size_t row = position % layout->dimensions[0];
    const size_t column = position / layout->dimensions[0] % layout->dimensions[1];
    const size_t block = position / layout->block_plaintext_count;
    const size_t chunk = block % layout->chunk_count;
    const size_t table = block / layout->chunk_count;
    const size_t p = row * layout->dimensions[1] + column;

    *ret_is_nil = true;
    if (p >= layout->used_plaintext_count)
        return STATUS_OK;
    memset(encoder->bytes, 0, encoder->bytes_size);
    for (size_t i = 0; i < layout->entries_per_plaintext; i++) {
        const uint64_t entry = (uint64_t)p * layout->entries_per_plaintext + i;
        if (entry < layout->entry_count)
            (void)cuckoo_table_write_bucket(encoder->table, table, entry,
                                            encoder->bytes + i * layout->entry_bytes);
    }
    const uint8_t *payload = encoder->bytes + chunk * layout->plaintext_bytes;
    return pir_process_payload(encoder->context, span_of(payload, layout->plaintext_bytes),
                               encoder->coefficients, ret, ret_is_nil, err);
}

/* Without a shape they follow from the placement: spec/keyword-pir.md sections 4.1, 4.2 and 8. */
static void derive_parameters(const struct pir_processing *processing,
                              const struct cuckoo_table *table, struct pir_parameters *ret)
{
    if (processing->has_shape) {
        *ret = processing->shape;
        return;
    }
    const bool whole = !processing->table.allow_expansion || processing->use_max_bucket_bytes;
    const uint64_t tables = processing->table.hash_function_count;
    *ret = (struct pir_parameters){
        .encryption = processing->encryption,
        .entry_count = cuckoo_table_bucket_count(table),
        .entry_bytes = whole ? processing->table.bucket_bytes : cuckoo_table_longest_bucket(table),
        .dimension_count = 2,
        .has_keyword_parameters = true,
        .hash_function_count = tables,
        .has_sharding_function = true,
        .sharding = processing->sharding,
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = tables,
        .evaluation_key = {.encryption = processing->encryption, .has_relin_key = true},
        .is_symmetric = processing->symmetric_public_key != NULL,
    };
    if (ret->is_symmetric)
        memcpy(ret->symmetric_public_key, processing->symmetric_public_key,
               PIR_SYMMETRIC_KEY_BYTES);
    const uint64_t plaintexts = pir_plaintexts_needed(
        ret->entry_count, ret->entry_bytes, bfv_bytes_per_plaintext(&processing->encryption));
    pir_dimensions(plaintexts, tables, processing->uneven_dimensions, ret->dimensions);
    pir_galois_elements(processing->encryption.degree,
                        (ret->dimensions[0] + ret->dimensions[1]) * tables,
                        processing->key_compression, ret->evaluation_key.galois_elements,
                        &ret->evaluation_key.galois_element_count);
}

static enum status encode_shard(const struct bfv_context *context,
                                const struct sha256_many_kernel *kernel,
                                const struct pir_parameters *parameters,
                                const struct cuckoo_table *table, unsigned bfv_flags,
                                struct pir_shard **ret, struct error *err)
{
    struct encoder encoder = {.context = context, .table = table};
    enum status st = pir_layout_init(parameters, bfv_flags, &encoder.layout, err);
    if (st != STATUS_OK)
        goto done;
    encoder.bytes_size = encoder.layout.chunk_count * encoder.layout.plaintext_bytes;
    encoder.bytes = mem_alloc(encoder.bytes_size, 1);
    encoder.coefficients =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, encoder.layout.degree, sizeof(uint32_t));
    if (encoder.bytes == NULL || encoder.coefficients == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory to encode a shard");
        goto done;
    }
    const struct pir_plaintext_source source = {.context = &encoder, .next = encode_next};
    st = pir_shard_build(parameters, bfv_flags, kernel, &source, ret, err);
done:
    mem_free(encoder.bytes);
    mem_free(encoder.coefficients);
    return st;
}

enum status pir_process_shard(const struct bfv_context *context,
                              const struct pir_partition *partition, uint64_t shard,
                              const struct pir_processing *processing, unsigned bfv_flags,
                              struct pir_shard **ret, struct error *err)
{
    struct cuckoo_table *table = NULL;
    struct cuckoo_row *rows = NULL;
    struct pir_parameters parameters;
    size_t count;
    enum status st = shard_rows(partition, shard, &rows, &count, err);
    if (st == STATUS_OK)
        st = cuckoo_table_new(rows, count, &processing->table, pir_partition_kernel(partition),
                              &table, err);
    if (st == STATUS_OK) {
        derive_parameters(processing, table, &parameters);
        st = encode_shard(context, pir_partition_kernel(partition), &parameters, table, bfv_flags,
                          ret, err);
    }
    if (st != STATUS_OK)
        st = error_prefix(err, st, "shard %llu", (unsigned long long)shard);
    cuckoo_table_free(table);
    mem_free(rows);
    return st;
}

/* ---- all shards ---- */

struct process_work {
    const struct bfv_context *context;
    const struct pir_partition *partition;
    const struct pir_processing *processing;
    unsigned bfv_flags;
    struct progress *progress;
    pir_shard_finish *finish;
    void *finish_context;
};

static enum status process_one(void *context, size_t index, size_t worker, struct error *err)
{
    const struct process_work *work = context;
    struct pir_shard *shard = NULL;
    (void)worker;
    enum status st = pir_process_shard(work->context, work->partition, index, work->processing,
                                       work->bfv_flags, &shard, err);
    if (st == STATUS_OK)
        st = work->finish(work->finish_context, index, shard, err);
    if (st == STATUS_OK && work->progress != NULL)
        progress_add(work->progress, 1);
    pir_shard_free(shard);
    return st;
}

enum status pir_process_all(const struct bfv_context *context,
                            const struct pir_partition *partition,
                            const struct pir_processing *processing, unsigned bfv_flags,
                            struct thread_pool *pool, struct progress *progress,
                            pir_shard_finish *finish, void *finish_context, struct error *err)
{
    struct process_work work = {.context = context,
                                .partition = partition,
                                .processing = processing,
                                .bfv_flags = bfv_flags,
                                .progress = progress,
                                .finish = finish,
                                .finish_context = finish_context};
    return thread_pool_for(pool, (size_t)pir_partition_shard_count(partition), process_one, &work,
                           err);
}
