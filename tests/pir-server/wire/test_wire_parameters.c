#include "pir-server/wire/wire_parameters.h"

#include "base/file.h"
#include "base/mem.h"
#include "tests/pir-server/lattice_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static struct error error;

#define ENCRYPTION_HEX "08802010111a0c81c0fd3f8180fc7f81c0fb7f28013001"
#define KEY_CONFIG_HEX "0a17" ENCRYPTION_HEX "120881048108811081201801"
/* wire.md section 10. */
#define PARAMETERS_HEX                                                                             \
    "0a17" ENCRYPTION_HEX "1020 188008 22020404 2a06 0802 2202 0a00 3001 3802 4225" KEY_CONFIG_HEX

/* keyword-pir.md section 5.2. */
static const char usual_text[] = "encryption_parameters {\n"
                                 "  polynomial_degree: 4096\n"
                                 "  plaintext_modulus: 17\n"
                                 "  coefficient_moduli: [134176769, 268369921, 268361729]\n"
                                 "  security_level: SECURITY_LEVEL_QUANTUM128\n"
                                 "  he_scheme: HE_SCHEME_BFV\n"
                                 "}\n"
                                 "num_entries: 32\n"
                                 "entry_size: 1024\n"
                                 "dimensions: [4, 4]\n"
                                 "keyword_pir_params {\n"
                                 "  num_hash_functions: 2\n"
                                 "  sharding_function {\n"
                                 "    sha256 {\n"
                                 "    }\n"
                                 "  }\n"
                                 "}\n"
                                 "algorithm: PIR_ALGORITHM_MUL_PIR\n"
                                 "batch_size: 2\n"
                                 "evaluation_key_config {\n"
                                 "  encryption_parameters {\n"
                                 "    polynomial_degree: 4096\n"
                                 "    plaintext_modulus: 17\n"
                                 "    coefficient_moduli: [134176769, 268369921, 268361729]\n"
                                 "    security_level: SECURITY_LEVEL_QUANTUM128\n"
                                 "    he_scheme: HE_SCHEME_BFV\n"
                                 "  }\n"
                                 "  galois_elements: [513, 1025, 2049, 4097]\n"
                                 "  has_relin_key: true\n"
                                 "}\n";

static void read_text(const char *text, struct pir_parameters *ret)
{
    cr_assert_eq(wire_parameters_read(span_of_text(text), WIRE_TEXT, ret, &error), STATUS_OK, "%s",
                 error.message);
}

static struct bytes write_as(const struct pir_parameters *parameters, enum wire_form form)
{
    struct bytes out;
    bytes_init(&out, WIRE_PARAMETERS_MAX_BYTES);
    cr_assert_eq(wire_parameters_write(parameters, form, &out, NULL), STATUS_OK);
    return out;
}

Test(wire_parameters, form_follows_the_name)
{
    cr_assert_eq(wire_form_of_path("a/b.txtpb"), WIRE_TEXT);
    cr_assert_eq(wire_form_of_path(".txtpb"), WIRE_TEXT);
    cr_assert_eq(wire_form_of_path("a.txtpb.bak"), WIRE_BINARY);
    cr_assert_eq(wire_form_of_path("a.TXTPB"), WIRE_BINARY);
    cr_assert_eq(wire_form_of_path("txtpb"), WIRE_BINARY);
    cr_assert_eq(wire_form_of_path(""), WIRE_BINARY);
}

Test(wire_parameters, text_and_binary_say_the_same)
{
    const struct pir_parameters expected = usual_parameters();
    struct pir_parameters got;
    struct bytes binary = from_hex(PARAMETERS_HEX);
    struct bytes out;
    read_text(usual_text, &got);
    cr_assert(pir_parameters_equal(&got, &expected));
    out = write_as(&got, WIRE_TEXT);
    cr_assert(span_equal(bytes_view(&out), span_of_text(usual_text)));
    bytes_deinit(&out);

    cr_assert_eq(binary.size, 85);
    out = write_as(&got, WIRE_BINARY);
    cr_assert(span_equal(bytes_view(&out), bytes_view(&binary)));
    memset(&got, 0xff, sizeof got);
    cr_assert_eq(wire_parameters_read(bytes_view(&binary), WIRE_BINARY, &got, &error), STATUS_OK);
    cr_assert(pir_parameters_equal(&got, &expected));
    cr_assert(got.has_sharding_function && !got.is_symmetric && !got.encoding_entry_size);
    bytes_deinit(&out);
    bytes_deinit(&binary);
}

Test(wire_parameters, reference_files_come_back_identical)
{
    static const char *const files[] = {
        "pir/small/shard-0.params.txtpb",
        "pir/sharded/shard-0.params.txtpb",
        "pir/sharded/shard-1.params.txtpb",
        "pir/sharded/shard-2.params.txtpb",
        "pir/sharded/shard-3.params.txtpb",
        "pir/fixed-buckets/shard-0.params.txtpb",
        "pir/fixed-buckets/shard-1.params.txtpb",
        "pir/even-dimensions/shard-0.params.txtpb",
        "pir/hybrid-compression/shard-0.params.txtpb",
        "pir/max-compression/shard-0.params.txtpb",
        "pir/large-values/shard-0.params.txtpb",
    };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct bytes file = vector_file(files[i]);
        struct pir_parameters parameters;
        struct pir_parameters again;
        if (file.size == 0)
            cr_skip_test("no reference vectors");
        cr_assert_eq(wire_parameters_read(bytes_view(&file), WIRE_TEXT, &parameters, &error),
                     STATUS_OK, "%s: %s", files[i], error.message);
        struct bytes out = write_as(&parameters, WIRE_TEXT);
        cr_assert(span_equal(bytes_view(&out), bytes_view(&file)), "%s", files[i]);
        struct bytes binary = write_as(&parameters, WIRE_BINARY);
        cr_assert_eq(wire_parameters_read(bytes_view(&binary), WIRE_BINARY, &again, &error),
                     STATUS_OK);
        cr_assert(pir_parameters_equal(&parameters, &again));
        bytes_deinit(&binary);
        bytes_deinit(&out);
        bytes_deinit(&file);
    }
}

Test(wire_parameters, keeps_what_the_file_says_about_sharding)
{
    struct pir_parameters parameters = usual_parameters();
    struct pir_parameters got;
    parameters.sharding = (struct sharding){SHARDING_DOUBLE_MOD, 57};
    struct bytes out = write_as(&parameters, WIRE_TEXT);
    cr_assert_not_null(
        strstr((const char *)out.data, "double_mod {\n      other_shard_count: 57\n"));
    cr_assert_eq(wire_parameters_read(bytes_view(&out), WIRE_TEXT, &got, &error), STATUS_OK);
    cr_assert(pir_parameters_equal(&parameters, &got));
    bytes_deinit(&out);

    parameters = usual_parameters();
    parameters.has_sharding_function = false;
    out = write_as(&parameters, WIRE_BINARY);
    cr_assert_eq(wire_parameters_read(bytes_view(&out), WIRE_BINARY, &got, &error), STATUS_OK);
    cr_assert(!got.has_sharding_function && got.sharding.function == SHARDING_SHA256);
    bytes_deinit(&out);

    parameters.has_keyword_parameters = false;
    parameters.hash_function_count = 1;
    parameters.encoding_entry_size = true;
    out = write_as(&parameters, WIRE_TEXT);
    cr_assert_eq(wire_parameters_read(bytes_view(&out), WIRE_TEXT, &got, &error), STATUS_OK);
    cr_assert(pir_parameters_equal(&parameters, &got));
    bytes_deinit(&out);
}

/* usual_text with a symmetric configuration of this key and type. */
static void symmetric_text(const char *key, int type, char *ret, size_t size)
{
    const char *at = strstr(usual_text, "  sharding_function");
    snprintf(ret, size,
             "%.*s  symmetric_pir_client_config {\n    server_public_key: \"%s\"\n"
             "    config_type: %d\n  }\n%s",
             (int)(at - usual_text), usual_text, key, type, at);
}

#define SYMMETRIC_KEY "\\003\\000abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstu"

Test(wire_parameters, symmetric_pir)
{
    struct pir_parameters got;
    struct pir_parameters again;
    char text[sizeof usual_text + 300];
    symmetric_text(SYMMETRIC_KEY, 1, text, sizeof text);
    read_text(text, &got);
    cr_assert(got.is_symmetric);
    cr_assert_eq(memcmp(got.symmetric_public_key, "\003\000abc", 5), 0);
    cr_assert_eq(got.symmetric_public_key[PIR_SYMMETRIC_KEY_BYTES - 1], 'u');
    static const enum wire_form forms[] = {WIRE_TEXT, WIRE_BINARY};
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        struct bytes out = write_as(&got, forms[i]);
        cr_assert_eq(wire_parameters_read(bytes_view(&out), forms[i], &again, &error), STATUS_OK);
        cr_assert(again.is_symmetric && pir_parameters_equal(&got, &again));
        bytes_deinit(&out);
    }
}

static void refused(const char *text, enum status expected, const char *said)
{
    struct pir_parameters got = usual_parameters();
    const struct pir_parameters before = got;
    cr_assert_eq(wire_parameters_read(span_of_text(text), WIRE_TEXT, &got, &error), expected);
    cr_assert(says(&error, said), "%s", error.message);
    cr_assert_eq(memcmp(&got, &before, sizeof got), 0, "the output was touched");
}

Test(wire_parameters, symmetric_configurations_that_are_none)
{
    char text[sizeof usual_text + 300];
    symmetric_text("abc", 1, text, sizeof text);
    refused(text, STATUS_MALFORMED, "server_public_key of 3 bytes, 49 are due");
    symmetric_text("", 1, text, sizeof text);
    refused(text, STATUS_MALFORMED, "server_public_key of 0 bytes, 49 are due");
    symmetric_text(SYMMETRIC_KEY "x", 1, text, sizeof text);
    refused(text, STATUS_MALFORMED, "server_public_key of 50 bytes");
    symmetric_text(SYMMETRIC_KEY, 0, text, sizeof text);
    refused(text, STATUS_UNSUPPORTED, "config_type 0 is not supported, only 1");
}

Test(wire_parameters, missing_and_overlong_parts_are_named)
{
    char many[4000] = "encryption_parameters { coefficient_moduli: [1";
    refused("", STATUS_MALFORMED, "PirParameters: encryption_parameters are missing");
    refused("encryption_parameters {}", STATUS_MALFORMED, "evaluation_key_config is missing");
    refused("encryption_parameters {} evaluation_key_config {}", STATUS_MALFORMED,
            "evaluation key configuration: encryption_parameters are missing");
    refused("encryption_parameters {} dimensions: [1, 2, 3]", STATUS_MALFORMED, "3 dimensions");
    for (int i = 0; i < 32; i++)
        strcat(many, ", 2");
    strcat(many, "] }");
    refused(many, STATUS_MALFORMED, "33 coefficient_moduli, at most 32");
    strcpy(many, "encryption_parameters {} evaluation_key_config { galois_elements: [1");
    for (int i = 0; i < 64; i++)
        strcat(many, ", 2");
    strcat(many, "] }");
    refused(many, STATUS_MALFORMED, "65 galois_elements, at most 64");
    refused("num_entries: x", STATUS_MALFORMED, "line 1, column 14");
    refused("\xff", STATUS_MALFORMED, "not valid UTF-8");

    struct pir_parameters got;
    static const uint8_t foreign[] = "%PDF-1.7 and so on";
    cr_assert_eq(wire_parameters_read(span_of(foreign, sizeof foreign), WIRE_BINARY, &got, &error),
                 STATUS_MALFORMED);
    uint8_t *large = mem_alloc_zeroed(WIRE_PARAMETERS_MAX_BYTES + 1, 1);
    cr_assert_eq(wire_parameters_read(span_of(large, WIRE_PARAMETERS_MAX_BYTES + 1), WIRE_BINARY,
                                      &got, &error),
                 STATUS_TOO_LARGE);
    mem_free(large);
}

Test(wire_parameters, every_cut_of_the_binary_form_is_refused_or_another_message)
{
    struct bytes binary = from_hex(PARAMETERS_HEX);
    struct pir_parameters got;
    for (size_t size = 0; size < binary.size; size++) {
        const enum status st =
            wire_parameters_read(span_of(binary.data, size), WIRE_BINARY, &got, &error);
        /* The last field is the key configuration: without it no prefix is complete. */
        cr_assert_eq(st, STATUS_MALFORMED, "%zu", size);
    }
    bytes_deinit(&binary);
}

Test(wire_parameters, key_configuration)
{
    const struct pir_parameters parameters = usual_parameters();
    struct pir_evaluation_key_config got;
    struct bytes binary = from_hex(KEY_CONFIG_HEX);
    struct bytes out;
    bytes_init(&out, 1000);
    cr_assert_eq(wire_key_config_write(&parameters.evaluation_key, WIRE_BINARY, &out, NULL),
                 STATUS_OK);
    cr_assert(span_equal(bytes_view(&out), bytes_view(&binary)));
    cr_assert_eq(wire_key_config_read(bytes_view(&out), WIRE_BINARY, &got, &error), STATUS_OK);
    cr_assert_eq(got.galois_element_count, 4);
    cr_assert_eq(got.galois_elements[3], 4097);
    cr_assert(got.has_relin_key);
    bytes_deinit(&out);
    bytes_deinit(&binary);
}

Test(wire_parameters, files_are_written_and_read)
{
    char folder[] = "/tmp/wire_parameters.XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    const struct pir_parameters parameters = usual_parameters();
    struct pir_parameters got;
    struct pir_evaluation_key_config config;
    struct bytes file;
    static const char *const names[] = {"a.txtpb", "a.binpb"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char *path = path_join(folder, names[i]);
        cr_assert_eq(wire_parameters_write_file(path, &parameters, &error), STATUS_OK);
        cr_assert_eq(wire_parameters_read_file(path, &got, &error), STATUS_OK, "%s", error.message);
        cr_assert(pir_parameters_equal(&parameters, &got));
        cr_assert_eq(wire_key_config_write_file(path, &parameters.evaluation_key, &error),
                     STATUS_OK);
        bytes_init(&file, 1000);
        cr_assert_eq(file_read(path, &file, &error), STATUS_OK);
        cr_assert_eq(
            wire_key_config_read(bytes_view(&file), wire_form_of_path(path), &config, &error),
            STATUS_OK);
        bytes_deinit(&file);
        cr_assert_eq(config.galois_element_count, 4);
        cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text("x\ny {"), &error), STATUS_OK);
        cr_assert_eq(wire_parameters_read_file(path, &got, &error), STATUS_MALFORMED);
        cr_assert(says(&error, path), "%s", error.message);
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(wire_parameters_read_file(path, &got, &error), STATUS_NOT_FOUND);
        mem_free(path);
    }
    cr_assert_eq(rmdir(folder), 0);
}

Test(wire_parameters, every_failed_allocation_is_reported)
{
    const struct pir_parameters parameters = usual_parameters();
    for (int form = WIRE_BINARY; form <= WIRE_TEXT; form++) {
        struct bytes text = write_as(&parameters, (enum wire_form)form);
        for (size_t n = 1;; n++) {
            struct pir_parameters got;
            mem_fail_nth(n);
            const enum status st =
                wire_parameters_read(bytes_view(&text), (enum wire_form)form, &got, NULL);
            const bool pending = mem_fail_pending();
            mem_fail_nth(0);
            if (pending) {
                cr_assert_eq(st, STATUS_OK);
                cr_assert_gt(n, 5);
                break;
            }
            cr_assert_eq(st, STATUS_NOMEM);
        }
        bytes_deinit(&text);
    }
}
