/* folder_lock - a folder in which one process at a time works.
 *
 * The lock is the file `.lock` in it, locked with flock(): it ends with the process, however that
 * ends. Whoever has it may remove what killed processes left.
 *
 * Threads  one lock belongs to one thread. */
#ifndef BLINDLIST_BASE_FOLDER_LOCK_H
#define BLINDLIST_BASE_FOLDER_LOCK_H

#include "base/status.h"

#include <stdbool.h>

#define FOLDER_LOCK_NONE (-1)

/* Locks `folder`, which exists, and cleans it up. STATUS_BUSY with "FOLDER: BUSY" when another
 * process has the lock: `busy` says what it does. */
enum status folder_lock_take(const char *folder, const char *busy, int *ret_lock,
                             struct error *err) MUST_CHECK;
/* The same, but waits as long as somebody else has the lock. */
enum status folder_lock_wait(const char *folder, int *ret_lock, struct error *err) MUST_CHECK;
/* As folder_lock_take(), but nothing is cleaned up. */
enum status folder_lock_take_as_it_is(const char *folder, const char *busy, int *ret_lock,
                                      struct error *err) MUST_CHECK;
/* Removes what is left in a locked folder of unfinished files, folders and links, best effort. */
void folder_lock_clean(const char *folder);
/* Whether something of this name is unfinished (base/file.h: `.*.tmp`). */
bool folder_lock_is_unfinished(const char *name);
/* Takes FOLDER_LOCK_NONE. */
void folder_lock_release(int lock);

#endif
