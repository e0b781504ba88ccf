#include "pir-server/dataset/dataset_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A version that is removed and made again in between has another dataset.json. */
#define TRIES 3

static bool path_in(const char *folder, char ret[PATH_MAX])
{
    const int size = snprintf(ret, PATH_MAX, "%s/dataset.json", folder);
    return size > 0 && size < PATH_MAX;
}

static bool is_still(const char *path, int fd)
{
    struct stat there;
    struct stat open_file;
    return stat(path, &there) == 0 && fstat(fd, &open_file) == 0 &&
           there.st_dev == open_file.st_dev && there.st_ino == open_file.st_ino;
}

int dataset_hold_take(const char *folder)
{
    int hold = DATASET_HOLD_NONE;
    char path[PATH_MAX];
    if (!path_in(folder, path))
        return DATASET_HOLD_NONE;
    for (int i = 0; i < TRIES && hold < 0; i++) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0 && is_still(path, fd))
            hold = fd;
        else if (fd >= 0)
            close(fd);
    }
    return hold;
}

enum status dataset_hold_take_alone(const char *folder, int *ret, struct error *err)
{
    enum status status = STATUS_OK;
    char path[PATH_MAX];
    if (!path_in(folder, path))
        return error_set(err, STATUS_TOO_LARGE, "%s: the path is too long", folder);
    /* Some network file systems lock alone only what is open for writing. */
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        *ret = DATASET_HOLD_NONE;
    else if (fd < 0)
        status = error_set_errno(err, errno, "%s", path);
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        *ret = fd;
    else
        status = errno == EWOULDBLOCK ? error_set(err, STATUS_BUSY, "%s: in use", folder)
                                      : error_set_errno(err, errno, "%s: cannot lock", path);
    if (status != STATUS_OK && fd >= 0)
        close(fd);
    return status;
}

void dataset_hold_release(int hold)
{
    if (hold >= 0)
        close(hold);
}
