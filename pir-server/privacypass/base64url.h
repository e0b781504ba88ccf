/* base64url - bytes as text in the way of the Privacy Pass documents (RFC 4648 section 5).
 *
 * Written with '-' and '_' and with padding. Read with these or with '+' and '/', since both are in
 * use; the padding may be missing, but what is there must be right, and bits that belong to no byte
 * must be zero, so that no two texts of one length mean the same bytes in one alphabet.
 *
 * Threads  any.
 * Time     depends on the contents: for what is sent or public, not for keys. */
#ifndef BLINDLIST_PRIVACYPASS_BASE64URL_H
#define BLINDLIST_PRIVACYPASS_BASE64URL_H

#include "base/bytes.h"
#include "base/span.h"

#include <stdbool.h>

void base64url_append(struct bytes *ret, struct span data);

/* False when `text` is not base64. Else *ret_size is how many bytes it stands for, of which the
 * first `capacity` are in `ret`: one that is larger than expected is still told from no base64. */
bool base64url_decode(struct span text, uint8_t *ret, size_t capacity, size_t *ret_size);

#endif
