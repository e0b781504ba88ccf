/* dataset_report - report.json: what became of the lines of all lists, sizes and load of a dataset
 * version.
 *
 * A report is filled while lists are read (dataset_report_drop() and _widen() fit into a struct
 * list_sink) and when keys are selected, and written with the dataset. It names drops and widened
 * entries as report_notes.h says, and the first DATASET_REPORT_KEYS_MAX of the rest; more are
 * counted, as are those for which there was no memory: a report never makes work fail.
 *
 * Threads  one at a time. */
#ifndef BLINDLIST_DATASET_REPORT_H
#define BLINDLIST_DATASET_REPORT_H

#include "bloom/bloom.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/dataset/dataset_outlook.h"
#include "pir-server/dataset/report_notes.h"
#include "urls/list.h"

#define DATASET_REPORT_KEYS_MAX ((size_t)10000)

struct dataset_report;
enum status dataset_report_new(struct dataset_report **ret, struct error *err) MUST_CHECK;
void dataset_report_free(struct dataset_report *report); /* takes NULL */

/* `place->file` is borrowed until the report is freed. */
void dataset_report_drop(struct dataset_report *report, const struct list_place *place,
                         enum drop_reason reason);
void dataset_report_widen(struct dataset_report *report, const struct list_place *place,
                          struct span key);

/* A key and where it stands. All is copied. */
struct dataset_report_place {
    struct span key;
    const char *source;
    uint64_t line;
};
/* A sample of the keys that are no rows: what became of it ("covered"), and what took it away. */
void dataset_report_gone(struct dataset_report *report, const char *fate,
                         const struct dataset_report_place *gone,
                         const struct dataset_report_place *by);
/* An allow entry below a blocked one; is_solved: which was taken away for it. */
void dataset_report_conflict(struct dataset_report *report,
                             const struct dataset_report_place *allow,
                             const struct dataset_report_place *parent, bool is_solved);
/* Two sources that have so many keys in common. */
void dataset_report_overlap(struct dataset_report *report, const char *a, const char *b,
                            uint64_t keys);
struct json_t;
/* {"count", "solved", "samples": [{"allow", "parent", "solved"}]}; NULL without memory. */
struct json_t *dataset_report_conflicts_json(const struct dataset_report *report);

/* Rows per shard and buckets, as they came out. */
struct dataset_load {
    uint64_t rows_least;
    uint64_t rows_most;
    double rows_mean;
    double fill; /* rows placed / rows that fit into all buckets */
};

/* What a report says of the version itself; all borrowed. */
struct dataset_report_facts {
    const struct dataset_info *info;
    const struct dataset_origin *origin;
    const struct dataset_shard_rows *shard_rows;
    const struct dataset_load *load;
    const struct bloom_params *prefilter;
    double expected_rate; /* of false positives, as built */
    const struct pir_prediction *prediction;
    const struct dataset_outlook *outlook;
};

struct json_t;
/* What report.json holds, but for drops and widened entries. `report` may be NULL here and below:
 * nothing was dropped. */
enum status dataset_report_json(const struct dataset_report *report,
                                const struct dataset_report_facts *facts, struct json_t **ret,
                                struct error *err) MUST_CHECK;
/* Appends the text of report.json: that object, and all drops and widened entries. */
enum status dataset_report_append(const struct dataset_report *report, const struct json_t *root,
                                  struct bytes *ret, struct error *err) MUST_CHECK;
/* Adds samples of drops and widened entries to the object, as report_page.h wants it. */
enum status dataset_report_put_samples(const struct dataset_report *report, struct json_t *root,
                                       struct error *err) MUST_CHECK;

#endif
