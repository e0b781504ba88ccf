#include "pir-server/dataset/dataset_update.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_changes.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/pir/pir_update.h"

#include <stdatomic.h>

/* Above this share of plaintexts, processing all is as quick. */
#define MOST_CHANGED_PERCENT 50

struct updating {
    const struct dataset_update *update;
    const struct dataset_changes *changes;
    struct bfv_context *context;
    const struct sha256_many_kernel *kernel;
    struct progress progress;
    atomic_uint_fast64_t plaintexts;
    atomic_uint_fast64_t linked;
};

static enum status paths_of(const struct updating *work, const char *name, char **ret_from,
                            char **ret_to, struct error *err)
{
    *ret_from = path_join(dataset_folder(work->update->before), name);
    *ret_to = path_join(work->update->folder, name);
    return *ret_from != NULL && *ret_to != NULL
               ? STATUS_OK
               : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
}

static enum status link_file(const struct updating *work, const char *name, struct error *err)
{
    char *from = NULL;
    char *to = NULL;
    enum status status = paths_of(work, name, &from, &to, err);
    if (status == STATUS_OK)
        status = file_link(from, to, err);
    mem_free(from);
    mem_free(to);
    return status;
}

static enum status patch_shard(struct updating *work, uint64_t shard, const char *name,
                               struct error *err)
{
    const struct dataset_changes *changes = work->changes;
    const size_t first = changes->starts[shard];
    const size_t count = changes->starts[shard + 1] - first;
    char *path = path_join(work->update->folder, name);
    size_t plaintexts = 0;
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    const enum status status =
        pir_update_shard(work->context, work->kernel, dataset_shard(work->update->before, shard),
                         changes->list + first, count, work->update->value, path, &plaintexts, err);
    mem_free(path);
    atomic_fetch_add(&work->plaintexts, plaintexts);
    return status;
}

static enum status update_shard(void *context, size_t shard, size_t worker, struct error *err)
{
    struct updating *work = context;
    char name[DATASET_FILE_NAME_BYTES];
    enum status status = STATUS_OK;
    (void)worker;
    dataset_shard_name(shard, name);
    if (work->changes->starts[shard] != work->changes->starts[shard + 1]) {
        status = patch_shard(work, shard, name, err);
    } else {
        status = link_file(work, name, err);
        atomic_fetch_add(&work->linked, 1);
    }
    if (status != STATUS_OK)
        return error_prefix(err, status, "shard %zu", shard);
    dataset_shard_params_name(shard, name);
    progress_add(&work->progress, 1);
    return link_file(work, name, err);
}

static enum status update_all(const struct dataset_update *update,
                              const struct dataset_changes *changes,
                              struct dataset_update_summary *ret, struct error *err)
{
    const uint64_t shards = dataset_info(update->before)->shard_count;
    const struct cpu cpu = cpu_detect();
    struct updating work = {
        .update = update, .changes = changes, .kernel = sha256_many_kernel_for(&cpu)};
    enum status status = bfv_context_new(&dataset_parameters(update->before)->encryption, 0, NULL,
                                         &work.context, err);
    if (status != STATUS_OK)
        return status;
    atomic_init(&work.plaintexts, 0);
    atomic_init(&work.linked, 0);
    progress_begin(&work.progress, update->progress, shards);
    status = thread_pool_for(update->pool, (size_t)shards, update_shard, &work, err);
    progress_end(&work.progress);
    bfv_context_free(work.context);
    ret->plaintexts = atomic_load(&work.plaintexts);
    ret->shards_linked = atomic_load(&work.linked);
    return status;
}

static enum status find_changes(const struct dataset_update *update, struct dataset_changes *ret,
                                struct error *err)
{
    const struct dataset_info *info = dataset_info(update->before);
    struct file_map map = {0};
    char *path = path_join(dataset_folder(update->before), "rows.txt");
    enum status status = path != NULL ? file_map_open(path, &map, err)
                                      : error_set(err, STATUS_NOMEM, "rows.txt: out of memory");
    if (status == STATUS_OK)
        status = dataset_changes_find(map.bytes, info->rows_digest, update->rows, info->shard_count,
                                      update->pool, ret, err);
    file_map_close(&map);
    mem_free(path);
    return status;
}

/* Is it worth it, and can the shards be updated at all? */
static enum status check(const struct dataset_update *update, struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(dataset_shard(update->before, 0));
    const struct dataset_shard_rows *known = dataset_shard_rows(update->before);
    if (!pir_update_is_possible(layout))
        return error_set(err, STATUS_UNSUPPORTED, "there are two hash functions");
    if (known->rows == NULL)
        return error_set(err, STATUS_UNSUPPORTED,
                         "the version before does not say how many rows each shard has");
    if (known->merged_count > 0)
        return error_set(err, STATUS_UNSUPPORTED, "rows of the version before share a key hash");
    return STATUS_OK;
}

static enum status check_share(const struct dataset_update *update,
                               const struct dataset_changes *changes, struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(dataset_shard(update->before, 0));
    const uint64_t plaintexts = layout->plaintext_count * dataset_info(update->before)->shard_count;
    const uint64_t touched = (changes->added + changes->removed) * layout->chunk_count;
    if (touched * 100 > plaintexts * MOST_CHANGED_PERCENT)
        return error_set(err, STATUS_UNSUPPORTED, "%llu rows came and %llu left",
                         (unsigned long long)changes->added, (unsigned long long)changes->removed);
    return STATUS_OK;
}

static void count_rows(const struct dataset_update *update, const struct dataset_changes *changes,
                       uint64_t *ret_shard_rows)
{
    const struct dataset_shard_rows *known = dataset_shard_rows(update->before);
    for (uint64_t shard = 0; shard < dataset_info(update->before)->shard_count; shard++) {
        ret_shard_rows[shard] = known->rows[shard];
        for (size_t i = changes->starts[shard]; i < changes->starts[shard + 1]; i++)
            ret_shard_rows[shard] += changes->list[i].is_added ? 1 : UINT64_MAX; /* less one */
    }
}

struct checking {
    const struct dataset *dataset;
    const struct sha256_many_kernel *kernel;
};

static enum status check_digests(void *context, size_t shard, size_t worker, struct error *err)
{
    const struct checking *work = context;
    (void)worker;
    const enum status status =
        pir_shard_verify_digests(dataset_shard(work->dataset, shard), work->kernel, err);
    return status == STATUS_OK ? status : error_prefix(err, status, "shard %zu", shard);
}

enum status dataset_update_check(const struct dataset_update *update, bool *ret_is_whole,
                                 struct error *err)
{
    const struct cpu cpu = cpu_detect();
    struct checking work = {.dataset = update->before, .kernel = sha256_many_kernel_for(&cpu)};
    const enum status status = thread_pool_for(
        update->pool, (size_t)dataset_info(update->before)->shard_count, check_digests, &work, err);
    *ret_is_whole = status == STATUS_OK;
    return status == STATUS_MISMATCH ? STATUS_OK : status;
}

/* Reasons for which all rows must be processed; the rest (memory, disk) would stop that, too. */
static bool is_reason(enum status status)
{
    return status == STATUS_UNSUPPORTED || status == STATUS_TOO_LARGE || status == STATUS_EXISTS ||
           status == STATUS_MISMATCH || status == STATUS_MALFORMED || status == STATUS_NOT_FOUND;
}

enum status dataset_update_shards(const struct dataset_update *update, uint64_t *ret_shard_rows,
                                  struct dataset_update_summary *ret, bool *ret_is_done,
                                  struct error *err)
{
    struct dataset_changes changes = {0};
    struct dataset_update_summary summary = {0};
    enum status status = check(update, err);
    if (status == STATUS_OK)
        status = find_changes(update, &changes, err);
    if (status == STATUS_OK)
        status = check_share(update, &changes, err);
    if (status == STATUS_OK)
        status = update_all(update, &changes, &summary, err);
    *ret_is_done = status == STATUS_OK;
    if (status == STATUS_OK) {
        summary.rows_added = changes.added;
        summary.rows_removed = changes.removed;
        count_rows(update, &changes, ret_shard_rows);
        *ret = summary;
    }
    dataset_changes_deinit(&changes);
    return is_reason(status) ? STATUS_OK : status;
}
