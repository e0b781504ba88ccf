/* bloom_file - filters in files: finds out the format by itself, writes files whole or not at all.
 *
 * Names     NAME.plist   a property list, both layouts
 *           NAME.bloom   raw bits; NAME.json beside them says the rest
 *           NAME.json    that JSON, in either form; the bits are beside it in NAME.bloom, or in a
 *                        file called like the last part of the url
 * Reading   goes by content, except that NAME.bloom is always raw bits (they may look like
 *           anything). The byte count must fit the bit count. Spare bits that are set are accepted,
 *           since devices never look at them; bloom_count_spare_set() tells. A manifest's tag must
 *           be the digest of the bits (STATUS_MISMATCH); the form with url may have any tag.
 * Errors    as in the parsers, with the file's name first; STATUS_NOT_FOUND names what is missing.
 */
#ifndef BLINDLIST_BLOOM_FORMATS_BLOOM_FILE_H
#define BLINDLIST_BLOOM_FORMATS_BLOOM_FILE_H

#include "bloom/formats/bloom_filter.h"

enum status bloom_file_read(const char *path, struct bloom_filter **ret,
                            struct error *err) MUST_CHECK;

struct bloom_file_options {
    enum bloom_layout plist_layout; /* for NAME.plist: BLOOM_LAYOUT_PLIST (0) or _BETA */
    const char *url; /* of the raw bits. NULL: the manifest says NAME.bloom. For NAME.json it
                        chooses the form with url */
};

/* The layout that bloom_file_write() would choose. STATUS_INVALID when the name's end is none of
 * the three. */
enum status bloom_file_layout(const char *path, const struct bloom_file_options *options,
                              enum bloom_layout *ret, struct error *err) MUST_CHECK;
/* Writes the sealed filter. NAME.bloom and NAME.json both write both files, bits first. The tag is
 * the digest of the bits. STATUS_INVALID when the layout needs an item count that is not known. */
enum status bloom_file_write(const char *path, const struct bloom_filter *filter,
                             const struct bloom_file_options *options,
                             struct error *err) MUST_CHECK;

#endif
