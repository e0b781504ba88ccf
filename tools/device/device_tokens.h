/* device_tokens - a device's Privacy Pass tokens: made in batches, spent one a request.
 *
 * device_tokens_take()  gives out the next token. When there is none left it fetches the issuer's
 *                       directory, chooses the key, and has some tokens issued at
 *                       the same time, as a device does when it is set up.
 * Key      the one that the issuer names for this user token, as devices before 27.3 do it, which
 *          must be in the directory and have begun; the first in the directory that has begun for
 *          later devices, and when the issuer has no such route (404).
 * Privacy  goes over connections of its own, and nothing on them names the device: issuance and
 *          spending can be linked by time and address only.
 * Secret   the user token and the tokens; wiped at the end.
 * Threads  one at a time.
 * Source   service.md section 7; RFC 9578. */
#ifndef BLINDLIST_TOOLS_DEVICE_DEVICE_TOKENS_H
#define BLINDLIST_TOOLS_DEVICE_DEVICE_TOKENS_H

#include "base/bytes.h"
#include "tools/device/device_identity.h"

#include <stdio.h>

/* "PrivateToken token=" and 472 characters, with their NUL. */
#define DEVICE_TOKENS_VALUE_BYTES ((size_t)512)

struct device_tokens;

struct device_tokens_options {
    const char *issuer;  /* base URL; its host is the issuer's name */
    const char *gateway; /* as of http_client_options */
    const char *ca_path; /* as of http_client_options */
    const char *connect_to;
    const char *user_agent;
    const char *user_token; /* what stands behind "Bearer " */
    size_t batch;           /* tokens to have issued at once, in [1, DEVICE_TOKENS_MAX] */
    bool takes_first_key;   /* as devices from 27.3 on */
    FILE *trace;            /* NULL: none; borrowed */
};

/* Asks nobody yet. STATUS_INVALID for a user token that no header can hold. */
enum status device_tokens_new(const struct device_tokens_options *options,
                              struct device_tokens **ret, struct error *err) MUST_CHECK;
void device_tokens_free(struct device_tokens *tokens); /* takes NULL */

/* Appends the value of an Authorization header and a NUL. STATUS_UNAUTHORIZED when the issuer does
 * not know the user token; STATUS_MISMATCH when what it does is not what RFC 9578 says. */
enum status device_tokens_take(struct device_tokens *tokens, struct bytes *ret,
                               struct error *err) MUST_CHECK;
/* How many are there to be given out, before others are issued. */
size_t device_tokens_left(const struct device_tokens *tokens);

#endif
