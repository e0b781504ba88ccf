/* dataset_versions - what versions of a use case there are.
 *
 * Reading takes what each dataset.json says and looks into no other file: whether a version is
 * whole is a question for dataset_open_version() and dataset_verify().
 *
 * Memory  a list owns what it points to. Threads  constant once read. */
#ifndef BLINDLIST_DATASET_VERSIONS_H
#define BLINDLIST_DATASET_VERSIONS_H

#include "pir-server/dataset/dataset.h"

struct dataset_version {
    char name[DATASET_VERSION_BYTES + 1];
    bool is_in_force;
    bool is_before;     /* was in force before: what a rollback leads to */
    int64_t made_ns;    /* since 1970: when its dataset.json was written */
    struct error why;   /* status STATUS_OK, or why dataset.json cannot be read */
    uint64_t row_count; /* these are 0 then */
    uint64_t shard_count;
    uint64_t bytes; /* of all its files; other versions may share some of them */
};

struct dataset_versions {
    struct dataset_version *list; /* [count], newest first, those that cannot be read last */
    size_t count;
    char in_force[DATASET_VERSION_BYTES + 1]; /* dataset_in_force(): perhaps not in the list */
};

/* Use cases below `data` that have a version or a `current`. */
enum status dataset_use_cases(const char *data, struct folder_names *ret,
                              struct error *err) MUST_CHECK;
/* STATUS_NOT_FOUND without the folder of the use case. */
enum status dataset_versions_read(const char *data, const char *use_case,
                                  struct dataset_versions *ret, struct error *err) MUST_CHECK;
void dataset_versions_deinit(struct dataset_versions *versions);
/* When the version in this folder was made: when its dataset.json was written, in nanoseconds since
 * 1970; when the folder was changed where there is none. */
int64_t dataset_made_ns(const char *folder);
/* NULL when it is not there. */
const struct dataset_version *dataset_versions_find(const struct dataset_versions *versions,
                                                    const char *name);

#endif
