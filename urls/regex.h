/* regex - regular expressions of PCRE2 whose matching is bounded.
 *
 * Texts are UTF-8; bytes that are not never match. A pattern is looked for anywhere in a text.
 * \C is refused.
 *
 * Time     one match takes at most REGEX_STEPS_MAX steps of backtracking; a text on which a pattern
 *          takes more is an error, not a guess.
 * Memory   through base/mem.h.
 * Threads  a pattern never changes and may be shared; a matcher belongs to one thread. */
#ifndef BLINDLIST_URLS_REGEX_H
#define BLINDLIST_URLS_REGEX_H

#include "base/span.h"
#include "base/status.h"

/* EasyList's longest rules take some thousands with careless patterns. */
#define REGEX_STEPS_MAX 1000000

struct regex;
/* STATUS_INVALID: no regular expression, with the byte where it goes wrong. */
enum status regex_new(struct span pattern, bool ignores_case, struct regex **ret,
                      struct error *err) MUST_CHECK;
void regex_free(struct regex *regex); /* takes NULL */
/* Groups that capture, named or not. */
size_t regex_group_count(const struct regex *regex);
/* Of group `number` in [1, regex_group_count()]; NULL = none. Borrowed. */
const char *regex_group_name(const struct regex *regex, size_t number);

struct regex_matcher;
/* For patterns of which up to `groups` groups are asked for. */
enum status regex_matcher_new(size_t groups, struct regex_matcher **ret,
                              struct error *err) MUST_CHECK;
void regex_matcher_free(struct regex_matcher *matcher); /* takes NULL */
/* STATUS_INVALID: takes too long. */
enum status regex_matches(struct regex_matcher *matcher, const struct regex *regex,
                          struct span text, bool *ret, struct error *err) MUST_CHECK;
/* What group `number` in [1, groups] captured in `text` when it last matched; false: it had no
 * part in the match. */
bool regex_matcher_group(const struct regex_matcher *matcher, struct span text, size_t number,
                         struct span *ret);

#endif
