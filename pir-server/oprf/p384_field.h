/* p384_field - numbers modulo the prime of the curve P-384 (FIPS 186-5, SEC 2), for hash_to_curve.
 *
 *     p = 2^384 - 2^128 - 2^96 + 2^32 - 1
 *
 * Data     six 64-bit words, the lowest first, in Montgomery form (x 2^384 mod p), always below p.
 *          No function can fail; results may lie where operands do.
 * Time     no branch and no address depends on a number.
 * Threads  plain values. */
#ifndef BLINDLIST_OPRF_P384_FIELD_H
#define BLINDLIST_OPRF_P384_FIELD_H

#include <stdint.h>

#define P384_FIELD_WORDS 6
#define P384_FIELD_BYTES 48
/* A number so much longer than p that its remainder is as good as evenly spread (RFC 9380, L). */
#define P384_FIELD_WIDE_BYTES 72

struct p384_number {
    uint64_t words[P384_FIELD_WORDS];
};
/* All ones for yes, zero for no. */
typedef uint64_t p384_mask;

/* The remainder of a big-endian number. */
struct p384_number p384_from_wide(const uint8_t wide[P384_FIELD_WIDE_BYTES]);
struct p384_number p384_from_small(uint32_t value);
/* Big-endian. */
void p384_to_bytes(const struct p384_number *a, uint8_t ret[P384_FIELD_BYTES]);

struct p384_number p384_add(const struct p384_number *a, const struct p384_number *b);
struct p384_number p384_negate(const struct p384_number *a);
struct p384_number p384_multiply(const struct p384_number *a, const struct p384_number *b);
struct p384_number p384_square(const struct p384_number *a);
/* 0 for 0. */
struct p384_number p384_invert(const struct p384_number *a);
/* a^((p-3)/4): a times it is a square root of a, when a has one. */
struct p384_number p384_root_power(const struct p384_number *a);

p384_mask p384_is_zero(const struct p384_number *a);
p384_mask p384_is_equal(const struct p384_number *a, const struct p384_number *b);
/* Is the number, in [0, p), odd? sgn0 of RFC 9380 section 4.1. */
p384_mask p384_is_odd(const struct p384_number *a);
struct p384_number p384_select(p384_mask chooses_a, const struct p384_number *a,
                               const struct p384_number *b);

#endif
