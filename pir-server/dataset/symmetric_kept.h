/* symmetric_kept - rows that were keyed for the version in force, for the next one with its key.
 *
 * A row's keyed form follows from key, keyword and value alone, so that of a row that stays is
 * taken over. It lies in symmetric.rows beside rows.txt: one record of SYMMETRIC_KEPT_BYTES for
 * each line, in the same order.
 *
 * Trust    what either file holds counts only when it has the digest that dataset.json says.
 * Memory   eight bytes a row; the records are mapped.
 * Threads  constant once opened. */
#ifndef BLINDLIST_DATASET_SYMMETRIC_KEPT_H
#define BLINDLIST_DATASET_SYMMETRIC_KEPT_H

#include "pir-server/dataset/dataset.h"
#include "pir-server/oprf/symmetric_row.h"
#include "urls/row_set.h"

#define SYMMETRIC_KEPT_BYTES                                                                       \
    (SYMMETRIC_KEYWORD_BYTES + DATASET_ROW_VALUE_BYTES + SYMMETRIC_TAG_BYTES)

struct symmetric_kept;

/* Which of `rows` (finished) are in the version `before`, keyed with its key. STATUS_NOT_FOUND or
 * STATUS_MISMATCH: it has no such records, or they are not what its digests say. */
enum status symmetric_kept_open(const struct dataset *before, const struct row_set *rows,
                                struct symmetric_kept **ret, struct error *err) MUST_CHECK;
void symmetric_kept_free(struct symmetric_kept *kept); /* takes NULL */
/* The record of row `row`, borrowed; empty when the version before did not have it. As struct
 * symmetric_known asks. */
struct span symmetric_kept_at(const void *kept, size_t row);

#endif
