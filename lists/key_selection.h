/* key_selection - which of the keys that lists block become rows of a dataset.
 *
 * In this order, each step on what the ones before have left:
 *   cancelled  a filter list takes the very key back ($badfilter), whichever list has it,
 *   allowed    an allow key covers it (urls/key_cover.h): is it, or lies above it,
 *   split      with split_parents: a key above an allow key; the keys below it that the lists
 *              themselves name take its place (see below),
 *   covered    another key covers it, so that every URL it would match is denied without it. A key
 *              whose host is a public suffix is not taken to cover other hosts, since devices may
 *              not ask for it there.
 *
 * Conflicts  devices know no allow verdict: an allow key below a blocked key (its parent) has no
 *            effect. Each such pair is a conflict, and solved only by split_parents, which takes a
 *            parent away if a blocked key below it stays that is no parent itself. An allow key is
 *            worth that only if all its parents can go. URLs below the parent that no list names
 *            are then not blocked any more.
 *            A blocked key that shares URLs with an allow key, neither of them covering the
 *            other ("h.com/x" and "a.h.com"), stays blocked and is no conflict.
 *
 * Memory   5 bytes a blocked key, and a key_index while it is made.
 * Time     each key's own covers are looked up: one or two of a usual key.
 * Threads  made on a pool; constant then. The same for any number of threads. */
#ifndef BLINDLIST_LISTS_KEY_SELECTION_H
#define BLINDLIST_LISTS_KEY_SELECTION_H

#include "lists/key_index.h"
#include "urls/public_suffix.h"
#include "urls/row_set.h"

#include <stdbool.h>

enum key_fate {
    KEY_KEPT,
    KEY_CANCELLED, /* by a key of the cancel table */
    KEY_ALLOWED,   /* by a key of the allow table */
    KEY_SPLIT,     /* by a key of the allow table, below it */
    KEY_COVERED,   /* by a key of the block table that is kept */
    KEY_FATE_COUNT
};
/* "kept", "cancelled", "allowed", "split", "covered": stable. */
extern const char *const key_fate_names[KEY_FATE_COUNT];

/* All finished and borrowed; keys as url_key() spells them (other spellings are kept and cover
 * nothing). `allow` and `cancel` may be NULL. */
struct key_tables {
    const struct key_table *block;
    const struct key_table *allow;
    const struct key_table *cancel;
};

struct key_selection_options {
    bool keep_covered;
    bool split_parents;
    /* Devices do not ask for all that lies above a URL (parsing_keys_nest()): a key does not block
     * what is below it, so there are no conflicts and nothing is covered or split. */
    bool is_flat;
};

struct key_conflict {
    size_t allow;  /* in the allow table */
    size_t parent; /* in the block table */
    bool is_solved;
};

struct key_selection;

/* `pool` may be NULL; `random` as in key_index_new(). */
enum status key_selection_new(const struct key_tables *tables,
                              const struct key_selection_options *options,
                              const struct public_suffixes *suffixes,
                              const struct random_source *random, struct thread_pool *pool,
                              struct key_selection **ret, struct error *err) MUST_CHECK;
void key_selection_free(struct key_selection *selection); /* takes NULL */

/* Of key `index` of the block table. *ret_by (may be NULL): the number of the key that took it
 * away, in the table that the fate names; KEY_TABLE_NONE of one that is kept. */
enum key_fate key_selection_fate(const struct key_selection *selection, size_t index,
                                 size_t *ret_by);
/* Keys of the block table, by fate. */
size_t key_selection_count(const struct key_selection *selection, enum key_fate fate);

/* In the order of the allow table; an allow key's parents widest first. */
size_t key_selection_conflict_count(const struct key_selection *selection);
struct key_conflict key_selection_conflict(const struct key_selection *selection, size_t number);

/* Adds the keys that are kept, in order. */
enum status key_selection_add_rows(const struct key_selection *selection, struct row_set *rows,
                                   struct error *err) MUST_CHECK;

#endif
