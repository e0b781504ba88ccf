/* list_includes - which other lists a filter list stands for: the names behind its !#include.
 *
 * Lines between !#if and !#endif hold under a condition of the browser, and so do the lists that
 * they include: both are left out (urls/rule_adblock.h).
 *
 * Threads  no state; any. */
#ifndef BLINDLIST_URLS_LIST_INCLUDES_H
#define BLINDLIST_URLS_LIST_INCLUDES_H

#include "base/span.h"
#include "base/status.h"

#define LIST_INCLUDE_NAME_MAX_BYTES ((size_t)500)

/* One line; `name` is borrowed for the call and may be any bytes. Anything but STATUS_OK ends the
 * reading. */
typedef enum status list_include_visit(void *context, uint64_t line, struct span name,
                                       struct error *err);
/* In the order of the lines. */
enum status list_includes_each(struct span text, list_include_visit *visit, void *context,
                               struct error *err) MUST_CHECK;
/* Whether a name stays below the folder of the list that includes it: 1 to
 * LIST_INCLUDE_NAME_MAX_BYTES letters, digits and "._~+-", in parts between single '/', none of
 * which is "." or "..". */
bool list_include_is_below(struct span name);

#endif
