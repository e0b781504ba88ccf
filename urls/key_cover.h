/* key_cover - which keys make another key redundant.
 *
 * Key A covers key B when every URL that B matches is matched by A too: each URL whose sub-URLs
 * (url_expand) hold B has A among them. That is when
 *   host      A's is B's, or a parent domain of it, of two labels or more; an address covers itself
 *             only,
 *   port      A has none, or B's,
 *   the rest  A has neither query nor fragment, and its path is one of the forms that devices ask
 *             for of B's path: "", "/", and every folder above without and with its slash;
 *             or A has B's path and tail (query, fragment), or B's tail without the fragment behind
 *             its query. "/x/?q" covers "/x?q", but not the other way round: only the first is also
 *             asked for "/x//?q".
 * The limits on lengths and numbers of sub-URLs are left aside.
 *
 * Keys are told apart as devices spell them, so the walk has an order and an end: "host/x/" and
 * "host/x" match the same URLs, url_key() writes the latter, and only such spellings are walked.
 *
 * Public suffixes  here devices ask for hosts from two labels up. They may start at the registrable
 *                  domain instead (PROTOCOL.md section 3, unverified); then a key whose host is a
 *                  public suffix covers no other host. Who prunes has to stay on the safe side of
 *                  that: key_cover_visit() tells the host's size.
 * Threads  no state but the caller's workspace. */
#ifndef BLINDLIST_URLS_KEY_COVER_H
#define BLINDLIST_URLS_KEY_COVER_H

#include "base/span.h"
#include "urls/url.h"

#include <stdbool.h>

#define KEY_MAX_BYTES (URL_MAX_BYTES + URL_PORT_BYTES) /* what url_key() writes at most */

/* Does `cover` cover `key`? Both are keys in any spelling that devices ask for; a key covers
 * itself. Other bytes are fine, and cover what they say. */
bool key_covers(struct span cover, struct span key);

/* One key that covers the key at hand, borrowed for the call; its first host_size bytes are its
 * host, brackets included. True ends the walk. */
typedef bool key_cover_visit(void *context, struct span cover, size_t host_size);

/* Spellings that do not stand in the key itself. */
struct key_cover_workspace {
    uint8_t without_port[KEY_MAX_BYTES];
    uint8_t with_slash[KEY_MAX_BYTES + 1];
};
/* All keys that cover `key`, itself left out, as url_key() spells them; widest first: no key is
 * covered by one that comes after it. Returns whether a visit ended the walk. A key longer than
 * KEY_MAX_BYTES has none. */
bool key_cover_each(struct span key, struct key_cover_workspace *workspace, key_cover_visit *visit,
                    void *context);

/* The size of the host at the start of a key, brackets included, port not. */
size_t key_host_size(struct span key);

#endif
