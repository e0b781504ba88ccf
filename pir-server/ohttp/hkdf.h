/* hkdf - HKDF with SHA-256 (RFC 5869), in its two steps.
 *
 * Secret   what comes out is as secret as what went in; the caller wipes it. On failure it is
 *          zeros.
 * Threads  any. */
#ifndef BLINDLIST_OHTTP_HKDF_H
#define BLINDLIST_OHTTP_HKDF_H

#include "base/span.h"
#include "base/status.h"

#define HKDF_PRK_BYTES        32
#define HKDF_EXPAND_MAX_BYTES ((size_t)255 * 32)

/* An empty salt is that of RFC 5869 section 2.2: 32 zeros. `secret` has a byte at least. */
enum status hkdf_extract(struct span salt, struct span secret, uint8_t ret[HKDF_PRK_BYTES],
                         struct error *err) MUST_CHECK;
/* `size` bytes, 1 to HKDF_EXPAND_MAX_BYTES; STATUS_INVALID otherwise. */
enum status hkdf_expand(const uint8_t prk[HKDF_PRK_BYTES], struct span info, uint8_t *ret,
                        size_t size, struct error *err) MUST_CHECK;

#endif
