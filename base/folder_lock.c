#include "base/folder_lock.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_lock_is_unfinished(const char *name)
{
    const size_t size = strlen(name);
    return name[0] == '.' && size >= 5 && strcmp(name + size - 4, ".tmp") == 0;
}

void folder_lock_clean(const char *folder)
{
    DIR *listing = opendir(folder);
    if (listing == NULL)
        return;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (!folder_lock_is_unfinished(entry->d_name))
            continue;
        char *path = path_join(folder, entry->d_name);
        struct stat info;
        if (path != NULL && lstat(path, &info) == 0) {
            if (S_ISDIR(info.st_mode))
                folder_remove(path);
            else
                unlink(path);
        }
        mem_free(path);
    }
    closedir(listing);
}

static int flock_through_signals(int lock, int operation)
{
    int failed;
    do {
        failed = flock(lock, operation);
    } while (failed != 0 && errno == EINTR);
    return failed;
}

/* `busy` NULL: waits. */
static enum status lock_folder(const char *folder, const char *busy, int *ret_lock,
                               struct error *err)
{
    const int operation = busy != NULL ? LOCK_EX | LOCK_NB : LOCK_EX;
    char *path = path_join(folder, ".lock");
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    enum status status = STATUS_OK;
    const int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE_PUBLIC);
    if (lock < 0)
        status = error_set_errno(err, errno, "%s", path);
    else if (flock_through_signals(lock, operation) != 0)
        status = errno == EWOULDBLOCK ? error_set(err, STATUS_BUSY, "%s: %s", folder, busy)
                                      : error_set_errno(err, errno, "%s: cannot lock", path);
    mem_free(path);
    if (status == STATUS_OK)
        *ret_lock = lock;
    else
        folder_lock_release(lock);
    return status;
}

enum status folder_lock_take_as_it_is(const char *folder, const char *busy, int *ret_lock,
                                      struct error *err)
{
    return lock_folder(folder, busy, ret_lock, err);
}

enum status folder_lock_wait(const char *folder, int *ret_lock, struct error *err)
{
    const enum status status = lock_folder(folder, NULL, ret_lock, err);
    if (status == STATUS_OK)
        folder_lock_clean(folder);
    return status;
}

enum status folder_lock_take(const char *folder, const char *busy, int *ret_lock, struct error *err)
{
    const enum status status = folder_lock_take_as_it_is(folder, busy, ret_lock, err);
    if (status == STATUS_OK)
        folder_lock_clean(folder);
    return status;
}

void folder_lock_release(int lock)
{
    if (lock >= 0)
        close(lock);
}
