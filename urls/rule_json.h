/* rule_json - a list that is a JSON array of texts, each a URL, host or host/path.
 *
 * An item that is no text is DROP_FORMAT; one with a scheme and no query means that URL alone:
 * RULE_WIDER_DEEPER. JSON has no lines: an item is known by its number. One that takes more than
 * LIST_LINE_MAX_BYTES as it is written is DROP_LINE_TOO_LONG, and not looked into.
 *
 * Memory   one item, parsed. */
#ifndef BLINDLIST_URLS_RULE_JSON_H
#define BLINDLIST_URLS_RULE_JSON_H

#include "urls/rule.h"

/* Calls visit(context, rule, err) for each item in order; `*number`, if not NULL, holds the item's
 * number from 1 meanwhile. STATUS_MALFORMED, with line and column: no JSON, or no
 * array; the items before that were visited. */
enum status rule_json_read(struct span text, rule_visit *visit, void *context, uint64_t *number,
                           struct error *err) MUST_CHECK;

#endif
