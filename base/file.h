/* file - reading with limits, mapping, and writing that is whole or not at all.
 *
 * Writing  A file_writer writes to a temporary name beside the target (`.<name>.<random>.tmp`);
 *          file_writer_commit() flushes it to the disk, renames it and flushes the folder. Until
 *          then, and after a failure, kill or full disk, the target is what it was. A folder is
 *          published the same way: filled under a temporary name, then folder_publish(), which
 *          flushes the files in it and their names; commits inside such a folder start to write
 *          and wait for nothing. After a kill the temporary name may be left behind.
 * Messages name the file as the caller gave it; only paths, never contents.
 * Threads  one object belongs to one thread; the functions may be called from any. */
#ifndef BLINDLIST_BASE_FILE_H
#define BLINDLIST_BASE_FILE_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "base/thread_pool.h"

#include <stdio.h>
#include <sys/types.h>

/* Appends the whole file to `ret`; "-" is standard input. STATUS_TOO_LARGE beyond ret's maximum. A
 * folder is STATUS_INVALID. On failure `ret` may have grown. */
enum status file_read(const char *path, struct bytes *ret, struct error *err) MUST_CHECK;
/* Likewise a key into an empty `ret`, whose block is reserved whole: growth would leave copies.
 * STATUS_INVALID when others than its owner may read or write the file; one of root's may be read
 * by a group, too, unless this is root. For bytes_deinit_secret(), also on failure. */
enum status file_read_secret(const char *path, struct bytes *ret, struct error *err) MUST_CHECK;

/* A file read from front to back, piece by piece. */
struct file_reader;
/* "-" is standard input; a folder is STATUS_INVALID. Borrows `path`. */
enum status file_reader_open(const char *path, struct file_reader **ret,
                             struct error *err) MUST_CHECK;
void file_reader_close(struct file_reader *reader); /* takes NULL */
/* The next `size` bytes; fewer only at the end of the file, 0 behind it. */
enum status file_reader_read(struct file_reader *reader, uint8_t *buffer, size_t size,
                             size_t *ret_got, struct error *err) MUST_CHECK;
/* Of the file; 0 = not known. */
uint64_t file_reader_size(const struct file_reader *reader);

/* A file mapped read-only. An empty file maps to an empty span. The file must not be cut short
 * while it is mapped: dataset files are replaced by rename, never rewritten. */
struct file_map {
    struct span bytes;
};
enum status file_map_open(const char *path, struct file_map *ret, struct error *err) MUST_CHECK;
void file_map_close(struct file_map *map);
/* Drops the pages from this process's memory; the next read finds them again. Reading a header can
 * bring in megabytes behind it. */
void file_map_forget(const struct file_map *map);

#define FILE_MODE_PUBLIC 0644
#define FILE_MODE_SECRET 0600

/* Opaque; buffered. Where the system can, it begins to write to the disk long before the flush. */
struct file_writer;
/* Starts writing what will be `path`, with the permissions `mode` (before the umask), whatever an
 * older file has. A symbolic link stays, and what it leads to is replaced. STATUS_INVALID for a
 * folder, a device or a pipe. */
enum status file_writer_new(const char *path, mode_t mode, struct file_writer **ret,
                            struct error *err) MUST_CHECK;
/* The first failure sticks and is returned by file_writer_commit(). */
void file_writer_write(struct file_writer *writer, struct span more);
/* At most 256 KiB at once. */
void file_writer_format(struct file_writer *writer, const char *format, ...) PRINTF_LIKE(2, 3);
/* The first failure so far, without ending the work: for loops that should stop early. */
enum status file_writer_check(const struct file_writer *writer, struct error *err) MUST_CHECK;
/* Flushes to the disk all that is written so far, without publishing it: for several files that
 * should appear together, so that a full disk is known before the first one is committed. */
enum status file_writer_sync(struct file_writer *writer, struct error *err) MUST_CHECK;
/* Publishes the file. On failure the target is untouched (or replaced whole, when it was only the
 * flush of the folder that failed). Frees the writer in all cases. */
enum status file_writer_commit(struct file_writer *writer, struct error *err) MUST_CHECK;
/* Throws the work away and frees the writer. Takes NULL. */
void file_writer_cancel(struct file_writer *writer);

/* All of `contents` as the file `path`, whole or not at all. */
enum status file_write(const char *path, mode_t mode, struct span contents,
                       struct error *err) MUST_CHECK;

/* The file `from` under the name `to` as well, which must not exist: a hard link, else a copy. For
 * files that are never written again. */
enum status file_link(const char *from, const char *to, struct error *err) MUST_CHECK;

/* Creates the folder and its missing parents; an existing folder is fine. */
enum status folder_make(const char *path, struct error *err) MUST_CHECK;
/* Creates `<parent>/.<stem>.<random>.tmp` and returns its path (mem_free). */
enum status folder_make_temporary(const char *parent, const char *stem, char **ret,
                                  struct error *err) MUST_CHECK;
/* Flushes the files of the folder `temporary`, spread over the pool (may be NULL), and the folder,
 * and renames it to `target`, which must not exist (STATUS_EXISTS). On failure `temporary` is still
 * there, unless it was only the last flush that failed. */
enum status folder_publish(const char *temporary, const char *target, struct thread_pool *pool,
                           struct error *err) MUST_CHECK;
/* Points the symbolic link `path` at `target`, replacing an older link in one step. */
enum status link_replace(const char *target, const char *path, struct error *err) MUST_CHECK;
/* Removes a folder and all below it, best effort; a missing one is fine. Does not follow links. */
void folder_remove(const char *path);

/* "<folder>/<name>" (mem_free); NULL without memory. */
char *path_join(const char *folder, const char *name) MUST_CHECK;

#endif
