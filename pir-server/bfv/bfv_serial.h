/* bfv_serial - polynomials and ciphertexts as the bytes inside the messages.
 *
 * The Protobuf messages around them are not known here: `poly0` is a bare polynomial, `polys` is a
 * count of polynomials (two bytes, little-endian) and then the polynomials (spec/bfv.md section 6).
 * Readers take bytes from outside and reject with STATUS_MALFORMED: a wrong byte count, a value of
 * q or more, a wrong number of polynomials or skip entries, a skip of all bits, a seed that is not
 * 32 bytes, a correction factor other than 1. Padding bits may be anything.
 *
 * Threads  any. */
#ifndef BLINDLIST_BFV_SERIAL_H
#define BLINDLIST_BFV_SERIAL_H

#include "base/bytes.h"
#include "pir-server/bfv/bfv_ciphertext.h"
#include "pir-server/ring/drbg.h"

/* Bytes of one polynomial over the first moduli_count moduli with `skip` low bits dropped. */
size_t bfv_poly_bytes(const struct bfv_context *context, size_t moduli_count, uint32_t skip);
/* Appends one polynomial [moduli_count][N]; skip below the width of each of its moduli. A failure
 * sticks in `ret` (bytes_status()). */
void bfv_poly_write(const struct bfv_context *context, const uint32_t *poly, size_t moduli_count,
                    uint32_t skip, struct bytes *ret);
/* in  exactly bfv_poly_bytes() bytes;  ret  [moduli_count][N]. `what` begins the message. */
enum status bfv_poly_read(const struct bfv_context *context, struct span in, size_t moduli_count,
                          uint32_t skip, const char *what, uint32_t *ret,
                          struct error *err) MUST_CHECK;

/* A seeded ciphertext as it travels: its second polynomial is only a seed. Owns its bytes. */
struct bfv_seeded {
    struct bytes poly0;
    uint8_t seed[DRBG_SEED_BYTES];
};
void bfv_seeded_init(struct bfv_seeded *seeded);
void bfv_seeded_deinit(struct bfv_seeded *seeded);

/* SerializedSeededCiphertext: two polynomials into `ret` (2 polynomials of any level up to L + 1,
 * made by the caller). In coefficient form (queries) the seed's polynomial is transformed; in
 * evaluation form (keys) it stays as drawn. ret->form tells which. */
enum status bfv_ciphertext_read_seeded(const struct bfv_context *context, struct span poly0,
                                       struct span seed, struct bfv_ciphertext *ret,
                                       struct error *err) MUST_CHECK;
/* SerializedFullCiphertext into `ret` (made by the caller: its poly_count and moduli_count are what
 * is expected). skip_count is 0 (nothing skipped) or ret->poly_count. */
enum status bfv_ciphertext_read_full(const struct bfv_context *context, struct span polys,
                                     const uint32_t *skips, size_t skip_count,
                                     uint64_t correction_factor, struct bfv_ciphertext *ret,
                                     struct error *err) MUST_CHECK;
/* Appends the `polys` field of a full ciphertext; skips [poly_count], NULL = nothing skipped. */
void bfv_ciphertext_write_full(const struct bfv_context *context,
                               const struct bfv_ciphertext *ciphertext, const uint32_t *skips,
                               struct bytes *ret);
/* Bytes of that field. */
size_t bfv_ciphertext_full_bytes(const struct bfv_context *context, size_t poly_count,
                                 size_t moduli_count, const uint32_t *skips);

#endif
