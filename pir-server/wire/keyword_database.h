/* keyword_database - the rows of a KeywordDatabase, one after the other, text or binary.
 *
 * Reading  rows are handed to a callback as they come, in constant memory beside the mapped file;
 *          a caller that needs two passes reads twice. Text is all of the text format
 *          (keyword-pir.md section 1.2), binary skips unknown fields.
 * Errors   STATUS_MALFORMED with line and column (text) or byte (binary), STATUS_TOO_LARGE for a
 *          row beyond WIRE_ROW_MAX_BYTES. No message holds a keyword.
 * Threads  any. Source  keyword-pir.md section 1. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_KEYWORD_DATABASE_H
#define BLINDLIST_PIR_SERVER_WIRE_KEYWORD_DATABASE_H

#include "base/span.h"
#include "base/status.h"
#include "pir-server/wire/wire_parameters.h"

/* One row; both parts may be empty, and are borrowed until the callback returns. A status other
 * than STATUS_OK ends the reading and is returned, with the place in front of its message. */
typedef enum status keyword_database_row(void *context, struct span keyword, struct span value,
                                         struct error *err);

enum status keyword_database_read(struct span in, enum wire_form form, keyword_database_row *row,
                                  void *context, struct error *err) MUST_CHECK;
/* The form follows from the name; messages name the file. */
enum status keyword_database_read_file(const char *path, keyword_database_row *row, void *context,
                                       struct error *err) MUST_CHECK;

struct keyword_database_writer; /* opaque */
/* Writes a file row by row, whole or not at all (base/file.h). */
enum status keyword_database_writer_new(const char *path, struct keyword_database_writer **ret,
                                        struct error *err) MUST_CHECK;
/* The first failure sticks and is returned by commit. */
void keyword_database_writer_add(struct keyword_database_writer *writer, struct span keyword,
                                 struct span value);
/* Publishes the file, or leaves the old one on failure; frees the writer in both cases. */
enum status keyword_database_writer_commit(struct keyword_database_writer *writer,
                                           struct error *err) MUST_CHECK;
void keyword_database_writer_cancel(struct keyword_database_writer *writer); /* takes NULL */

#endif
