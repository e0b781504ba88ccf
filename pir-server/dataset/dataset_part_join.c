#include "pir-server/dataset/dataset_part_join.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/folder_names.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_files.h"
#include "pir-server/dataset/dataset_publish.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define PART_PREFIX "part-"

void dataset_part_name(uint32_t index, char ret[DATASET_PART_NAME_BYTES])
{
    snprintf(ret, DATASET_PART_NAME_BYTES, PART_PREFIX "%u", (unsigned)(index & 0xffff));
}

bool dataset_is_part_name(const char *folder, const char *name)
{
    (void)folder;
    return strncmp(name, PART_PREFIX, strlen(PART_PREFIX)) == 0;
}

/* PARTS/part-<index>/<name> (mem_free); NULL without memory. */
static char *part_file(const char *parts, uint32_t index, const char *name)
{
    char part[DATASET_PART_NAME_BYTES];
    dataset_part_name(index, part);
    char *folder = path_join(parts, part);
    char *path = folder != NULL ? path_join(folder, name) : NULL;
    mem_free(folder);
    return path;
}

/* The parameters are written last. */
bool dataset_part_has(const char *parts, uint32_t index, uint64_t shard)
{
    struct stat info;
    char name[DATASET_FILE_NAME_BYTES];
    dataset_shard_params_name(shard, name);
    char *path = part_file(parts, index, name);
    const bool has = path != NULL && lstat(path, &info) == 0;
    mem_free(path);
    return has;
}

/* ---- joining ---- */

struct joining {
    const struct dataset_plan *plan;
    const char *parts;
    const char *temporary;
};

static enum status link_file(const char *from, const char *folder, const char *name,
                             struct error *err)
{
    char *to = path_join(folder, name);
    const enum status status = from != NULL && to != NULL
                                   ? file_link(from, to, err)
                                   : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    mem_free(to);
    return status;
}

/* What belongs to the plan alone is not in the version. */
static bool is_of_version(const char *folder, const char *name)
{
    (void)folder;
    return name[0] != '.' && strcmp(name, DATASET_PLAN_NAME) != 0 &&
           strcmp(name, DATASET_PLAN_PARAMETERS_NAME) != 0;
}

static enum status link_planned(const struct joining *joining, struct error *err)
{
    struct folder_names names = {0};
    char *folder = path_join(joining->parts, DATASET_PLAN_FOLDER_NAME);
    enum status status = folder != NULL ? folder_names_read(folder, is_of_version, &names, err)
                                        : error_set(err, STATUS_NOMEM, "plan: out of memory");
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        char *from = path_join(folder, names.list[i]);
        status = link_file(from, joining->temporary, names.list[i], err);
        mem_free(from);
    }
    folder_names_deinit(&names);
    mem_free(folder);
    return status;
}

static enum status link_shard(void *context, size_t index, size_t worker, struct error *err)
{
    const struct joining *joining = context;
    const uint32_t part = (uint32_t)(index % joining->plan->job.parts);
    char names[2][DATASET_FILE_NAME_BYTES];
    enum status status = STATUS_OK;
    (void)worker;
    dataset_shard_name(index, names[0]);
    dataset_shard_params_name(index, names[1]);
    for (size_t i = 0; i < ARRAY_COUNT(names) && status == STATUS_OK; i++) {
        char *from = part_file(joining->parts, part, names[i]);
        status = link_file(from, joining->temporary, names[i], err);
        mem_free(from);
    }
    return status;
}

/* dataset.json of what is linked; then all of it is opened as a server would. */
static enum status describe(const struct joining *joining, struct thread_pool *pool,
                            struct error *err)
{
    struct dataset_manifest files;
    struct dataset *dataset = NULL;
    struct bytes json;
    uint64_t shard_bytes;
    dataset_manifest_init(&files);
    files.info = joining->plan->manifest.info;
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    char *path = path_join(joining->temporary, "dataset.json");
    enum status status =
        path != NULL ? dataset_files_list(joining->temporary, pool, &files, &shard_bytes, err)
                     : error_set(err, STATUS_NOMEM, "dataset.json: out of memory");
    if (status == STATUS_OK)
        status = dataset_plan_complete(joining->plan, &files, &json, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&json), err);
    if (status == STATUS_OK)
        status = dataset_open_folder(joining->temporary, 0, &dataset, err);
    dataset_free(dataset);
    mem_free(path);
    bytes_deinit(&json);
    dataset_manifest_deinit(&files);
    return status;
}

static enum status join_locked(const char *home, const char *parts, const struct dataset_plan *plan,
                               struct thread_pool *pool, struct error *err)
{
    char *temporary = NULL;
    bool existed;
    enum status status = folder_make_temporary(home, "dataset", &temporary, err);
    struct joining joining = {.plan = plan, .parts = parts, .temporary = temporary};
    if (status == STATUS_OK)
        status = link_planned(&joining, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, (size_t)plan->manifest.info.shard_count, link_shard,
                                 &joining, err);
    if (status == STATUS_OK)
        status = describe(&joining, pool, err);
    if (status == STATUS_OK)
        status = dataset_publish(home, temporary, plan->manifest.info.version, pool, &existed, err);
    if (temporary != NULL)
        folder_remove(temporary); /* gone already after a publication */
    mem_free(temporary);
    return status;
}

enum status dataset_parts_join(const char *home, const struct dataset_plan *plan,
                               struct thread_pool *pool, struct error *err)
{
    int lock = FOLDER_LOCK_NONE;
    char *parts = path_join(home, DATASET_PARTS_NAME);
    enum status status = parts != NULL ? folder_lock_wait(home, &lock, err)
                                       : error_set(err, STATUS_NOMEM, "%s: out of memory", home);
    if (status == STATUS_OK)
        status = join_locked(home, parts, plan, pool, err);
    if (status == STATUS_OK)
        status = dataset_parts_clear(parts, err);
    folder_lock_release(lock);
    mem_free(parts);
    return status;
}

/* ---- clearing ---- */

/* Under the name of something unfinished, so that whoever has the lock next removes what is left of
 * it. */
static enum status retire_plan(const char *parts, struct error *err)
{
    char *plan = path_join(parts, DATASET_PLAN_FOLDER_NAME);
    char *aside = NULL;
    enum status status = plan != NULL ? folder_make_temporary(parts, "plan", &aside, err)
                                      : error_set(err, STATUS_NOMEM, "%s: out of memory", parts);
    if (status == STATUS_OK && rename(plan, aside) != 0 && errno != ENOENT)
        status = error_set_errno(err, errno, "%s: cannot be removed", plan);
    if (aside != NULL)
        folder_remove(aside);
    mem_free(aside);
    mem_free(plan);
    return status;
}

enum status dataset_parts_clear(const char *parts, struct error *err)
{
    struct folder_names names = {0};
    enum status status = retire_plan(parts, err);
    if (status == STATUS_OK)
        status = folder_names_read(parts, dataset_is_part_name, &names, err);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        char *folder = path_join(parts, names.list[i]);
        if (folder == NULL)
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", parts);
        else
            folder_remove(folder);
        mem_free(folder);
    }
    folder_names_deinit(&names);
    return status;
}
