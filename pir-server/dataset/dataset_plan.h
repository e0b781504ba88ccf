/* dataset_plan - plan.json: what the workers of a job keep to that make one dataset version
 * together.
 *
 * It is the dataset.json of the version that is to be, without its files, and with "job": how many
 * parts there are, which job it is, and with what settings it was planned. dataset_part.h has the
 * folder that it lies in.
 *
 * Memory   a plan owns what it was read from, which its texts are borrowed from. Threads  constant
 *          once read.
 * Errors   as of dataset_manifest.h. */
#ifndef BLINDLIST_DATASET_PLAN_H
#define BLINDLIST_DATASET_PLAN_H

#include "base/bytes.h"
#include "pir-server/dataset/dataset_manifest.h"

struct pir_parameters; /* pir-server/pir/pir_parameters.h */

#define DATASET_PARTS_NAME           "parts" /* DATA/<use case>/parts */
#define DATASET_PLAN_FOLDER_NAME     "plan"  /* and in there: */
#define DATASET_PLAN_NAME            "plan.json"
#define DATASET_PLAN_PARAMETERS_NAME "params.txtpb" /* PIR parameters of every shard */

#define DATASET_PLAN_PARTS_MAX         ((uint32_t)65536)
#define DATASET_PLAN_SETTINGS_MAX      ((size_t)4096)
#define DATASET_PLAN_SETTING_MAX_BYTES ((size_t)4096)

/* What all workers of a job have in common. */
struct dataset_plan_job {
    const char *name; /* as dataset_use_case_is_valid(), or "": not said */
    uint32_t parts;   /* 1..DATASET_PLAN_PARTS_MAX */
    /* Everything beside the lists that the version follows from, as texts in a fixed order:
     * [setting_count], without control characters. All borrowed. */
    const char *const *settings;
    size_t setting_count;
};

struct dataset_plan {
    struct json_t *root; /* owned */
    const char *file;    /* begins messages; borrowed */
    /* But for the files. */
    struct dataset_manifest manifest;
    struct dataset_plan_job job; /* without the settings */
    size_t source_count;
};

void dataset_plan_init(struct dataset_plan *plan);
void dataset_plan_deinit(struct dataset_plan *plan);

/* Writes plan.json into `folder`; the manifest's files are left out. */
enum status dataset_plan_write(const struct dataset_manifest *manifest,
                               const struct pir_parameters *parameters,
                               const struct dataset_origin *origin,
                               const struct dataset_plan_job *job, const char *folder,
                               struct error *err) MUST_CHECK;
/* Fills an initialized plan; `name` is borrowed for messages. */
enum status dataset_plan_parse(struct span json, const char *name, struct dataset_plan *ret,
                               struct error *err) MUST_CHECK;
/* Likewise from a file. */
enum status dataset_plan_read(const char *path, struct dataset_plan *ret,
                              struct error *err) MUST_CHECK;

/* Is that the job, and are its settings those of the plan? STATUS_MISMATCH says what differs. */
enum status dataset_plan_check_job(const struct dataset_plan *plan,
                                   const struct dataset_plan_job *job,
                                   struct error *err) MUST_CHECK;
/* Is list `index`, shown as `name`, the one that the rows were made of? STATUS_MISMATCH. */
enum status dataset_plan_check_source(const struct dataset_plan *plan, size_t index,
                                      const char *name, const uint8_t digest[DATASET_DIGEST_BYTES],
                                      struct error *err) MUST_CHECK;

/* Appends the dataset.json of the version that has these files: what dataset_manifest_format()
 * gives. */
enum status dataset_plan_complete(const struct dataset_plan *plan,
                                  const struct dataset_manifest *files, struct bytes *ret,
                                  struct error *err) MUST_CHECK;

#endif
