/* rule_rpz - DNS response policy zones, as text in the form of zone files.
 *
 *   HOST CNAME .   HOST CNAME *.   HOST CNAME rpz-drop.    blocked
 *   HOST A 0.0.0.0, 127.x.x.x   HOST AAAA ::, ::1          blocked
 *   HOST CNAME rpz-passthru.    HOST CNAME HOST.           RULE_ALLOW
 *   HOST CNAME rpz-tcp-only., other types                  DROP_NOT_BLOCKING
 *   HOST CNAME OTHER.                                      DROP_REDIRECT
 *   HOST A ADDRESS                                         DROP_HOSTS_ADDRESS
 *   *.HOST ...                                             DROP_SUBDOMAINS; zones hold HOST, too
 *   names below rpz-ip, rpz-client-ip, rpz-nsip, rpz-nsdname   DROP_TRIGGER
 * SOA and NS records and $ lines are comments: they say nothing about names of others. Comments
 * begin with ';', a record may go on over several lines in parentheses (one that is not closed
 * within RULE_RPZ_LINES_OPEN_MAX ends there), a line that begins with a blank has the name of the
 * one before. Time to live and class may stand in front of the type. A name with a dot at its end
 * is whole: the zone's name, known from $ORIGIN, is cut off; one outside of the zone is
 * DROP_FORMAT.
 *
 * A record for a name alone means that name; its key also covers subdomains (urls/rule.h).
 *
 * Source   draft-vixie-dnsop-dns-rpz-00, sections 3 and 4; RFC 1035 section 5.1. */
#ifndef BLINDLIST_URLS_RULE_RPZ_H
#define BLINDLIST_URLS_RULE_RPZ_H

#include "urls/rule.h"

#define RULE_RPZ_NAME_BYTES     ((size_t)255)
#define RULE_RPZ_LINES_OPEN_MAX ((size_t)50)

/* All zero at the start of a zone. */
struct rule_rpz {
    uint8_t origin[RULE_RPZ_NAME_BYTES]; /* without the dot at its end */
    size_t origin_size;
    uint8_t owner[RULE_RPZ_NAME_BYTES]; /* of the record before */
    size_t owner_size;
    size_t depth;      /* open parentheses */
    size_t lines_open; /* since the first of them */
};

/* One line, without its end. *ret_is_comment: nothing to count, `visit` was not called. */
enum status rule_rpz_line(struct rule_rpz *state, struct span line, rule_visit *visit,
                          void *context, bool *ret_is_comment, struct error *err) MUST_CHECK;

#endif
