/* symmetric_row - what a keyword and its value become in a symmetric dataset, and back.
 *
 *     F = voprf value of the keyword [48]
 *     keyword in the dataset = F[0..16)
 *     stored value           = AES-192-GCM(key F[24..48), nonce F[0..12), value): ciphertext, tag
 *
 * So whoever gets to see a row that he did not ask for learns nothing from it.
 *
 * Nonce    the same keyword with two values under one key of the dataset would use a nonce twice:
 *          a dataset whose values change needs a new key.
 * Secret   F and the value; the caller wipes them. Threads  any.
 * Source   spec/keyword-pir.md section 10.1. */
#ifndef BLINDLIST_OPRF_SYMMETRIC_ROW_H
#define BLINDLIST_OPRF_SYMMETRIC_ROW_H

#include "base/bytes.h"
#include "pir-server/oprf/voprf.h"

#define SYMMETRIC_KEYWORD_BYTES 16
/* By so much is a stored value longer. */
#define SYMMETRIC_TAG_BYTES 16

/* The keyword as the dataset has it: the first bytes of F, borrowed. */
static inline struct span symmetric_keyword(const uint8_t f[VOPRF_VALUE_BYTES])
{
    return span_of(f, SYMMETRIC_KEYWORD_BYTES);
}
/* Appends the stored form of a value. */
enum status symmetric_seal(const uint8_t f[VOPRF_VALUE_BYTES], struct span value, struct bytes *ret,
                           struct error *err) MUST_CHECK;
/* Appends the value of a stored form. STATUS_MISMATCH when it does not open, and nothing is
 * appended. */
enum status symmetric_open(const uint8_t f[VOPRF_VALUE_BYTES], struct span stored,
                           struct bytes *ret, struct error *err) MUST_CHECK;

#endif
