/* wire_report - the body of /report: which rows of a dataset were matched on a device.
 *
 * Two forms: a Protobuf URLFilterReport, or a JSON array of texts.
 *
 * Memory   one block of the caller's to free; its texts are UTF-8 without NUL.
 * Errors   STATUS_MALFORMED no such message, or a text that is no UTF-8; STATUS_TOO_LARGE
 *          (wire_limits.h); STATUS_NOMEM. Messages hold positions, never contents.
 * Threads  any.
 * Source   spec/service.md section 6. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_REPORT_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_REPORT_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/wire/wire_limits.h"

#include <stdbool.h>

/* Appends {"receivedAt":"2026-11-21T18:33:00Z","userAgent":"...","urls":[...]}, without an end of
 * line. user_agent may be NULL; bytes in it that are no UTF-8 make it "". ret_urls: how many. */
enum status wire_report_to_json(struct span body, bool is_json, const char *user_agent,
                                uint64_t received_s, struct bytes *ret, size_t *ret_urls,
                                struct error *err) MUST_CHECK;

#endif
