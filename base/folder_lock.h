/* folder_lock - a folder in which one process at a time works.
 *
 * The lock is the file `.lock` in it, locked with flock(): it ends with the process, however that
 * ends. Whoever has it may remove what killed processes left.
 *
 * Threads  one lock belongs to one thread. */
#ifndef BLINDLIST_BASE_FOLDER_LOCK_H
#define BLINDLIST_BASE_FOLDER_LOCK_H

#include "base/status.h"

#define FOLDER_LOCK_NONE (-1)

/* Locks `folder`, which exists, and removes what is left there of unfinished files, folders and
 * links (base/file.h: names `.*.tmp`), best effort. STATUS_BUSY with "FOLDER: BUSY" when another
 * process has the lock: `busy` says what it does. */
enum status folder_lock_take(const char *folder, const char *busy, int *ret_lock,
                             struct error *err) MUST_CHECK;
/* Takes FOLDER_LOCK_NONE. */
void folder_lock_release(int lock);

#endif
