/* row_set - the keys of a dataset: gathered in any order, then sorted bytewise and made unique.
 *
 * Order    unsigned bytes, a prefix before what is longer: the order of rows.txt.
 * Memory   the keys' bytes in one growing block and 16 bytes a key; no allocation for a single key.
 *          Both are bounded (ROW_SET_MAX_...). Finished, 4 bytes a key; on the way there the bytes
 *          twice, or the bytes and 34 bytes a key.
 * Time     multikey quicksort on eight bytes at a time; a budget on its depth falls back to heap
 *          sort, so no input makes it quadratic. Keys that come in order are only compared.
 * Threads  one at a time until row_set_finish(), which spreads its work over a pool; then it never
 *          changes and may be shared. */
#ifndef BLINDLIST_URLS_ROW_SET_H
#define BLINDLIST_URLS_ROW_SET_H

#include "base/span.h"
#include "base/status.h"
#include "base/thread_pool.h"

/* Of all keys, with a line end each, before repeats are dropped. */
#define ROW_SET_MAX_BYTES ((size_t)UINT32_MAX)
#define ROW_SET_MAX_ROWS  ((size_t)1 << 28)

struct row_set;

enum status row_set_new(struct row_set **ret, struct error *err) MUST_CHECK;
void row_set_free(struct row_set *rows); /* takes NULL */

/* Copies one key in; repeats are fine. STATUS_TOO_LARGE beyond the limits. After a failure the set
 * is as before. Not after row_set_finish(). */
enum status row_set_add(struct row_set *rows, struct span key, struct error *err) MUST_CHECK;
/* Forgets all keys, but keeps the memory. Not after row_set_finish(). */
void row_set_clear(struct row_set *rows);
/* Adds all keys of the sets parts[count], which stay as they are; the pool (may be NULL) shares the
 * work. As row_set_add(). */
enum status row_set_join(struct row_set *rows, struct row_set *const *parts, size_t count,
                         struct thread_pool *pool, struct error *err) MUST_CHECK;
/* Sorts and drops repeats, on the pool (may be NULL). STATUS_NOMEM: the set can only be freed. */
enum status row_set_finish(struct row_set *rows, struct thread_pool *pool,
                           struct error *err) MUST_CHECK;

/* Before row_set_finish() repeats count. */
size_t row_set_count(const struct row_set *rows);
/* All keys in order, each with a line end behind it; borrowed. After row_set_finish(). */
struct span row_set_text(const struct row_set *rows);
/* Key `index` in [0, count), borrowed until the set is freed. After row_set_finish(). */
struct span row_set_at(const struct row_set *rows, size_t index);
/* Binary search after row_set_finish(). */
bool row_set_has(const struct row_set *rows, struct span key);

#endif
