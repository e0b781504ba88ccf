/* dataset_in_force - which version of a use case is in force, and which was before.
 *
 * In force  is the version that DATA/<use case>/current, a symbolic link, leads to.
 * History   DATA/<use case>/.history has the versions as they were put in force, one a line, the
 *           last one last, at most DATASET_HISTORY_MAX. It is written before the link is switched
 *           when a version is put in force, and after it when one is taken back; so after a kill it
 *           has one line too many at most, behind the version that the link says, and whoever reads
 *           it begins at that version.
 *
 * `home` is DATA/<use case>. Names of versions are DATASET_VERSION_BYTES hex digits and a NUL.
 *
 * Threads  whoever changes something has the lock of `home` (base/folder_lock.h). */
#ifndef BLINDLIST_DATASET_IN_FORCE_H
#define BLINDLIST_DATASET_IN_FORCE_H

#include "pir-server/dataset/dataset.h"

#define DATASET_HISTORY_MAX ((size_t)64)

/* The version that `current` names, also when there is no such folder; "" when there is no link, or
 * it leads out of `home`. */
void dataset_in_force(const char *home, char ret[DATASET_VERSION_BYTES + 1]);
/* The version that was in force before that one, and whose folder is still there; "" = none. */
enum status dataset_in_force_before(const char *home, char ret[DATASET_VERSION_BYTES + 1],
                                    struct error *err) MUST_CHECK;

/* Makes `current` lead to `version`, in one step. */
enum status dataset_put_in_force(const char *home, const char *version,
                                 struct error *err) MUST_CHECK;
/* Makes it lead to what dataset_in_force_before() says; STATUS_NOT_FOUND when there is none. */
enum status dataset_take_back(const char *home, struct error *err) MUST_CHECK;

/* What the two below do with a version first: opens it, compares all sizes and, when asked, reads
 * every byte. */
struct dataset_check {
    bool verify;
    struct thread_pool *pool;  /* for verifying; NULL = this thread */
    struct progress *progress; /* likewise; NULL = none */
};
/* Puts a version in force, under the lock (STATUS_BUSY).
 *   version     NULL: the one that was in force before
 *   ret_before  what was in force so far, "" = nothing
 *   ret_now     what is in force now */
enum status dataset_activate(const char *data, const char *use_case, const char *version,
                             const struct dataset_check *check,
                             char ret_before[DATASET_VERSION_BYTES + 1],
                             char ret_now[DATASET_VERSION_BYTES + 1], struct error *err) MUST_CHECK;

#endif
