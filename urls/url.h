/* url - canonical form of a URL, the key a list entry becomes, and the sub-URLs a device asks for.
 *
 * Canonical form (what url_parse() leaves in struct url)
 *   scheme     http and https only, then removed; without "scheme://" the text starts at the host.
 *   user info  removed and flagged when there is a scheme, else refused (DROP_USER_INFO).
 *   host       lower case; non-ASCII labels become Punycode (IDNA 2008, UTS 46 non-transitional);
 *              ASCII labels pass as they are (letters, digits, '-', '_'), at most 63 bytes each and
 *              253 in all; one trailing dot removed; one leading "www." removed and flagged,
 *              unless a single label would be left.
 *   address    IPv4 as four decimal numbers without leading zeros; IPv6 in brackets (or bare, when
 *              it is the whole text), written as RFC 5952 says but never with dotted IPv4 inside.
 *              Shortened, octal and hexadecimal forms are refused (DROP_ADDRESS).
 *   port       [1, 65535]; removed when it is the default of the scheme that is given.
 *   path       lower case, at least "/"; '\' becomes '/'; segments "." and ".." (also spelled %2e)
 *              are resolved; empty segments stay.
 *   query, fragment   lower case; empty ones are removed.
 *   escapes    percent-escapes stay as they are (in lower case, never decoded). Bytes above 127,
 *              and the characters " < > in path, query and fragment, ` in path and fragment, { } in
 *              path, ' in the query become %xx, as browsers write them. Blanks and control
 *              characters are refused.
 * All is lower case because devices compare without case by default; only A-Z are folded, so an
 * escaped upper-case letter outside ASCII stays what it is. url_parse_cased() can leave the case of
 * path, query and fragment as it is; what it escapes is then in upper case, as browsers write it.
 *
 * Key of an entry (url_key): host, ":port" if there is one left, path, query, fragment. A path "/"
 * alone is left out, and of a path without query and fragment one trailing slash is, because
 * devices ask for both spellings. So a key without port blocks the host on every port, a key
 * with port only that one.
 *
 * Sub-URLs (url_expand), in this order; PROTOCOL.md section 3, the current list:
 *   for each host suffix, from two labels (unverified: devices may start at the registrable
 *       domain) up to the whole host; an address or a single label is taken whole
 *     for both port choices: without; with ":port" (443 or 80 by the scheme when none is given, 443
 *         without a scheme)
 *       "", "/", then for each path segment the path up to it without and with a slash behind it,
 *       then, for the full path without and with its trailing slash: ?query, ?query#fragment
 *       (without a query: #fragment).
 * From iOS and macOS 27 on an app may have devices ask for fewer forms (struct url_walk);
 * urls/parsing.h knows which.
 *
 * Memory   struct url is a workspace of about 17 KB: one per thread, reused; not for the stack.
 * Threads  one struct url belongs to one thread; there is no other state.
 * Source   PROTOCOL.md section 3; whatwg.org URL standard for what browsers do to a URL. */
#ifndef BLINDLIST_URLS_URL_H
#define BLINDLIST_URLS_URL_H

#include "base/span.h"
#include "base/status.h"
#include "urls/drop_reason.h"

#define URL_MAX_BYTES       ((size_t)8192) /* of a URL as given, in canonical form, and of a key */
#define URL_HOST_MAX_BYTES  ((size_t)253)
#define URL_LABEL_MAX_BYTES ((size_t)63)
/* Sub-URLs of one URL. Usual ones have 10 to 100; only hostile ones reach this. */
#define URL_EXPANSION_MAX ((size_t)16384)
#define URL_PORT_BYTES    ((size_t)6) /* ":65535" */
#define URL_PREFIX_BYTES  ((size_t)8) /* "https://" */

struct url {
    size_t host_size;     /* in text[0, host_size), without "www." and port */
    size_t path_size;     /* behind the host; >= 1, starts with '/' */
    size_t query_size;    /* behind the path, with its '?'; 0 = none */
    size_t fragment_size; /* behind the query, with its '#'; 0 = none */
    uint32_t port;        /* explicit and not the scheme's default; 0 = none */
    uint32_t device_port; /* the port in a device's sub-URLs: explicit, else 80 or 443 */
    bool is_address;      /* the host is an IP address */
    bool had_scheme;
    bool is_http;       /* the scheme was http */
    bool had_www;       /* "www." was removed: the key also covers the bare host */
    bool had_user_info; /* removed */
    uint8_t text[URL_MAX_BYTES];
    uint8_t scratch[URL_PREFIX_BYTES + URL_MAX_BYTES + URL_PORT_BYTES + 2];
};

/* Reads `text` into *ret. DROP_NONE, or the reason why it is no usable URL; *ret is then undefined.
 * Does not allocate, except that libidn2 does for non-ASCII labels. */
enum drop_reason url_parse(struct span text, struct url *ret) MUST_CHECK;
/* The same; with `keeps_case` path, query and fragment stay in the case they have. */
enum drop_reason url_parse_cased(struct span text, bool keeps_case, struct url *ret) MUST_CHECK;

/* Host in canonical form, borrowed from `url`. */
static inline struct span url_host(const struct url *url)
{
    return span_of(url->text, url->host_size);
}

/* The dataset key, borrowed from `url` (its scratch) until the next call with it; at most
 * URL_MAX_BYTES + URL_PORT_BYTES bytes. */
struct span url_key(struct url *url);

/* What of an expansion is left out; all zero is the list above. */
struct url_walk {
    bool only_whole_host;  /* no shorter hosts */
    bool only_whole_path;  /* no paths between "/" and the whole one */
    bool no_intermediates; /* nothing that ends before the URL does, save hosts: the whole path
                            * without and with a slash, each with all that follows it */
    const char *prefix;    /* before every sub-URL, at most URL_PREFIX_BYTES; NULL = none */
};

/* How many sub-URLs url_expand() yields; at least 2. */
size_t url_expansion_count(const struct url *url);
size_t url_walk_count(const struct url *url, const struct url_walk *walk);

/* Takes one sub-URL, borrowed for the call. Anything but STATUS_OK ends the expansion. */
typedef enum status url_visit(void *context, struct span sub_url, struct error *err);
/* Yields all sub-URLs, each once, in the order above. STATUS_TOO_LARGE, before the first one, when
 * there are more than URL_EXPANSION_MAX; else what `visit` returned. */
enum status url_expand(struct url *url, url_visit *visit, void *context,
                       struct error *err) MUST_CHECK;
/* The same, without what `walk` leaves out. */
enum status url_expand_walk(struct url *url, const struct url_walk *walk, url_visit *visit,
                            void *context, struct error *err) MUST_CHECK;

#endif
