/* report_notes - entries of lists that a report names: where each stands, how it begins, and why.
 *
 * The first REPORT_NOTES_MAX are kept, and of each reason the first REPORT_NOTES_SAMPLES even
 * beyond; the rest are counted. Without memory a note becomes a counted one, too: notes never make
 * work fail.
 *
 * Memory   40 bytes and its text for a note. Threads  one at a time. */
#ifndef BLINDLIST_DATASET_REPORT_NOTES_H
#define BLINDLIST_DATASET_REPORT_NOTES_H

#include "base/bytes.h"
#include "urls/list.h"

#define REPORT_NOTES_MAX        ((size_t)100000)
#define REPORT_NOTES_SAMPLES    ((size_t)5)
#define REPORT_NOTES_TEXT_BYTES ((size_t)200) /* of an entry or a key, as shown */

struct report_note;
struct report_notes {
    struct report_note *list;
    size_t count;
    size_t capacity;
    size_t count_for[DROP_REASON_COUNT];
    uint64_t omitted;
    struct bytes texts;
};

void report_notes_init(struct report_notes *notes);
void report_notes_deinit(struct report_notes *notes);
/* `place->file` is borrowed until the end; `key` is what the entry became, with DROP_NONE. */
void report_notes_add(struct report_notes *notes, const struct list_place *place,
                      enum drop_reason reason, struct span key);
/* Appends a JSON array with an object for each note: "file", "line", "text" and "reason" or, with
 * DROP_NONE, "key"; one a line, indented as in the second level of an object. Failures are those of
 * `json`, or STATUS_NOMEM. */
enum status report_notes_append(const struct report_notes *notes, struct bytes *json,
                                struct error *err) MUST_CHECK;

struct json_t;
/* The first REPORT_NOTES_SAMPLES of each reason as such an array; NULL without memory. */
struct json_t *report_notes_samples(const struct report_notes *notes);

#endif
