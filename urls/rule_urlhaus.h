/* rule_urlhaus - the tables and lists of URLs that abuse.ch's URLhaus publishes.
 *
 * CSV   "id","dateadded","url",...: the third column is a URL, exact; '"' inside quotes is written
 *       twice. A line that names the columns, and '#' at the start, are comments. Fewer columns, or
 *       quotes that do not close, are DROP_FORMAT.
 * Text  a URL a line; '#' at the start is a comment.
 * A URL of either is a rule for that URL: RULE_WIDER_DEEPER unless it has a query, for a key also
 * blocks what is below it.
 *
 * Source   urlhaus.abuse.ch/api, "URLhaus CSV" and "plain-text URL list"; RFC 4180. */
#ifndef BLINDLIST_URLS_RULE_URLHAUS_H
#define BLINDLIST_URLS_RULE_URLHAUS_H

#include "urls/list.h"
#include "urls/rule.h"

struct rule_urlhaus {
    uint8_t url[LIST_LINE_MAX_BYTES]; /* without the quotes */
};

/* One line, without its end, of at most LIST_LINE_MAX_BYTES. *ret_is_comment: nothing to count,
 * `visit` was not called. */
enum status rule_urlhaus_csv_line(struct rule_urlhaus *state, struct span line, rule_visit *visit,
                                  void *context, bool *ret_is_comment,
                                  struct error *err) MUST_CHECK;
enum status rule_urlhaus_text_line(struct span line, rule_visit *visit, void *context,
                                   bool *ret_is_comment, struct error *err) MUST_CHECK;

#endif
