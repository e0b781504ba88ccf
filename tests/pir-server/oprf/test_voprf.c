#include "pir-server/oprf/voprf.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/oprf/oprf_help.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

/* spec/keyword-pir.md section 10.1: what the reference computed. */
#define REFERENCE_KEY                                                                              \
    "c51874015ca218aabc145297359fb128743b9f14b2b034af23650e6b42d4c815c623c77e8d752c21b9288d36e6e9" \
    "f468"
#define REFERENCE_PUBLIC                                                                           \
    "03fd751f9d1828303a14acbb82063bdfb63bc89c958506a276b8c47fc8ce0f97ad0c7ae0f516b39fcb8c9c8b9cac" \
    "2d444e"
#define REFERENCE_VALUE                                                                            \
    "7afb0cb4087ed000c8e907782a8b314cba4d4f2a1870b3fe7bdac92fb4e21ba336808126c7a2940aa8cb20a37a3c" \
    "fb7c"
#define ORDER                                                                                      \
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc5" \
    "2973"

static struct error error;

static struct voprf_key *key_of(const char *hex)
{
    struct voprf_key *key = NULL;
    struct bytes scalar = from_hex(hex);
    cr_assert_eq(voprf_key_new(scalar.data, &key, &error), STATUS_OK, "%s", error.message);
    bytes_deinit(&scalar);
    return key;
}

static struct span public_of(const struct voprf_key *key)
{
    return span_of(voprf_key_public(key), VOPRF_ELEMENT_BYTES);
}

static void check_vector(const struct voprf_key *key, const json_t *vector)
{
    struct bytes input = vector_bytes(vector, "Input");
    struct bytes blind = vector_bytes(vector, "Blind");
    struct bytes proof_random = vector_bytes(vector, "ProofRandomScalar");
    const struct span drawn[] = {bytes_view(&blind), bytes_view(&proof_random)};
    struct scripted_random script = {.parts = drawn, .part_count = ARRAY_COUNT(drawn)};
    const struct random_source random = scripted_random_source(&script);
    struct voprf_question *question = NULL;
    struct voprf_answer answer;
    uint8_t value[VOPRF_VALUE_BYTES];
    cr_assert_eq(voprf_question_new(bytes_view(&input), &random, &question, &error), STATUS_OK);
    const struct span element = span_of(voprf_question_element(question), VOPRF_ELEMENT_BYTES);
    assert_member(element, vector, "BlindedElement");
    cr_assert_eq(voprf_answer(key, element, &random, &answer, &error), STATUS_OK, "%s",
                 error.message);
    assert_member(span_of(answer.element, sizeof answer.element), vector, "EvaluationElement");
    assert_member(span_of(answer.proof, sizeof answer.proof), vector, "Proof");
    cr_assert_eq(voprf_finish(question, public_of(key), &answer, value, &error), STATUS_OK, "%s",
                 error.message);
    assert_member(span_of(value, sizeof value), vector, "Output");
    memset(value, 0, sizeof value);
    cr_assert_eq(voprf_evaluate(key, bytes_view(&input), value, &error), STATUS_OK);
    assert_member(span_of(value, sizeof value), vector, "Output");
    voprf_question_free(question);
    bytes_deinit(&proof_random);
    bytes_deinit(&blind);
    bytes_deinit(&input);
}

Test(voprf, vectors_of_rfc_9497)
{
    json_t *vectors = oprf_vectors("rfc9497.json");
    const json_t *cases = json_object_get(vectors, "vectors");
    cr_assert_eq(json_array_size(cases), 2);
    struct voprf_key *key = key_of(json_string_value(json_object_get(vectors, "skSm")));
    assert_member(public_of(key), vectors, "pkSm");
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_vector(key, json_array_get(cases, i));
    voprf_key_free(key);
    json_decref(vectors);
}

Test(voprf, computes_what_the_reference_computes)
{
    struct voprf_key *key = key_of(REFERENCE_KEY);
    struct bytes public_key = from_hex(REFERENCE_PUBLIC);
    struct bytes expected = from_hex(REFERENCE_VALUE);
    struct bytes scalar = from_hex(REFERENCE_KEY);
    uint8_t value[VOPRF_VALUE_BYTES];
    uint8_t back[VOPRF_SCALAR_BYTES];
    assert_same(public_of(key), bytes_view(&public_key), "public key");
    cr_assert_eq(voprf_evaluate(key, span_of_text("k3"), value, &error), STATUS_OK);
    assert_same(span_of(value, sizeof value), bytes_view(&expected), "value");
    voprf_key_scalar(key, back);
    assert_same(span_of(back, sizeof back), bytes_view(&scalar), "scalar");
    bytes_deinit(&scalar);
    bytes_deinit(&expected);
    bytes_deinit(&public_key);
    voprf_key_free(key);
}

Test(voprf, keys_lie_between_one_and_the_order)
{
    struct voprf_key *key = NULL;
    struct bytes scalar = from_hex(ORDER);
    cr_assert_eq(voprf_key_new(scalar.data, &key, &error), STATUS_INVALID);
    cr_assert(says(&error, "the key is no number from 1"));
    scalar.data[VOPRF_SCALAR_BYTES - 1]--;
    cr_assert_eq(voprf_key_new(scalar.data, &key, &error), STATUS_OK);
    voprf_key_free(key);
    memset(scalar.data, 0, scalar.size);
    cr_assert_eq(voprf_key_new(scalar.data, &key, &error), STATUS_INVALID);
    scalar.data[VOPRF_SCALAR_BYTES - 1] = 1;
    cr_assert_eq(voprf_key_new(scalar.data, &key, &error), STATUS_OK);
    voprf_key_free(key);
    bytes_deinit(&scalar);
}

/* One question with its right answer, by a key drawn from the system. */
struct exchange {
    struct random_source random;
    struct voprf_key *key;
    struct voprf_question *question;
    struct voprf_answer answer;
};

static struct exchange exchange_make(const char *input)
{
    struct exchange exchange = {.random = random_system()};
    cr_assert_eq(voprf_key_generate(&exchange.random, &exchange.key, &error), STATUS_OK);
    cr_assert_eq(
        voprf_question_new(span_of_text(input), &exchange.random, &exchange.question, &error),
        STATUS_OK);
    cr_assert_eq(
        voprf_answer(exchange.key,
                     span_of(voprf_question_element(exchange.question), VOPRF_ELEMENT_BYTES),
                     &exchange.random, &exchange.answer, &error),
        STATUS_OK);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    voprf_question_free(exchange->question);
    voprf_key_free(exchange->key);
}

Test(voprf, both_ways_lead_to_the_same_value)
{
    static const char *const inputs[] = {"", "example.com", "www.apple.com/url-filter-test"};
    for (size_t i = 0; i < ARRAY_COUNT(inputs); i++) {
        struct exchange exchange = exchange_make(inputs[i]);
        uint8_t asked[VOPRF_VALUE_BYTES];
        uint8_t known[VOPRF_VALUE_BYTES];
        cr_assert_eq(voprf_finish(exchange.question, public_of(exchange.key), &exchange.answer,
                                  asked, &error),
                     STATUS_OK);
        cr_assert_eq(voprf_evaluate(exchange.key, span_of_text(inputs[i]), known, &error),
                     STATUS_OK);
        assert_same(span_of(asked, sizeof asked), span_of(known, sizeof known), inputs[i]);
        exchange_free(&exchange);
    }
}

/* A question hides its input: asked twice, it looks different. */
Test(voprf, questions_are_blinded)
{
    struct exchange one = exchange_make("example.com");
    struct exchange other = exchange_make("example.com");
    cr_assert_neq(memcmp(voprf_question_element(one.question),
                         voprf_question_element(other.question), VOPRF_ELEMENT_BYTES),
                  0);
    exchange_free(&other);
    exchange_free(&one);
}

static enum status finish(const struct exchange *exchange, struct span public_key)
{
    uint8_t value[VOPRF_VALUE_BYTES];
    return voprf_finish(exchange->question, public_key, &exchange->answer, value, &error);
}

Test(voprf, wrong_answers_are_refused)
{
    struct exchange exchange = exchange_make("example.com");
    struct exchange other = exchange_make("example.com");
    const struct span public_key = public_of(exchange.key);
    const struct voprf_answer right = exchange.answer;
    cr_assert_eq(finish(&exchange, public_key), STATUS_OK);
    for (size_t i = 0; i < VOPRF_PROOF_BYTES; i += 7) {
        exchange.answer.proof[i] ^= 1;
        cr_assert_eq(finish(&exchange, public_key), STATUS_MISMATCH, "byte %zu", i);
        cr_assert(says(&error, "the proof is wrong"));
        exchange.answer = right;
    }
    memset(exchange.answer.proof, 0xff, VOPRF_PROOF_BYTES);
    cr_assert_eq(finish(&exchange, public_key), STATUS_MISMATCH);
    memset(exchange.answer.proof, 0, VOPRF_PROOF_BYTES);
    cr_assert_eq(finish(&exchange, public_key), STATUS_MISMATCH);
    exchange.answer = other.answer;
    cr_assert_eq(finish(&exchange, public_key), STATUS_MISMATCH, "another key and question");
    exchange.answer = right;
    cr_assert_eq(finish(&exchange, public_of(other.key)), STATUS_MISMATCH, "another key is named");
    exchange.answer.element[0] ^= 1; /* the other root: minus the point */
    cr_assert_eq(finish(&exchange, public_key), STATUS_MISMATCH);
    exchange.answer.element[0] = 4;
    cr_assert_eq(finish(&exchange, public_key), STATUS_MALFORMED);
    exchange.answer = right;
    cr_assert_eq(finish(&exchange, span_part(public_key, 0, 48)), STATUS_MALFORMED);
    exchange_free(&other);
    exchange_free(&exchange);
}

Test(voprf, elements_that_are_none)
{
    struct exchange exchange = exchange_make("example.com");
    struct voprf_answer answer;
    static const char *const elements[] = {
        "",
        "00",
        "02",
        /* x = 1 is on no point, x = p is no number of the field. */
        "02 00000000000000000000000000000000 00000000000000000000000000000000 "
        "00000000000000000000000000000001",
        "02 ffffffffffffffffffffffffffffffff fffffffffffffffffffffffffffffffe "
        "ffffffff0000000000000000ffffffff",
        "00 00000000000000000000000000000000 00000000000000000000000000000000 "
        "00000000000000000000000000000000",
        REFERENCE_PUBLIC "00",
        "04" REFERENCE_KEY,
    };
    for (size_t i = 0; i < ARRAY_COUNT(elements); i++) {
        struct bytes element = from_hex(elements[i]);
        cr_assert_eq(
            voprf_answer(exchange.key, bytes_view(&element), &exchange.random, &answer, &error),
            STATUS_INVALID, "%s", elements[i]);
        cr_assert(says(&error, "query_element of") && says(&error, "no compressed point"));
        bytes_deinit(&element);
    }
    exchange_free(&exchange);
}

Test(voprf, inputs_beyond_the_limit)
{
    uint8_t *input = mem_alloc_zeroed(VOPRF_INPUT_MAX_BYTES + 1, 1);
    struct exchange exchange = exchange_make("example.com");
    struct voprf_question *question = NULL;
    uint8_t value[VOPRF_VALUE_BYTES];
    const struct span longest = span_of(input, VOPRF_INPUT_MAX_BYTES);
    const struct span too_long = span_of(input, VOPRF_INPUT_MAX_BYTES + 1);
    cr_assert_eq(voprf_evaluate(exchange.key, longest, value, &error), STATUS_OK);
    cr_assert_eq(voprf_evaluate(exchange.key, too_long, value, &error), STATUS_TOO_LARGE);
    cr_assert_eq(voprf_question_new(too_long, &exchange.random, &question, &error),
                 STATUS_TOO_LARGE);
    exchange_free(&exchange);
    mem_free(input);
}

Test(voprf, no_memory_and_no_random_bytes)
{
    struct exchange exchange = exchange_make("example.com");
    struct scripted_random dry = {.part_count = 0};
    const struct random_source none = scripted_random_source(&dry);
    struct voprf_question *question = NULL;
    struct voprf_key *key = NULL;
    cr_assert_eq(voprf_key_generate(&none, &key, &error), STATUS_IO);
    cr_assert_eq(voprf_question_new(span_of_text("a"), &none, &question, &error), STATUS_IO);
    cr_assert_eq(
        voprf_answer(exchange.key, public_of(exchange.key), &none, &exchange.answer, &error),
        STATUS_IO);
    mem_fail_nth(1);
    cr_assert_eq(voprf_key_generate(&exchange.random, &key, &error), STATUS_NOMEM);
    for (size_t n = 1; n <= 2; n++) {
        mem_fail_nth(n);
        cr_assert_eq(voprf_question_new(span_of_text("a"), &exchange.random, &question, &error),
                     STATUS_NOMEM);
    }
    cr_assert(key == NULL && question == NULL);
    exchange_free(&exchange);
}
