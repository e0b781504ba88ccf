/* rule - what one line of a blocklist says, told apart by format: rule_adblock, rule_dnsmasq,
 * rule_rpz, rule_urlhaus, rule_json.
 *
 * A reader turns a line into rules: what is to be done (block, allow, cancel another rule) with
 * which entry (a host, host/path or URL as the line spells it), or the reason why no entry means
 * the same. urls/url.h makes the key of an entry. A line may hold several rules or none (comments).
 *
 * How devices match sets what an entry can mean; no rule says less than this:
 *   - a host stands for its subdomains and every path, a path for all that is below it,
 *   - a key has no scheme and no case, and www. in front of a host does not count,
 *   - a query or fragment is matched whole, never in part.
 * Where a rule differs beyond that, `differs` says how; a caller decides which differences it
 * takes.
 *
 * Memory   entries are borrowed from the line, or from the reader until its next line.
 * Threads  a reader's state belongs to one thread. */
#ifndef BLINDLIST_URLS_RULE_H
#define BLINDLIST_URLS_RULE_H

#include "base/span.h"
#include "base/status.h"
#include "urls/drop_reason.h"

#include <stdbool.h>

enum rule_action {
    RULE_BLOCK,
    RULE_ALLOW,        /* an exception: the entry is not to be blocked */
    RULE_CANCEL,       /* another line that says to block this entry does not hold ($badfilter) */
    RULE_CANCEL_ALLOW, /* another line that says to allow this entry does not hold */
};

/* The entry blocks more than the rule. */
#define RULE_WIDER_FOLDER 0x01u /* "/x/" also blocks "/x" */
#define RULE_WIDER_DEEPER 0x02u /* a rule that ends exactly here: also what is below, or a query */
#define RULE_WIDER_HOSTS  0x04u /* a rule for one host, one scheme: also subdomains, http */
#define RULE_WIDER_CASE   0x08u /* a rule that minds the case */
#define RULE_WIDER_TYPES  0x10u /* a rule for some requests (documents, scripts): also others */
#define RULE_WIDER_PAGES  0x20u /* a rule for some pages ($third-party, $domain=): also others */
/* The entry blocks less than the rule. */
#define RULE_NARROWER_OPEN  0x100u /* the rule also means longer names: "/ad" and "/advert" */
#define RULE_NARROWER_QUERY 0x200u /* the rule also means longer queries */
#define RULE_WIDER          0xffu
#define RULE_NARROWER       0xff00u

/* The differences, their names ("folder", "deeper", "hosts", "case", "types", "pages", "open",
 * "query": stable), and what "N rules .." have that differ so, for people. */
#define RULE_DIFFERENCE_COUNT 8
extern const unsigned rule_differences[RULE_DIFFERENCE_COUNT];
extern const char *const rule_difference_names[RULE_DIFFERENCE_COUNT];
extern const char *const rule_difference_texts[RULE_DIFFERENCE_COUNT];

struct rule {
    enum rule_action action;
    enum drop_reason reason; /* DROP_NONE: the entry holds */
    unsigned differs;        /* RULE_WIDER_..., RULE_NARROWER_...; 0 = the entry means the same */
    struct span entry;       /* when dropped, what was: a host, or the whole line */
};

/* Why a rule is dropped that differs in this way: the reason of its largest difference; DROP_NONE
 * for none. For callers, after they have removed the differences that they take. */
enum drop_reason rule_refusal(unsigned differs);

/* Takes one rule. Anything but STATUS_OK ends the reading. */
typedef enum status rule_visit(void *context, const struct rule *rule, struct error *err);

/* What an address that a name is mapped to means. */
enum rule_address {
    RULE_ADDRESS_NONE,   /* no address at all */
    RULE_ADDRESS_BLOCKS, /* 0.0.0.0, 127.x.x.x, ::, ::1 */
    RULE_ADDRESS_REAL,
};
enum rule_address rule_address_kind(struct span word);

#endif
