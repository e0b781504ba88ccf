#include "pir-server/dataset/dataset_prefilter.h"

#include "base/file.h"
#include "base/mem.h"
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_plist.h"

#include <stdio.h>

#define ROWS_PER_TASK ((size_t)16384)
#define KEYS_AT_ONCE  ((size_t)256)

struct making {
    const struct row_set *rows;
    struct bloom_filter *filter;
    struct bloom_hashes *hashes; /* of each row */
    struct bloom_builder *builders;
    const char *folder;
};

/* ---- bits ---- */

static enum status hash_rows(void *context, size_t index, size_t worker, struct error *err)
{
    const struct making *making = context;
    const size_t first = index * ROWS_PER_TASK;
    const size_t left = row_set_count(making->rows) - first;
    const size_t end = first + (left < ROWS_PER_TASK ? left : ROWS_PER_TASK);
    struct bloom_key keys[KEYS_AT_ONCE];
    (void)worker;
    (void)err;
    for (size_t row = first; row < end;) {
        const size_t count = end - row < KEYS_AT_ONCE ? end - row : KEYS_AT_ONCE;
        for (size_t i = 0; i < count; i++) {
            const struct span key = row_set_at(making->rows, row + i);
            keys[i] = (struct bloom_key){.data = key.data, .size = key.size};
        }
        bloom_hash_keys(keys, count, making->filter->meta.params.murmur_seed, making->hashes + row);
        row += count;
    }
    return STATUS_OK;
}

static enum status insert_rows(void *context, size_t index, size_t worker, struct error *err)
{
    const struct making *making = context;
    (void)worker;
    (void)err;
    bloom_builder_add_hashes(&making->builders[index], making->hashes, row_set_count(making->rows));
    bloom_builder_finish(&making->builders[index]);
    return STATUS_OK;
}

static enum status insert_all(struct making *making, struct thread_pool *pool, struct error *err)
{
    const size_t rows = row_set_count(making->rows);
    const size_t builders = thread_pool_worker_count(pool) + 1;
    making->hashes = mem_alloc(rows, sizeof *making->hashes);
    making->builders = mem_alloc(builders, sizeof *making->builders);
    if (making->hashes == NULL || making->builders == NULL)
        return error_set(err, STATUS_NOMEM, "prefilter: out of memory");
    enum status status = bloom_filter_share_out(making->filter, making->builders, builders, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, hash_rows,
                                 making, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, builders, insert_rows, making, err);
    return status;
}

/* ---- files ---- */

static enum status write_plist(const struct making *making, const char *path, struct error *err)
{
    struct file_writer *writer = NULL;
    enum status status = file_writer_new(path, FILE_MODE_PUBLIC, &writer, err);
    if (status != STATUS_OK)
        return status;
    status = bloom_plist_write(making->filter, BLOOM_LAYOUT_PLIST, writer, err);
    if (status == STATUS_OK)
        return file_writer_commit(writer, err);
    file_writer_cancel(writer);
    return status;
}

static enum status write_bits(const struct making *making, const char *path, struct error *err)
{
    const struct bloom_filter *filter = making->filter;
    return file_write(path, FILE_MODE_PUBLIC, span_of(filter->bits, filter->byte_count), err);
}

static enum status write_manifest(const struct making *making, const char *path, struct error *err)
{
    struct bytes json;
    bytes_init(&json, BLOOM_MANIFEST_MAX_BYTES);
    enum status status =
        bloom_manifest_format(&making->filter->meta, BLOOM_LAYOUT_MANIFEST, &json, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&json), err);
    bytes_deinit(&json);
    return status;
}

static const struct output {
    const char *name;
    enum status (*write)(const struct making *making, const char *path, struct error *err);
} outputs[] = {
    {"prefilter.bloom", write_bits},
    {"prefilter.json", write_manifest},
    {"prefilter.plist", write_plist},
};

static enum status write_output(void *context, size_t index, size_t worker, struct error *err)
{
    const struct making *making = context;
    char *path = path_join(making->folder, outputs[index].name);
    (void)worker;
    const enum status status =
        path != NULL ? outputs[index].write(making, path, err)
                     : error_set(err, STATUS_NOMEM, "%s: out of memory", outputs[index].name);
    mem_free(path);
    return status;
}

enum status dataset_prefilter_write(const struct row_set *rows, const char *folder,
                                    const struct bloom_signing_key *key, struct thread_pool *pool,
                                    struct dataset_info *info, struct bloom_params *ret_params,
                                    struct error *err)
{
    struct making making = {.rows = rows, .folder = folder};
    struct bloom_meta *meta = mem_alloc_zeroed(1, sizeof *meta);
    if (meta == NULL)
        return error_set(err, STATUS_NOMEM, "prefilter: out of memory");
    meta->item_count = info->row_count;
    meta->false_positive_tolerance = info->false_positive_rate;
    memcpy(meta->parsing, info->parsing, sizeof meta->parsing);
    enum status status =
        bloom_status(bloom_params_choose(info->row_count, info->false_positive_rate,
                                         info->murmur_seed, &meta->params),
                     err);
    if (status == STATUS_OK)
        status = bloom_filter_new(meta, &making.filter, err);
    if (status == STATUS_OK)
        status = insert_all(&making, pool, err);
    if (status == STATUS_OK)
        status = bloom_filter_seal(making.filter, err);
    if (status == STATUS_OK && key != NULL)
        status = bloom_meta_sign(key, &making.filter->meta, err);
    if (status == STATUS_OK) {
        struct bloom_filter *filter = making.filter;
        /* Where servers offer the bits. */
        snprintf(filter->meta.url, sizeof filter->meta.url, "/prefilter/%s/%s.bloom",
                 info->use_case, filter->meta.tag);
        info->prefilter_bytes = filter->byte_count;
        memcpy(info->prefilter_tag, filter->meta.tag, sizeof info->prefilter_tag);
        *ret_params = meta->params;
        status = thread_pool_for(pool, ARRAY_COUNT(outputs), write_output, &making, err);
    }
    mem_free(making.builders);
    mem_free(making.hashes);
    bloom_filter_free(making.filter);
    mem_free(meta);
    return status;
}
