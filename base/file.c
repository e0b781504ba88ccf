/* Crash safety, in order: data to the temporary file, fsync it, rename, fsync the folder. Without
 * the first fsync a power loss could leave the new name with old or no contents; without the second
 * the old name could come back, which is merely an older good state. */
#define _GNU_SOURCE /* sync_file_range() */
#include "base/file.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/write_out.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITER_BUFFER_BYTES     ((size_t)1 << 18)
#define WRITE_OUT_BYTES         ((size_t)1 << 22)
#define FOLDER_REMOVE_MAX_DEPTH 32

static const char *shown(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Opens anything but a folder. `more_flags` goes to open(). */
static enum status open_file(const char *path, int more_flags, int *ret_fd, struct stat *ret_info,
                             struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | more_flags);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    if (fstat(fd, ret_info) != 0) {
        const int why = errno;
        close(fd);
        return error_set_errno(err, why, "%s", path);
    }
    if (S_ISDIR(ret_info->st_mode)) {
        close(fd);
        return error_set(err, STATUS_INVALID, "%s: is a folder, not a file", path);
    }
    *ret_fd = fd;
    return STATUS_OK;
}

/* All that is still to come of `fd`. */
static enum status read_rest(int fd, const char *path, struct bytes *ret, struct error *err)
{
    enum status status = STATUS_OK;
    for (;;) {
        size_t room = ret->capacity - ret->size;
        if (room == 0)
            room = 65536;
        if (room > ret->max_size - ret->size)
            room = ret->max_size - ret->size;
        if (room == 0) {
            uint8_t extra;
            const ssize_t more = read(fd, &extra, 1);
            if (more < 0 && errno == EINTR)
                continue;
            if (more == 0)
                break;
            status = more > 0 ? error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes",
                                          shown(path), ret->max_size)
                              : error_set_errno(err, errno, "%s", shown(path));
            break;
        }
        const size_t before = ret->size;
        uint8_t *space = bytes_append_space(ret, room);
        if (space == NULL) {
            status = bytes_status(ret, shown(path), err);
            break;
        }
        const ssize_t got = read(fd, space, room);
        ret->size = before + (got > 0 ? (size_t)got : 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = error_set_errno(err, errno, "%s", shown(path));
        if (got <= 0)
            break;
    }
    return status;
}

enum status file_read(const char *path, struct bytes *ret, struct error *err)
{
    int fd;
    struct stat info;
    if (strcmp(path, "-") == 0)
        return read_rest(STDIN_FILENO, path, ret, err);
    enum status status = open_file(path, 0, &fd, &info, err);
    if (status != STATUS_OK)
        return status;
    if (S_ISREG(info.st_mode) && info.st_size > 0 && (uint64_t)info.st_size < SIZE_MAX / 2) {
        /* One byte more than the file holds lets the read that finds the end succeed in place. */
        size_t size = ret->size + (size_t)info.st_size + 1;
        if (size <= ret->max_size)
            bytes_reserve(ret, size);
    }
    status = read_rest(fd, path, ret, err);
    close(fd);
    return status;
}

/* A file of root's that our group may read was handed to us by the system, as secrets are that
 * Kubernetes or systemd keeps; whoever is root himself needs no group. */
static bool is_for_others(const struct stat *file)
{
    const bool is_handed = file->st_uid == 0 && geteuid() != 0;
    return (file->st_mode & (is_handed ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO)) != 0;
}

enum status file_read_secret(const char *path, struct bytes *ret, struct error *err)
{
    int fd;
    struct stat info;
    bytes_reserve(ret, ret->max_size);
    if (strcmp(path, "-") == 0)
        return read_rest(STDIN_FILENO, path, ret, err);
    enum status status = open_file(path, 0, &fd, &info, err);
    if (status != STATUS_OK)
        return status;
    if (is_for_others(&info))
        status = error_set(err, STATUS_INVALID, "%s: mode %04o lets others at it, 0600 is due",
                           path, (unsigned)(info.st_mode & 07777));
    if (status == STATUS_OK)
        status = read_rest(fd, path, ret, err);
    close(fd);
    return status;
}

struct file_reader {
    const char *path;
    int fd;
    uint64_t size;
};

enum status file_reader_open(const char *path, struct file_reader **ret, struct error *err)
{
    struct file_reader *reader = mem_alloc_zeroed(1, sizeof *reader);
    if (reader == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", shown(path));
    reader->path = path;
    reader->fd = STDIN_FILENO;
    if (strcmp(path, "-") != 0) {
        struct stat info;
        const enum status status = open_file(path, 0, &reader->fd, &info, err);
        if (status != STATUS_OK) {
            mem_free(reader);
            return status;
        }
        reader->size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    }
    *ret = reader;
    return STATUS_OK;
}

void file_reader_close(struct file_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->fd != STDIN_FILENO)
        close(reader->fd);
    mem_free(reader);
}

enum status file_reader_read(struct file_reader *reader, uint8_t *buffer, size_t size,
                             size_t *ret_got, struct error *err)
{
    size_t have = 0;
    while (have < size) {
        const ssize_t got = read(reader->fd, buffer + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "%s", shown(reader->path));
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *ret_got = have;
    return STATUS_OK;
}

uint64_t file_reader_size(const struct file_reader *reader)
{
    return reader->size;
}

enum status file_map_open(const char *path, struct file_map *ret, struct error *err)
{
    int fd;
    struct stat info;
    /* O_NONBLOCK: a pipe is refused below instead of waited for. */
    const enum status status = open_file(path, O_NONBLOCK, &fd, &info, err);
    if (status != STATUS_OK)
        return status;
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return error_set(err, STATUS_INVALID, "%s: is not a regular file", path);
    }
    struct span bytes = span_of(NULL, 0);
    if ((uintmax_t)info.st_size > SIZE_MAX) {
        close(fd);
        return error_set(err, STATUS_TOO_LARGE, "%s: cannot map %jd bytes", path,
                         (intmax_t)info.st_size);
    }
    if (info.st_size > 0) {
        const size_t size = (size_t)info.st_size;
        void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED) {
            const int why = errno;
            close(fd);
            return error_set_errno(err, why,
                                   why == ENOMEM
                                       ? "%s: cannot map %zu bytes (a process has as many "
                                         "mappings as vm.max_map_count says)"
                                       : "%s: cannot map %zu bytes",
                                   path, size);
        }
        bytes = span_of(mapped, size);
    }
    close(fd);
    ret->bytes = bytes;
    return STATUS_OK;
}

void file_map_forget(const struct file_map *map)
{
    /* POSIX's own advice does nothing in glibc. A failure costs memory only. */
    if (map->bytes.data != NULL)
        (void)madvise((void *)(uintptr_t)map->bytes.data, map->bytes.size, MADV_DONTNEED);
}

void file_map_close(struct file_map *map)
{
    if (map->bytes.data != NULL)
        munmap((void *)(uintptr_t)map->bytes.data, map->bytes.size);
    map->bytes = span_of(NULL, 0);
}

/* ---- paths ---- */

char *path_join(const char *folder, const char *name)
{
    const size_t folder_size = strlen(folder);
    const bool slash = folder_size > 0 && folder[folder_size - 1] != '/';
    const size_t size = folder_size + (slash ? 1 : 0) + strlen(name) + 1;
    char *joined = mem_alloc(size, 1);
    if (joined != NULL)
        snprintf(joined, size, "%s%s%s", folder, slash ? "/" : "", name);
    return joined;
}

/* The folder that holds `path`: "." when it names none. Slashes at the end do not count. */
static char *parent_of(const char *path)
{
    size_t size = strlen(path);
    while (size > 0 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0)
        return mem_strdup(path[0] == '/' ? "/" : ".");
    char *parent = mem_alloc(size + 1, 1);
    if (parent != NULL) {
        memcpy(parent, path, size);
        parent[size] = '\0';
    }
    return parent;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Where a file that is to be `path` really goes. A symbolic link is followed, so that the link
 * survives and its target is replaced; renaming over a device or a pipe would destroy it. */
static enum status resolve_target(const char *path, char **ret, struct error *err)
{
    struct stat info;
    char followed[PATH_MAX];
    const char *target = path;
    if (path[0] == '\0')
        return error_set(err, STATUS_INVALID, "the name of a file is empty");
    if (lstat(path, &info) == 0) {
        if (S_ISLNK(info.st_mode)) {
            if (realpath(path, followed) == NULL || stat(followed, &info) != 0)
                return error_set_errno(err, errno, "%s: is a symbolic link that leads nowhere",
                                       path);
            target = followed;
        }
        if (S_ISDIR(info.st_mode))
            return error_set(err, STATUS_INVALID, "%s: is a folder, not a file", path);
        if (!S_ISREG(info.st_mode))
            return error_set(err, STATUS_INVALID, "%s: is a device or a pipe, not a file", path);
    }
    char *copy = mem_strdup(target);
    if (copy == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    *ret = copy;
    return STATUS_OK;
}

/* "<folder>/.<stem>.<16 hex digits>.tmp" */
static enum status temporary_name(const char *folder, const char *stem, char **ret,
                                  struct error *err)
{
    uint64_t number;
    const struct random_source source = random_system();
    const enum status status = random_fill(&source, &number, sizeof number, err);
    if (status != STATUS_OK)
        return status;
    char name[300];
    snprintf(name, sizeof name, ".%.200s.%016llx.tmp", stem, (unsigned long long)number);
    char *path = path_join(folder, name);
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    *ret = path;
    return STATUS_OK;
}

/* Was it made by folder_make_temporary(), and not been published yet? "<parent>/.<stem>.<hex>.tmp"
 */
static bool is_temporary_folder(const char *folder)
{
    const char *name = name_of(folder);
    const size_t size = strlen(name);
    return size > 5 && name[0] == '.' && strcmp(name + size - 4, ".tmp") == 0;
}

/* Makes names in `folder` durable. A file system that cannot do it (EINVAL) is no failure. */
static enum status folder_sync(const char *folder, struct error *err)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", folder);
    const int failed = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return failed == 0 ? STATUS_OK : error_set_errno(err, failed, "%s: cannot flush", folder);
}

/* ---- writing ---- */

struct file_writer {
    char *shown;  /* the path as the caller gave it, for messages */
    char *target; /* with links resolved */
    char *temporary;
    char *folder;
    int fd;
    int error_number;    /* of the first failure, 0 = none */
    uint64_t written;    /* handed to the system */
    uint64_t on_its_way; /* of those: on the way to the disk */
    size_t buffered;
    uint8_t buffer[WRITER_BUFFER_BYTES];
};

static void writer_free(struct file_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    mem_free(writer->shown);
    mem_free(writer->target);
    mem_free(writer->temporary);
    mem_free(writer->folder);
    mem_free(writer);
}

enum status file_writer_new(const char *path, mode_t mode, struct file_writer **ret,
                            struct error *err)
{
    enum status status;
    struct file_writer *writer = mem_alloc_zeroed(1, sizeof *writer);
    if (writer == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    writer->fd = -1;
    status = resolve_target(path, &writer->target, err);
    if (status != STATUS_OK)
        goto done;
    writer->shown = mem_strdup(path);
    writer->folder = parent_of(writer->target);
    if (writer->shown == NULL || writer->folder == NULL) {
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", path);
        goto done;
    }
    status = temporary_name(writer->folder, name_of(writer->target), &writer->temporary, err);
    if (status != STATUS_OK)
        goto done;
    writer->fd = open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (writer->fd < 0) {
        status = error_set_errno(err, errno, "%s", path);
        goto done;
    }
    *ret = writer;
    writer = NULL;
done:
    writer_free(writer);
    return status;
}

#ifdef __linux__
/* Lets the disk begin, so that the flush at the end finds little left to do. Nothing depends on it.
 */
static void begin_write_out(int fd, uint64_t from, uint64_t bytes)
{
    (void)sync_file_range(fd, (off_t)from, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
}
#else
static void begin_write_out(int fd, uint64_t from, uint64_t bytes)
{
    (void)fd;
    (void)from;
    (void)bytes;
}
#endif

static void write_all(struct file_writer *writer, const uint8_t *data, size_t size)
{
    while (size > 0 && writer->error_number == 0) {
        const ssize_t wrote =
            write(writer->fd, data, size < WRITE_OUT_BYTES ? size : WRITE_OUT_BYTES);
        if (wrote < 0) {
            if (errno != EINTR)
                writer->error_number = errno;
            continue;
        }
        data += wrote;
        size -= (size_t)wrote;
        writer->written += (uint64_t)wrote;
        if (writer->written - writer->on_its_way >= WRITE_OUT_BYTES) {
            begin_write_out(writer->fd, writer->on_its_way, writer->written - writer->on_its_way);
            writer->on_its_way = writer->written;
        }
    }
}

static void writer_flush(struct file_writer *writer)
{
    write_all(writer, writer->buffer, writer->buffered);
    writer->buffered = 0;
}

void file_writer_write(struct file_writer *writer, struct span more)
{
    if (writer->error_number != 0 || more.size == 0)
        return;
    if (more.size > sizeof writer->buffer - writer->buffered)
        writer_flush(writer);
    if (more.size >= sizeof writer->buffer) {
        write_all(writer, more.data, more.size);
        return;
    }
    memcpy(writer->buffer + writer->buffered, more.data, more.size);
    writer->buffered += more.size;
}

void file_writer_format(struct file_writer *writer, const char *format, ...)
{
    if (writer->error_number != 0)
        return;
    va_list args;
    for (int tries = 0; tries < 2; tries++) {
        const size_t room = sizeof writer->buffer - writer->buffered;
        va_start(args, format);
        const int length = vsnprintf((char *)writer->buffer + writer->buffered, room, format, args);
        va_end(args);
        if (length < 0) {
            writer->error_number = errno;
            return;
        }
        if ((size_t)length < room) {
            writer->buffered += (size_t)length;
            return;
        }
        writer_flush(writer);
    }
    if (writer->error_number == 0)
        writer->error_number = EMSGSIZE; /* longer than the buffer: the header says no */
}

enum status file_writer_check(const struct file_writer *writer, struct error *err)
{
    if (writer->error_number == 0)
        return STATUS_OK;
    return error_set_errno(err, writer->error_number, "%s: cannot write", writer->shown);
}

enum status file_writer_sync(struct file_writer *writer, struct error *err)
{
    writer_flush(writer);
    if (writer->error_number == 0 && fsync(writer->fd) != 0 && errno != EINVAL && errno != EROFS)
        writer->error_number = errno;
    return file_writer_check(writer, err);
}

enum status file_writer_commit(struct file_writer *writer, struct error *err)
{
    /* folder_publish() flushes all files and names of a folder that nobody knows yet. */
    const bool is_published_later = is_temporary_folder(writer->folder);
    enum status status;
    if (is_published_later) {
        writer_flush(writer);
        status = file_writer_check(writer, err);
        write_out_start(writer->fd);
    } else {
        status = file_writer_sync(writer, err);
    }
    if (status == STATUS_OK && rename(writer->temporary, writer->target) != 0) {
        writer->error_number = errno;
        status = file_writer_check(writer, err);
    }
    if (status != STATUS_OK) {
        file_writer_cancel(writer);
        return status;
    }
    if (!is_published_later)
        status = folder_sync(writer->folder, err);
    writer_free(writer);
    return status;
}

void file_writer_cancel(struct file_writer *writer)
{
    if (writer != NULL && writer->temporary != NULL && writer->fd >= 0)
        unlink(writer->temporary);
    writer_free(writer);
}

enum status file_write(const char *path, mode_t mode, struct span contents, struct error *err)
{
    struct file_writer *writer = NULL;
    const enum status status = file_writer_new(path, mode, &writer, err);
    if (status != STATUS_OK)
        return status;
    file_writer_write(writer, contents);
    return file_writer_commit(writer, err);
}

enum status file_link(const char *from, const char *to, struct error *err)
{
    if (link(from, to) == 0)
        return STATUS_OK;
    if (errno == ENOENT || errno == EEXIST)
        return error_set_errno(err, errno, "%s", errno == EEXIST ? to : from);
    /* Another file system, one without links, or too many of them. */
    struct file_map map = {0};
    enum status status = file_map_open(from, &map, err);
    if (status == STATUS_OK)
        status = file_write(to, FILE_MODE_PUBLIC, map.bytes, err);
    file_map_close(&map);
    return status;
}

/* ---- folders ---- */

enum status folder_make(const char *path, struct error *err)
{
    char *partial = mem_strdup(path);
    if (partial == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    enum status status = STATUS_OK;
    /* At each slash but the first, and at the end, the path so far is a folder to make. */
    for (size_t i = partial[0] == '\0' ? 0 : 1; status == STATUS_OK; i++) {
        const char here = partial[i];
        if (here != '/' && here != '\0')
            continue;
        partial[i] = '\0';
        struct stat info;
        if (mkdir(partial, 0755) != 0) {
            const int why = errno;
            if (stat(partial, &info) != 0)
                status = error_set_errno(err, why, "%s: cannot create", partial);
            else if (!S_ISDIR(info.st_mode))
                status = error_set(err, STATUS_INVALID, "%s: is a file, not a folder", partial);
        }
        if (here == '\0')
            break;
        partial[i] = here;
    }
    mem_free(partial);
    return status;
}

enum status folder_make_temporary(const char *parent, const char *stem, char **ret,
                                  struct error *err)
{
    char *path = NULL;
    enum status status = temporary_name(parent, stem, &path, err);
    if (status != STATUS_OK)
        return status;
    if (mkdir(path, 0755) != 0) {
        status = error_set_errno(err, errno, "%s: cannot create", path);
        mem_free(path);
        return status;
    }
    *ret = path;
    return STATUS_OK;
}

/* Paths of what lies in a folder. */
struct listing {
    char **paths;
    size_t count;
};

static void listing_deinit(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        mem_free(listing->paths[i]);
    mem_free(listing->paths);
}

static enum status listing_add(struct listing *listing, size_t *capacity, const char *folder,
                               const char *name, struct error *err)
{
    if (listing->count == *capacity) {
        const size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
        char **moved = mem_realloc(listing->paths, larger, sizeof *moved);
        if (moved == NULL)
            return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
        listing->paths = moved;
        *capacity = larger;
    }
    char *path = path_join(folder, name);
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    listing->paths[listing->count++] = path;
    return STATUS_OK;
}

static enum status list_folder(const char *folder, struct listing *ret, struct error *err)
{
    size_t capacity = 0;
    enum status status = STATUS_OK;
    DIR *open_folder = opendir(folder);
    if (open_folder == NULL)
        return error_set_errno(err, errno, "%s", folder);
    for (const struct dirent *entry = readdir(open_folder); entry != NULL && status == STATUS_OK;
         entry = readdir(open_folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = listing_add(ret, &capacity, folder, entry->d_name, err);
    }
    closedir(open_folder);
    return status;
}

static enum status flush_file(void *context, size_t index, size_t worker, struct error *err)
{
    const struct listing *listing = context;
    const char *path = listing->paths[index];
    (void)worker;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    const int failed = fsync(fd) != 0 && errno != EINVAL && errno != EROFS ? errno : 0;
    close(fd);
    return failed == 0 ? STATUS_OK : error_set_errno(err, failed, "%s: cannot write", path);
}

/* The files of a folder, then their names. */
static enum status flush_folder(const char *folder, struct thread_pool *pool, struct error *err)
{
    struct listing listing = {0};
    enum status status = list_folder(folder, &listing, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, listing.count, flush_file, &listing, err);
    if (status == STATUS_OK)
        status = folder_sync(folder, err);
    listing_deinit(&listing);
    return status;
}

enum status folder_publish(const char *temporary, const char *target, struct thread_pool *pool,
                           struct error *err)
{
    struct stat info;
    if (lstat(target, &info) == 0)
        return error_set(err, STATUS_EXISTS, "%s: exists already", target);
    enum status status = flush_folder(temporary, pool, err);
    if (status != STATUS_OK)
        return status;
    char *parent = parent_of(target);
    if (parent == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", target);
    if (rename(temporary, target) == 0)
        status = folder_sync(parent, err);
    else if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) /* somebody was faster */
        status = error_set(err, STATUS_EXISTS, "%s: exists already", target);
    else
        status = error_set_errno(err, errno, "%s: cannot rename to it", target);
    mem_free(parent);
    return status;
}

enum status link_replace(const char *target, const char *path, struct error *err)
{
    char *temporary = NULL;
    char *parent = parent_of(path);
    if (parent == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    enum status status = temporary_name(parent, name_of(path), &temporary, err);
    if (status != STATUS_OK)
        goto done;
    if (symlink(target, temporary) != 0) {
        status = error_set_errno(err, errno, "%s", path);
        goto done;
    }
    if (rename(temporary, path) != 0) {
        status = error_set_errno(err, errno, "%s", path);
        unlink(temporary);
        goto done;
    }
    status = folder_sync(parent, err);
done:
    mem_free(temporary);
    mem_free(parent);
    return status;
}

/* Empties the open folder `fd`, which it closes. Works by descriptor, so that a folder exchanged
 * for a link while we are at it cannot lead elsewhere. */
static void empty_folder(int fd, int depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0 || depth == FOLDER_REMOVE_MAX_DEPTH)
            continue;
        const int child =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child >= 0) {
            empty_folder(child, depth + 1);
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(folder);
}

void folder_remove(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    empty_folder(fd, 1);
    rmdir(path);
}
