/* report_log - lines that are appended durably to a file, which is put aside when it is large.
 *
 * Files    `reports.jsonl` in a folder that exists, mode 0600, is written; at a size it is renamed
 *          to `reports-<UTC time>-<number>.jsonl`, which nobody writes any more. When all of them
 *          together exceed the quota, the oldest ones put aside go.
 * Durable  an append returns after the line is on the disk, whole; after a failure, a full disk or
 *          a kill there is no part of a line, at the latest when the log is opened again.
 * Errors   STATUS_NOT_FOUND no such folder; STATUS_BUSY another process writes there; STATUS_IO;
 *          STATUS_TOO_LARGE a line larger than the quota. Messages hold paths, never contents.
 * Threads  any may append. */
#ifndef BLINDLIST_SERVICE_REPORT_LOG_H
#define BLINDLIST_SERVICE_REPORT_LOG_H

#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define REPORT_LOG_FILE_BYTES  ((uint64_t)64 << 20)
#define REPORT_LOG_TOTAL_BYTES ((uint64_t)1 << 30)

struct report_log;

enum status report_log_open(const char *folder, uint64_t file_bytes, uint64_t total_bytes,
                            struct report_log **ret, struct error *err) MUST_CHECK;
void report_log_close(struct report_log *log); /* takes NULL */
/* Another quota, from the next append on. */
void report_log_limit(struct report_log *log, uint64_t total_bytes);
/* line: without its end. ret_removed: files that the quota took, may be NULL. */
enum status report_log_append(struct report_log *log, struct span line, uint64_t now_s,
                              size_t *ret_removed, struct error *err) MUST_CHECK;

#endif
