#include "pir-server/dataset/dataset.h"

#include "base/file.h"
#include "base/mem.h"
#include "bloom/formats/bloom_manifest.h"
#include "pir-server/dataset/dataset_hold.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/oprf/symmetric_key.h"
#include "pir-server/pir/pir_shard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)256 << 10)
#define OPEN_TRIES  10

struct dataset {
    struct dataset_manifest manifest;
    char *folder;
    struct file_map prefilter;
    struct bytes prefilter_manifest;
    struct bloom_reader filter; /* of the prefilter's bits */
    struct pir_shard **shards;  /* [shard_count], NULL where not opened yet */
    struct voprf_key *symmetric_key;
    int hold; /* dataset_hold.h */
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

/* Signed by whom dataset.json names, or by nobody. */
static enum status check_signature(const struct dataset_info *info, const struct bloom_meta *meta,
                                   const char *path, struct error *err)
{
    bool is_right = meta->signature[0] == '\0';
    enum status status = STATUS_OK;
    if (info->prefilter_public_key[0] != '\0')
        status = bloom_meta_verify(meta, info->prefilter_public_key, &is_right, err);
    if (status == STATUS_OK && !is_right)
        status =
            error_set(err, STATUS_MISMATCH,
                      "%s: is not signed as dataset.json says: by $.prefilter.publicKey", path);
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
         strcmp(meta->parsing, info->parsing) != 0 ||
         bloom_reader_init(&dataset->filter, &meta->params, dataset->prefilter.bytes.data,
                           dataset->prefilter.bytes.size) != BLOOM_OK))
        status = error_set(err, STATUS_MISMATCH, "%s: does not fit dataset.json", path);
    if (status == STATUS_OK)
        status = check_signature(info, meta, path, err);
    mem_free(meta);
    mem_free(bits_path);
    mem_free(path);
    return status;
}

static bool parameters_fit(const struct dataset *dataset, const struct pir_shard *shard)
{
    const struct pir_parameters *first = pir_shard_parameters(dataset->shards[0]);
    const struct pir_parameters *own = pir_shard_parameters(shard);
    return dataset->manifest.info.is_imported
               ? bfv_parameters_equal(&first->encryption, &own->encryption)
               : pir_parameters_equal(first, own);
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
    if (status == STATUS_OK && !parameters_fit(dataset, dataset->shards[index]))
        status =
            error_set(err, STATUS_MISMATCH, "%s: its parameters are not those of shard 0", path);
    mem_free(path);
    if (status != STATUS_OK)
        return status;
    dataset_shard_params_name(index, name);
    return check_file(dataset, name, err);
}

/* The key must be that of the parameters: with another one no device would find anything. */
static enum status open_symmetric_key(struct dataset *dataset, struct error *err)
{
    const struct pir_parameters *parameters = dataset_parameters(dataset);
    char *path = NULL;
    if (!parameters->is_symmetric)
        return STATUS_OK;
    enum status status = path_of(dataset->folder, DATASET_SYMMETRIC_KEY_NAME, &path, err);
    if (status == STATUS_OK)
        status = symmetric_key_read(path, &dataset->symmetric_key, err);
    if (status == STATUS_OK &&
        memcmp(voprf_key_public(dataset->symmetric_key), parameters->symmetric_public_key,
               PIR_SYMMETRIC_KEY_BYTES) != 0)
        status = error_set(err, STATUS_MISMATCH,
                           "%s: is not the key whose public half the parameters name", path);
    mem_free(path);
    return status;
}

enum status dataset_open_folder(const char *folder, unsigned bfv_flags, struct dataset **ret,
                                struct error *err)
{
    enum status status = STATUS_OK;
    struct dataset *dataset = mem_alloc_zeroed(1, sizeof *dataset);
    if (dataset == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    dataset->hold = DATASET_HOLD_NONE;
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
    dataset->hold = dataset_hold_take(dataset->folder);
    status = dataset_manifest_read(dataset->folder, &dataset->manifest, err);
    if (status != STATUS_OK)
        goto done;
    const uint64_t shard_count = dataset->manifest.info.shard_count;
    dataset->shards = mem_alloc_zeroed((size_t)shard_count, sizeof *dataset->shards);
    if (dataset->shards == NULL) {
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
        goto done;
    }
    if (!dataset->manifest.info.is_imported) {
        status = check_file(dataset, "rows.txt", err);
        if (status == STATUS_OK)
            status = open_prefilter(dataset, err);
    }
    for (uint64_t i = 0; i < shard_count && status == STATUS_OK; i++)
        status = open_shard(dataset, i, bfv_flags, err);
    if (status == STATUS_OK)
        status = open_symmetric_key(dataset, err);
    if (status != STATUS_OK)
        goto done;
    *ret = dataset;
    dataset = NULL;
done:
    dataset_free(dataset);
    return status;
}

/* DATA/<use case>/<name>, whose dataset.json must name both. */
static enum status open_named(const char *home, const char *use_case, const char *name,
                              unsigned bfv_flags, struct dataset **ret, struct error *err)
{
    struct dataset *dataset = NULL;
    char *path = NULL;
    enum status status = path_of(home, name, &path, err);
    if (status == STATUS_OK)
        status = dataset_open_folder(path, bfv_flags, &dataset, err);
    if (status != STATUS_OK)
        goto done;
    const struct dataset_info *info = dataset_info(dataset);
    const char *slash = strrchr(dataset->folder, '/');
    if (strcmp(info->use_case, use_case) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: is a dataset of use case %s", path,
                           info->use_case);
    else if (strcmp(info->version, slash != NULL ? slash + 1 : dataset->folder) != 0)
        status =
            error_set(err, STATUS_MISMATCH, "%s: its folder is not called %s", path, info->version);
    if (status != STATUS_OK)
        goto done;
    *ret = dataset;
    dataset = NULL;
done:
    dataset_free(dataset);
    mem_free(path);
    return status;
}

/* False when the link cannot be read. */
static bool read_link(const char *link, char ret[PATH_MAX])
{
    const ssize_t size = readlink(link, ret, PATH_MAX - 1);
    if (size >= 0)
        ret[size] = '\0';
    return size >= 0;
}

/* A version may be replaced and removed between reading the link and opening what it named. */
static enum status open_current(const char *home, const char *use_case, unsigned bfv_flags,
                                struct dataset **ret, struct error *err)
{
    char before[PATH_MAX];
    char after[PATH_MAX];
    char *link = NULL;
    bool is_switched = true;
    enum status status = path_of(home, "current", &link, err);
    if (status != STATUS_OK)
        return status;
    status = STATUS_NOT_FOUND;
    for (int i = 0; i < OPEN_TRIES && status == STATUS_NOT_FOUND && is_switched; i++) {
        const bool had_link = read_link(link, before);
        status = open_named(home, use_case, "current", bfv_flags, ret, err);
        is_switched = had_link && read_link(link, after) && strcmp(before, after) != 0;
    }
    mem_free(link);
    return status;
}

static enum status open_in(const char *data, const char *use_case, const char *version,
                           unsigned bfv_flags, struct dataset **ret, struct error *err)
{
    char *home = NULL;
    if (!dataset_use_case_is_valid(use_case))
        return error_set(err, STATUS_INVALID, "this is no name of a use case");
    if (version != NULL && !dataset_version_is_valid(version))
        return error_set(err, STATUS_INVALID, "this is no name of a version");
    enum status status = path_of(data, use_case, &home, err);
    if (status == STATUS_OK)
        status = version != NULL ? open_named(home, use_case, version, bfv_flags, ret, err)
                                 : open_current(home, use_case, bfv_flags, ret, err);
    mem_free(home);
    return status;
}

enum status dataset_open(const char *data, const char *use_case, unsigned bfv_flags,
                         struct dataset **ret, struct error *err)
{
    return open_in(data, use_case, NULL, bfv_flags, ret, err);
}

enum status dataset_open_version(const char *data, const char *use_case, const char *version,
                                 unsigned bfv_flags, struct dataset **ret, struct error *err)
{
    return open_in(data, use_case, version, bfv_flags, ret, err);
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
    voprf_key_free(dataset->symmetric_key);
    file_map_close(&dataset->prefilter);
    bytes_deinit(&dataset->prefilter_manifest);
    dataset_hold_release(dataset->hold);
    mem_free(dataset->folder);
    dataset_manifest_deinit(&dataset->manifest);
    mem_free(dataset);
}

const struct dataset_info *dataset_info(const struct dataset *dataset)
{
    return &dataset->manifest.info;
}

uint64_t dataset_bytes(const struct dataset *dataset)
{
    return dataset_manifest_bytes(&dataset->manifest);
}

struct span dataset_parsing(const struct dataset *dataset)
{
    return bytes_view(&dataset->manifest.parsing);
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

const struct voprf_key *dataset_symmetric_key(const struct dataset *dataset)
{
    return dataset->symmetric_key;
}

const struct pir_shard *dataset_shard(const struct dataset *dataset, uint64_t index)
{
    return dataset->shards[index];
}

struct span dataset_prefilter(const struct dataset *dataset)
{
    return dataset->prefilter.bytes;
}

bool dataset_prefilter_has(const struct dataset *dataset, struct span key)
{
    return bloom_reader_has_key(&dataset->filter, key.data, key.size);
}

struct span dataset_prefilter_manifest(const struct dataset *dataset)
{
    return bytes_view(&dataset->prefilter_manifest);
}

/* ---- verifying ---- */

enum status dataset_check_sizes(const struct dataset *dataset, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < dataset->manifest.file_count && status == STATUS_OK; i++)
        status = check_file(dataset, dataset->manifest.files[i].name, err);
    return status;
}

/* Sorted, unique, as many as announced, all in the prefilter, the test row among them. */
static enum status verify_rows(const struct dataset *dataset, struct span text, const char *path,
                               struct error *err)
{
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
        if (!dataset_prefilter_has(dataset, row))
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

static enum status verify_rows_file(const struct dataset *dataset, struct error *err)
{
    const struct dataset_manifest *manifest = &dataset->manifest;
    char *path = NULL;
    struct file_map rows = {0};
    if (memcmp(dataset_manifest_file(manifest, "rows.txt")->digest, manifest->info.rows_digest,
               DATASET_DIGEST_BYTES) != 0)
        return error_set(err, STATUS_MISMATCH, "%s: two digests of rows.txt", dataset->folder);
    enum status status = path_of(dataset->folder, "rows.txt", &path, err);
    if (status == STATUS_OK)
        status = file_map_open(path, &rows, err);
    if (status == STATUS_OK)
        status = verify_rows(dataset, rows.bytes, path, err);
    file_map_close(&rows);
    mem_free(path);
    return status;
}

/* The tasks: one for each file that is no shard, one for the meaning of the rows, one for each
 * shard. Of several failures the one of the first task is told. */
struct verifying {
    const struct dataset *dataset;
    bool with_rows;
    const atomic_bool *is_cancelled; /* NULL = never */
    struct progress *progress;       /* NULL = none */
    uint8_t *pieces;                 /* PIECE_BYTES for each worker */
};

static enum status verify_task(void *context, size_t index, size_t worker, struct error *err)
{
    const struct verifying *work = context;
    const struct dataset *dataset = work->dataset;
    const size_t file_count = dataset->manifest.file_count;
    char name[DATASET_FILE_NAME_BYTES];
    enum status status = STATUS_OK;
    if (index == file_count)
        return work->with_rows && !dataset->manifest.info.is_imported
                   ? verify_rows_file(dataset, err)
                   : STATUS_OK;
    const struct dataset_file *file;
    if (index < file_count) {
        file = &dataset->manifest.files[index];
        if (dataset_is_shard_name(file->name))
            return STATUS_OK;
        status = verify_pieces(dataset, file, work->pieces + worker * PIECE_BYTES,
                               work->is_cancelled, err);
    } else {
        dataset_shard_name(index - file_count - 1, name);
        file = dataset_manifest_file(&dataset->manifest, name);
        status = verify_shard_file(dataset, index - file_count - 1, work->is_cancelled, err);
    }
    if (work->progress != NULL)
        progress_add(work->progress, file->bytes);
    return status;
}

static enum status verify(struct verifying *work, struct thread_pool *pool, struct error *err)
{
    const struct dataset_manifest *manifest = &work->dataset->manifest;
    const size_t workers = (pool != NULL ? thread_pool_worker_count(pool) : 0) + 1;
    work->pieces = mem_alloc(workers, PIECE_BYTES);
    if (work->pieces == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", work->dataset->folder);
    const enum status status =
        thread_pool_for(pool, manifest->file_count + 1 + (size_t)manifest->info.shard_count,
                        verify_task, work, err);
    mem_free(work->pieces);
    return status;
}

enum status dataset_verify_digests(const struct dataset *dataset, const atomic_bool *is_cancelled,
                                   struct error *err)
{
    struct verifying work = {.dataset = dataset, .is_cancelled = is_cancelled};
    return verify(&work, NULL, err);
}

enum status dataset_verify(const struct dataset *dataset, struct thread_pool *pool,
                           struct progress *progress, struct error *err)
{
    struct verifying work = {.dataset = dataset, .with_rows = true, .progress = progress};
    return verify(&work, pool, err);
}

/* ---- listing ---- */

/* A use case with a `current`, wherever that leads? */
static bool has_current(const char *data, const char *use_case)
{
    struct stat info;
    if (!dataset_use_case_is_valid(use_case))
        return false;
    char *folder = path_join(data, use_case);
    char *current = folder != NULL ? path_join(folder, "current") : NULL;
    const bool has = current != NULL && lstat(current, &info) == 0;
    mem_free(current);
    mem_free(folder);
    return has;
}

enum status dataset_list(const char *data, struct folder_names *ret, struct error *err)
{
    return folder_names_read(data, has_current, ret, err);
}
