#include "pir-server/service/report_log.h"

#include "base/file.h"
#include "base/folder_names.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CURRENT_NAME "reports.jsonl"
#define ASIDE_PREFIX "reports-"
#define ASIDE_SUFFIX ".jsonl"
#define NAME_BYTES   64

struct report_log {
    pthread_mutex_t lock; /* guards everything */
    char *folder;
    char *path; /* of the current file */
    uint64_t file_bytes;
    uint64_t total_bytes;
    int fd;
    uint64_t size;  /* of the current file */
    uint64_t aside; /* of all others together */
};

static bool is_aside(const char *folder, const char *name)
{
    const size_t size = strlen(name);
    (void)folder;
    return size > strlen(ASIDE_PREFIX) + strlen(ASIDE_SUFFIX) &&
           strncmp(name, ASIDE_PREFIX, strlen(ASIDE_PREFIX)) == 0 &&
           strcmp(name + size - strlen(ASIDE_SUFFIX), ASIDE_SUFFIX) == 0;
}

/* 0 for what is not there. */
static uint64_t size_of(const struct report_log *log, const char *name)
{
    struct stat info;
    char *path = path_join(log->folder, name);
    const bool is_there = path != NULL && stat(path, &info) == 0;
    mem_free(path);
    return is_there ? (uint64_t)info.st_size : 0;
}

/* ---- the current file ---- */

/* Where the last line ends: what is behind it was cut off by a kill. */
static bool end_of_lines(int fd, uint64_t size, uint64_t *ret)
{
    char block[4096];
    uint64_t end = size;
    while (end > 0) {
        const uint64_t from = end > sizeof block ? end - sizeof block : 0;
        const ssize_t got = pread(fd, block, (size_t)(end - from), (off_t)from);
        if (got != (ssize_t)(end - from))
            return false;
        for (size_t i = (size_t)got; i > 0; i--) {
            if (block[i - 1] == '\n') {
                *ret = from + i;
                return true;
            }
        }
        end = from;
    }
    *ret = 0;
    return true;
}

static enum status open_current(struct report_log *log, struct error *err)
{
    struct stat info;
    log->fd = open(log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE_SECRET);
    if (log->fd < 0)
        return error_set_errno(err, errno, "%s", log->path);
    if (flock(log->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? error_set(err, STATUS_BUSY, "%s: another process writes there", log->path)
                   : error_set_errno(err, errno, "%s", log->path);
    if (fstat(log->fd, &info) != 0 || !end_of_lines(log->fd, (uint64_t)info.st_size, &log->size) ||
        ((uint64_t)info.st_size != log->size && ftruncate(log->fd, (off_t)log->size) != 0))
        return error_set_errno(err, errno, "%s", log->path);
    return STATUS_OK;
}

static enum status flush_folder(const struct report_log *log, struct error *err)
{
    const int fd = open(log->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", log->folder);
    const int failed = fsync(fd) != 0 && errno != EINVAL && errno != EROFS ? errno : 0;
    close(fd);
    return failed == 0 ? STATUS_OK : error_set_errno(err, failed, "%s", log->folder);
}

/* Puts the current file aside and begins another. */
static enum status rotate(struct report_log *log, uint64_t now_s, struct error *err)
{
    const time_t now = (time_t)now_s;
    struct tm when;
    char stamp[NAME_BYTES / 2] = "";
    if (gmtime_r(&now, &when) != NULL)
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &when);
    char *aside = NULL;
    for (unsigned number = 1; aside == NULL; number++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, ASIDE_PREFIX "%s-%04u" ASIDE_SUFFIX, stamp, number);
        aside = path_join(log->folder, name);
        if (aside == NULL)
            return error_set(err, STATUS_NOMEM, "%s: out of memory", log->path);
        if (access(aside, F_OK) == 0) {
            mem_free(aside);
            aside = NULL;
        }
    }
    enum status status = rename(log->path, aside) == 0
                             ? STATUS_OK
                             : error_set_errno(err, errno, "%s: putting it aside", log->path);
    mem_free(aside);
    if (status != STATUS_OK)
        return status;
    log->aside += log->size;
    close(log->fd);
    log->fd = -1;
    status = open_current(log, err);
    return status == STATUS_OK ? flush_folder(log, err) : status;
}

/* Removes the oldest files put aside until `more` bytes fit. */
static enum status make_room(struct report_log *log, uint64_t more, size_t *ret_removed,
                             struct error *err)
{
    struct folder_names names = {0};
    if (log->aside + log->size + more <= log->total_bytes)
        return STATUS_OK;
    const enum status status = folder_names_read(log->folder, is_aside, &names, err);
    for (size_t i = 0;
         i < names.count && status == STATUS_OK && log->aside + log->size + more > log->total_bytes;
         i++) {
        const uint64_t size = size_of(log, names.list[i]);
        char *path = path_join(log->folder, names.list[i]);
        if (path != NULL && unlink(path) == 0) {
            log->aside -= size < log->aside ? size : log->aside;
            ++*ret_removed;
        }
        mem_free(path);
    }
    folder_names_deinit(&names);
    return status;
}

/* Appends line and end in one call, or nothing of it. */
static enum status write_line(struct report_log *log, struct span line, struct error *err)
{
    const struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)line.data, .iov_len = line.size},
                                   {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1}};
    const ssize_t all = (ssize_t)line.size + 1;
    const ssize_t written = writev(log->fd, parts, 2);
    int failed = 0;
    if (written != all)
        failed = written < 0 ? errno : ENOSPC;
    else if (fdatasync(log->fd) != 0)
        failed = errno;
    if (failed == 0) {
        log->size += (uint64_t)all;
        return STATUS_OK;
    }
    /* What cannot be cut off now is when the log is opened again. */
    if (ftruncate(log->fd, (off_t)log->size) != 0)
        log->size += written > 0 ? (uint64_t)written : 0;
    return error_set_errno(err, failed, "%s", log->path);
}

/* ---- the log ---- */

static enum status sum_aside(struct report_log *log, struct error *err)
{
    struct folder_names names = {0};
    const enum status status = folder_names_read(log->folder, is_aside, &names, err);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++)
        log->aside += size_of(log, names.list[i]);
    folder_names_deinit(&names);
    return status;
}

enum status report_log_open(const char *folder, uint64_t file_bytes, uint64_t total_bytes,
                            struct report_log **ret, struct error *err)
{
    struct report_log *log = mem_alloc_zeroed(1, sizeof *log);
    if (log == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    pthread_mutex_init(&log->lock, NULL);
    log->fd = -1;
    log->file_bytes = file_bytes;
    log->total_bytes = total_bytes;
    log->folder = mem_strdup(folder);
    log->path = path_join(folder, CURRENT_NAME);
    enum status status = log->folder != NULL && log->path != NULL
                             ? STATUS_OK
                             : error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    if (status == STATUS_OK)
        status = sum_aside(log, err);
    if (status == STATUS_OK)
        status = open_current(log, err);
    if (status == STATUS_OK)
        status = flush_folder(log, err);
    if (status == STATUS_OK) {
        *ret = log;
        return STATUS_OK;
    }
    report_log_close(log);
    return status;
}

void report_log_close(struct report_log *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        close(log->fd);
    pthread_mutex_destroy(&log->lock);
    mem_free(log->folder);
    mem_free(log->path);
    mem_free(log);
}

void report_log_limit(struct report_log *log, uint64_t total_bytes)
{
    pthread_mutex_lock(&log->lock);
    log->total_bytes = total_bytes;
    pthread_mutex_unlock(&log->lock);
}

enum status report_log_append(struct report_log *log, struct span line, uint64_t now_s,
                              size_t *ret_removed, struct error *err)
{
    const uint64_t more = (uint64_t)line.size + 1;
    size_t removed = 0;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&log->lock);
    if (more > log->total_bytes)
        status = error_set(err, STATUS_TOO_LARGE, "%s: a report of %zu bytes is beyond the quota",
                           log->path, line.size);
    if (status == STATUS_OK && log->fd < 0) /* a rotation failed half way */
        status = open_current(log, err);
    if (status == STATUS_OK && log->size > 0 && log->size + more > log->file_bytes)
        status = rotate(log, now_s, err);
    if (status == STATUS_OK)
        status = make_room(log, more, &removed, err);
    if (status == STATUS_OK)
        status = write_line(log, line, err);
    pthread_mutex_unlock(&log->lock);
    if (ret_removed != NULL)
        *ret_removed = removed;
    return status;
}
