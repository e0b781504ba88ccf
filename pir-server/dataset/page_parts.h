/* page_parts - what HTML pages for people are made of: report.html, a server's status page.
 *
 * No script, nothing from the network (the page's Content-Security-Policy forbids both), light or
 * dark as the reader's system is, narrow enough for a phone.
 *
 * Texts    are the caller's own words and written as they are, but for the functions that say that
 *          they escape.
 * Threads  no state. */
#ifndef BLINDLIST_DATASET_PAGE_PARTS_H
#define BLINDLIST_DATASET_PAGE_PARTS_H

#include "pir-server/dataset/page_text.h"

/* Up to where its content begins. Escapes the title.
 *   refresh_s  it loads itself again after so many seconds; 0 = never */
void page_begin(struct bytes *page, const char *title, unsigned refresh_s);
void page_end(struct bytes *page);
void page_title(struct bytes *page, const char *title); /* of a section */
/* A figure that matters, between <div class="tiles"> and </div>. */
void page_tile(struct bytes *page, const char *number, const char *what);
/* One that should not be what it is. */
void page_bad_tile(struct bytes *page, const char *number, const char *what);
void page_count_cell(struct bytes *page, double count); /* of a table */
/* A name that may be broken behind its dots. Escapes. */
void page_name(struct bytes *page, const char *name);

#endif
