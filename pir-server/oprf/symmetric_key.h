/* symmetric_key - the key of a symmetric dataset as a file: 96 hex digits of the scalar.
 *
 * Reading  takes digits of either case, and white space behind them (the reference refuses it).
 * Writing  lower case, nothing behind them, readable by the owner alone.
 * Secret   no message shows any of it. Threads  any.
 * Source   spec/keyword-pir.md section 10.3. */
#ifndef BLINDLIST_OPRF_SYMMETRIC_KEY_H
#define BLINDLIST_OPRF_SYMMETRIC_KEY_H

#include "pir-server/oprf/voprf.h"

#define SYMMETRIC_KEY_DIGITS ((size_t)2 * VOPRF_SCALAR_BYTES)
/* Of a file, with what stands behind the digits. */
#define SYMMETRIC_KEY_FILE_MAX_BYTES (SYMMETRIC_KEY_DIGITS + 32)

/* STATUS_MALFORMED: not of this form. STATUS_INVALID: no key (voprf_key_new()). */
enum status symmetric_key_parse(struct span text, struct voprf_key **ret,
                                struct error *err) MUST_CHECK;
void symmetric_key_format(const struct voprf_key *key, char ret[SYMMETRIC_KEY_DIGITS]);

/* The same from a file, which every message names. */
enum status symmetric_key_read(const char *path, struct voprf_key **ret,
                               struct error *err) MUST_CHECK;
enum status symmetric_key_write(const char *path, const struct voprf_key *key,
                                struct error *err) MUST_CHECK;

#endif
