/* prefilter_path - where a server has the prefilter of a use case (DESIGN.md section 3).
 *
 * Both append to `ret`, with a NUL; bytes_status() tells of failures. */
#ifndef BLINDLIST_TOOLS_DEVICE_PREFILTER_PATH_H
#define BLINDLIST_TOOLS_DEVICE_PREFILTER_PATH_H

#include "base/bytes.h"

#define PREFILTER_MAX_BYTES ((size_t)1 << 29) /* what a 32-bit bit count can say */

/* Of the manifest: "/prefilter/<use case>.json", with what a path cannot hold as %xx. */
void prefilter_manifest_path(const char *use_case, struct bytes *ret);
/* Of the bits, by the manifest's url: whole, a path from the root, or relative to the manifest's
 * folder. */
void prefilter_bits_path(const char *url, struct bytes *ret);

#endif
