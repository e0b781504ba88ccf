#include "pir-server/dataset/dataset_publish.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_in_force.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static bool is_whole(const char *folder, struct thread_pool *pool)
{
    struct error ignored;
    struct dataset *dataset = NULL;
    const bool is = dataset_open_folder(folder, 0, &dataset, &ignored) == STATUS_OK &&
                    dataset_verify(dataset, pool, NULL, &ignored) == STATUS_OK;
    dataset_free(dataset);
    return is;
}

static enum status move_away(const char *home, const char *folder, struct error *err)
{
    char *aside = NULL;
    enum status status = folder_make_temporary(home, "damaged", &aside, err);
    if (status == STATUS_OK && rename(folder, aside) != 0)
        status = error_set_errno(err, errno, "%s: cannot be replaced", folder);
    if (aside != NULL)
        folder_remove(aside);
    mem_free(aside);
    return status;
}

enum status dataset_publish(const char *home, const char *temporary, const char *version,
                            struct thread_pool *pool, bool *ret_existed, struct error *err)
{
    struct stat info;
    char *target = path_join(home, version);
    if (target == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", home);
    const bool is_there = lstat(target, &info) == 0;
    const bool is_good = is_there && is_whole(target, pool);
    enum status status = STATUS_OK;
    if (is_there && !is_good)
        status = move_away(home, target, err);
    if (status == STATUS_OK && !is_good)
        status = folder_publish(temporary, target, pool, err);
    if (status == STATUS_OK)
        status = dataset_put_in_force(home, version, err);
    mem_free(target);
    if (status == STATUS_OK)
        *ret_existed = is_good;
    return status;
}
