#include "pir-server/dataset/dataset_versions.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "pir-server/dataset/dataset_manifest.h"

#include <stdlib.h>
#include <sys/stat.h>

#define NS_PER_S ((int64_t)1000000000)

/* ---- names ---- */

static bool is_version(const char *home, const char *name)
{
    struct stat info;
    if (!dataset_version_is_valid(name))
        return false;
    char *path = path_join(home, name);
    const bool is = path != NULL && lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
    mem_free(path);
    return is;
}

static bool is_version_or_current(const char *home, const char *name)
{
    return strcmp(name, "current") == 0 || is_version(home, name);
}

static bool is_use_case(const char *data, const char *name)
{
    struct folder_names names = {0};
    if (!dataset_use_case_is_valid(name))
        return false;
    char *home = path_join(data, name);
    const bool is = home != NULL &&
                    folder_names_read(home, is_version_or_current, &names, NULL) == STATUS_OK &&
                    names.count > 0;
    folder_names_deinit(&names);
    mem_free(home);
    return is;
}

enum status dataset_use_cases(const char *data, struct folder_names *ret, struct error *err)
{
    return folder_names_read(data, is_use_case, ret, err);
}

/* ---- versions ---- */

int64_t dataset_made_ns(const char *folder)
{
    struct stat info;
    char *path = path_join(folder, "dataset.json");
    const bool is_known = (path != NULL && stat(path, &info) == 0) || stat(folder, &info) == 0;
    mem_free(path);
    return is_known ? (int64_t)info.st_mtim.tv_sec * NS_PER_S + info.st_mtim.tv_nsec : 0;
}

static enum status read_version(const char *home, const char *use_case, const char *name,
                                struct dataset_version *ret, struct error *err)
{
    struct dataset_manifest manifest;
    char *folder = path_join(home, name);
    if (folder == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", home);
    dataset_manifest_init(&manifest);
    memcpy(ret->name, name, sizeof ret->name);
    ret->made_ns = dataset_made_ns(folder);
    const enum status status = dataset_manifest_read(folder, &manifest, &ret->why);
    if (status == STATUS_OK && (strcmp(manifest.info.use_case, use_case) != 0 ||
                                strcmp(manifest.info.version, name) != 0)) {
        error_set(&ret->why, STATUS_MISMATCH, "%s: is version %s of %s", folder,
                  manifest.info.version, manifest.info.use_case);
    } else if (status == STATUS_OK) {
        ret->row_count = manifest.info.row_count;
        ret->shard_count = manifest.info.shard_count;
        ret->bytes = dataset_manifest_bytes(&manifest);
    }
    dataset_manifest_deinit(&manifest);
    mem_free(folder);
    return status == STATUS_NOMEM ? error_set(err, status, "%s", ret->why.message) : STATUS_OK;
}

static int by_age(const void *a, const void *b)
{
    const struct dataset_version *x = a;
    const struct dataset_version *y = b;
    const bool x_is_readable = x->why.status == STATUS_OK;
    if (x_is_readable != (y->why.status == STATUS_OK))
        return x_is_readable ? -1 : 1;
    if (x->made_ns != y->made_ns)
        return x->made_ns > y->made_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

static enum status read_all(const char *home, const char *use_case,
                            const struct folder_names *names, struct dataset_versions *versions,
                            struct error *err)
{
    char before[DATASET_VERSION_BYTES + 1];
    dataset_in_force(home, versions->in_force);
    enum status status = dataset_in_force_before(home, before, err);
    if (status != STATUS_OK)
        return status;
    versions->list = mem_alloc_zeroed(names->count, sizeof *versions->list);
    if (versions->list == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", home);
    for (size_t i = 0; i < names->count && status == STATUS_OK; i++) {
        struct dataset_version *version = &versions->list[versions->count++];
        status = read_version(home, use_case, names->list[i], version, err);
        version->is_in_force = strcmp(version->name, versions->in_force) == 0;
        version->is_before = strcmp(version->name, before) == 0;
    }
    if (versions->count > 1)
        qsort(versions->list, versions->count, sizeof *versions->list, by_age);
    return status;
}

enum status dataset_versions_read(const char *data, const char *use_case,
                                  struct dataset_versions *ret, struct error *err)
{
    struct dataset_versions versions = {0};
    struct folder_names names = {0};
    if (!dataset_use_case_is_valid(use_case))
        return error_set(err, STATUS_INVALID, "this is no name of a use case");
    char *home = path_join(data, use_case);
    if (home == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    enum status status = folder_names_read(home, is_version, &names, err);
    if (status == STATUS_OK)
        status = read_all(home, use_case, &names, &versions, err);
    if (status == STATUS_OK)
        *ret = versions;
    else
        dataset_versions_deinit(&versions);
    folder_names_deinit(&names);
    mem_free(home);
    return status;
}

void dataset_versions_deinit(struct dataset_versions *versions)
{
    mem_free(versions->list);
    *versions = (struct dataset_versions){0};
}

const struct dataset_version *dataset_versions_find(const struct dataset_versions *versions,
                                                    const char *name)
{
    for (size_t i = 0; i < versions->count; i++) {
        if (strcmp(versions->list[i].name, name) == 0)
            return &versions->list[i];
    }
    return NULL;
}
