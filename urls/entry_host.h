/* entry_host - whether the host of a list's entry may be blocked.
 *
 * Refused are the machine's own names and addresses (DROP_LOCAL_HOST), networks such as
 * 192.0.2.0/24 (DROP_ADDRESS_RANGE), hosts of one label (DROP_SINGLE_LABEL) and, for entries
 * without path and query, public suffixes (DROP_PUBLIC_SUFFIX, DROP_PRIVATE_SUFFIX).
 *
 * Threads  any; no state. */
#ifndef BLINDLIST_URLS_ENTRY_HOST_H
#define BLINDLIST_URLS_ENTRY_HOST_H

#include "urls/drop_reason.h"
#include "urls/public_suffix.h"
#include "urls/url.h"

/* DROP_NONE = it may. keeps_hosters: a hoster's suffix such as github.io may, too. */
enum drop_reason entry_host_check(const struct url *url, const struct public_suffixes *suffixes,
                                  bool keeps_hosters);
/* Of a host alone, whatever stands behind it: DROP_NONE, DROP_PUBLIC_SUFFIX or
 * DROP_PRIVATE_SUFFIX. */
enum drop_reason entry_host_check_suffix(struct span host, const struct public_suffixes *suffixes,
                                         bool keeps_hosters);
/* A name that hosts files map for the machine's own use? `host` is not empty. */
bool entry_host_is_local(struct span host);

#endif
