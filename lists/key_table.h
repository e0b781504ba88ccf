/* key_table - the keys of many sources, each with all the places that it came from.
 *
 * Gathered in any order; finished, the keys are sorted bytewise (the order of rows.txt) and each is
 * there once, with its origins sorted by source and line: the first one is the first in the order
 * of lists.json.
 *
 * Memory   in a row_set (urls/row_set.h): the keys' bytes and 8 bytes for each time that a key is
 *          added, so that what sorts keys sorts their origins with them. Finished, 4 bytes for each
 *          addition and 4 for each key on top; on the way there as row_set says.
 * Threads  one at a time until key_table_finish(), which spreads its work over a pool; then it
 * never changes and may be shared. */
#ifndef BLINDLIST_LISTS_KEY_TABLE_H
#define BLINDLIST_LISTS_KEY_TABLE_H

#include "base/span.h"
#include "base/status.h"
#include "base/thread_pool.h"

struct key_origin {
    uint16_t source; /* a number that the caller gives: of an item of a source_set */
    uint32_t line;   /* from 1 */
};

#define KEY_TABLE_NONE SIZE_MAX

struct key_table;

enum status key_table_new(struct key_table **ret, struct error *err) MUST_CHECK;
void key_table_free(struct key_table *table); /* takes NULL */

/* Copies one key in; repeats are fine. STATUS_INVALID: a key that is empty or holds a NUL byte.
 * STATUS_TOO_LARGE beyond the limits of a row_set. Not after key_table_finish(). */
enum status key_table_add(struct key_table *table, struct span key, struct key_origin origin,
                          struct error *err) MUST_CHECK;
/* Sorts, on the pool (may be NULL). STATUS_NOMEM: the table can only be freed. */
enum status key_table_finish(struct key_table *table, struct thread_pool *pool,
                             struct error *err) MUST_CHECK;

/* The rest is for after key_table_finish(). */

/* Of keys, each counted once. */
size_t key_table_count(const struct key_table *table);
/* Key `index` in [0, count), borrowed until the table is freed. */
struct span key_table_at(const struct key_table *table, size_t index);
/* Binary search; KEY_TABLE_NONE when it is not there. */
size_t key_table_find(const struct key_table *table, struct span key);

/* How many different places key `index` came from, at least 1; and place `number` of them. */
size_t key_table_origin_count(const struct key_table *table, size_t index);
struct key_origin key_table_origin(const struct key_table *table, size_t index, size_t number);

#endif
