/* list_reading - whole lists into a row set, on all cores.
 *
 *     list_reading_new(&options, &sink, pool, &reading, &err);
 *     list_reading_file(reading, path, false, &err);            // for each list
 *     rows = list_reading_rows(reading);
 *
 * Result   the very one of one thread that gives line after line to a list_parser, however many
 *          threads there are: the same keys and counts, the same calls of the sink in the same
 *          order.
 * Memory   the rows; beside them a few megabytes, however long the lists are.
 * Threads  one thread at a time calls; the work is spread over the pool. */
#ifndef BLINDLIST_URLS_LIST_READING_H
#define BLINDLIST_URLS_LIST_READING_H

#include "base/thread_pool.h"
#include "urls/list.h"
#include "urls/row_set.h"

/* What is told beside the keys. Any function may be NULL. */
struct list_reading_sink {
    void *context;
    /* The file's next bytes, as they are. Called from any thread, one call after the other. */
    void (*bytes)(void *context, struct span bytes);
    /* As in struct list_sink, in the order of the lines, from the thread that reads. */
    void (*drop)(void *context, const struct list_place *place, enum drop_reason reason);
    void (*widen)(void *context, const struct list_place *place, struct span key);
};

struct list_reading;
/* Copies `options` (NULL: all off) and `sink`; borrows `pool` (may be NULL). */
enum status list_reading_new(const struct list_options *options,
                             const struct list_reading_sink *sink, struct thread_pool *pool,
                             struct list_reading **ret, struct error *err) MUST_CHECK;
void list_reading_free(struct list_reading *reading); /* takes NULL */

/* Reads a list; "-" is standard input. A byte order mark is skipped, CR LF and LF end lines. Adds
 * what the file gave to *ret_counts, which may be NULL. Messages begin with `path`. After a failure
 * the reading can only be freed. */
enum status list_reading_file(struct list_reading *reading, const char *path, bool show_progress,
                              struct list_counts *ret_counts, struct error *err) MUST_CHECK;

/* Keys of all lists so far, not finished; borrowed. */
struct row_set *list_reading_rows(struct list_reading *reading);

#endif
