#include "pir-server/wire/wire_query.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_ciphertext.h"
#include "pir-server/bfv/bfv_serial.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct error error;

static const char *const sets[] = {
    "small",           "sharded",      "fixed-buckets", "even-dimensions", "hybrid-compression",
    "max-compression", "large-values",
};

static struct bytes set_file(const char *set, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "pir/%s/%s", set, name);
    return vector_file(path);
}

Test(wire_query, reference_queries_come_back_identical)
{
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        struct bytes file = set_file(sets[i], "q0.query.bin");
        struct wire_query *query = NULL;
        struct bytes out;
        if (file.size == 0)
            cr_skip_test("no reference vectors");
        bytes_init(&out, WIRE_HELP_MAX_BYTES);
        cr_assert_eq(wire_query_read(bytes_view(&file), &query, &error), STATUS_OK, "%s",
                     error.message);
        const struct pir_query *view = wire_query_get(query);
        cr_assert_eq(view->ciphertext_count, 1);
        cr_assert_eq(view->num_pir_calls, 2);
        cr_assert_eq(view->ciphertexts[0].kind, PIR_CIPHERTEXT_SEEDED);
        cr_assert_eq(view->ciphertexts[0].poly0.size, 28160);
        cr_assert_eq(view->ciphertexts[0].seed.size, 32);
        cr_assert_eq(wire_query_write(view, &out, &error), STATUS_OK);
        cr_assert(span_equal(bytes_view(&out), bytes_view(&file)), "%s", sets[i]);
        wire_query_free(query);
        bytes_deinit(&out);
        bytes_deinit(&file);
    }
}

/* Query 0 of `small`, decoded by the lattice room, has the coefficients the reference saw. */
Test(wire_query, reference_query_has_its_coefficients)
{
    struct bytes file = set_file("small", "q0.query.bin");
    struct bytes words = set_file("small", "q0.query.coefficients.u32le");
    const struct bfv_parameters parameters = usual_encryption();
    struct bfv_context *context = NULL;
    struct bfv_ciphertext ciphertext;
    struct wire_query *query = NULL;
    if (file.size == 0)
        cr_skip_test("no reference vectors");
    cr_assert_eq(bfv_context_new(&parameters, 0, NULL, &context, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(bfv_ciphertext_init(context, 2, 2, BFV_COEFFICIENT, &ciphertext, &error),
                 STATUS_OK);
    cr_assert_eq(wire_query_read(bytes_view(&file), &query, &error), STATUS_OK);
    const struct pir_ciphertext_bytes *view = &wire_query_get(query)->ciphertexts[0];
    cr_assert_eq(bfv_ciphertext_read_seeded(context, view->poly0, view->seed, &ciphertext, &error),
                 STATUS_OK);
    cr_assert_eq(words.size, 65536);
    for (size_t i = 0; i < words.size / 4; i++) {
        const uint8_t *word = words.data + 4 * i;
        const uint32_t expected = (uint32_t)word[0] | (uint32_t)word[1] << 8 |
                                  (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
        cr_assert_eq(ciphertext.words[i], expected, "word %zu", i);
    }
    wire_query_free(query);
    bfv_ciphertext_deinit(&ciphertext);
    bfv_context_free(context);
    bytes_deinit(&file);
    bytes_deinit(&words);
}

Test(wire_query, reference_responses_come_back_identical)
{
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        struct bytes file = set_file(sets[i], "q0.response.bin");
        struct wire_response *response = NULL;
        struct bytes out;
        if (file.size == 0)
            cr_skip_test("no reference vectors");
        bytes_init(&out, WIRE_HELP_MAX_BYTES);
        cr_assert_eq(wire_response_read(bytes_view(&file), &response, &error), STATUS_OK, "%s",
                     error.message);
        const struct pir_response *view = wire_response_get(response);
        cr_assert_eq(view->reply_count, 2);
        for (size_t k = 0; k < view->reply_count; k++) {
            cr_assert_eq(view->replies[k].ciphertext_count,
                         strcmp(sets[i], "large-values") == 0 ? 3 : 1);
            cr_assert_eq(view->replies[k].ciphertexts[0].kind, PIR_CIPHERTEXT_FULL);
            cr_assert_eq(view->replies[k].ciphertexts[0].skip_count, 2);
            cr_assert_eq(view->replies[k].ciphertexts[0].skip_lsbs[0], 19);
            cr_assert_eq(view->replies[k].ciphertexts[0].correction_factor, 1);
        }
        cr_assert_eq(wire_response_write(view, &out, &error), STATUS_OK);
        cr_assert(span_equal(bytes_view(&out), bytes_view(&file)), "%s", sets[i]);
        wire_response_free(response);
        bytes_deinit(&out);
        bytes_deinit(&file);
    }
}

static enum status read_query(const char *hex)
{
    struct bytes in = from_hex(hex);
    struct wire_query *query = NULL;
    const enum status st = wire_query_read(bytes_view(&in), &query, &error);
    wire_query_free(query);
    bytes_deinit(&in);
    return st;
}

static enum status read_response(const char *hex)
{
    struct bytes in = from_hex(hex);
    struct wire_response *response = NULL;
    const enum status st = wire_response_read(bytes_view(&in), &response, &error);
    wire_response_free(response);
    bytes_deinit(&in);
    return st;
}

Test(wire_query, hostile_queries)
{
    cr_assert_eq(read_query(""), STATUS_OK); /* pir/ asks for the right counts */
    cr_assert_eq(read_query("0a00 10ffffffffffffffffff01"), STATUS_OK);
    cr_assert_eq(read_query("0a06 0a00 1200 0a00"), STATUS_OK);
    cr_assert_eq(read_query("0a"), STATUS_MALFORMED);
    cr_assert_eq(read_query("0801"), STATUS_MALFORMED);
    cr_assert_eq(read_query("0a02 0801"), STATUS_MALFORMED);
    cr_assert_eq(read_query("0a04 0a02 0801"), STATUS_MALFORMED);

    struct bytes many;
    struct wire_query *query = NULL;
    bytes_init(&many, WIRE_HELP_MAX_BYTES);
    for (size_t i = 0; i <= WIRE_QUERY_CIPHERTEXTS_MAX; i++)
        append_hex(&many, "0a00");
    cr_assert_eq(wire_query_read(bytes_view(&many), &query, &error), STATUS_TOO_LARGE);
    cr_assert(says(&error, "2049 ciphertexts, at most 2048"), "%s", error.message);
    cr_assert_null(query);
    bytes_deinit(&many);

    /* The kinds, and the last member of the choice wins. */
    struct bytes in = from_hex("0a00 0a06 0a02 0a00 1200 0a02 0a00");
    cr_assert_eq(wire_query_read(bytes_view(&in), &query, &error), STATUS_OK);
    const struct pir_query *view = wire_query_get(query);
    cr_assert_eq(view->ciphertext_count, 3);
    cr_assert_eq(view->ciphertexts[0].kind, PIR_CIPHERTEXT_NONE);
    cr_assert_eq(view->ciphertexts[1].kind, PIR_CIPHERTEXT_FULL);
    cr_assert_eq(view->ciphertexts[2].kind, PIR_CIPHERTEXT_SEEDED);
    struct bytes out;
    bytes_init(&out, 100);
    cr_assert_eq(wire_query_write(view, &out, &error), STATUS_OK);
    wire_query_free(query);
    bytes_deinit(&out);
    bytes_deinit(&in);
}

Test(wire_query, hostile_responses)
{
    cr_assert_eq(read_response(""), STATUS_OK);
    cr_assert_eq(read_response("0a00 1200"), STATUS_OK); /* an empty stash hides nothing */
    cr_assert_eq(read_response("12030a0105"), STATUS_UNSUPPORTED);
    cr_assert_eq(read_response("1203120131"), STATUS_UNSUPPORTED);
    cr_assert_eq(read_response("12031a0105"), STATUS_UNSUPPORTED);
    cr_assert_eq(read_response("0a05"), STATUS_MALFORMED);
    struct bytes many;
    struct wire_response *response = NULL;
    bytes_init(&many, WIRE_HELP_MAX_BYTES);
    for (size_t i = 0; i <= WIRE_REPLIES_MAX; i++)
        append_hex(&many, "0a00");
    cr_assert_eq(wire_response_read(bytes_view(&many), &response, &error), STATUS_TOO_LARGE);
    cr_assert(says(&error, "65 replies, at most 64"), "%s", error.message);
    bytes_clear(&many);
    append_hex(&many, "0a828002"); /* 32,770 bytes */
    for (size_t i = 0; i <= WIRE_REPLY_CHUNKS_MAX; i++)
        append_hex(&many, "0a00");
    cr_assert_eq(wire_response_read(bytes_view(&many), &response, &error), STATUS_TOO_LARGE);
    bytes_deinit(&many);
}

static enum status whole_exchange(void)
{
    static const uint32_t skips[] = {19, 11};
    const struct pir_ciphertext_bytes seeded = {
        .kind = PIR_CIPHERTEXT_SEEDED, .poly0 = span_of_text("a"), .seed = span_of_text("b")};
    const struct pir_ciphertext_bytes full = {.kind = PIR_CIPHERTEXT_FULL,
                                              .polys = span_of_text("a"),
                                              .skip_lsbs = skips,
                                              .skip_count = 2,
                                              .correction_factor = 1};
    const struct pir_query query = {&seeded, 1, 2};
    const struct pir_reply reply = {&full, 1};
    const struct pir_response response = {&reply, 1};
    struct wire_query *query_read = NULL;
    struct wire_response *response_read = NULL;
    struct bytes bytes;
    bytes_init(&bytes, 1000);
    enum status st = wire_query_write(&query, &bytes, NULL);
    if (st == STATUS_OK)
        st = wire_query_read(bytes_view(&bytes), &query_read, NULL);
    bytes_clear(&bytes);
    if (st == STATUS_OK)
        st = wire_response_write(&response, &bytes, NULL);
    if (st == STATUS_OK)
        st = wire_response_read(bytes_view(&bytes), &response_read, NULL);
    wire_query_free(query_read);
    wire_response_free(response_read);
    bytes_deinit(&bytes);
    return st;
}

Test(wire_query, every_failed_allocation_is_reported)
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
