#include "pir-server/dataset/dataset_import.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_files.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "pir-server/dataset/dataset_publish.h"
#include "pir-server/oprf/symmetric_key.h"
#include "pir-server/pir/pir_shard_bin.h"
#include "pir-server/wire/wire_config.h"
#include "pir-server/wire/wire_parameters.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#define STAMP_NAME      ".imported"
#define STAMP_MAX_BYTES ((size_t)256) /* of the file: a digest in hex, a version, a line end */
#define STAT_LINE_BYTES 160

struct importing {
    const struct dataset_import *import;
    char *home;                               /* folder of the use case */
    char *temporary;                          /* NULL: nothing is made */
    int folder_lock;                          /* of home */
    uint8_t stamp[DATASET_DIGEST_BYTES];      /* of the files before they are read */
    char version[DATASET_VERSION_BYTES + 1];  /* that was made */
    struct pir_parameters *parameters;        /* [shard_count] */
    uint8_t (*digests)[DATASET_DIGEST_BYTES]; /* [shard_count] */
    pthread_mutex_t lock;                     /* guards done */
    uint64_t done;
};

/* ---- the reference's files ---- */

static enum status path_of(const struct dataset_import *import, uint64_t shard, const char *ending,
                           char ret[PATH_MAX], struct error *err)
{
    const int size =
        snprintf(ret, PATH_MAX, "%s-%llu%s", import->stem, (unsigned long long)shard, ending);
    return size >= 0 && size < PATH_MAX
               ? STATUS_OK
               : error_set(err, STATUS_TOO_LARGE, "a file stem of more than %d bytes", PATH_MAX);
}

/* A digest over what the system says of one file. */
static enum status stamp_file(struct sha256 *hash, const char *path, struct error *err)
{
    struct stat info;
    char line[STAT_LINE_BYTES];
    if (stat(path, &info) != 0)
        return error_set_errno(err, errno, "%s", path);
    const int size = snprintf(line, sizeof line, "%llu %lld.%09ld %llu\n",
                              (unsigned long long)info.st_size, (long long)info.st_mtim.tv_sec,
                              (long)info.st_mtim.tv_nsec, (unsigned long long)info.st_ino);
    sha256_add(hash, span_of_text(path));
    sha256_add(hash, span_of(line, (size_t)size));
    return STATUS_OK;
}

static enum status stamp_files(const struct dataset_import *import,
                               uint8_t ret[DATASET_DIGEST_BYTES], struct error *err)
{
    static const char *const endings[] = {".params.txtpb", ".bin"};
    char path[PATH_MAX];
    struct sha256 hash;
    sha256_init(&hash);
    for (uint64_t i = 0; i < import->shard_count; i++) {
        for (size_t k = 0; k < ARRAY_COUNT(endings); k++) {
            enum status status = path_of(import, i, endings[k], path, err);
            if (status == STATUS_OK)
                status = stamp_file(&hash, path, err);
            if (status != STATUS_OK)
                return status;
        }
    }
    if (import->symmetric_key != NULL) {
        const enum status status = stamp_file(&hash, import->symmetric_key, err);
        if (status != STATUS_OK)
            return status;
    }
    sha256_finish(&hash, ret);
    return STATUS_OK;
}

static enum status read_parameters(const struct dataset_import *import, uint64_t shard,
                                   struct pir_parameters *ret, struct error *err)
{
    char path[PATH_MAX];
    struct pir_layout layout;
    enum status status = path_of(import, shard, ".params.txtpb", path, err);
    if (status == STATUS_OK)
        status = wire_parameters_read_file(path, ret, err);
    if (status != STATUS_OK)
        return status;
    status = pir_layout_init(ret, 0, &layout, err);
    return status == STATUS_OK ? status : error_prefix(err, status, "%s", path);
}

/* ---- shards ---- */

static enum status save(const struct importing *work, uint64_t index, const struct pir_shard *shard,
                        struct error *err)
{
    char name[DATASET_FILE_NAME_BYTES];
    dataset_shard_name(index, name);
    char *shard_path = path_join(work->temporary, name);
    dataset_shard_params_name(index, name);
    char *params_path = path_join(work->temporary, name);
    enum status status = shard_path != NULL && params_path != NULL
                             ? pir_shard_save(shard, shard_path, err)
                             : error_set(err, STATUS_NOMEM, "shard: out of memory");
    if (status == STATUS_OK)
        status = wire_parameters_write_file(params_path, pir_shard_parameters(shard), err);
    mem_free(shard_path);
    mem_free(params_path);
    return status;
}

static void tell(struct importing *work)
{
    const struct dataset_import *import = work->import;
    pthread_mutex_lock(&work->lock);
    work->done++;
    if (import->tell != NULL)
        import->tell(import->tell_context, work->done, import->shard_count);
    pthread_mutex_unlock(&work->lock);
}

static enum status take_shard(void *context, size_t index, size_t worker, struct error *err)
{
    struct importing *work = context;
    char path[PATH_MAX];
    struct pir_shard *shard = NULL;
    (void)worker;
    enum status status = path_of(work->import, index, ".bin", path, err);
    if (status == STATUS_OK)
        status = pir_shard_load_bin(path, &work->parameters[index], 0, &shard, err);
    if (status == STATUS_OK)
        memcpy(work->digests[index], pir_shard_digest(shard), DATASET_DIGEST_BYTES);
    if (status == STATUS_OK && work->temporary != NULL)
        status = save(work, index, shard, err);
    pir_shard_free(shard);
    if (status == STATUS_OK)
        tell(work);
    return status;
}

/* All shards' parameters; one configuration must be able to say them. */
static enum status take_parameters(struct importing *work, struct error *err)
{
    const struct dataset_import *import = work->import;
    const size_t count = (size_t)import->shard_count;
    const struct pir_parameters **list = mem_alloc(count, sizeof(const struct pir_parameters *));
    struct wire_config *config = NULL;
    enum status status =
        list != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "%s: out of memory", import->stem);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = read_parameters(import, i, &work->parameters[i], err);
        list[i] = &work->parameters[i];
    }
    if (status == STATUS_OK) {
        status = wire_config_new(list, count, &config, err);
        if (status != STATUS_OK)
            status = error_prefix(err, status, "%s", import->stem);
    }
    wire_config_free(config);
    mem_free(list);
    return status;
}

/* The key, when there is one to be had, into the version. */
static enum status take_key(const struct importing *work, struct error *err)
{
    const struct dataset_import *import = work->import;
    const struct pir_parameters *parameters = &work->parameters[0];
    struct voprf_key *key = NULL;
    char *path = NULL;
    if (parameters->is_symmetric != (import->symmetric_key != NULL))
        return error_set(err, STATUS_INVALID,
                         parameters->is_symmetric ? "%s: is symmetric, and its key is not named"
                                                  : "%s: is not symmetric, and a key is named",
                         import->stem);
    if (import->symmetric_key == NULL)
        return STATUS_OK;
    enum status status = symmetric_key_read(import->symmetric_key, &key, err);
    if (status == STATUS_OK && memcmp(voprf_key_public(key), parameters->symmetric_public_key,
                                      PIR_SYMMETRIC_KEY_BYTES) != 0)
        status = error_set(err, STATUS_MISMATCH,
                           "key file %s: is not the key whose public half %s names",
                           import->symmetric_key, import->stem);
    if (status == STATUS_OK && work->temporary != NULL) {
        path = path_join(work->temporary, DATASET_SYMMETRIC_KEY_NAME);
        status = path != NULL ? symmetric_key_write(path, key, err)
                              : error_set(err, STATUS_NOMEM, "key: out of memory");
    }
    mem_free(path);
    voprf_key_free(key);
    return status;
}

static enum status take_shards(struct importing *work, struct thread_pool *pool, struct error *err)
{
    const struct dataset_import *import = work->import;
    const size_t count = (size_t)import->shard_count;
    work->digests = mem_alloc(count, sizeof *work->digests);
    work->parameters = mem_alloc(count, sizeof *work->parameters);
    if (work->digests == NULL || work->parameters == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", import->stem);
    if (import->tell != NULL)
        import->tell(import->tell_context, 0, import->shard_count);
    enum status status = take_parameters(work, err);
    if (status == STATUS_OK)
        status = take_key(work, err);
    return status == STATUS_OK ? thread_pool_for(pool, count, take_shard, work, err) : status;
}

/* ---- the version ---- */

static void name_version(const struct importing *work, char ret[DATASET_VERSION_BYTES + 1])
{
    char hex[2 * DATASET_DIGEST_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_of_text("blindlist import\n"));
    for (uint64_t i = 0; i < work->import->shard_count; i++)
        sha256_add(&hash, span_of(work->digests[i], DATASET_DIGEST_BYTES));
    sha256_finish(&hash, digest);
    dataset_digest_hex(digest, hex);
    memcpy(ret, hex, DATASET_VERSION_BYTES);
    ret[DATASET_VERSION_BYTES] = '\0';
}

static enum status write_manifest(const struct importing *work, struct thread_pool *pool,
                                  struct dataset_manifest *manifest, struct error *err)
{
    struct dataset_info *info = &manifest->info;
    uint64_t shard_bytes;
    struct bytes json;
    char *path = path_join(work->temporary, "dataset.json");
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    snprintf(info->use_case, sizeof info->use_case, "%s", work->import->use_case);
    info->is_imported = true;
    info->shard_count = work->import->shard_count;
    manifest->hash_function_count = (size_t)work->parameters[0].hash_function_count;
    name_version(work, info->version);
    enum status status = path != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK)
        status = dataset_files_list(work->temporary, pool, manifest, &shard_bytes, err);
    if (status == STATUS_OK)
        status = dataset_manifest_format(manifest, work->parameters, NULL, &json, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&json), err);
    bytes_deinit(&json);
    mem_free(path);
    return status;
}

/* ---- what is known from the last time ---- */

static char *stamp_text(const uint8_t stamp[DATASET_DIGEST_BYTES], const char *version,
                        char ret[STAMP_MAX_BYTES])
{
    char hex[2 * DATASET_DIGEST_BYTES + 1];
    dataset_digest_hex(stamp, hex);
    (void)snprintf(ret, STAMP_MAX_BYTES, "%s %s\n", hex, version);
    return ret;
}

/* Whether the version in force was made of files with this stamp, and opens. */
static bool is_known(const char *data, const char *home, const char *use_case,
                     const uint8_t stamp[DATASET_DIGEST_BYTES])
{
    char version[DATASET_VERSION_BYTES + 1];
    char wanted[STAMP_MAX_BYTES];
    struct dataset *dataset = NULL;
    struct error ignored;
    struct bytes text;
    char *path = path_join(home, STAMP_NAME);
    bytes_init(&text, STAMP_MAX_BYTES);
    dataset_in_force(home, version);
    const bool is =
        path != NULL && file_read(path, &text, &ignored) == STATUS_OK &&
        span_equal(bytes_view(&text), span_of_text(stamp_text(stamp, version, wanted))) &&
        dataset_open(data, use_case, 0, &dataset, &ignored) == STATUS_OK;
    dataset_free(dataset);
    bytes_deinit(&text);
    mem_free(path);
    return is;
}

static enum status write_stamp(const char *home, const uint8_t stamp[DATASET_DIGEST_BYTES],
                               const char *version, struct error *err)
{
    char text[STAMP_MAX_BYTES];
    char *path = path_join(home, STAMP_NAME);
    const enum status status =
        path == NULL ? error_set(err, STATUS_NOMEM, "%s: out of memory", home)
                     : file_write(path, FILE_MODE_PUBLIC,
                                  span_of_text(stamp_text(stamp, version, text)), err);
    mem_free(path);
    return status;
}

/* ---- importing ---- */

static enum status check(const struct dataset_import *import, struct error *err)
{
    if (!dataset_use_case_is_valid(import->use_case))
        return error_set(err, STATUS_INVALID,
                         "use case: letters, digits, '.', '-' and '_' only, at most %zu, not "
                         "starting with '.', not \"current\"",
                         DATASET_USE_CASE_MAX_BYTES);
    if (import->shard_count == 0 || import->shard_count > DATASET_SHARDS_MAX)
        return error_set(err, STATUS_INVALID, "%llu shards: not in 1..%llu",
                         (unsigned long long)import->shard_count,
                         (unsigned long long)DATASET_SHARDS_MAX);
    return STATUS_OK;
}

/* Reads all into the folder work->temporary. */
static enum status make(struct importing *work, struct thread_pool *pool, struct error *err)
{
    uint8_t after[DATASET_DIGEST_BYTES];
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    enum status status = take_shards(work, pool, err);
    if (status == STATUS_OK)
        status = stamp_files(work->import, after, err);
    if (status == STATUS_OK && memcmp(work->stamp, after, sizeof after) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: files changed while they were read",
                           work->import->stem);
    if (status == STATUS_OK)
        status = write_manifest(work, pool, &manifest, err);
    memcpy(work->version, manifest.info.version, sizeof work->version);
    dataset_manifest_deinit(&manifest);
    return status;
}

/* Whatever may fail for the files' sake. */
static enum status prepare(const char *data, struct importing *work, struct thread_pool *pool,
                           struct error *err)
{
    enum status status = check(work->import, err);
    if (status != STATUS_OK)
        return status;
    work->home = path_join(data, work->import->use_case);
    if (work->home == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    status = stamp_files(work->import, work->stamp, err);
    if (status != STATUS_OK || is_known(data, work->home, work->import->use_case, work->stamp))
        return status;
    status = folder_make(work->home, err);
    if (status == STATUS_OK)
        status = folder_lock_take(work->home, DATASET_BUSY, &work->folder_lock, err);
    if (status == STATUS_OK)
        status = folder_make_temporary(work->home, "dataset", &work->temporary, err);
    return status == STATUS_OK ? make(work, pool, err) : status;
}

/* Nothing to do without a folder that was made. */
static enum status publish(struct importing *work, struct thread_pool *pool, struct error *err)
{
    bool existed = false;
    if (work->temporary == NULL)
        return STATUS_OK;
    const enum status status =
        dataset_publish(work->home, work->temporary, work->version, pool, &existed, err);
    return status == STATUS_OK ? write_stamp(work->home, work->stamp, work->version, err) : status;
}

static void init(struct importing *work, const struct dataset_import *import)
{
    *work = (struct importing){.import = import, .folder_lock = FOLDER_LOCK_NONE};
    pthread_mutex_init(&work->lock, NULL);
}

static void deinit(struct importing *work)
{
    if (work->temporary != NULL)
        folder_remove(work->temporary); /* gone already after a publication */
    folder_lock_release(work->folder_lock);
    pthread_mutex_destroy(&work->lock);
    mem_free(work->temporary);
    mem_free(work->home);
    mem_free(work->digests);
    mem_free(work->parameters);
}

enum status dataset_import(const char *data, const struct dataset_import *imports, size_t count,
                           struct thread_pool *pool, size_t *ret_new_count, struct error *err)
{
    struct importing *works = mem_alloc(count, sizeof *works);
    enum status status = works != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "out of memory");
    size_t begun = 0;
    size_t done = 0;
    *ret_new_count = 0;
    while (begun < count && status == STATUS_OK) {
        init(&works[begun], &imports[begun]);
        status = prepare(data, &works[begun], pool, err);
        if (status != STATUS_OK)
            status = error_prefix(err, status, "use case %s", imports[begun].use_case);
        begun++;
    }
    for (; done < begun && status == STATUS_OK; done++) {
        status = publish(&works[done], pool, err);
        if (status != STATUS_OK)
            status = error_prefix(err, status, "use case %s", imports[done].use_case);
        else
            *ret_new_count += works[done].temporary != NULL;
    }
    for (size_t i = 0; i < begun; i++)
        deinit(&works[i]);
    mem_free(works);
    return status;
}

enum status dataset_import_check(const struct dataset_import *import, struct thread_pool *pool,
                                 struct error *err)
{
    struct importing work;
    enum status status = check(import, err);
    if (status != STATUS_OK)
        return status;
    init(&work, import);
    status = take_shards(&work, pool, err);
    deinit(&work);
    return status;
}
