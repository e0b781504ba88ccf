/* symmetric_rows - the rows of a dataset as a symmetric one holds them: keywords behind the keyed
 * function, values sealed.
 *
 * Time     one to two milliseconds of processor time a row, most of it a multiplication on P-384;
 *          none to speak of for those that are known.
 * Memory   32 bytes a row and its value. Borrows nothing once it is made.
 * Threads  spread over the pool (may be NULL); constant once made.
 * Source   spec/keyword-pir.md section 10.1. */
#ifndef BLINDLIST_DATASET_SYMMETRIC_ROWS_H
#define BLINDLIST_DATASET_SYMMETRIC_ROWS_H

#include "base/thread_pool.h"
#include "pir-server/oprf/voprf.h"
#include "pir-server/pir/pir_rows.h"

struct symmetric_rows;

/* Rows that were made before, with the same key, keyword and value. */
struct symmetric_known {
    /* What symmetric_rows_text() had of row `row`; empty: it is to be made. Called by several
     * threads at once. */
    struct span (*at)(const void *context, size_t row);
    const void *context;
};

/* known: NULL = none. STATUS_TOO_LARGE: a keyword beyond VOPRF_INPUT_MAX_BYTES; the message has the
 * row's number. STATUS_MISMATCH: a known row of another size. */
enum status symmetric_rows_new(const struct voprf_key *key, const struct pir_rows *rows,
                               const struct symmetric_known *known, struct thread_pool *pool,
                               bool show_progress, struct symmetric_rows **ret,
                               struct error *err) MUST_CHECK;
void symmetric_rows_free(struct symmetric_rows *rows); /* takes NULL */
/* How many of them were made, not known. */
uint64_t symmetric_rows_made(const struct symmetric_rows *rows);
/* All of them, one after the other: keyword and sealed value. Borrowed. */
struct span symmetric_rows_text(const struct symmetric_rows *rows);
/* The same rows in the same order; borrowed from `rows`. */
struct pir_rows symmetric_rows_view(const struct symmetric_rows *rows);

#endif
