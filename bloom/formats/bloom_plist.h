/* bloom_plist - a filter as an XML property list, in both layouts that are in use.
 *
 * Current   bitCount, byteCount, data, falsePositiveTolerance, hashCount, itemCount, murmurSeed
 * Beta      bitVectorData, falsePositiveTolerance, murmurSeed, numberOfBits, numberOfBytes,
 *           numberOfHashes, numberOfItems
 * Strict    one <dict>, every key once, with its type and in its range; other keys are refused, as
 *           are entity declarations of any kind. Binary property lists are refused by name.
 * Memory    reading holds the bits (up to twice while they grow); writing a small buffer.
 * Source    PROTOCOL section 2; the XML form as PropertyListSerialization writes it. */
#ifndef BLINDLIST_BLOOM_FORMATS_BLOOM_PLIST_H
#define BLINDLIST_BLOOM_FORMATS_BLOOM_PLIST_H

#include "base/file.h"
#include "bloom/formats/bloom_filter.h"

/* The largest filter, 2^29 bytes, is 724 MB in base64 with its line ends and tabs. */
#define BLOOM_PLIST_MAX_BYTES ((size_t)1 << 30)

/* Parses either layout; the filter is sealed, its layout tells which. `name` begins every message.
 * STATUS_MALFORMED (line given), STATUS_INVALID, STATUS_TOO_LARGE, STATUS_UNSUPPORTED. */
enum status bloom_plist_parse(struct span xml, const char *name, struct bloom_filter **ret,
                              struct error *err) MUST_CHECK;
/* Writes the property list into `writer`, whose failures come out at its commit. `layout` is
 * BLOOM_LAYOUT_PLIST or _BETA; needs item_count: STATUS_INVALID without. */
enum status bloom_plist_write(const struct bloom_filter *filter, enum bloom_layout layout,
                              struct file_writer *writer, struct error *err) MUST_CHECK;
/* The same text appended to `ret`; for small filters. */
enum status bloom_plist_format(const struct bloom_filter *filter, enum bloom_layout layout,
                               struct bytes *ret, struct error *err) MUST_CHECK;

#endif
