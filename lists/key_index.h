/* key_index - finds keys of a key_table by their text, in constant time.
 *
 * An open hash table of tags, which leads to a key's text for one look in four billion in vain. The
 * hash is a polynomial modulo 2^61 - 1 at a random point: whoever writes a list cannot choose keys
 * that collide.
 *
 * Memory   8 bytes a slot, 1.5 to 3 slots a key; borrows the table.
 * Time     mostly one cache miss for a key that is not there, four for one that is.
 * Threads  constant once made; may be shared. */
#ifndef BLINDLIST_LISTS_KEY_INDEX_H
#define BLINDLIST_LISTS_KEY_INDEX_H

#include "base/random.h"
#include "lists/key_table.h"

struct key_index;

/* Of a finished table. What is found does not depend on `random`. */
enum status key_index_new(const struct key_table *table, const struct random_source *random,
                          struct key_index **ret, struct error *err) MUST_CHECK;
void key_index_free(struct key_index *index); /* takes NULL */

/* Begins to fetch what key_index_find() will read first, for a look-up of this key soon. */
void key_index_prefetch(const struct key_index *index, struct span key);
/* The number of the key in the table; KEY_TABLE_NONE when it is not there. */
size_t key_index_find(const struct key_index *index, struct span key);

#endif
