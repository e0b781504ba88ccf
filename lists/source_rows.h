/* source_rows - the keys of the sources of a source_set, into one row set.
 *
 * Each text is read in the format of its source, found out or named (urls/list.h), by its include
 * and exclude patterns. A byte order mark is skipped.
 *
 * Result   depends on nothing but the texts and the configuration; sources in their order.
 * Refused  STATUS_UNSUPPORTED, before anything is read: sources that are to be allowed, and lists
 *          of rows. STATUS_NOT_FOUND: a source that has failed, with why.
 * Memory   one text at a time; the rows.
 * Threads  one at a time. */
#ifndef BLINDLIST_LISTS_SOURCE_ROWS_H
#define BLINDLIST_LISTS_SOURCE_ROWS_H

#include "lists/source_set.h"
#include "urls/list.h"
#include "urls/row_set.h"

/* What became of one text. */
struct source_outcome {
    uint64_t bytes; /* as they came */
    uint8_t digest[SHA256_BYTES];
    struct list_counts counts;
};

/* What is told beside the keys, with the item's name as file. Both may be NULL. */
struct source_rows_sink {
    void *context;
    void (*drop)(void *context, const struct list_place *place, enum drop_reason reason);
    void (*widen)(void *context, const struct list_place *place, struct span key);
};

/* Whether all sources can be read by source_rows_add(). Messages begin with the source's place. */
enum status source_rows_check(const struct lists_config *config, struct error *err) MUST_CHECK;

/*   index    of the item
 *   options  but the format, which its source says
 * Messages begin with the item's name. */
enum status source_rows_add(const struct source_set *set, size_t index,
                            const struct list_options *options, const struct source_rows_sink *sink,
                            struct row_set *rows, struct source_outcome *ret,
                            struct error *err) MUST_CHECK;

#endif
