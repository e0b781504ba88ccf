/* parsing_pattern - the regular expression of a parsing configuration.
 *
 * Devices hand it to NSRegularExpression (ICU), we to PCRE2. Refused is what only one of them
 * knows or the two read differently: groups (?...) other than (?: (?= (?! (?> (?<= (?<! (?#
 * (?<name> and flags out of i, m, s, x; verbs (*...); \K, \C, \g and named groups in other
 * spellings; inside brackets a further '[' that is no "[:class:]", "&&" and "--". So a pattern that
 * passes means the same to both, blanks of languages other than English and the like aside.
 *
 * Limits   PARSING_PATTERN_MAX_BYTES; 1 to PARSING_GROUPS_MAX groups in all, at least one of them
 *          named, by ASCII letters and digits as Apple asks for.
 * Source   developer.apple.com, NEURLFilterManager/setURLParsingRegularExpression(_:);
 *          unicode-org.github.io/icu, "Regular Expressions"; pcre2pattern(3). */
#ifndef BLINDLIST_URLS_PARSING_PATTERN_H
#define BLINDLIST_URLS_PARSING_PATTERN_H

#include "urls/regex.h"

#define PARSING_PATTERN_MAX_BYTES ((size_t)4096)
#define PARSING_GROUPS_MAX        ((size_t)32)

/* Ready to match without regard to case. STATUS_INVALID, STATUS_TOO_LARGE: why not, and where. */
enum status parsing_pattern_new(const char *pattern, struct regex **ret,
                                struct error *err) MUST_CHECK;

#endif
