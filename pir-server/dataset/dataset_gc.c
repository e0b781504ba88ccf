#include "pir-server/dataset/dataset_gc.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_hold.h"
#include "pir-server/dataset/dataset_versions.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Unfinished folders hold files; deeper ones are not of our making and not counted. */
#define COUNTED_DEPTH 1

/* A name of a file that goes. Its bytes are free when all its names go. */
struct link {
    dev_t device;
    ino_t inode;
    uint64_t names;
    uint64_t bytes;
};

struct links {
    struct link *list;
    size_t count;
    size_t capacity;
};

struct collecting {
    char *home;
    bool is_dry_run;
    struct links links;
    struct dataset_gc_result result;
};

/* ---- what is freed ---- */

static enum status links_add(struct links *links, const struct stat *info, struct error *err)
{
    if (links->count == links->capacity) {
        const size_t larger = links->capacity == 0 ? 64 : 2 * links->capacity;
        struct link *moved = mem_realloc(links->list, larger, sizeof *moved);
        if (moved == NULL)
            return error_set(err, STATUS_NOMEM, "files: out of memory");
        links->list = moved;
        links->capacity = larger;
    }
    links->list[links->count++] = (struct link){.device = info->st_dev,
                                                .inode = info->st_ino,
                                                .names = (uint64_t)info->st_nlink,
                                                .bytes = (uint64_t)info->st_size};
    return STATUS_OK;
}

/* A file, or the files of a folder. What has gone meanwhile is of no interest. */
static enum status links_add_all(struct links *links, const char *path, int depth,
                                 struct error *err)
{
    struct stat info;
    struct folder_names names = {0};
    if (lstat(path, &info) != 0)
        return STATUS_OK;
    if (!S_ISDIR(info.st_mode))
        return links_add(links, &info, err);
    if (depth > COUNTED_DEPTH)
        return STATUS_OK;
    enum status status = folder_names_read(path, NULL, &names, err);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        char *below = path_join(path, names.list[i]);
        status = below != NULL ? links_add_all(links, below, depth + 1, err)
                               : error_set(err, STATUS_NOMEM, "%s: out of memory", path);
        mem_free(below);
    }
    folder_names_deinit(&names);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static int by_inode(const void *a, const void *b)
{
    const struct link *x = a;
    const struct link *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return x->inode != y->inode ? (x->inode < y->inode ? -1 : 1) : 0;
}

static uint64_t freed_bytes(struct links *links)
{
    uint64_t bytes = 0;
    if (links->count > 1)
        qsort(links->list, links->count, sizeof *links->list, by_inode);
    for (size_t i = 0; i < links->count;) {
        size_t end = i + 1;
        while (end < links->count && by_inode(&links->list[i], &links->list[end]) == 0)
            end++;
        if (end - i >= links->list[i].names)
            bytes += links->list[i].bytes;
        i = end;
    }
    return bytes;
}

/* ---- removing ---- */

/* Renames and deletes; the caller holds it alone. */
static enum status remove_folder(const char *home, const char *path, struct error *err)
{
    struct stat info;
    char *aside = NULL;
    enum status status = folder_make_temporary(home, "removed", &aside, err);
    if (status == STATUS_OK && rename(path, aside) != 0)
        status = error_set_errno(err, errno, "%s: cannot be removed", path);
    if (aside != NULL)
        folder_remove(aside);
    if (status == STATUS_OK && lstat(aside, &info) == 0)
        status = error_set(err, STATUS_IO, "%s: some of its files cannot be removed", aside);
    mem_free(aside);
    return status;
}

static enum status collect_version(struct collecting *work, struct dataset_collected *version,
                                   struct error *err)
{
    struct error why;
    int hold = DATASET_HOLD_NONE;
    char *path = path_join(work->home, version->name);
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", work->home);
    enum status status = dataset_hold_take_alone(path, &hold, &why);
    if (status == STATUS_BUSY) {
        version->fate = DATASET_IN_USE;
        work->result.in_use_count++;
        mem_free(path);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        error_set(err, status, "%s", why.message);
    if (status == STATUS_OK)
        status = links_add_all(&work->links, path, 0, err);
    if (status == STATUS_OK && !work->is_dry_run)
        status = remove_folder(work->home, path, err);
    if (status == STATUS_OK) {
        version->fate = DATASET_REMOVED;
        work->result.removed_count++;
    }
    dataset_hold_release(hold);
    mem_free(path);
    return status;
}

/* ---- which ---- */

static int rank(const struct dataset_version *version)
{
    return version->is_in_force ? 0 : version->is_before ? 1 : 2;
}

/* In the order of keeping: by rank, the newest first among equals as they are listed. */
static enum status order_versions(struct collecting *work, const struct dataset_versions *versions,
                                  struct error *err)
{
    struct dataset_gc_result *result = &work->result;
    result->versions = mem_alloc_zeroed(versions->count, sizeof *result->versions);
    if (result->versions == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", work->home);
    for (int wanted = 0; wanted <= 2; wanted++) {
        for (size_t i = 0; i < versions->count; i++) {
            if (rank(&versions->list[i]) == wanted)
                memcpy(result->versions[result->version_count++].name, versions->list[i].name,
                       sizeof versions->list[i].name);
        }
    }
    return STATUS_OK;
}

static enum status collect_versions(struct collecting *work, const char *data, const char *use_case,
                                    size_t keep, struct error *err)
{
    struct dataset_versions versions = {0};
    enum status status = dataset_versions_read(data, use_case, &versions, err);
    if (status == STATUS_OK && versions.count > 0 &&
        dataset_versions_find(&versions, versions.in_force) == NULL)
        status =
            error_set(err, STATUS_NOT_FOUND,
                      "%s: no version is in force, so none is removed (activate one)", work->home);
    if (status == STATUS_OK)
        status = order_versions(work, &versions, err);
    for (size_t i = keep; i < work->result.version_count && status == STATUS_OK; i++)
        status = collect_version(work, &work->result.versions[i], err);
    dataset_versions_deinit(&versions);
    return status;
}

/* ---- what killed runs left ---- */

static bool is_unfinished(const char *home, const char *name)
{
    (void)home;
    return folder_lock_is_unfinished(name);
}

/* Counts it; taking the lock in earnest removes it. */
static enum status count_unfinished(struct collecting *work, struct error *err)
{
    struct folder_names names = {0};
    enum status status = folder_names_read(work->home, is_unfinished, &names, err);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        char *path = path_join(work->home, names.list[i]);
        status = path != NULL ? links_add_all(&work->links, path, 0, err)
                              : error_set(err, STATUS_NOMEM, "%s: out of memory", work->home);
        mem_free(path);
    }
    work->result.unfinished_count = names.count;
    folder_names_deinit(&names);
    return status;
}

enum status dataset_gc(const char *data, const char *use_case, size_t keep, bool is_dry_run,
                       struct dataset_gc_result *ret, struct error *err)
{
    assert(keep >= 1);
    struct collecting work = {.is_dry_run = is_dry_run};
    int lock = FOLDER_LOCK_NONE;
    if (!dataset_use_case_is_valid(use_case))
        return error_set(err, STATUS_INVALID, "this is no name of a use case");
    work.home = path_join(data, use_case);
    if (work.home == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    enum status status = folder_lock_take_as_it_is(work.home, DATASET_BUSY, &lock, err);
    if (status == STATUS_OK)
        status = count_unfinished(&work, err);
    if (status == STATUS_OK && !is_dry_run)
        folder_lock_clean(work.home);
    if (status == STATUS_OK)
        status = collect_versions(&work, data, use_case, keep, err);
    if (status == STATUS_OK) {
        work.result.freed_bytes = freed_bytes(&work.links);
        *ret = work.result;
        work.result = (struct dataset_gc_result){0};
    }
    folder_lock_release(lock);
    dataset_gc_result_deinit(&work.result);
    mem_free(work.links.list);
    mem_free(work.home);
    return status;
}

void dataset_gc_result_deinit(struct dataset_gc_result *result)
{
    mem_free(result->versions);
    *result = (struct dataset_gc_result){0};
}
