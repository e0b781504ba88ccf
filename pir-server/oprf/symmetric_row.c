#include "pir-server/oprf/symmetric_row.h"

#include "pir-server/crypto/aead.h"

#include <assert.h>

#define KEY_AT    24
#define KEY_BYTES 24

static_assert(KEY_AT + KEY_BYTES == VOPRF_VALUE_BYTES, "the key is the second half");
static_assert(SYMMETRIC_TAG_BYTES == AEAD_TAG_BYTES, "a sealed text has a tag");

enum status symmetric_seal(const uint8_t f[VOPRF_VALUE_BYTES], struct span value, struct bytes *ret,
                           struct error *err)
{
    return aead_seal(aead_aes_192_gcm(), f + KEY_AT, f, span_of(NULL, 0), value, ret, err);
}

enum status symmetric_open(const uint8_t f[VOPRF_VALUE_BYTES], struct span stored,
                           struct bytes *ret, struct error *err)
{
    const enum status status =
        aead_open(aead_aes_192_gcm(), f + KEY_AT, f, span_of(NULL, 0), stored, ret, err);
    return status == STATUS_MISMATCH
               ? error_set(err, status, "the value of a symmetric dataset does not open")
               : status;
}
