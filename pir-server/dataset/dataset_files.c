#include "pir-server/dataset/dataset_files.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/pir_shard.h"
#include "pir-server/pir/sha256.h"
#include "pir-server/wire/wire_parameters.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum status dataset_shard_save(const char *folder, uint64_t index, const struct pir_shard *shard,
                               struct error *err)
{
    char name[DATASET_FILE_NAME_BYTES];
    char params_name[DATASET_FILE_NAME_BYTES];
    dataset_shard_name(index, name);
    dataset_shard_params_name(index, params_name);
    char *path = path_join(folder, name);
    char *params_path = path_join(folder, params_name);
    enum status status = path != NULL && params_path != NULL
                             ? pir_shard_save(shard, path, err)
                             : error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    if (status == STATUS_OK)
        status = wire_parameters_write_file(params_path, pir_shard_parameters(shard), err);
    mem_free(path);
    mem_free(params_path);
    return status;
}

struct listing {
    const char *folder;
    struct dataset_manifest *manifest;
};

static enum status path_of(const struct listing *listing, const char *name, char **ret,
                           struct error *err)
{
    *ret = path_join(listing->folder, name);
    return *ret != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
}

/* A shard was hashed when it was made: its header has the digest. */
static enum status take_shard_digest(const char *path, struct dataset_file *file, struct error *err)
{
    struct pir_shard *shard = NULL;
    const enum status status = pir_shard_open(path, 0, &shard, err);
    if (status == STATUS_OK) {
        memcpy(file->digest, pir_shard_digest(shard), sizeof file->digest);
        file->bytes = pir_shard_size(shard);
    }
    pir_shard_free(shard);
    return status;
}

static enum status hash_file(const char *path, struct dataset_file *file, struct error *err)
{
    struct file_map map = {0};
    const enum status status = file_map_open(path, &map, err);
    if (status == STATUS_OK) {
        struct sha256 hash;
        sha256_init(&hash);
        sha256_add(&hash, map.bytes);
        sha256_finish(&hash, file->digest);
        file->bytes = map.bytes.size;
    }
    file_map_close(&map);
    return status;
}

static enum status measure_rows(const char *path, const struct dataset_info *info,
                                struct dataset_file *file, struct error *err)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return error_set_errno(err, errno, "%s", path);
    memcpy(file->digest, info->rows_digest, sizeof file->digest);
    file->bytes = (uint64_t)status.st_size;
    return STATUS_OK;
}

static enum status digest_file(void *context, size_t index, size_t worker, struct error *err)
{
    const struct listing *listing = context;
    struct dataset_file *file = &listing->manifest->files[index];
    char *path = NULL;
    (void)worker;
    enum status status = path_of(listing, file->name, &path, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(file->name, "rows.txt") == 0)
        status = measure_rows(path, &listing->manifest->info, file, err);
    else if (dataset_is_shard_name(file->name))
        status = take_shard_digest(path, file, err);
    else
        status = hash_file(path, file, err);
    mem_free(path);
    return status;
}

/* Not every version has them. */
static const char *const optional_names[] = {DATASET_ORIGINS_NAME, DATASET_SYMMETRIC_KEY_NAME,
                                             DATASET_SYMMETRIC_ROWS_NAME};

static enum status add_optional(const struct listing *listing, struct error *err)
{
    struct dataset_manifest *manifest = listing->manifest;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_COUNT(optional_names) && status == STATUS_OK; i++) {
        struct stat info;
        char *path = NULL;
        status = path_of(listing, optional_names[i], &path, err);
        if (status == STATUS_OK && lstat(path, &info) == 0)
            memcpy(manifest->files[manifest->file_count++].name, optional_names[i],
                   strlen(optional_names[i]) + 1);
        mem_free(path);
    }
    return status;
}

static enum status name_files(const struct listing *listing, struct error *err)
{
    static const char *const names[] = {"rows.txt", "prefilter.bloom", "prefilter.json",
                                        "prefilter.plist", "report.json"};
    struct dataset_manifest *manifest = listing->manifest;
    const uint64_t shards = manifest->info.shard_count;
    const size_t named = manifest->info.is_imported ? 0 : ARRAY_COUNT(names);
    const size_t count = named + ARRAY_COUNT(optional_names) + 2 * (size_t)shards;
    manifest->files = mem_alloc_zeroed(count, sizeof manifest->files[0]);
    if (manifest->files == NULL)
        return error_set(err, STATUS_NOMEM, "dataset.json: out of memory");
    for (size_t i = 0; i < named; i++)
        memcpy(manifest->files[manifest->file_count++].name, names[i], strlen(names[i]) + 1);
    for (uint64_t i = 0; i < shards; i++) {
        dataset_shard_name(i, manifest->files[manifest->file_count++].name);
        dataset_shard_params_name(i, manifest->files[manifest->file_count++].name);
    }
    const enum status status = add_optional(listing, err);
    if (status == STATUS_OK)
        dataset_manifest_sort(manifest);
    return status;
}

enum status dataset_files_list(const char *folder, struct thread_pool *pool,
                               struct dataset_manifest *manifest, uint64_t *ret_shard_bytes,
                               struct error *err)
{
    struct listing listing = {.folder = folder, .manifest = manifest};
    enum status status = name_files(&listing, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, manifest->file_count, digest_file, &listing, err);
    if (status != STATUS_OK)
        return status;
    *ret_shard_bytes = 0;
    for (size_t i = 0; i < manifest->file_count; i++) {
        if (dataset_is_shard_name(manifest->files[i].name))
            *ret_shard_bytes += manifest->files[i].bytes;
    }
    return STATUS_OK;
}
