#include "pir-server/pir/pir_cost_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char good[] = "{\"format\":1,\"kernel\":\"avx2\",\"degree\":4096,\"moduli\":3,"
                           "\"pairsLevels\":true,\"nanoseconds\":{\"query\":1,\"decomposition\":2,"
                           "\"automorphism\":3,\"plaintext\":4,\"selector\":5,\"column\":6,"
                           "\"product\":7,\"reply\":100000000}}";

static enum status parse(const char *text, struct pir_cost_constants *ret, struct error *err)
{
    return pir_cost_file_parse(span_of_text(text), "costs.json", ret, err);
}

Test(pir_cost_file, every_field_is_read)
{
    struct pir_cost_constants constants;
    struct error error;
    cr_assert_eq(parse(good, &constants, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(constants.degree, 4096);
    cr_assert_eq(constants.moduli_count, 3);
    cr_assert(constants.pairs_levels);
    for (size_t i = 0; i + 1 < PIR_COST_TERM_COUNT; i++)
        cr_assert_eq(constants.ns[i], i + 1);
    cr_assert_eq(constants.ns[PIR_COST_REPLY], PIR_COST_NS_MAX);
}

Test(pir_cost_file, what_is_written_is_read_again)
{
    struct pir_cost_constants constants;
    struct bytes text;
    bytes_init(&text, PIR_COST_FILE_MAX_BYTES);
    cr_assert_eq(pir_cost_file_format(pir_cost_shipped(), "avx512", &text, NULL), STATUS_OK);
    cr_assert_eq(pir_cost_file_parse(bytes_view(&text), "x", &constants, NULL), STATUS_OK);
    cr_assert_eq(constants.degree, pir_cost_shipped()->degree);
    cr_assert_eq(constants.moduli_count, pir_cost_shipped()->moduli_count);
    cr_assert_eq(constants.pairs_levels, pir_cost_shipped()->pairs_levels);
    cr_assert_arr_eq(constants.ns, pir_cost_shipped()->ns, sizeof constants.ns);
    bytes_deinit(&text);
}

/* `good` with one piece replaced. */
static void refused(const char *from, const char *to, enum status expected, const char *says)
{
    char text[1024];
    struct pir_cost_constants constants = {.degree = 77};
    struct error error = {0};
    const char *at = strstr(good, from);
    cr_assert_not_null(at, "%s", from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    cr_expect_eq(parse(text, &constants, &error), expected, "%s", text);
    cr_expect_not_null(strstr(error.message, says), "%s: %s", text, error.message);
    cr_expect_eq(constants.degree, 77, "left alone");
}

Test(pir_cost_file, anything_else_is_refused_with_its_path)
{
    refused("{", "", STATUS_MALFORMED, "costs.json: line 1, column 8:");
    refused("\"format\":1,", "", STATUS_INVALID, "costs.json: $.format: is missing");
    refused("\"format\":1", "\"format\":2", STATUS_UNSUPPORTED,
            "$.format: format 2, this program knows 1");
    refused("\"format\":1", "\"format\":\"1\"", STATUS_INVALID, "$.format: must be an integer");
    refused("\"avx2\"", "2", STATUS_INVALID, "$.kernel: must be a text");
    refused("\"kernel\":\"avx2\",", "", STATUS_INVALID, "$.kernel: is missing");
    refused("avx2", "", STATUS_INVALID, "$.kernel: has 0 bytes");
    refused("4096", "0", STATUS_INVALID, "$.degree: 0 is not in 2..32768");
    refused("4096", "4095", STATUS_INVALID, "$.degree: is not a power of two");
    refused("\"moduli\":3", "\"moduli\":1", STATUS_INVALID, "$.moduli: 1 is not in 2..");
    refused("\"moduli\":3", "\"moduli\":99", STATUS_INVALID, "$.moduli: 99 is not in 2..");
    refused("true", "1", STATUS_INVALID, "$.pairsLevels: must be true or false");
    refused("\"query\":1,", "", STATUS_INVALID, "$.nanoseconds.query: is missing");
    refused("\"query\":1", "\"query\":-1", STATUS_INVALID,
            "$.nanoseconds.query: must be an integer, not negative");
    refused("100000000", "100000001", STATUS_INVALID,
            "$.nanoseconds.reply: 100000001 is not in 0..");
    refused("\"column\":6", "\"column\":6.0", STATUS_INVALID,
            "$.nanoseconds.column: must be an integer");
    refused("\"query\":1", "\"query\":1,\"other\":1", STATUS_INVALID,
            "$.nanoseconds.other: is not a known key");
    refused("\"format\":1", "\"format\":1,\"other\":1", STATUS_INVALID,
            "$.other: is not a known key");
    refused("\"query\":1", "\"query\":1,\"query\":1", STATUS_MALFORMED, "duplicate");

    struct pir_cost_constants constants;
    struct error error;
    cr_assert_eq(parse("[]", &constants, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "costs.json: $: must be an object");
    static const char zeros[] =
        "{\"format\":1,\"kernel\":\"x\",\"degree\":2,\"moduli\":2,\"pairsLevels\":false,"
        "\"nanoseconds\":{\"query\":0,\"decomposition\":0,\"automorphism\":0,\"plaintext\":0,"
        "\"selector\":0,\"column\":0,\"product\":0,\"reply\":0}}";
    cr_assert_eq(parse(zeros, &constants, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "costs.json: $.nanoseconds: all are 0");
    for (size_t size = 0; size + 1 < sizeof good; size++)
        cr_assert_eq(pir_cost_file_parse(span_of(good, size), "x", &constants, NULL),
                     STATUS_MALFORMED);
}

Test(pir_cost_file, a_file_is_named)
{
    struct pir_cost_constants constants;
    struct error error;
    cr_assert_eq(pir_cost_file_read("/nowhere/costs.json", &constants, &error), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, "/nowhere/costs.json"));
    cr_assert_eq(pir_cost_file_read("/dev/zero", &constants, &error), STATUS_TOO_LARGE);
}
