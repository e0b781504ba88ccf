/* source_keys - the keys of the sources of a source_set: gathered, selected, handed on as rows.
 *
 * Every text is read by urls/list.h in its source's format, and only the entries are taken that its
 * include and exclude patterns want. Its keys go to one of three key_tables: those to be blocked;
 * those that are not (exceptions, and all of a source whose trust is "allow"); those that cancel a
 * blocking one. A key's origin is the item's number in the set, and the line. What becomes of each
 * is for lists/key_selection.h to say; what is kept are the rows of the dataset:
 *
 *     source_keys_new(), source_keys_add() for each item, source_keys_select(),
 *     source_keys_write_origins(), key_selection_add_rows(source_keys_selection()),
 *     source_keys_free()
 *
 * Errors   those of the steps; a text that is no array (format json) is STATUS_MALFORMED, and no
 *          list that was read before makes up for it. STATUS_NOT_FOUND: a source that has failed,
 *          with why.
 * Memory   one text at a time; the tables and the selection.
 * Threads  one at a time; the selection uses a pool. */
#ifndef BLINDLIST_LISTS_SOURCE_KEYS_H
#define BLINDLIST_LISTS_SOURCE_KEYS_H

#include "lists/key_selection.h"
#include "lists/source_set.h"
#include "urls/list.h"

/* What became of one text. */
struct source_outcome {
    uint64_t bytes; /* as they came */
    uint8_t digest[SHA256_BYTES];
    struct list_counts counts;
};

/* What is told beside the keys, with the item's name as file. Both may be NULL. */
struct source_keys_sink {
    void *context;
    void (*drop)(void *context, const struct list_place *place, enum drop_reason reason);
    void (*widen)(void *context, const struct list_place *place, struct span key);
};

struct source_keys;

enum status source_keys_new(struct source_keys **ret, struct error *err) MUST_CHECK;
void source_keys_free(struct source_keys *keys); /* takes NULL */

/*   index    of the item
 *   options  but the format and what follows from the source's trust
 * Messages begin with the item's name. Not after source_keys_select(). */
enum status source_keys_add(struct source_keys *keys, const struct source_set *set, size_t index,
                            const struct list_options *options, const struct source_keys_sink *sink,
                            struct source_outcome *ret, struct error *err) MUST_CHECK;

/* Once: sorts the tables and selects. `suffixes` and `pool` (may be NULL) are only used meanwhile.
 * A failure leaves keys that can only be freed. */
enum status source_keys_select(struct source_keys *keys,
                               const struct key_selection_options *options,
                               const struct public_suffixes *suffixes, struct thread_pool *pool,
                               struct error *err) MUST_CHECK;
/* After that; borrowed. */
const struct key_tables *source_keys_tables(const struct source_keys *keys);
const struct key_selection *source_keys_selection(const struct source_keys *keys);
/* Likewise: a file of lists/origins_file.h with the names of the items as sources. */
enum status source_keys_write_origins(const struct source_keys *keys, const struct source_set *set,
                                      const char *path, struct error *err) MUST_CHECK;

#endif
