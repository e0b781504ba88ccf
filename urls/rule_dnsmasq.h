/* rule_dnsmasq - configuration lines of dnsmasq that keep names from being resolved.
 *
 *   address=/HOST/            blocked (also with 0.0.0.0, 127.x.x.x, ::, ::1 or # behind it)
 *   address=/HOST/ADDRESS     DROP_HOSTS_ADDRESS for any other address
 *   server=/HOST/, local=/HOST/   blocked: answered from local data only
 *   server=/HOST/#            RULE_ALLOW: asked as usual, an exception from a wider line
 *   server=/HOST/ADDRESS      DROP_NOT_BLOCKING: forwarded
 *   any other setting         DROP_NOT_BLOCKING
 * Several names may stand between the slashes, each a rule. A name stands for its subdomains, a dot
 * before it says nothing more. "#" (every name) and "*" in a name are DROP_WILDCARD, "*." before
 * one is DROP_SUBDOMAINS. '#' behind a blank begins a comment.
 *
 * Source   dnsmasq(8), --address, --server, --local. */
#ifndef BLINDLIST_URLS_RULE_DNSMASQ_H
#define BLINDLIST_URLS_RULE_DNSMASQ_H

#include "urls/rule.h"

/* One line, without its end. *ret_is_comment: nothing to count, `visit` was not called. */
enum status rule_dnsmasq_line(struct span line, rule_visit *visit, void *context,
                              bool *ret_is_comment, struct error *err) MUST_CHECK;

#endif
