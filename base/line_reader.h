/* line_reader - the lines of a text file of any size, one after the other, in constant memory.
 *
 * A line ends at LF or at the end of the file; the LF, and one CR before it, are not part of it. A
 * UTF-8 byte order mark at the start of the file is skipped. NUL bytes are ordinary bytes. A line
 * of more than LINE_MAX_BYTES is reported once as too long and skipped whole.
 *
 * Memory   one fixed buffer. Threads  one at a time. */
#ifndef BLINDLIST_BASE_LINE_READER_H
#define BLINDLIST_BASE_LINE_READER_H

#include "base/span.h"
#include "base/status.h"

#define LINE_MAX_BYTES ((size_t)65536)

struct line_reader;

/* Opens `path`; "-" is standard input. */
enum status line_reader_open(const char *path, struct line_reader **ret,
                             struct error *err) MUST_CHECK;
void line_reader_close(struct line_reader *reader); /* takes NULL */
/* Back to the first line. STATUS_UNSUPPORTED for something that cannot be rewound (a pipe). */
enum status line_reader_rewind(struct line_reader *reader, struct error *err) MUST_CHECK;

struct line {
    struct span text; /* borrowed until the next call; the first LINE_MAX_BYTES when too long */
    uint64_t number;  /* from 1 */
    bool is_too_long;
};

/* *ret_has_line = false at the end of the file; STATUS_IO when reading fails. */
enum status line_reader_next(struct line_reader *reader, struct line *ret, bool *ret_has_line,
                             struct error *err) MUST_CHECK;
/* Bytes taken from the file so far, and its size (0 when unknown): for progress. */
uint64_t line_reader_position(const struct line_reader *reader);
uint64_t line_reader_size(const struct line_reader *reader);

#endif
