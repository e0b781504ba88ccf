/* protected_hosts - hosts that no list may block, by mistake or on purpose.
 *
 * Two kinds: hosts by which Apple's devices are activated, updated, sent messages and told which
 * certificates are void, and hosts that the caller names, such as the server's own. A key is
 * refused that blocks such a host as a whole (it is the host, or a parent domain of it without a
 * path), or anything on it or below it. Other keys of the same domain pass: "ads.apple.com", and
 * "apple.com/url-filter-test", which devices test with.
 *
 * Time     nearly all keys are passed after a look at the last two labels of their host.
 * Source   Apple's hosts: support.apple.com/101555, "Use Apple products on enterprise networks",
 *          compared with two public copies of its tables.
 * Threads  constant once filled; may be shared. */
#ifndef BLINDLIST_URLS_PROTECTED_HOSTS_H
#define BLINDLIST_URLS_PROTECTED_HOSTS_H

#include "base/span.h"
#include "base/status.h"
#include "urls/drop_reason.h"

#define PROTECTED_HOSTS_MAX ((size_t)1000) /* that callers name */

struct protected_hosts;

/* Protects nothing yet. */
enum status protected_hosts_new(struct protected_hosts **ret, struct error *err) MUST_CHECK;
void protected_hosts_free(struct protected_hosts *hosts); /* takes NULL */

/* Apple's. */
enum status protected_hosts_add_apple(struct protected_hosts *hosts, struct error *err) MUST_CHECK;
/* The host of a URL, or a host, of two labels or more, or an address. STATUS_INVALID: it is none.
 * STATUS_TOO_LARGE: too many. */
enum status protected_hosts_add_own(struct protected_hosts *hosts, struct span url,
                                    struct error *err) MUST_CHECK;

/* Of a key as url_key() makes it: DROP_NONE, DROP_APPLE_HOST or DROP_OWN_HOST. */
enum drop_reason protected_hosts_check(const struct protected_hosts *hosts, struct span key);

#endif
