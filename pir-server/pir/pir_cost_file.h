/* pir_cost_file - measured constants of the cost model as JSON, written by `blindlist tune`.
 *
 * docs/FILE-FORMATS.md shows the fields. Reading is strict: every field must be there, with its
 * type and in its range, and no other.
 *
 * Threads  any.
 * Errors   STATUS_MALFORMED (no JSON, line given), STATUS_INVALID (JSON path given),
 *          STATUS_UNSUPPORTED (another format number), STATUS_TOO_LARGE. */
#ifndef BLINDLIST_PIR_PIR_COST_FILE_H
#define BLINDLIST_PIR_PIR_COST_FILE_H

#include "base/bytes.h"
#include "pir-server/pir/pir_cost.h"

#define PIR_COST_FILE_FORMAT    1
#define PIR_COST_FILE_MAX_BYTES ((size_t)65536)

/*   name  begins every message */
enum status pir_cost_file_parse(struct span json, const char *name, struct pir_cost_constants *ret,
                                struct error *err) MUST_CHECK;
enum status pir_cost_file_read(const char *path, struct pir_cost_constants *ret,
                               struct error *err) MUST_CHECK;
/* Appends the JSON text.
 *   kernel  the one that was measured, for the reader; nothing depends on it */
enum status pir_cost_file_format(const struct pir_cost_constants *constants, const char *kernel,
                                 struct bytes *ret, struct error *err) MUST_CHECK;

#endif
