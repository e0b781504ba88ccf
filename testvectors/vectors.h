/* vectors - the published test vectors: written from our own code, and checked against it.
 *
 * The files are JSON: {"kind": "blindlist hashes", "format": 1, "cases": [..]}, one case a line;
 * testvectors/README.md says what each member means. The same content is checked a second time by
 * testvectors/verify.py, which shares no code with this.
 *
 * Threads  no state; any. */
#ifndef BLINDLIST_TESTVECTORS_VECTORS_H
#define BLINDLIST_TESTVECTORS_VECTORS_H

#include "base/status.h"

#include <stddef.h>

#define VECTORS_FORMAT         1
#define VECTORS_MAX_FILE_BYTES ((size_t)16 << 20)

/* Name of the number-th file, "hashes.json"; NULL at the end. Static. */
const char *vectors_file_name(size_t number);

/* Checks a file of `folder`.
 *   ret_cases  cases that agree
 * STATUS_MISMATCH: "case 12: murmur3[2]: expected .., got ..", the first difference;
 * STATUS_MALFORMED, STATUS_NOT_FOUND and others: the file cannot be read as a vectors file. */
enum status vectors_verify_file(const char *folder, size_t number, size_t *ret_cases,
                                struct error *err) MUST_CHECK;
/* Writes a file of `folder`, whole or not at all; the same bytes each time. */
enum status vectors_generate_file(const char *folder, size_t number, size_t *ret_cases,
                                  struct error *err) MUST_CHECK;

#endif
