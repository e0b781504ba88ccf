/* entry_filter - which entries of a list are taken: include and exclude patterns.
 *
 * A pattern is a regular expression of PCRE2 that is looked for anywhere in the entry's text as it
 * stands in the list ("^" and "$" tie it to the ends, "(?i)" ignores case). An entry is kept when
 * some include pattern matches, or there is none, and no exclude pattern does. Texts are UTF-8;
 * bytes that are not never match.
 *
 * Time     one match takes a bounded number of steps; an entry on which a pattern takes more is an
 *          error, not a guess.
 * Threads  a filter belongs to one thread. */
#ifndef BLINDLIST_LISTS_ENTRY_FILTER_H
#define BLINDLIST_LISTS_ENTRY_FILTER_H

#include "base/span.h"
#include "base/status.h"

#define ENTRY_PATTERN_MAX_BYTES ((size_t)1000)
/* Of each kind. */
#define ENTRY_PATTERNS_MAX ((size_t)100)

enum entry_filter_kind { ENTRY_INCLUDE, ENTRY_EXCLUDE };

struct entry_filter;
/* Keeps everything. */
enum status entry_filter_new(struct entry_filter **ret, struct error *err) MUST_CHECK;
void entry_filter_free(struct entry_filter *filter); /* takes NULL */
/* STATUS_INVALID: no regular expression, with the byte where it goes wrong. STATUS_TOO_LARGE: too
 * many, or too long. */
enum status entry_filter_add(struct entry_filter *filter, enum entry_filter_kind kind,
                             const char *pattern, struct error *err) MUST_CHECK;
/* No pattern at all: every entry is kept. */
bool entry_filter_is_empty(const struct entry_filter *filter);
/* STATUS_INVALID: a pattern takes too long on this entry. */
enum status entry_filter_keeps(struct entry_filter *filter, struct span entry, bool *ret,
                               struct error *err) MUST_CHECK;

#endif
