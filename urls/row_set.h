/* row_set - the keys of a dataset: gathered in any order, then sorted bytewise and made unique.
 *
 * Order    unsigned bytes, a prefix before what is longer: the order of rows.txt.
 * Memory   the keys' bytes in one growing block and 16 bytes a key; no allocation for a single key.
 *          Both are bounded (ROW_SET_MAX_...).
 * Time     multikey quicksort on eight bytes at a time; a budget on its depth falls back to heap
 *          sort, so no input makes it quadratic. Keys that come in order are only compared.
 * Threads  one at a time until row_set_finish(); then it never changes and may be shared. */
#ifndef BLINDLIST_URLS_ROW_SET_H
#define BLINDLIST_URLS_ROW_SET_H

#include "base/span.h"
#include "base/status.h"

#define ROW_SET_MAX_BYTES ((size_t)UINT32_MAX) /* of all keys before repeats are dropped */
#define ROW_SET_MAX_ROWS  ((size_t)1 << 28)

struct row_set;

enum status row_set_new(struct row_set **ret, struct error *err) MUST_CHECK;
void row_set_free(struct row_set *rows); /* takes NULL */

/* Copies one key in; repeats are fine. STATUS_TOO_LARGE beyond the limits. After a failure the set
 * is as before. Not after row_set_finish(). */
enum status row_set_add(struct row_set *rows, struct span key, struct error *err) MUST_CHECK;
/* Sorts and drops repeats. Cannot fail. */
void row_set_finish(struct row_set *rows);

/* Before row_set_finish() repeats count. */
size_t row_set_count(const struct row_set *rows);
/* Bytes of all keys; before row_set_finish() with repeats. */
size_t row_set_bytes(const struct row_set *rows);
/* Key `index` in [0, count), borrowed until the set is freed. After row_set_finish(). */
struct span row_set_at(const struct row_set *rows, size_t index);
/* Binary search after row_set_finish(). */
bool row_set_has(const struct row_set *rows, struct span key);

#endif
