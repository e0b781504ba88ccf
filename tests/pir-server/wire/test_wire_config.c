#include "pir-server/wire/wire_config.h"

#include "base/mem.h"
#include "pir-server/wire/wire_parameters.h"
#include "pir-server/wire/wire_served.h"
#include "tests/pir-server/lattice_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct error error;

#define SHARDS_AT_MOST 8

static struct wire_config *config_of(const struct pir_parameters *shards, size_t count)
{
    const struct pir_parameters *list[SHARDS_AT_MOST];
    struct wire_config *config = NULL;
    for (size_t i = 0; i < count; i++)
        list[i] = &shards[i];
    cr_assert_eq(wire_config_new(list, count, &config, &error), STATUS_OK, "%s", error.message);
    return config;
}

static void equals_hex(struct span got, const char *hex)
{
    struct bytes expected = from_hex(hex);
    cr_assert(span_equal(got, bytes_view(&expected)), "%s", hex);
    bytes_deinit(&expected);
}

struct answer {
    struct span use_case;
    const struct wire_config *config;
    enum wire_config_form form;
    uint64_t key_timestamp;
};

static enum status write_answers(const struct answer *answers, size_t count, struct bytes *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = wire_config_entry_write(answers[i].config, answers[i].use_case, answers[i].form,
                                         out, &error);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status =
            wire_config_key_state_write(answers[i].config, answers[i].key_timestamp, out, &error);
    return status;
}

static struct bytes respond(const struct answer *answers, size_t count)
{
    struct bytes out;
    bytes_init(&out, WIRE_HELP_MAX_BYTES);
    cr_assert_eq(write_answers(answers, count, &out), STATUS_OK, "%s", error.message);
    return out;
}

#define EP  "08802010111a0c81c0fd3f8180fc7f81c0fb7f28013001"
#define KW  "080222020a00"
#define EKC "0a17" EP "120881048108811081201801"

/* The parameters of the example in service.md section 3.3. */
static struct pir_parameters example_parameters(void)
{
    struct pir_parameters parameters = usual_parameters();
    parameters.entry_count = 20;
    parameters.entry_bytes = 100;
    parameters.dimensions[0] = 5;
    parameters.evaluation_key.galois_element_count = 5;
    const uint32_t elements[] = {257, 513, 1025, 2049, 4097};
    memcpy(parameters.evaluation_key.galois_elements, elements, sizeof elements);
    return parameters;
}

Test(wire_config, one_shard_as_in_the_text)
{
    const struct pir_parameters shard = example_parameters();
    struct wire_config *config = config_of(&shard, 1);
    equals_hex(span_of(wire_config_key_id(config), 32),
               "0be48d48b876453fea181e4578208c95f24a1a502339083b33382594fbfcba68");
    equals_hex(span_of(wire_config_id(config), 32),
               "e9045d100148ed31957a27686f48b51fa952f3db844f3081162547f2d213446e");
    equals_hex(wire_config_serialized(config),
               "0a17" EP "120a 081410641a0205042200 1a06" KW "2001 2802 3220"
               "0be48d48b876453fea181e4578208c95f24a1a502339083b33382594fbfcba68");
    wire_config_free(config);
}

Test(wire_config, two_equal_shards_as_in_the_texts)
{
    const struct pir_parameters shards[] = {example_parameters(), example_parameters()};
    struct wire_config *config = config_of(shards, 2);
    equals_hex(span_of(wire_config_id(config), 32),
               "821d54d7fb939f999eb8d84fdd24dc3b54b71df7473cf67e76c4fb01724ccf8d");
    wire_config_free(config);

    const struct pir_parameters others[] = {usual_parameters(), usual_parameters()};
    config = config_of(others, 2);
    equals_hex(span_of(wire_config_id(config), 32),
               "ec7cd11a6d3bd4da4892754fc257115f59b568c27faa61115f9253854961fb43");
    wire_config_free(config);
}

/* wire.md section 10. */
Test(wire_config, whole_response_as_in_the_text)
{
    const struct pir_parameters shards[] = {usual_parameters(), usual_parameters()};
    struct wire_config *config = config_of(shards, 2);
    struct answer answer = {.use_case = span_of_text("uc"), .config = config};
    struct bytes got = respond(&answer, 1);
    cr_assert_eq(got.size, 176);
    equals_hex(bytes_view(&got), "0a8401 0a027563 127e 0a5a 0a17" EP "1a06" KW "2001 2802 3220"
                                 "13d2fd8bf643a9adbd0a86659c47d8c678943f5d10aea2fb8bf3dbd6e049ecf8"
                                 "52110a0f0a0b08201080081a020404220010021a20"
                                 "ec7cd11a6d3bd4da4892754fc257115f59b568c27faa61115f9253854961fb43"
                                 "1227 1225" EKC);
    bytes_deinit(&got);

    answer.form = WIRE_CONFIG_OLD_PLATFORM;
    answer.key_timestamp = 5;
    got = respond(&answer, 1);
    equals_hex(bytes_view(&got),
               "0a8c01 0a027563 128501 0a61 0a17" EP
               "120b08201080081a0204042200 120b08201080081a0204042200 1a06" KW "2001 2802 3220"
               "13d2fd8bf643a9adbd0a86659c47d8c678943f5d10aea2fb8bf3dbd6e049ecf8 1a20"
               "ec7cd11a6d3bd4da4892754fc257115f59b568c27faa61115f9253854961fb43"
               "1229 0805 1225" EKC);
    bytes_deinit(&got);

    answer.form = WIRE_CONFIG_REUSE;
    got = respond(&answer, 1);
    equals_hex(bytes_view(&got), "0a08 0a027563 12022001 1229 0805 1225" EKC);
    bytes_deinit(&got);
    wire_config_free(config);
}

static void same_as_reference(const char *set, const char *use_case, size_t shard_count)
{
    struct pir_parameters shards[SHARDS_AT_MOST];
    char path[200];
    for (size_t i = 0; i < shard_count; i++) {
        snprintf(path, sizeof path, "pir/%s/shard-%zu.params.txtpb", set, i);
        struct bytes file = vector_file(path);
        if (file.size == 0)
            cr_skip_test("no reference vectors");
        cr_assert_eq(wire_parameters_read(bytes_view(&file), WIRE_TEXT, &shards[i], &error),
                     STATUS_OK);
        bytes_deinit(&file);
    }
    struct wire_config *config = config_of(shards, shard_count);
    struct answer answer = {.use_case = span_of_text(use_case), .config = config};

    snprintf(path, sizeof path, "http/%s/config.request.bin", set);
    struct bytes body = vector_file(path);
    struct wire_config_request *request = NULL;
    cr_assert_eq(wire_config_request_read(bytes_view(&body), &request, &error), STATUS_OK);
    cr_assert_eq(wire_config_request_count(request), 1);
    cr_assert(span_equal(wire_config_request_use_case(request, 0), span_of_text(use_case)));
    cr_assert_eq(wire_config_request_existing_id(request, 0).size, 0);
    struct bytes asked;
    const struct span none = span_of(NULL, 0);
    bytes_init(&asked, 1000);
    cr_assert_eq(wire_config_request_write(&answer.use_case, &none, 1, &asked, NULL), STATUS_OK);
    cr_assert(span_equal(bytes_view(&asked), bytes_view(&body)), "our request differs");
    bytes_deinit(&asked);
    wire_config_request_free(request);
    bytes_deinit(&body);

    for (int old = 0; old < 2; old++) {
        snprintf(path, sizeof path, "http/%s/config.ios18.%d.response.bin", set, old ? 0 : 2);
        struct bytes expected = vector_file(path);
        answer.form = old ? WIRE_CONFIG_OLD_PLATFORM : WIRE_CONFIG_NEWEST;
        struct bytes got = respond(&answer, 1);
        cr_assert(span_equal(bytes_view(&got), bytes_view(&expected)), "%s", path);

        /* And back, as a client reads theirs. */
        struct wire_served_list *list = NULL;
        const struct wire_served *served = NULL;
        cr_assert_eq(wire_served_list_read(bytes_view(&expected), &list, &error), STATUS_OK, "%s",
                     error.message);
        cr_assert_eq(wire_served_list_count(list), 1);
        cr_assert_eq(wire_served_list_find(list, answer.use_case, &served, &error), STATUS_OK);
        cr_assert(!served->reuse);
        cr_assert_eq(served->shard_count, shard_count);
        cr_assert(span_equal(served->config_id, span_of(wire_config_id(config), 32)));
        cr_assert(span_equal(served->key_id, span_of(wire_config_key_id(config), 32)));
        for (size_t i = 0; i < shard_count; i++) {
            struct pir_parameters shard;
            cr_assert_eq(wire_served_shard(served, i, &shard, &error), STATUS_OK);
            shards[i].evaluation_key = *wire_config_key_config(config);
            cr_assert(pir_parameters_equal(&shard, &shards[i]), "shard %zu", i);
            cr_assert_eq(pir_parameters_validate(&shard, &error), STATUS_OK, "%s", error.message);
        }
        struct pir_parameters beyond;
        cr_assert_eq(wire_served_shard(served, shard_count, &beyond, &error), STATUS_INVALID);
        wire_served_list_free(list);
        bytes_deinit(&got);
        bytes_deinit(&expected);
    }
    wire_config_free(config);
}

Test(wire_config, same_bytes_as_the_reference_for_equal_shards)
{
    same_as_reference("fixed-buckets", "com.example.app.url.filtering", 2);
}

Test(wire_config, same_bytes_as_the_reference_for_four_shards)
{
    same_as_reference("sharded", "four.shards", 4);
}

Test(wire_config, different_shards_are_listed_and_their_elements_united)
{
    struct pir_parameters shards[] = {usual_parameters(), example_parameters()};
    struct wire_config *config = config_of(shards, 2);
    const struct pir_evaluation_key_config *keys = wire_config_key_config(config);
    cr_assert_eq(keys->galois_element_count, 5);
    cr_assert_eq(keys->galois_elements[0], 257);
    cr_assert_eq(keys->galois_elements[4], 4097);

    struct answer answer = {.use_case = span_of_text("x"), .config = config};
    struct bytes newest = respond(&answer, 1);
    answer.form = WIRE_CONFIG_OLD_PLATFORM;
    struct bytes old = respond(&answer, 1);
    cr_assert(span_equal(bytes_view(&newest), bytes_view(&old)));
    struct wire_served_list *list = NULL;
    cr_assert_eq(wire_served_list_read(bytes_view(&old), &list, &error), STATUS_OK);
    struct pir_parameters second;
    cr_assert_eq(wire_served_shard(wire_served_list_get(list, 0), 1, &second, &error), STATUS_OK);
    cr_assert_eq(second.entry_count, 20);
    cr_assert_eq(second.evaluation_key.galois_element_count, 5);
    wire_served_list_free(list);
    bytes_deinit(&newest);
    bytes_deinit(&old);
    wire_config_free(config);
}

Test(wire_config, equal_shards_with_other_key_needs_are_not_repeated)
{
    struct pir_parameters shards[] = {usual_parameters(), usual_parameters()};
    shards[1].evaluation_key.galois_elements[0] = 257;
    struct wire_config *config = config_of(shards, 2);
    /* field 10 is the repeated form */
    cr_assert_eq(wire_config_serialized(config).data[25], 0x12);
    wire_config_free(config);
}

Test(wire_config, silent_scheme_and_sharding_are_spelled_out)
{
    struct pir_parameters shards[] = {usual_parameters(), usual_parameters()};
    for (int i = 0; i < 2; i++) {
        shards[i].encryption.he_scheme = 0;
        shards[i].has_sharding_function = false;
    }
    struct wire_config *config = config_of(shards, 2);
    equals_hex(span_of(wire_config_id(config), 32),
               "ec7cd11a6d3bd4da4892754fc257115f59b568c27faa61115f9253854961fb43");
    wire_config_free(config);
}

Test(wire_config, double_mod_is_not_for_old_platforms)
{
    struct pir_parameters shards[] = {usual_parameters(), usual_parameters()};
    for (int i = 0; i < 2; i++)
        shards[i].sharding = (struct sharding){SHARDING_DOUBLE_MOD, 7};
    struct wire_config *config = config_of(shards, 2);
    struct answer answer = {
        .use_case = span_of_text("x"), .config = config, .form = WIRE_CONFIG_OLD_PLATFORM};
    struct bytes out;
    bytes_init(&out, 1000);
    cr_assert_eq(write_answers(&answer, 1, &out), STATUS_UNSUPPORTED);
    cr_assert(says(&error, "does not support sharding functions other than SHA256"));
    cr_assert_eq(out.size, 0);
    answer.form = WIRE_CONFIG_REUSE;
    cr_assert_eq(write_answers(&answer, 1, &out), STATUS_OK);
    bytes_deinit(&out);
    answer.form = WIRE_CONFIG_NEWEST;
    out = respond(&answer, 1);
    struct wire_served_list *list = NULL;
    struct pir_parameters shard;
    cr_assert_eq(wire_served_list_read(bytes_view(&out), &list, &error), STATUS_OK);
    cr_assert_eq(wire_served_shard(wire_served_list_get(list, 0), 1, &shard, &error), STATUS_OK);
    cr_assert_eq(shard.sharding.other_shard_count, 7);
    wire_served_list_free(list);
    bytes_deinit(&out);
    wire_config_free(config);
}

Test(wire_config, devices_learn_the_key_of_symmetric_pir)
{
    struct pir_parameters shards[] = {usual_parameters(), usual_parameters()};
    for (int i = 0; i < 2; i++) {
        shards[i].is_symmetric = true;
        memset(shards[i].symmetric_public_key, 0x5a, PIR_SYMMETRIC_KEY_BYTES);
    }
    struct wire_config *config = config_of(shards, 2);
    const struct answer answer = {
        .use_case = span_of_text("x"), .config = config, .form = WIRE_CONFIG_NEWEST};
    struct bytes out = respond(&answer, 1);
    struct wire_served_list *list = NULL;
    struct pir_parameters shard;
    cr_assert_eq(wire_served_list_read(bytes_view(&out), &list, &error), STATUS_OK);
    cr_assert_eq(wire_served_shard(wire_served_list_get(list, 0), 1, &shard, &error), STATUS_OK);
    cr_assert(shard.is_symmetric && pir_symmetric_equal(&shard, &shards[1]));
    wire_served_list_free(list);
    bytes_deinit(&out);
    wire_config_free(config);
}

static void refused(const struct pir_parameters *other, enum status expected, const char *said)
{
    const struct pir_parameters first = usual_parameters();
    const struct pir_parameters *list[] = {&first, other};
    struct wire_config *config = NULL;
    cr_assert_eq(wire_config_new(list, 2, &config, &error), expected);
    cr_assert_null(config);
    cr_assert(says(&error, said), "%s", error.message);
}

Test(wire_config, shards_must_fit_together)
{
    struct pir_parameters other = usual_parameters();
    struct wire_config *config = NULL;
    cr_assert_eq(wire_config_new(NULL, 0, &config, &error), STATUS_INVALID);
    other.encryption.plaintext_modulus = 11;
    refused(&other, STATUS_INVALID, "shard 1: its encryption parameters differ");
    other = usual_parameters();
    other.hash_function_count = 3;
    refused(&other, STATUS_INVALID, "num_hash_functions");
    other = usual_parameters();
    other.batch_size = 3;
    refused(&other, STATUS_INVALID, "batch_size");
    other = usual_parameters();
    other.sharding.function = SHARDING_DOUBLE_MOD;
    refused(&other, STATUS_INVALID, "sharding_function");
    other = usual_parameters();
    other.is_symmetric = true;
    refused(&other, STATUS_INVALID, "symmetric_pir_client_config");
    other = usual_parameters();
    other.has_keyword_parameters = false;
    refused(&other, STATUS_UNSUPPORTED, "keyword databases");
}

Test(wire_config, many_shards)
{
    const struct pir_parameters one = usual_parameters();
    const struct pir_parameters **list = mem_alloc(WIRE_SHARDS_MAX + 1, sizeof *list);
    struct wire_config *config = NULL;
    for (size_t i = 0; i <= WIRE_SHARDS_MAX; i++)
        list[i] = &one;
    cr_assert_eq(wire_config_new(list, WIRE_SHARDS_MAX + 1, &config, &error), STATUS_TOO_LARGE);
    cr_assert_eq(wire_config_new(list, WIRE_SHARDS_MAX, &config, &error), STATUS_OK);
    struct answer answer = {
        .use_case = span_of_text("x"), .config = config, .form = WIRE_CONFIG_OLD_PLATFORM};
    struct bytes out = respond(&answer, 1);
    struct wire_served_list *served = NULL;
    cr_assert_eq(wire_served_list_read(bytes_view(&out), &served, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(wire_served_list_get(served, 0)->shard_count, WIRE_SHARDS_MAX);
    wire_served_list_free(served);
    bytes_deinit(&out);
    wire_config_free(config);
    mem_free(list);
}

static enum status read_request(const char *hex)
{
    struct bytes body = from_hex(hex);
    struct wire_config_request *request = NULL;
    const enum status st = wire_config_request_read(bytes_view(&body), &request, &error);
    wire_config_request_free(request);
    bytes_deinit(&body);
    return st;
}

Test(wire_config, requests)
{
    cr_assert_eq(read_request(""), STATUS_OK);
    cr_assert_eq(read_request("0a0161 0a0161"), STATUS_OK);
    cr_assert_eq(read_request("0a0161 0a0162 120163 1200"), STATUS_OK);
    cr_assert_eq(read_request("0a0161 0a0162 120163"), STATUS_INVALID);
    cr_assert(says(&error, "1 existing ids for 2 use cases"));
    cr_assert_eq(read_request("1200"), STATUS_INVALID);
    cr_assert_eq(read_request("0a01ff"), STATUS_MALFORMED);
    cr_assert_eq(read_request("0801"), STATUS_MALFORMED);
    cr_assert_eq(read_request("0a05"), STATUS_MALFORMED);

    struct bytes many;
    struct wire_config_request *request = NULL;
    bytes_init(&many, WIRE_HELP_MAX_BYTES);
    for (size_t i = 0; i <= WIRE_USE_CASES_MAX; i++)
        append_hex(&many, "0a0161");
    cr_assert_eq(wire_config_request_read(bytes_view(&many), &request, &error), STATUS_TOO_LARGE);
    bytes_clear(&many);
    append_hex(&many, "0a8002");
    for (size_t i = 0; i < 256; i++)
        bytes_append_u8(&many, 'a');
    cr_assert_eq(wire_config_request_read(bytes_view(&many), &request, &error), STATUS_TOO_LARGE);
    bytes_deinit(&many);

    const struct span names[] = {span_of_text("a"), span_of_text("b")};
    struct bytes out;
    bytes_init(&out, 100);
    cr_assert_eq(wire_config_request_write(names, NULL, 2, &out, NULL), STATUS_OK);
    equals_hex(bytes_view(&out), "0a0161 0a0162");
    bytes_deinit(&out);
}

static enum status read_served(const char *hex)
{
    struct bytes body = from_hex(hex);
    struct wire_served_list *list = NULL;
    const enum status st = wire_served_list_read(bytes_view(&body), &list, &error);
    wire_served_list_free(list);
    bytes_deinit(&body);
    return st;
}

Test(wire_config, hostile_responses)
{
#define KEY_STATE "1227 1225" EKC
#define HASH      "322013d2fd8bf643a9adbd0a86659c47d8c678943f5d10aea2fb8bf3dbd6e049ecf8"
#define REPEATED  "52110a0f0a0b08201080081a02040422001002"
    cr_assert_eq(read_served(""), STATUS_OK);
    cr_assert_eq(read_served("0a2e 0a00 122a 0a28 2001" HASH "1200 1200" KEY_STATE), STATUS_OK,
                 "%s", error.message);
    cr_assert_eq(read_served("0a02 0a00"), STATUS_MALFORMED);
    cr_assert(says(&error, "entry 0: no configuration"));
    cr_assert_eq(read_served("0a04 0a00 1200"), STATUS_MALFORMED);
    cr_assert_eq(read_served("0a06 0a00 1202 1200"), STATUS_UNSUPPORTED);
    cr_assert_eq(read_served("0a06 0a00 1202 2a00"), STATUS_UNSUPPORTED);
    cr_assert_eq(read_served("0a06 0a00 1202 2001 0a06 0a00 1202 2001"), STATUS_MALFORMED);
    cr_assert(says(&error, "the same use case as entry 0"));
    cr_assert_eq(read_served("0a06 0a00 1202 2001 1200"), STATUS_MALFORMED);
    cr_assert(says(&error, "key state 0 has 0 key configurations"));
    /* no shards; ACLS; no key state; repeated without a shard, with none, with 2^32 - 1 */
    cr_assert_eq(read_served("0a2a 0a00 1226 0a24 2001" HASH KEY_STATE), STATUS_MALFORMED);
    cr_assert(says(&error, "0 shards"));
    cr_assert_eq(read_served("0a2a 0a00 1226 0a24 1200" HASH KEY_STATE), STATUS_UNSUPPORTED);
    cr_assert_eq(read_served("0a2c 0a00 1228 0a26 2001" HASH "1200"), STATUS_MALFORMED);
    cr_assert(says(&error, "no key configuration has the digest"));
    cr_assert_eq(read_served("0a2e 0a00 122a 0a28 2001" HASH "5202 0a00" KEY_STATE),
                 STATUS_MALFORMED);
    cr_assert(says(&error, "without shard_config"));
    cr_assert_eq(read_served("0a30 0a00 122c 0a2a 2001" HASH "5204 0a02 0a00" KEY_STATE),
                 STATUS_MALFORMED);
    cr_assert_eq(
        read_served("0a36 0a00 1232 0a30 2001" HASH "520a 0a08 0a00 10ffffffff0f" KEY_STATE),
        STATUS_MALFORMED);
    cr_assert(says(&error, "4294967295 shards"));
    cr_assert_eq(read_served("0a05"), STATUS_MALFORMED);

    struct bytes body = from_hex("0a07 0a0161 1202 2001");
    struct wire_served_list *list = NULL;
    const struct wire_served *served = NULL;
    cr_assert_eq(wire_served_list_read(bytes_view(&body), &list, &error), STATUS_OK);
    cr_assert_eq(wire_served_list_find(list, span_of_text("b"), &served, &error), STATUS_NOT_FOUND);
    cr_assert_eq(wire_served_list_find(list, span_of_text("a"), &served, &error), STATUS_OK);
    cr_assert(served->reuse);
    cr_assert_null(wire_served_key_config(served));
    struct pir_parameters shard;
    cr_assert_eq(wire_served_shard(served, 0, &shard, &error), STATUS_INVALID);
    wire_served_list_free(list);
    bytes_deinit(&body);
}

static enum status whole_exchange(void)
{
    const struct pir_parameters shards[] = {usual_parameters(), usual_parameters()};
    const struct pir_parameters *list[] = {&shards[0], &shards[1]};
    const struct span name = span_of_text("uc");
    struct wire_config *config = NULL;
    struct wire_config_request *request = NULL;
    struct wire_served_list *served = NULL;
    struct bytes out;
    bytes_init(&out, 10000);
    enum status st = wire_config_request_write(&name, &name, 1, &out, NULL);
    if (st == STATUS_OK)
        st = wire_config_request_read(bytes_view(&out), &request, NULL);
    if (st == STATUS_OK)
        st = wire_config_new(list, 2, &config, NULL);
    const struct answer answer = {.use_case = name, .config = config};
    bytes_clear(&out);
    if (st == STATUS_OK)
        st = write_answers(&answer, 1, &out);
    if (st == STATUS_OK)
        st = wire_served_list_read(bytes_view(&out), &served, NULL);
    wire_config_free(config);
    wire_config_request_free(request);
    wire_served_list_free(served);
    bytes_deinit(&out);
    return st;
}

Test(wire_config, every_failed_allocation_is_reported)
{
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status st = whole_exchange();
        const bool pending = mem_fail_pending();
        mem_fail_nth(0);
        if (pending) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 20);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
    }
}
