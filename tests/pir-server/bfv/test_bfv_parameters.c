#include "pir-server/bfv/bfv_parameters.h"

#include "pir-server/bfv/bfv_context.h"

#include <criterion/criterion.h>
#include <string.h>

static struct bfv_parameters logt_5(void)
{
    return bfv_named_parameters_find("n_4096_logq_27_28_28_logt_5")->parameters;
}

static void refused(const struct bfv_parameters *parameters, enum status status,
                    const char *message)
{
    struct error error = {.message = ""};
    struct bfv_context *context = NULL;
    cr_expect_eq(bfv_parameters_validate(parameters, 0, &error), status, "%s", error.message);
    cr_expect_str_eq(error.message, message);
    cr_expect_eq(bfv_context_new(parameters, 0, NULL, &context, NULL), status);
    cr_expect_null(context);
}

Test(bfv_parameters, named_sets_are_served_or_refused_with_the_reason)
{
    static const struct {
        const char *name;
        enum status status;
        const char *message;
    } rows[] = {
        {"n_4096_logq_27_28_28_logt_4", STATUS_OK, ""},
        {"n_4096_logq_27_28_28_logt_5", STATUS_OK, ""},
        {"n_4096_logq_27_28_28_logt_6", STATUS_OK, ""},
        {"n_4096_logq_27_28_28_logt_13", STATUS_UNSUPPORTED,
         "n_4096_logq_27_28_28_logt_13: no noise budget is left after a query, answers would be "
         "wrong"},
        {"n_4096_logq_27_28_28_logt_16", STATUS_UNSUPPORTED,
         "n_4096_logq_27_28_28_logt_16: no noise budget is left after a query, answers would be "
         "wrong"},
        {"n_4096_logq_27_28_28_logt_17", STATUS_UNSUPPORTED,
         "n_4096_logq_27_28_28_logt_17: no noise budget is left after a query, answers would be "
         "wrong"},
        {"n_4096_logq_16_33_33_logt_4", STATUS_UNSUPPORTED,
         "modulus 8589852673 needs 64-bit words, which are not supported yet"},
        {"n_8192_logq_28_60_60_logt_20", STATUS_UNSUPPORTED,
         "modulus 1152921504606830593 needs 64-bit words, which are not supported yet"},
        {"n_8192_logq_3x55_logt_42", STATUS_UNSUPPORTED,
         "modulus 36028797018652673 needs 64-bit words, which are not supported yet"},
        {"insecure_n_8_logq_5x18_logt_5", STATUS_INVALID,
         "security level is unspecified: insecure parameters are for tests only"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct error error = {.message = ""};
        const struct bfv_named_parameters *set = bfv_named_parameters_find(rows[i].name);
        cr_assert_not_null(set);
        cr_expect_eq(bfv_parameters_validate(&set->parameters, 0, &error), rows[i].status);
        cr_expect_str_eq(error.message, rows[i].message);
    }
    size_t count = 0;
    for (; bfv_named_parameters_list(count) != NULL; count++) {
        const struct bfv_named_parameters *set = bfv_named_parameters_list(count);
        const enum status status =
            bfv_parameters_validate(&set->parameters, BFV_ALLOW_INSECURE, NULL);
        const bool served = !set->needs_64_bit && !set->fails_decryption;
        cr_expect_eq(status, served ? STATUS_OK : STATUS_UNSUPPORTED, "%s", set->name);
    }
    cr_assert_eq(count, 17);
    cr_assert_null(bfv_named_parameters_find("n_4096"));
}

/* The columns of the table in spec/bfv.md section 1. */
Test(bfv_parameters, payload_and_response_skips)
{
    static const struct {
        const char *name;
        uint32_t bits;
        size_t bytes;
        uint32_t skips[2];
    } rows[] = {
        {"n_4096_logq_27_28_28_logt_4", 3, 1536, {20, 12}},
        {"n_4096_logq_27_28_28_logt_5", 4, 2048, {19, 11}},
        {"n_4096_logq_27_28_28_logt_6", 5, 2560, {18, 10}},
        {"n_4096_logq_27_28_28_logt_13", 12, 6144, {11, 3}},
        {"n_4096_logq_27_28_28_logt_16", 15, 7680, {9, 0}},
        {"n_4096_logq_27_28_28_logt_17", 16, 8192, {8, 0}},
        {"n_4096_logq_16_33_33_logt_4", 3, 1536, {9, 0}},
        {"n_8192_logq_28_60_60_logt_20", 19, 19456, {6, 0}},
        {"n_8192_logq_29_60_60_logt_15", 14, 14336, {11, 2}},
        {"n_8192_logq_3x55_logt_24", 23, 23552, {28, 19}},
        {"n_8192_logq_3x55_logt_29", 28, 28672, {23, 14}},
        {"n_8192_logq_3x55_logt_30", 29, 29696, {22, 13}},
        {"n_8192_logq_3x55_logt_42", 41, 41984, {11, 0}},
        {"n_8192_logq_40_60_60_logt_26", 25, 25600, {11, 2}},
        {"insecure_n_16_logq_60_logt_15", 14, 28, {42, 38}},
        {"insecure_n_512_logq_4x60_logt_20", 19, 1216, {36, 29}},
        {"insecure_n_8_logq_5x18_logt_5", 4, 4, {9, 5}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct bfv_named_parameters *set = bfv_named_parameters_find(rows[i].name);
        uint32_t skips[2];
        cr_assert_not_null(set);
        bfv_parameters_response_skips(&set->parameters, skips);
        cr_expect_arr_eq(skips, rows[i].skips, sizeof skips, "%s", rows[i].name);
        cr_expect_eq(bfv_bits_per_coefficient(&set->parameters), rows[i].bits);
        cr_expect_eq(bfv_bytes_per_plaintext(&set->parameters), rows[i].bytes);
    }
}

Test(bfv_parameters, each_rule_has_its_message)
{
    struct bfv_parameters bad = logt_5();
    bad.degree = 4095;
    refused(&bad, STATUS_INVALID, "degree 4095 is not a power of two in 8..32768");
    bad.degree = 0;
    refused(&bad, STATUS_INVALID, "degree 0 is not a power of two in 8..32768");
    bad.degree = (uint64_t)1 << 63;
    refused(&bad, STATUS_INVALID, "degree 9223372036854775808 is not a power of two in 8..32768");
    bad = logt_5();
    bad.degree = 8192;
    refused(&bad, STATUS_INVALID,
            "coefficient modulus 134176769 is not 1 mod 16384 (twice the degree)");
    bad.degree = 512;
    refused(&bad, STATUS_INVALID, "degree 512 is not secure for any modulus");
    bad.degree = 2048;
    refused(&bad, STATUS_INVALID,
            "moduli of 83.00 bits in all: degree 2048 is secure up to 41 bits");

    bad = logt_5();
    bad.coefficient_moduli[1] = 268369923;
    refused(&bad, STATUS_INVALID, "coefficient modulus 268369923 is not prime");
    bad.coefficient_moduli[1] = bad.coefficient_moduli[0];
    refused(&bad, STATUS_INVALID, "coefficient modulus 134176769 is there twice");
    bad.coefficient_moduli[1] = UINT64_MAX;
    refused(&bad, STATUS_INVALID, "coefficient modulus 18446744073709551615 is above 2^62 - 1");
    bad.coefficient_moduli[1] = 0;
    refused(&bad, STATUS_INVALID, "coefficient modulus 0 is not prime");

    bad = logt_5();
    bad.plaintext_modulus = 16;
    refused(&bad, STATUS_INVALID, "plaintext modulus 16 is not prime");
    bad.plaintext_modulus = 0;
    refused(&bad, STATUS_INVALID, "plaintext modulus 0 is not prime");
    bad.plaintext_modulus = 134176769;
    refused(&bad, STATUS_INVALID,
            "coefficient modulus 134176769 is not above the plaintext modulus 134176769");

    bad = logt_5();
    bad.moduli_count = 0;
    refused(&bad, STATUS_INVALID, "0 coefficient moduli: 1..32 are possible");
    bad.moduli_count = SIZE_MAX;
    refused(&bad, STATUS_INVALID, "18446744073709551615 coefficient moduli: 1..32 are possible");
    bad.moduli_count = 1;
    refused(&bad, STATUS_UNSUPPORTED,
            "a single coefficient modulus: there is none for key switching");

    bad = logt_5();
    bad.he_scheme = BFV_SCHEME_BGV;
    refused(&bad, STATUS_UNSUPPORTED, "scheme BGV: only BFV is served");
    bad.he_scheme = BFV_SCHEME_UNSPECIFIED;
    refused(&bad, STATUS_INVALID, "scheme 0: must be 1 (BFV)");
    bad = logt_5();
    bad.error_std_dev = 1;
    refused(&bad, STATUS_INVALID, "error deviation 1: must be 0 (STDDEV32)");
    bad = logt_5();
    bad.security_level = 7;
    refused(&bad, STATUS_INVALID, "security level 7 is not known");
    bad = logt_5();
    bad.coefficient_moduli[3] = 268460033;
    bad.moduli_count = 4;
    refused(&bad, STATUS_INVALID,
            "moduli of 111.00 bits in all: degree 4096 is secure up to 83 bits");
}

/* Numbers that no name has are served as well; so are moduli that lie in the auxiliary base. */
Test(bfv_parameters, arbitrary_numbers)
{
    struct bfv_parameters other = logt_5();
    other.plaintext_modulus = 257;
    cr_assert_eq(bfv_parameters_validate(&other, 0, NULL), STATUS_OK);
    other.coefficient_moduli[1] = 268460033; /* the first prime of the auxiliary base */
    other.security_level = BFV_SECURITY_UNSPECIFIED;
    struct bfv_context *context = NULL;
    struct error error = {.message = ""};
    cr_assert_eq(bfv_context_new(&other, BFV_ALLOW_INSECURE, NULL, &context, &error), STATUS_OK,
                 "%s", error.message);
    bfv_context_free(context);
    const struct bfv_parameters same = logt_5();
    cr_assert(!bfv_parameters_equal(&other, &same));
    other = logt_5();
    cr_assert(bfv_parameters_equal(&other, &same));
}
