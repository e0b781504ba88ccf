/* http_fields - the request header fields that have a grammar of their own.
 *
 * Pure functions over NUL-terminated text of any content; nothing is allocated. Threads  any. */
#ifndef BLINDLIST_SERVICE_HTTP_FIELDS_H
#define BLINDLIST_SERVICE_HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

/* May the response be gzip? RFC 9110 section 12.5.3: a list of codings, each with an optional
 * q value; `gzip` and `x-gzip` count, `*` where neither is named, q=0 means no. A member that does
 * not parse is left out. value == NULL (no such header): no. */
bool accept_encoding_has_gzip(const char *value);

/* Does If-None-Match name the entity tag (quotes included)? RFC 9110 section 13.1.2: `*` or a list,
 * weak comparison. NULL: no. */
bool if_none_match_matches(const char *value, const char *etag);

enum byte_range { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };

/* RFC 9110 section 14: one range of bytes, `first-last`, `first-` or `-suffix`. What does not
 * parse, another unit and several ranges yield RANGE_WHOLE, as the RFC allows. NULL: RANGE_WHOLE.
 *   size        of the whole
 *   *ret_first, *ret_size   for RANGE_PART: ret_size > 0, inside the whole */
enum byte_range byte_range_parse(const char *value, uint64_t size, uint64_t *ret_first,
                                 uint64_t *ret_size);

#endif
