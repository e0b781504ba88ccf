/* dataset_gc - removes old versions of a use case.
 *
 * Kept     as many versions as asked: the one in force first, then the one that a rollback leads
 *          to, then the newest; those whose dataset.json cannot be read come last. Beyond that
 * every version that a program holds (dataset_hold.h): a server, a compile, a comparison. Whole a
 * version is renamed to a temporary name in one step and then deleted. What a kill leaves is
 * removed by whoever next locks the folder. Files that other versions share with it (hard links)
 * stay theirs. Refused  with versions there, but none in force (STATUS_NOT_FOUND): then nobody can
 * say which are old.
 *
 * Threads  any; one run for a use case at a time (STATUS_BUSY). */
#ifndef BLINDLIST_DATASET_GC_H
#define BLINDLIST_DATASET_GC_H

#include "pir-server/dataset/dataset.h"

enum dataset_fate {
    DATASET_KEPT,
    DATASET_IN_USE, /* would have gone, but a program holds it */
    DATASET_REMOVED,
};

struct dataset_collected {
    char name[DATASET_VERSION_BYTES + 1];
    enum dataset_fate fate;
};

struct dataset_gc_result {
    struct dataset_collected *versions; /* [version_count] in the order of keeping; owned */
    size_t version_count;
    size_t removed_count;
    size_t in_use_count;
    size_t unfinished_count; /* what killed runs had left, and is gone */
    uint64_t freed_bytes;    /* of files that nothing else links to */
};

/* keep >= 1. A dry run tells what would be, and changes nothing. */
enum status dataset_gc(const char *data, const char *use_case, size_t keep, bool is_dry_run,
                       struct dataset_gc_result *ret, struct error *err) MUST_CHECK;
void dataset_gc_result_deinit(struct dataset_gc_result *result);

#endif
