#include "pir-server/dataset/dataset.h"

#include "base/file.h"
#include "base/mem.h"
#include "bloom/formats/bloom_manifest.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/pir/pir_shard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)256 << 10)

struct dataset {
    struct dataset_manifest manifest;
    char *folder;
    struct file_map prefilter;
    struct bytes prefilter_manifest;
    struct bloom_params prefilter_params;
    struct pir_shard **shards; /* [shard_count], NULL where not opened yet */
};

bool dataset_use_case_is_valid(const char *use_case)
{
    const size_t size = strlen(use_case);
    for (size_t i = 0; i < size; i++) {
        const char c = use_case[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_'))
            return false;
    }
    return size > 0 && size <= DATASET_USE_CASE_MAX_BYTES && use_case[0] != '.' &&
           strcmp(use_case, "current") != 0;
}

/* ---- opening ---- */

/* "<folder>/<name>" into *ret (mem_free). */
static enum status path_of(const char *folder, const char *name, char **ret, struct error *err)
{
    *ret = path_join(folder, name);
    return *ret != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
}

static enum status read_manifest(const char *folder, struct dataset_manifest *ret,
                                 struct error *err)
{
    char *path = NULL;
    struct bytes json;
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    enum status status = path_of(folder, "dataset.json", &path, err);
    if (status == STATUS_OK)
        status = file_read(path, &json, err);
    if (status == STATUS_OK)
        status = dataset_manifest_parse(bytes_view(&json), path, ret, err);
    bytes_deinit(&json);
    mem_free(path);
    return status;
}

/* The size of one file against dataset.json. */
static enum status check_size(const struct dataset *dataset, const char *name, const char *path,
                              struct error *err)
{
    struct stat info;
    const struct dataset_file *file = dataset_manifest_file(&dataset->manifest, name);
    if (stat(path, &info) != 0)
        return error_set_errno(err, errno, "%s", path);
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != file->bytes)
        return error_set(err, STATUS_MISMATCH, "%s: has %lld bytes, dataset.json says %llu", path,
                         (long long)info.st_size, (unsigned long long)file->bytes);
    return STATUS_OK;
}

static enum status check_file(const struct dataset *dataset, const char *name, struct error *err)
{
    char *path = NULL;
    enum status status = path_of(dataset->folder, name, &path, err);
    if (status == STATUS_OK)
        status = check_size(dataset, name, path, err);
    mem_free(path);
    return status;
}

static enum status open_prefilter(struct dataset *dataset, struct error *err)
{
    const struct dataset_info *info = &dataset->manifest.info;
    char *bits_path = NULL;
    char *path = NULL;
    struct bloom_meta *meta = mem_alloc(1, sizeof *meta);
    enum bloom_layout layout;
    enum status status = meta != NULL
                             ? STATUS_OK
                             : error_set(err, STATUS_NOMEM, "%s: out of memory", dataset->folder);
    if (status == STATUS_OK)
        status = path_of(dataset->folder, "prefilter.bloom", &bits_path, err);
    if (status == STATUS_OK)
        status = check_size(dataset, "prefilter.bloom", bits_path, err);
    if (status == STATUS_OK)
        status = file_map_open(bits_path, &dataset->prefilter, err);
    if (status == STATUS_OK)
        status = path_of(dataset->folder, "prefilter.json", &path, err);
    if (status == STATUS_OK)
        status = check_size(dataset, "prefilter.json", path, err);
    if (status == STATUS_OK)
        status = file_read(path, &dataset->prefilter_manifest, err);
    if (status == STATUS_OK)
        status = bloom_manifest_parse(bytes_view(&dataset->prefilter_manifest), path, meta, &layout,
                                      err);
    if (status == STATUS_OK &&
        (layout != BLOOM_LAYOUT_MANIFEST || strcmp(meta->tag, info->prefilter_tag) != 0 ||
         meta->item_count != info->row_count || meta->params.murmur_seed != info->murmur_seed ||
         bloom_byte_count(meta->params.bit_count) != info->prefilter_bytes))
        status = error_set(err, STATUS_MISMATCH, "%s: does not fit dataset.json", path);
    if (status == STATUS_OK)
        dataset->prefilter_params = meta->params;
    mem_free(meta);
    mem_free(bits_path);
    mem_free(path);
    return status;
}

static enum status open_shard(struct dataset *dataset, uint64_t index, unsigned bfv_flags,
                              struct error *err)
{
    char name[DATASET_FILE_NAME_BYTES];
    char *path = NULL;
    dataset_shard_name(index, name);
    enum status status = path_of(dataset->folder, name, &path, err);
    if (status == STATUS_OK)
        status = check_size(dataset, name, path, err);
    if (status == STATUS_OK)
        status = pir_shard_open(path, bfv_flags, &dataset->shards[index], err);
    if (status == STATUS_OK &&
        memcmp(pir_shard_digest(dataset->shards[index]),
               dataset_manifest_file(&dataset->manifest, name)->digest, DATASET_DIGEST_BYTES) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: is not what dataset.json says", path);
    if (status == STATUS_OK && !pir_parameters_equal(pir_shard_parameters(dataset->shards[index]),
                                                     pir_shard_parameters(dataset->shards[0])))
        status =
            error_set(err, STATUS_MISMATCH, "%s: its parameters are not those of shard 0", path);
    mem_free(path);
    if (status != STATUS_OK)
        return status;
    dataset_shard_params_name(index, name);
    return check_file(dataset, name, err);
}

enum status dataset_open_folder(const char *folder, unsigned bfv_flags, struct dataset **ret,
                                struct error *err)
{
    enum status status = STATUS_OK;
    struct dataset *dataset = mem_alloc_zeroed(1, sizeof *dataset);
    if (dataset == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    dataset_manifest_init(&dataset->manifest);
    bytes_init(&dataset->prefilter_manifest, BLOOM_MANIFEST_MAX_BYTES);

    char resolved[PATH_MAX];
    if (realpath(folder, resolved) == NULL) {
        status = error_set_errno(err, errno, "%s", folder);
        goto done;
    }
    dataset->folder = mem_strdup(resolved);
    if (dataset->folder == NULL) {
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
        goto done;
    }
    status = read_manifest(dataset->folder, &dataset->manifest, err);
    if (status != STATUS_OK)
        goto done;
    const uint64_t shard_count = dataset->manifest.info.shard_count;
    dataset->shards = mem_alloc_zeroed((size_t)shard_count, sizeof *dataset->shards);
    if (dataset->shards == NULL) {
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
        goto done;
    }
    status = check_file(dataset, "rows.txt", err);
    if (status == STATUS_OK)
        status = open_prefilter(dataset, err);
    for (uint64_t i = 0; i < shard_count && status == STATUS_OK; i++)
        status = open_shard(dataset, i, bfv_flags, err);
    if (status != STATUS_OK)
        goto done;
    *ret = dataset;
    dataset = NULL;
done:
    dataset_free(dataset);
    return status;
}

enum status dataset_open(const char *data, const char *use_case, unsigned bfv_flags,
                         struct dataset **ret, struct error *err)
{
    struct dataset *dataset = NULL;
    char *folder = NULL;
    char *current = NULL;
    if (!dataset_use_case_is_valid(use_case))
        return error_set(err, STATUS_INVALID, "this is no name of a use case");
    enum status status = path_of(data, use_case, &folder, err);
    if (status == STATUS_OK)
        status = path_of(folder, "current", &current, err);
    if (status == STATUS_OK)
        status = dataset_open_folder(current, bfv_flags, &dataset, err);
    if (status != STATUS_OK)
        goto done;
    const struct dataset_info *info = dataset_info(dataset);
    const char *slash = strrchr(dataset->folder, '/');
    if (strcmp(info->use_case, use_case) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: is a dataset of use case %s", current,
                           info->use_case);
    else if (strcmp(info->version, slash != NULL ? slash + 1 : dataset->folder) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: its folder is not called %s", current,
                           info->version);
    if (status != STATUS_OK)
        goto done;
    *ret = dataset;
    dataset = NULL;
done:
    dataset_free(dataset);
    mem_free(current);
    mem_free(folder);
    return status;
}

void dataset_free(struct dataset *dataset)
{
    if (dataset == NULL)
        return;
    if (dataset->shards != NULL) {
        for (uint64_t i = 0; i < dataset->manifest.info.shard_count; i++)
            pir_shard_free(dataset->shards[i]);
        mem_free(dataset->shards);
    }
    file_map_close(&dataset->prefilter);
    bytes_deinit(&dataset->prefilter_manifest);
    mem_free(dataset->folder);
    dataset_manifest_deinit(&dataset->manifest);
    mem_free(dataset);
}

const struct dataset_info *dataset_info(const struct dataset *dataset)
{
    return &dataset->manifest.info;
}

const struct dataset_shard_rows *dataset_shard_rows(const struct dataset *dataset)
{
    return &dataset->manifest.shard_rows;
}

const char *dataset_folder(const struct dataset *dataset)
{
    return dataset->folder;
}

const struct pir_parameters *dataset_parameters(const struct dataset *dataset)
{
    return pir_shard_parameters(dataset->shards[0]);
}

const struct pir_shard *dataset_shard(const struct dataset *dataset, uint64_t index)
{
    return dataset->shards[index];
}

struct span dataset_prefilter(const struct dataset *dataset)
{
    return dataset->prefilter.bytes;
}

struct span dataset_prefilter_manifest(const struct dataset *dataset)
{
    return bytes_view(&dataset->prefilter_manifest);
}

/* ---- verifying ---- */

/* Sorted, unique, as many as announced, all in the prefilter, the test row among them. */
static enum status verify_rows(const struct dataset *dataset, struct span text, const char *path,
                               struct error *err)
{
    struct bloom_reader filter;
    if (bloom_reader_init(&filter, &dataset->prefilter_params, dataset->prefilter.bytes.data,
                          dataset->prefilter.bytes.size) != BLOOM_OK)
        return error_set(err, STATUS_MISMATCH, "%s: does not fit the prefilter", path);
    const struct span test_row = span_of_text(DATASET_TEST_ROW);
    struct span before = span_of(NULL, 0);
    uint64_t count = 0;
    bool has_test_row = false;
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        if (end == NULL)
            return error_set(err, STATUS_MISMATCH, "%s: its last line has no end", path);
        const struct span row = span_part(text, 0, (size_t)(end - text.data));
        count++;
        if (count > 1 && span_compare(before, row) >= 0)
            return error_set(err, STATUS_MISMATCH, "%s, line %llu: not in order", path,
                             (unsigned long long)count);
        if (!bloom_reader_has_key(&filter, row.data, row.size))
            return error_set(err, STATUS_MISMATCH, "%s, line %llu: not in the prefilter", path,
                             (unsigned long long)count);
        has_test_row = has_test_row || span_equal(row, test_row);
        before = row;
        text = span_part(text, row.size + 1, text.size - row.size - 1);
    }
    if (!has_test_row)
        return error_set(err, STATUS_MISMATCH, "%s: has no row %s", path, DATASET_TEST_ROW);
    if (count != dataset->manifest.info.row_count)
        return error_set(err, STATUS_MISMATCH, "%s: has %llu rows, dataset.json says %llu", path,
                         (unsigned long long)count,
                         (unsigned long long)dataset->manifest.info.row_count);
    return STATUS_OK;
}

/* Of an open file; `piece` holds PIECE_BYTES. */
static enum status hash_pieces(int fd, const char *path, uint8_t *piece,
                               const atomic_bool *is_cancelled, uint64_t *ret_bytes,
                               uint8_t ret_digest[SHA256_BYTES], struct error *err)
{
    struct sha256 hash;
    uint64_t bytes = 0;
    sha256_init(&hash);
    for (;;) {
        if (is_cancelled != NULL && atomic_load(is_cancelled))
            return error_set(err, STATUS_CANCELLED, "%s: broken off", path);
        const ssize_t got = read(fd, piece, PIECE_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "%s", path);
        if (got == 0)
            break;
        sha256_add(&hash, span_of(piece, (size_t)got));
        bytes += (uint64_t)got;
    }
    sha256_finish(&hash, ret_digest);
    *ret_bytes = bytes;
    return STATUS_OK;
}

static enum status verify_pieces(const struct dataset *dataset, const struct dataset_file *file,
                                 uint8_t *piece, const atomic_bool *is_cancelled, struct error *err)
{
    char *path = NULL;
    uint8_t digest[SHA256_BYTES];
    uint64_t bytes = 0;
    int fd = -1;
    enum status status = path_of(dataset->folder, file->name, &path, err);
    if (status != STATUS_OK)
        return status;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    status = fd >= 0 ? hash_pieces(fd, path, piece, is_cancelled, &bytes, digest, err)
                     : error_set_errno(err, errno, "%s", path);
    if (status == STATUS_OK &&
        (bytes != file->bytes || memcmp(digest, file->digest, sizeof digest) != 0))
        status = error_set(err, STATUS_MISMATCH, "%s: is not what dataset.json says", path);
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return status;
}

static enum status verify_shard_file(const struct dataset *dataset, uint64_t index,
                                     const atomic_bool *is_cancelled, struct error *err)
{
    char name[DATASET_FILE_NAME_BYTES];
    char *path = NULL;
    dataset_shard_name(index, name);
    enum status status = path_of(dataset->folder, name, &path, err);
    if (status == STATUS_OK) {
        status = pir_shard_verify_file(dataset->shards[index], path, is_cancelled, err);
        if (status == STATUS_MISMATCH || status == STATUS_MALFORMED)
            status = error_prefix(err, status, "%s", path);
    }
    mem_free(path);
    return status;
}

enum status dataset_verify_digests(const struct dataset *dataset, const atomic_bool *is_cancelled,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    uint8_t *piece = mem_alloc(PIECE_BYTES, 1);
    if (piece == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", dataset->folder);
    for (size_t i = 0; i < dataset->manifest.file_count && status == STATUS_OK; i++)
        if (!dataset_is_shard_name(dataset->manifest.files[i].name))
            status = verify_pieces(dataset, &dataset->manifest.files[i], piece, is_cancelled, err);
    mem_free(piece);
    for (uint64_t i = 0; i < dataset->manifest.info.shard_count && status == STATUS_OK; i++)
        status = verify_shard_file(dataset, i, is_cancelled, err);
    return status;
}

enum status dataset_verify(const struct dataset *dataset, struct error *err)
{
    const struct dataset_manifest *manifest = &dataset->manifest;
    char *path = NULL;
    struct file_map rows = {0};
    enum status status = dataset_verify_digests(dataset, NULL, err);
    if (status == STATUS_OK && memcmp(dataset_manifest_file(manifest, "rows.txt")->digest,
                                      manifest->info.rows_digest, DATASET_DIGEST_BYTES) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: two digests of rows.txt", dataset->folder);
    if (status == STATUS_OK)
        status = path_of(dataset->folder, "rows.txt", &path, err);
    if (status == STATUS_OK)
        status = file_map_open(path, &rows, err);
    if (status == STATUS_OK)
        status = verify_rows(dataset, rows.bytes, path, err);
    file_map_close(&rows);
    mem_free(path);
    return status;
}

/* ---- listing ---- */

static bool has_current(const char *data, const char *use_case)
{
    struct stat info;
    char *folder = path_join(data, use_case);
    char *current = folder != NULL ? path_join(folder, "current") : NULL;
    const bool has = current != NULL && lstat(current, &info) == 0;
    mem_free(current);
    mem_free(folder);
    return has;
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

enum status dataset_list(const char *data, struct dataset_names *ret, struct error *err)
{
    struct dataset_names names = {0};
    size_t capacity = 0;
    enum status status = STATUS_OK;
    DIR *listing = opendir(data);
    if (listing == NULL)
        return error_set_errno(err, errno, "%s", data);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (!dataset_use_case_is_valid(entry->d_name) || !has_current(data, entry->d_name))
            continue;
        if (names.count == capacity) {
            const size_t larger = capacity == 0 ? 16 : 2 * capacity;
            char **moved = mem_realloc(names.names, larger, sizeof *moved);
            if (moved == NULL) {
                status = error_set(err, STATUS_NOMEM, "%s: out of memory", data);
                break;
            }
            names.names = moved;
            capacity = larger;
        }
        char *name = mem_strdup(entry->d_name);
        if (name == NULL) {
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", data);
            break;
        }
        names.names[names.count++] = name;
    }
    closedir(listing);
    if (status != STATUS_OK) {
        dataset_names_deinit(&names);
        return status;
    }
    if (names.count > 1)
        qsort(names.names, names.count, sizeof *names.names, by_text);
    *ret = names;
    return STATUS_OK;
}

void dataset_names_deinit(struct dataset_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->names[i]);
    mem_free(names->names);
    *names = (struct dataset_names){0};
}
