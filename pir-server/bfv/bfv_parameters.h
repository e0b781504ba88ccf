/* bfv_parameters - encryption parameters as they travel in messages, their names and their rules.
 *
 * The names exist only in configuration files of the tools; on the wire the numbers themselves
 * travel (message EncryptionParameters), so any set of numbers that keeps the rules is served.
 *
 * Source   spec/bfv.md section 1. */
#ifndef BLINDLIST_BFV_PARAMETERS_H
#define BLINDLIST_BFV_PARAMETERS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFV_MAX_MODULI 32
#define BFV_DEGREE_MIN 8
#define BFV_DEGREE_MAX 32768

/* Numbers of the Protobuf enums of the same names. */
enum bfv_error_std_dev { BFV_ERROR_STDDEV32 = 0 };
enum bfv_security_level { BFV_SECURITY_UNSPECIFIED = 0, BFV_SECURITY_QUANTUM128 = 1 };
enum bfv_he_scheme { BFV_SCHEME_UNSPECIFIED = 0, BFV_SCHEME_BFV = 1, BFV_SCHEME_BGV = 2 };

struct bfv_parameters {
    uint64_t degree;                             /* N */
    uint64_t plaintext_modulus;                  /* t */
    uint64_t coefficient_moduli[BFV_MAX_MODULI]; /* q_0, .., q_{L-1}, P: the last is for keys */
    size_t moduli_count;                         /* L + 1 */
    uint32_t error_std_dev;                      /* enum bfv_error_std_dev, unchecked */
    uint32_t security_level;                     /* enum bfv_security_level, unchecked */
    uint32_t he_scheme;                          /* enum bfv_he_scheme, unchecked */
};

bool bfv_parameters_equal(const struct bfv_parameters *a, const struct bfv_parameters *b);

struct bfv_named_parameters {
    const char *name;
    struct bfv_parameters parameters;
    bool needs_64_bit;     /* words of 64 bits: not supported yet */
    bool fails_decryption; /* no noise budget is left after a query (spec/bfv.md section 10) */
    bool is_insecure;      /* for tests only */
};

/* The number-th named set; NULL at the end. */
const struct bfv_named_parameters *bfv_named_parameters_list(size_t number);
/* NULL when no set has this name. */
const struct bfv_named_parameters *bfv_named_parameters_find(const char *name);

/* Flags of validation. */
#define BFV_ALLOW_INSECURE 1u /* security level unspecified: tests only */

/* STATUS_OK when a context can be made of these parameters. STATUS_INVALID: a rule is broken, the
 * message names it with the numbers. STATUS_UNSUPPORTED: valid, but needs 64-bit words, leaves no
 * noise budget (so that every answer would be wrong), another scheme, or no key-switching modulus.
 */
enum status bfv_parameters_validate(const struct bfv_parameters *parameters, unsigned flags,
                                    struct error *err) MUST_CHECK;

/* floor(log2 t), bits of payload in a coefficient. Parameters are valid. */
uint32_t bfv_bits_per_coefficient(const struct bfv_parameters *parameters);
/* floor(N * bits / 8), payload bytes of a plaintext. */
size_t bfv_bytes_per_plaintext(const struct bfv_parameters *parameters);
/* Low bits that a response of one modulus may drop, for c0 and c1 (spec/bfv.md section 8.2). */
void bfv_parameters_response_skips(const struct bfv_parameters *parameters, uint32_t ret_skips[2]);

#endif
