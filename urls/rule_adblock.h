/* rule_adblock - filter lists of Adblock Plus, uBlock Origin, AdGuard; EasyList and its kin.
 *
 * What a network rule becomes (HOST may have a port, PATH may hold a query):
 *   ||HOST^  ||HOST/                  the host
 *   ||HOST/PATH^                      host/path
 *   ||HOST/PATH/                      host/path; RULE_WIDER_FOLDER
 *   ||HOST/PATH  ||HOST               host/path, host; RULE_NARROWER_OPEN
 *   ||HOST/PATH?QUERY, also with ^    that query; RULE_NARROWER_QUERY
 *   ||...|                            the same; RULE_WIDER_DEEPER (a query: exact)
 *   |http://...  https://...          the URL; RULE_WIDER_HOSTS and what its end says
 *   HOST alone, in a list without the header of Adblock Plus   the host, as uBlock Origin reads it
 * A '*' at the end changes nothing.
 * Everything else has a reason: DROP_PATTERN (matches anywhere in a URL), DROP_REGEX,
 * DROP_WILDCARD, DROP_SUBDOMAINS (||*.HOST^), DROP_ELEMENT_HIDING, DROP_OPTIONS, DROP_MODIFIES,
 * DROP_CONDITION.
 *
 * Options that take nothing away are read over: all, important, underscores alone; match-case is
 * RULE_WIDER_CASE, document is RULE_WIDER_TYPES; badfilter makes it RULE_CANCEL. Options that
 * change a request instead of blocking it are DROP_MODIFIES, all others DROP_OPTIONS, and so is an
 * option that makes an exception (@@) hold in part.
 *
 * Lines between !#if and !#endif hold under a condition of the browser: DROP_CONDITION. They may be
 * nested; !#else changes nothing, and what is never closed goes on to the end. "!#include NAME"
 * stands for the lines of another list: DROP_INCLUDE, unless the caller reads that list, too.
 *
 * Source   help.adblockplus.org "How to write filters"; the uBlock Origin wiki, "Static filter
 *          syntax"; adguard.com "How to create your own ad filters". */
#ifndef BLINDLIST_URLS_RULE_ADBLOCK_H
#define BLINDLIST_URLS_RULE_ADBLOCK_H

#include "urls/rule.h"

/* All zero at the start of a list. */
struct rule_adblock {
    bool has_header;     /* "[Adblock Plus 2.0]": a bare host is a pattern */
    size_t if_depth;     /* open !#if */
    bool reads_includes; /* set by the caller: !#include is a comment */
};

/* "!#include NAME": the name as the line spells it, borrowed; it may be empty. */
bool rule_adblock_include(struct span line, struct span *ret_name);
/* Whether a line is about page elements: "##", "#@#", "#?#" and the like behind host names. */
bool rule_adblock_is_element(struct span line);
/* One line, without its end. *ret_is_comment: nothing to count, `visit` was not called. */
enum status rule_adblock_line(struct rule_adblock *state, struct span line, rule_visit *visit,
                              void *context, bool *ret_is_comment, struct error *err) MUST_CHECK;

#endif
