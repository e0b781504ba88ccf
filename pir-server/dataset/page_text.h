/* page_text - text inside an HTML page.
 *
 * Threads  no state. */
#ifndef BLINDLIST_DATASET_PAGE_TEXT_H
#define BLINDLIST_DATASET_PAGE_TEXT_H

#include "base/bytes.h"

/* Appends a text that somebody else wrote: what HTML would read as markup is escaped, also inside
 * quoted attributes, and control characters become '?'. NULL is nothing. */
void page_text(struct bytes *page, const char *text);

#endif
