/* rule_rows - the rows of a dataset, as a dataset version has them in rows.txt or another program
 * exports them: a key a line, which a tab and a value may follow.
 *
 * Key      word for word as devices ask for it, in the spelling of url_key(): another spelling is
 *          DROP_FORMAT, for who writes rows has to know what they match. The row with which devices
 *          test is a comment, since every dataset has it.
 * Value    1, the place holder: a device denies what it finds, whatever the value. Another one is
 *          DROP_VALUE.
 * An empty line, and '#' at the start, are comments. No other blanks are taken off. */
#ifndef BLINDLIST_URLS_RULE_ROWS_H
#define BLINDLIST_URLS_RULE_ROWS_H

#include "urls/rule.h"
#include "urls/url.h"

struct rule_rows {
    struct url url; /* workspace */
};

/* One line, without its end; a '\r' at its end is not part of it. *ret_is_comment: nothing to
 * count, `visit` was not called. */
enum status rule_rows_line(struct rule_rows *state, struct span line, rule_visit *visit,
                           void *context, bool *ret_is_comment, struct error *err) MUST_CHECK;

#endif
