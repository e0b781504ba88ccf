/* dataset_diff - the rows that two versions do not share.
 *
 * Both rows.txt are sorted: they are read side by side, once, in constant memory, and refused when
 * they are not in order.
 *
 * Threads  one. */
#ifndef BLINDLIST_DATASET_DIFF_H
#define BLINDLIST_DATASET_DIFF_H

#include "pir-server/dataset/dataset.h"

struct dataset_row_counts {
    uint64_t added;
    uint64_t removed;
};

/* Where the rows go; `row` is borrowed until it returns. */
struct dataset_diff_sink {
    void *context;
    void (*row)(void *context, struct span row, bool is_added);
};

/* STATUS_MISMATCH names file and line. `sink` may be NULL. */
enum status dataset_diff_rows(const struct dataset *before, const struct dataset *after,
                              const struct dataset_diff_sink *sink, struct dataset_row_counts *ret,
                              struct error *err) MUST_CHECK;
/* Likewise of two files, by their paths. */
enum status dataset_diff_files(const char *before, const char *after,
                               const struct dataset_diff_sink *sink, struct dataset_row_counts *ret,
                               struct error *err) MUST_CHECK;

#endif
