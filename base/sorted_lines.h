/* sorted_lines - look-ups in a text whose lines are sorted bytewise, such as rows.txt.
 *
 * Each line ends at LF; the last one may have none. In a text that is not sorted, some lines are
 * not found.
 *
 * Threads  no state. */
#ifndef BLINDLIST_BASE_SORTED_LINES_H
#define BLINDLIST_BASE_SORTED_LINES_H

#include "base/span.h"

/* The line of `text` that starts at `at` < text.size, without its end. */
struct span sorted_lines_at(struct span text, size_t at);
/* Where the first line that is not below `line` starts; text.size when there is none. */
size_t sorted_lines_find(struct span text, struct span line);
/* Is it one of the lines? */
bool sorted_lines_has(struct span text, struct span line);

#endif
