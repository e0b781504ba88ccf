#include "pir-server/wire/wire_requests.h"

#include "base/mem.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;

static void equals_hex(struct span got, const char *hex)
{
    struct bytes expected = from_hex(hex);
    cr_assert(span_equal(got, bytes_view(&expected)), "%s", hex);
    bytes_deinit(&expected);
}

static struct wire_requests *requests_of(const char *hex, enum status expected)
{
    struct bytes body = from_hex(hex);
    struct wire_requests *requests = NULL;
    const enum status st = wire_requests_read(bytes_view(&body), &requests, &error);
    bytes_deinit(&body); /* nothing may point into it */
    cr_assert_eq(st, expected, "%s: %d", hex, (int)st);
    return requests;
}

#define WHOLE_REQUEST                                                                              \
    "0a2c 0a027563 1226 0807 12021002 1a050809120162 2203636667 2a00"                              \
    "3210 0a06080912026b31 1206 0a0212001a00"

Test(wire_requests, shows_all_of_a_request)
{
    struct wire_requests *requests = requests_of(WHOLE_REQUEST "0a00", STATUS_OK);
    cr_assert_eq(wire_requests_count(requests), 2);
    const struct wire_request *request = wire_requests_get(requests, 0);
    cr_assert_eq(request->kind, WIRE_REQUEST_PIR);
    cr_assert(span_equal(request->use_case, span_of_text("uc")));
    cr_assert_eq(request->shard_index, 7);
    cr_assert(request->has_query);
    equals_hex(request->query, "1002");
    cr_assert(request->has_key_metadata);
    cr_assert_eq(request->key_timestamp, 9);
    cr_assert(span_equal(request->key_identifier, span_of_text("b")));
    cr_assert(span_equal(request->configuration_id, span_of_text("cfg")));
    cr_assert(request->has_shard_id);
    cr_assert_eq(request->shard_id.size, 0);
    cr_assert(request->has_inline_key && request->inline_key.has_metadata);
    cr_assert(span_equal(request->inline_key.identifier, span_of_text("k1")));
    cr_assert(request->inline_key.has_key);
    equals_hex(request->inline_key.serialized, "0a0212001a00");
    cr_assert_eq(wire_requests_get(requests, 1)->kind, WIRE_REQUEST_NONE);

    struct bytes out;
    bytes_init(&out, 1000);
    cr_assert_eq(wire_requests_write(request, 1, &out, &error), STATUS_OK);
    equals_hex(bytes_view(&out), WHOLE_REQUEST);
    bytes_deinit(&out);
    wire_requests_free(requests);
    wire_requests_free(NULL);
}

Test(wire_requests, shows_what_is_missing)
{
    struct wire_requests *requests = requests_of("0a02 1200", STATUS_OK);
    const struct wire_request *request = wire_requests_get(requests, 0);
    cr_assert_eq(request->kind, WIRE_REQUEST_PIR);
    cr_assert(!request->has_query && !request->has_key_metadata && !request->has_shard_id &&
              !request->has_inline_key);
    cr_assert_eq(request->use_case.size, 0);
    cr_assert_eq(request->configuration_id.size, 0);
    wire_requests_free(requests);

    requests = requests_of("0a04 12023200", STATUS_OK);
    request = wire_requests_get(requests, 0);
    cr_assert(request->has_inline_key && !request->inline_key.has_key &&
              !request->inline_key.has_metadata);
    wire_requests_free(requests);

    requests = requests_of("", STATUS_OK);
    cr_assert_eq(wire_requests_count(requests), 0);
    wire_requests_free(requests);
}

Test(wire_requests, names_the_other_kinds)
{
    static const struct {
        const char *hex;
        enum wire_request_kind kind;
    } kinds[] = {
        {"0a02 1a00", WIRE_REQUEST_PNNS},       {"0a02 2200", WIRE_REQUEST_OPRF},
        {"0a02 2a00", WIRE_REQUEST_SIMPLE_PIR}, {"0a02 3200", WIRE_REQUEST_NONE},
        {"0a04 1200 2200", WIRE_REQUEST_OPRF},
    };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct wire_requests *requests = requests_of(kinds[i].hex, STATUS_OK);
        cr_assert_eq(wire_requests_get(requests, 0)->kind, kinds[i].kind, "%s", kinds[i].hex);
        wire_requests_free(requests);
    }
}

Test(wire_requests, questions_of_symmetric_pir)
{
    const struct wire_request question = {.kind = WIRE_REQUEST_OPRF,
                                          .use_case = span_of_text("u"),
                                          .configuration_id = span_of_text("id"),
                                          .oprf_element = span_of_text("abc")};
    struct bytes out;
    bytes_init(&out, 100);
    cr_assert_eq(wire_requests_write(&question, 1, &out, &error), STATUS_OK);
    equals_hex(bytes_view(&out), "0a0e 0a0175 2209 0a03616263 12026964");
    bytes_deinit(&out);
    struct wire_requests *requests = requests_of("0a0e 0a0175 2209 0a03616263 12026964", STATUS_OK);
    const struct wire_request *got = wire_requests_get(requests, 0);
    cr_assert_eq(got->kind, WIRE_REQUEST_OPRF);
    cr_assert(span_equal(got->use_case, question.use_case) &&
              span_equal(got->oprf_element, question.oprf_element) &&
              span_equal(got->configuration_id, question.configuration_id));
    wire_requests_free(requests);
}

Test(wire_requests, refuses_broken_bodies)
{
    cr_assert_null(requests_of("0a", STATUS_MALFORMED));
    cr_assert_null(requests_of("0a0212", STATUS_MALFORMED));
    cr_assert_null(requests_of("0801", STATUS_MALFORMED));
    cr_assert_null(requests_of("0a04 1202 1001", STATUS_MALFORMED)); /* query is no number */
    cr_assert_null(requests_of("0a06 1204 12001200", STATUS_MALFORMED));
    cr_assert(says(&error, "request 0: query is given 2 times"));
    cr_assert_null(requests_of("0a08 1206 3204 12001200", STATUS_MALFORMED));
    cr_assert(says(&error, "request 0: evaluation_key is given 2 times"));
    cr_assert_null(requests_of("0a0a 1208 3202 1200 3202 1200", STATUS_MALFORMED));
    struct bytes whole = from_hex(WHOLE_REQUEST);
    for (size_t size = 1; size < whole.size; size++) {
        struct wire_requests *requests = NULL;
        cr_assert_eq(wire_requests_read(span_of(whole.data, size), &requests, &error),
                     STATUS_MALFORMED);
    }
    bytes_deinit(&whole);
}

static struct bytes repeated_hex(const char *hex, size_t count)
{
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        append_hex(&bytes, hex);
    return bytes;
}

Test(wire_requests, counts_are_limited)
{
    struct bytes body = repeated_hex("0a021200", WIRE_REQUESTS_MAX);
    struct wire_requests *requests = NULL;
    cr_assert_eq(wire_requests_read(bytes_view(&body), &requests, &error), STATUS_OK);
    cr_assert_eq(wire_requests_count(requests), WIRE_REQUESTS_MAX);
    wire_requests_free(requests);
    requests = NULL;
    append_hex(&body, "0a00");
    cr_assert_eq(wire_requests_read(bytes_view(&body), &requests, &error), STATUS_TOO_LARGE);
    cr_assert(says(&error, "513 requests, at most 512"), "%s", error.message);
    struct wire_responses *responses = NULL;
    cr_assert_eq(wire_responses_read(bytes_view(&body), &responses, &error), STATUS_TOO_LARGE);
    bytes_deinit(&body);

    body = repeated_hex("0a00", WIRE_KEYS_PER_UPLOAD_MAX + 1);
    struct wire_key_upload *upload = NULL;
    cr_assert_eq(wire_key_upload_read(bytes_view(&body), &upload, &error), STATUS_TOO_LARGE);
    bytes_deinit(&body);
}

Test(wire_requests, responses)
{
    const struct wire_answer answers[] = {{.kind = WIRE_REQUEST_PIR, .pir = span_of("\x0a\x00", 2)},
                                          {.kind = WIRE_REQUEST_PIR},
                                          {.kind = WIRE_REQUEST_OPRF,
                                           .oprf_element = span_of_text("ab"),
                                           .oprf_proof = span_of_text("c")}};
    struct bytes out;
    bytes_init(&out, 1000);
    cr_assert_eq(wire_responses_write(answers, 3, &out, &error), STATUS_OK);
    equals_hex(bytes_view(&out), "0a04 0a020a00 0a02 0a00 0a09 1a07 0a026162 120163");
    struct wire_responses *responses = NULL;
    cr_assert_eq(wire_responses_read(bytes_view(&out), &responses, &error), STATUS_OK);
    cr_assert_eq(wire_responses_count(responses), 3);
    cr_assert(span_equal(wire_responses_get(responses, 0).pir, answers[0].pir));
    cr_assert_eq(wire_responses_get(responses, 1).pir.size, 0);
    const struct wire_answer oprf = wire_responses_get(responses, 2);
    cr_assert(oprf.kind == WIRE_REQUEST_OPRF && oprf.pir.size == 0 &&
              span_equal(oprf.oprf_element, answers[2].oprf_element) &&
              span_equal(oprf.oprf_proof, answers[2].oprf_proof));
    wire_responses_free(responses);
    wire_responses_free(NULL);
    bytes_clear(&out);
    cr_assert_eq(wire_responses_write(NULL, 0, &out, &error), STATUS_OK);
    cr_assert_eq(out.size, 0);

    responses = NULL;
    append_hex(&out, "0a02 0a00 0a02 1200");
    cr_assert_eq(wire_responses_read(bytes_view(&out), &responses, &error), STATUS_UNSUPPORTED);
    cr_assert(says(&error, "response 1"));
    bytes_clear(&out);
    append_hex(&out, "0a00");
    cr_assert_eq(wire_responses_read(bytes_view(&out), &responses, &error), STATUS_UNSUPPORTED);
    bytes_clear(&out);
    append_hex(&out, "0a050a");
    cr_assert_eq(wire_responses_read(bytes_view(&out), &responses, &error), STATUS_MALFORMED);
    cr_assert_null(responses);
    bytes_deinit(&out);
}

Test(wire_requests, uploads)
{
    struct bytes body = from_hex("0a0d 0a07 08ac02 12026964 1202 0a00 0a00 0a02 1200");
    struct wire_key_upload *upload = NULL;
    cr_assert_eq(wire_key_upload_read(bytes_view(&body), &upload, &error), STATUS_OK);
    cr_assert_eq(wire_key_upload_count(upload), 3);
    const struct wire_key *key = wire_key_upload_get(upload, 0);
    cr_assert(key->has_metadata && key->has_key);
    cr_assert_eq(key->timestamp, 300);
    cr_assert(span_equal(key->identifier, span_of_text("id")));
    equals_hex(key->serialized, "0a00");
    cr_assert(!wire_key_upload_get(upload, 1)->has_metadata);
    cr_assert(!wire_key_upload_get(upload, 1)->has_key);
    cr_assert(wire_key_upload_get(upload, 2)->has_key);

    struct bytes out;
    bytes_init(&out, 1000);
    cr_assert_eq(wire_key_upload_write(wire_key_upload_get(upload, 0), 3, &out, &error), STATUS_OK);
    cr_assert(span_equal(bytes_view(&out), bytes_view(&body)));
    wire_key_upload_free(upload);
    wire_key_upload_free(NULL);

    bytes_clear(&body);
    append_hex(&body, "0a00 0a04 12001200");
    upload = NULL;
    cr_assert_eq(wire_key_upload_read(bytes_view(&body), &upload, &error), STATUS_MALFORMED);
    cr_assert(says(&error, "key 1: evaluation_key is given 2 times"));
    cr_assert_null(upload);
    bytes_deinit(&body);
    bytes_deinit(&out);
}

Test(wire_requests, errors)
{
    static const char *const hex[] = {"0a00", "1200", "1a00", "2200"};
    for (int kind = WIRE_ERROR_CONFIG_NOT_FOUND; kind <= WIRE_ERROR_INTERNAL; kind++) {
        struct bytes out;
        enum wire_error_kind got;
        bytes_init(&out, 100);
        cr_assert_eq(wire_error_write((enum wire_error_kind)kind, span_of(NULL, 0), &out, &error),
                     STATUS_OK);
        equals_hex(bytes_view(&out), hex[kind - 1]);
        cr_assert_eq(wire_error_read(bytes_view(&out), &got, &error), STATUS_OK);
        cr_assert_eq((int)got, kind);
        bytes_deinit(&out);
    }
    struct bytes out;
    enum wire_error_kind got;
    bytes_init(&out, 100);
    cr_assert_eq(
        wire_error_write(WIRE_ERROR_CONFIG_NOT_FOUND, span_of("\x0a\x00", 2), &out, &error),
        STATUS_OK);
    equals_hex(bytes_view(&out), "0a04 0a020a00");
    cr_assert_eq(wire_error_read(bytes_view(&out), &got, &error), STATUS_OK);
    cr_assert_eq(wire_error_read(span_of(NULL, 0), &got, &error), STATUS_MALFORMED);
    cr_assert_eq(wire_error_read(span_of_text("{\"error\":1}"), &got, &error), STATUS_MALFORMED);
    bytes_deinit(&out);
}

static enum status whole_exchange(void)
{
    const struct span answer = span_of_text("x");
    struct wire_requests *requests = NULL;
    struct wire_responses *responses = NULL;
    struct wire_key_upload *upload = NULL;
    struct bytes body = {.max_size = 10000};
    const struct wire_key key = {.has_metadata = true, .has_key = true, .serialized = answer};
    const struct wire_request request = {.kind = WIRE_REQUEST_PIR,
                                         .has_query = true,
                                         .query = answer,
                                         .has_inline_key = true,
                                         .inline_key = key};
    enum status st = wire_requests_write(&request, 1, &body, NULL);
    if (st == STATUS_OK)
        st = wire_requests_read(bytes_view(&body), &requests, NULL);
    bytes_clear(&body);
    if (st == STATUS_OK)
        st = wire_responses_write(&(struct wire_answer){.kind = WIRE_REQUEST_PIR, .pir = answer}, 1,
                                  &body, NULL);
    if (st == STATUS_OK)
        st = wire_responses_read(bytes_view(&body), &responses, NULL);
    bytes_clear(&body);
    if (st == STATUS_OK)
        st = wire_key_upload_write(&key, 1, &body, NULL);
    if (st == STATUS_OK)
        st = wire_key_upload_read(bytes_view(&body), &upload, NULL);
    wire_requests_free(requests);
    wire_responses_free(responses);
    wire_key_upload_free(upload);
    bytes_deinit(&body);
    return st;
}

Test(wire_requests, every_failed_allocation_is_reported)
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
