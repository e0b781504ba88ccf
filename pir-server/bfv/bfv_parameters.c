#include "pir-server/bfv/bfv_parameters.h"

#include "pir-server/bfv/bfv_context_internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* spec/bfv.md section 1, group by group. */
#define MODULI_A 134176769, 268369921, 268361729
#define MODULI_B 40961, 8589852673, 8589844481
#define MODULI_C 268369921, 1152921504606830593, 1152921504606748673
#define MODULI_D 536690689, 1152921504606830593, 1152921504606748673
#define MODULI_E 36028797018652673, 36028797017571329, 36028797017456641
#define MODULI_F 1099511480321, 1152921504606830593, 1152921504606748673
#define MODULI_G 1152921504606830593
#define MODULI_H 576460752303436801, 576460752303439873, 576460752303447041, 576460752303471617
#define MODULI_I 131249, 131297, 131441, 131489, 131617

#define NEEDS_64 1
#define FAILS    2
#define INSECURE 4

#define SET(set_name, n, t, count, flags, ...)                                                     \
    {                                                                                              \
        .name = (set_name),                                                                        \
        .parameters = {.degree = (n),                                                              \
                       .plaintext_modulus = (t),                                                   \
                       .coefficient_moduli = {__VA_ARGS__},                                        \
                       .moduli_count = (count),                                                    \
                       .error_std_dev = BFV_ERROR_STDDEV32,                                        \
                       .security_level = ((flags)&INSECURE) != 0 ? BFV_SECURITY_UNSPECIFIED        \
                                                                 : BFV_SECURITY_QUANTUM128,        \
                       .he_scheme = BFV_SCHEME_BFV},                                               \
        .needs_64_bit = ((flags)&NEEDS_64) != 0, .fails_decryption = ((flags)&FAILS) != 0,         \
        .is_insecure = ((flags)&INSECURE) != 0                                                     \
    }

static const struct bfv_named_parameters sets[] = {
    SET("n_4096_logq_27_28_28_logt_4", 4096, 11, 3, 0, MODULI_A),
    SET("n_4096_logq_27_28_28_logt_5", 4096, 17, 3, 0, MODULI_A),
    SET("n_4096_logq_27_28_28_logt_6", 4096, 37, 3, 0, MODULI_A),
    SET("n_4096_logq_27_28_28_logt_13", 4096, 4099, 3, FAILS, MODULI_A),
    SET("n_4096_logq_27_28_28_logt_16", 4096, 40961, 3, FAILS, MODULI_A),
    SET("n_4096_logq_27_28_28_logt_17", 4096, 65537, 3, FAILS, MODULI_A),
    SET("n_4096_logq_16_33_33_logt_4", 4096, 11, 3, NEEDS_64, MODULI_B),
    SET("n_8192_logq_28_60_60_logt_20", 8192, 557057, 3, NEEDS_64, MODULI_C),
    SET("n_8192_logq_29_60_60_logt_15", 8192, 16411, 3, NEEDS_64, MODULI_D),
    SET("n_8192_logq_3x55_logt_24", 8192, 8404993, 3, NEEDS_64, MODULI_E),
    SET("n_8192_logq_3x55_logt_29", 8192, 268582913, 3, NEEDS_64 | FAILS, MODULI_E),
    SET("n_8192_logq_3x55_logt_30", 8192, 536903681, 3, NEEDS_64 | FAILS, MODULI_E),
    SET("n_8192_logq_3x55_logt_42", 8192, 2199023288321, 3, NEEDS_64 | FAILS, MODULI_E),
    SET("n_8192_logq_40_60_60_logt_26", 8192, 33832961, 3, NEEDS_64 | FAILS, MODULI_F),
    SET("insecure_n_16_logq_60_logt_15", 16, 16417, 1, NEEDS_64 | INSECURE, MODULI_G),
    SET("insecure_n_512_logq_4x60_logt_20", 512, 525313, 4, NEEDS_64 | INSECURE, MODULI_H),
    SET("insecure_n_8_logq_5x18_logt_5", 8, 17, 5, INSECURE, MODULI_I),
};

const struct bfv_named_parameters *bfv_named_parameters_list(size_t number)
{
    return number < ARRAY_COUNT(sets) ? &sets[number] : NULL;
}

const struct bfv_named_parameters *bfv_named_parameters_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

static bool same_numbers(const struct bfv_parameters *a, const struct bfv_parameters *b)
{
    return a->degree == b->degree && a->plaintext_modulus == b->plaintext_modulus &&
           a->moduli_count == b->moduli_count &&
           memcmp(a->coefficient_moduli, b->coefficient_moduli,
                  a->moduli_count * sizeof a->coefficient_moduli[0]) == 0;
}

bool bfv_parameters_equal(const struct bfv_parameters *a, const struct bfv_parameters *b)
{
    return same_numbers(a, b) && a->error_std_dev == b->error_std_dev &&
           a->security_level == b->security_level && a->he_scheme == b->he_scheme;
}

/* Largest sum of log2 of all moduli at 128 bits of security against quantum computers. */
static const struct {
    uint64_t degree;
    unsigned bits;
} security_limits[] = {{1024, 21}, {2048, 41}, {4096, 83}, {8192, 165}, {16384, 330}, {32768, 660}};

static enum status check_enums(const struct bfv_parameters *parameters, unsigned flags,
                               struct error *err)
{
    if (parameters->he_scheme == BFV_SCHEME_BGV)
        return error_set(err, STATUS_UNSUPPORTED, "scheme BGV: only BFV is served");
    if (parameters->he_scheme != BFV_SCHEME_BFV)
        return error_set(err, STATUS_INVALID, "scheme %" PRIu32 ": must be 1 (BFV)",
                         parameters->he_scheme);
    if (parameters->error_std_dev != BFV_ERROR_STDDEV32)
        return error_set(err, STATUS_INVALID, "error deviation %" PRIu32 ": must be 0 (STDDEV32)",
                         parameters->error_std_dev);
    if (parameters->security_level > BFV_SECURITY_QUANTUM128)
        return error_set(err, STATUS_INVALID, "security level %" PRIu32 " is not known",
                         parameters->security_level);
    if (parameters->security_level == BFV_SECURITY_UNSPECIFIED && !(flags & BFV_ALLOW_INSECURE))
        return error_set(err, STATUS_INVALID,
                         "security level is unspecified: insecure parameters are for tests only");
    return STATUS_OK;
}

static enum status check_security(const struct bfv_parameters *parameters, struct error *err)
{
    double bits = 0;
    for (size_t i = 0; i < parameters->moduli_count; i++)
        bits += log2((double)parameters->coefficient_moduli[i]);
    for (size_t i = 0; i < ARRAY_COUNT(security_limits); i++) {
        if (security_limits[i].degree != parameters->degree)
            continue;
        if (bits > security_limits[i].bits)
            return error_set(err, STATUS_INVALID,
                             "moduli of %.2f bits in all: degree %" PRIu64
                             " is secure up to %u bits",
                             bits, parameters->degree, security_limits[i].bits);
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, "degree %" PRIu64 " is not secure for any modulus",
                     parameters->degree);
}

/* A number that must be prime and fit the word: t or a modulus. */
static enum status check_prime(uint64_t value, const char *what, struct error *err)
{
    const uint64_t word_64_max = ((uint64_t)1 << 62) - 1;
    if (value > word_64_max)
        return error_set(err, STATUS_INVALID, "%s %" PRIu64 " is above 2^62 - 1", what, value);
    if (!modulus_is_prime_vartime(value))
        return error_set(err, STATUS_INVALID, "%s %" PRIu64 " is not prime", what, value);
    return STATUS_OK;
}

static enum status check_moduli(const struct bfv_parameters *parameters, struct error *err)
{
    const uint64_t t = parameters->plaintext_modulus;
    enum status status = check_prime(t, "plaintext modulus", err);
    for (size_t i = 0; i < parameters->moduli_count && status == STATUS_OK; i++) {
        const uint64_t q = parameters->coefficient_moduli[i];
        status = check_prime(q, "coefficient modulus", err);
        if (status != STATUS_OK)
            return status;
        if (q <= t)
            return error_set(err, STATUS_INVALID,
                             "coefficient modulus %" PRIu64
                             " is not above the plaintext modulus %" PRIu64,
                             q, t);
        if ((q - 1) % (2 * parameters->degree) != 0)
            return error_set(err, STATUS_INVALID,
                             "coefficient modulus %" PRIu64 " is not 1 mod %" PRIu64
                             " (twice the degree)",
                             q, 2 * parameters->degree);
        for (size_t k = 0; k < i; k++)
            if (parameters->coefficient_moduli[k] == q)
                return error_set(err, STATUS_INVALID,
                                 "coefficient modulus %" PRIu64 " is there twice", q);
    }
    return status;
}

/* What is valid by the reference's rules, but cannot be served here. */
static enum status check_support(const struct bfv_parameters *parameters, struct error *err)
{
    uint64_t largest = parameters->plaintext_modulus;
    for (size_t i = 0; i < parameters->moduli_count; i++)
        if (parameters->coefficient_moduli[i] > largest)
            largest = parameters->coefficient_moduli[i];
    if (largest > MODULUS_MAX)
        return error_set(err, STATUS_UNSUPPORTED,
                         "modulus %" PRIu64 " needs 64-bit words, which are not supported yet",
                         largest);
    for (size_t i = 0; i < parameters->moduli_count; i++)
        if (parameters->coefficient_moduli[i] == BFV_GAMMA ||
            parameters->plaintext_modulus == BFV_GAMMA)
            return error_set(err, STATUS_INVALID, "modulus %u is reserved for decryption",
                             BFV_GAMMA);
    if (parameters->moduli_count < 2)
        return error_set(err, STATUS_UNSUPPORTED,
                         "a single coefficient modulus: there is none for key switching");
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++)
        if (sets[i].fails_decryption && same_numbers(&sets[i].parameters, parameters))
            return error_set(err, STATUS_UNSUPPORTED,
                             "%s: no noise budget is left after a query, answers would be wrong",
                             sets[i].name);
    return STATUS_OK;
}

enum status bfv_parameters_validate(const struct bfv_parameters *parameters, unsigned flags,
                                    struct error *err)
{
    const uint64_t n = parameters->degree;
    if (n < BFV_DEGREE_MIN || n > BFV_DEGREE_MAX || (n & (n - 1)) != 0)
        return error_set(err, STATUS_INVALID, "degree %" PRIu64 " is not a power of two in %d..%d",
                         n, BFV_DEGREE_MIN, BFV_DEGREE_MAX);
    if (parameters->moduli_count == 0 || parameters->moduli_count > BFV_MAX_MODULI)
        return error_set(err, STATUS_INVALID, "%zu coefficient moduli: 1..%d are possible",
                         parameters->moduli_count, BFV_MAX_MODULI);
    enum status status = check_enums(parameters, flags, err);
    if (status == STATUS_OK)
        status = check_moduli(parameters, err);
    if (status == STATUS_OK && parameters->security_level != BFV_SECURITY_UNSPECIFIED)
        status = check_security(parameters, err);
    if (status == STATUS_OK)
        status = check_support(parameters, err);
    return status;
}

static uint32_t floor_log2(uint64_t value)
{
    uint32_t log = 0;
    while (value >>= 1)
        log++;
    return log;
}

uint32_t bfv_bits_per_coefficient(const struct bfv_parameters *parameters)
{
    return floor_log2(parameters->plaintext_modulus);
}

size_t bfv_bytes_per_plaintext(const struct bfv_parameters *parameters)
{
    return (size_t)(parameters->degree * bfv_bits_per_coefficient(parameters) / 8);
}

/* floor(8 sqrt(2N/9)) is the largest r with 9 r^2 <= 128 N. */
void bfv_parameters_response_skips(const struct bfv_parameters *parameters, uint32_t ret_skips[2])
{
    const uint64_t q0 = parameters->coefficient_moduli[0];
    const uint64_t t = parameters->plaintext_modulus;
    uint64_t root = 0;
    while (9 * (root + 1) * (root + 1) <= 128 * parameters->degree)
        root++;
    const int log_root = (int)floor_log2(root) + ((root & (root - 1)) != 0);
    const int spare = q0 >= 2 * t ? (int)floor_log2(q0 / t) - 3 : 0;
    int skips[2] = {spare > 0 ? spare : 0, spare - log_root};
    if (skips[1] <= 1) {
        skips[0] = spare + 1 > 0 ? spare + 1 : 0;
        skips[1] = 0;
    }
    ret_skips[0] = (uint32_t)skips[0];
    ret_skips[1] = (uint32_t)skips[1];
}
