/* folder_names - the names in a folder that somebody wants, sorted.
 *
 * Threads  any. */
#ifndef BLINDLIST_BASE_FOLDER_NAMES_H
#define BLINDLIST_BASE_FOLDER_NAMES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct folder_names {
    char **list; /* [count], owned */
    size_t count;
};

/* Reads the names of `folder` that `accepts` takes, in the order of their bytes; NULL takes all but
 * "." and "..". STATUS_NOT_FOUND without the folder. */
enum status folder_names_read(const char *folder,
                              bool (*accepts)(const char *folder, const char *name),
                              struct folder_names *ret, struct error *err) MUST_CHECK;
void folder_names_deinit(struct folder_names *names);

#endif
