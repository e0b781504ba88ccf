/* parsing_file - a parsing configuration (urls/parsing.h) as JSON.
 *
 * docs/FILE-FORMATS.md has the format. Reading is strict: an unknown key, a value of the wrong type
 * or out of its range, an option that has no effect beside another one are errors that name the
 * file and the JSON path.
 *
 * Canonical text: the same options are the same bytes, one line with every option that has an
 * effect, in a fixed order. It reads back as the same configuration. Its SHA-256 tells
 * configurations apart; dataset.json and prefilter.json have it.
 *
 * Memory   what is read is the caller's: parsing_free().
 * Errors   of reading: STATUS_MALFORMED, STATUS_INVALID, STATUS_TOO_LARGE.
 * Threads  no state. */
#ifndef BLINDLIST_LISTS_PARSING_FILE_H
#define BLINDLIST_LISTS_PARSING_FILE_H

#include "base/bytes.h"
#include "urls/parsing.h"

#define PARSING_FILE_MAX_BYTES ((size_t)65536)

enum status parsing_file_read(const char *path, struct parsing **ret, struct error *err) MUST_CHECK;
/* `name` begins every message. */
enum status parsing_file_parse(struct span json, const char *name, struct parsing **ret,
                               struct error *err) MUST_CHECK;
/* Appends the canonical text, without a line end; nothing for the default configuration or NULL. */
enum status parsing_file_format(const struct parsing *parsing, struct bytes *ret,
                                struct error *err) MUST_CHECK;
/* SHA-256 of the canonical text in lower-case hex, with a NUL; "" of the default configuration. */
#define PARSING_DIGEST_TEXT_BYTES ((size_t)65)
enum status parsing_file_digest(const struct parsing *parsing, char ret[PARSING_DIGEST_TEXT_BYTES],
                                struct error *err) MUST_CHECK;

#endif
