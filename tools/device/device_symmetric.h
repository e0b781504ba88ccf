/* device_symmetric - the step that symmetric PIR begins with: the server's keyed function of a
 * keyword, computed together, so that neither sees what the other has.
 *
 * Secret   the question and the function's value.
 * Threads  one at a time. Source  spec/keyword-pir.md section 10.2. */
#ifndef BLINDLIST_TOOLS_DEVICE_DEVICE_SYMMETRIC_H
#define BLINDLIST_TOOLS_DEVICE_DEVICE_SYMMETRIC_H

#include "base/bytes.h"
#include "pir-server/oprf/symmetric_row.h"

/* Appends the body for /queries that asks the question.
 *   config_id  of the configuration whose public key the answer will be checked with */
enum status device_symmetric_write(const struct voprf_question *question, struct span use_case,
                                   struct span config_id, struct bytes *ret,
                                   struct error *err) MUST_CHECK;
/* The function's value from the body of the answer. STATUS_MISMATCH when the proof is wrong;
 * STATUS_MALFORMED when it is no answer to a question. */
enum status device_symmetric_read(const struct voprf_question *question, struct span public_key,
                                  struct span body, uint8_t ret[VOPRF_VALUE_BYTES],
                                  struct error *err) MUST_CHECK;

#endif
