/* public_suffix - which hosts are public suffixes, such as co.uk and github.io.
 *
 * libpsl's built-in list decides. Where the file lies from which that list was made (told by its
 * SHA-1, which libpsl knows), a filter of its rules answers for nearly all hosts that are none, ten
 * times faster; without the file libpsl is asked about each host. The answers are the same.
 *
 * Source   publicsuffix.org, "list format".
 * Threads  constant once made; may be shared. */
#ifndef BLINDLIST_URLS_PUBLIC_SUFFIX_H
#define BLINDLIST_URLS_PUBLIC_SUFFIX_H

#include "base/span.h"
#include "base/status.h"

enum public_suffix_kind {
    PUBLIC_SUFFIX_NONE,
    PUBLIC_SUFFIX_REGISTRY, /* of a registry, such as co.uk */
    PUBLIC_SUFFIX_HOSTER    /* of somebody who lets others have names below, such as github.io */
};

struct public_suffixes;
/* STATUS_UNSUPPORTED when libpsl has no list. */
enum status public_suffixes_new(struct public_suffixes **ret, struct error *err) MUST_CHECK;
void public_suffixes_free(struct public_suffixes *suffixes); /* takes NULL */

/* Of a host in canonical form (url.h), at most URL_HOST_MAX_BYTES, no address. A rule "*" for names
 * that no other rule knows does not count. */
enum public_suffix_kind public_suffixes_kind(const struct public_suffixes *suffixes,
                                             struct span host);

#endif
