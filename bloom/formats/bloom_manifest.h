/* bloom_manifest - the two JSON forms that describe raw bits lying elsewhere.
 *
 * Manifest  {"tag", "bitCount", "hashCount", "murmurSeed", "itemCount", "falsePositiveTolerance",
 *           "byteCount", "url"} and optionally "signature" (a string, kept; bloom_signature.h) and
 *           "parsingSha256" (of a parsing configuration, in lower-case hex); tag is SHA-256 of the
 *           bits in lower-case hex.
 * With url  {"falsePositiveTolerance", "murmurSeed", "numberOfBits", "numberOfHashes", "tag",
 *           "url"}; tag is any string.
 * Strict    every field must be there once, with its type and in its range; others are refused.
 * Errors    STATUS_MALFORMED (not JSON, line given), STATUS_INVALID (JSON path given),
 *           STATUS_TOO_LARGE.
 * Source    DESIGN section 3, PROTOCOL section 2. */
#ifndef BLINDLIST_BLOOM_FORMATS_BLOOM_MANIFEST_H
#define BLINDLIST_BLOOM_FORMATS_BLOOM_MANIFEST_H

#include "base/bytes.h"
#include "bloom/formats/bloom_filter.h"

#define BLOOM_MANIFEST_MAX_BYTES ((size_t)65536)

/* Parses either form. `name` (a file name or URL) begins every message. */
enum status bloom_manifest_parse(struct span json, const char *name, struct bloom_meta *ret,
                                 enum bloom_layout *ret_layout, struct error *err) MUST_CHECK;
/* Appends the JSON text of `meta`, with a line end, to `ret`. `layout` is BLOOM_LAYOUT_MANIFEST
 * (needs item_count) or BLOOM_LAYOUT_URL; both need tag and url. */
enum status bloom_manifest_format(const struct bloom_meta *meta, enum bloom_layout layout,
                                  struct bytes *ret, struct error *err) MUST_CHECK;

#endif
