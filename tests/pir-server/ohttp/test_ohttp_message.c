#include "pir-server/ohttp/ohttp_message.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

#define KEY_ID 9

static struct error error;
static struct hpke_key *key;
static struct ohttp_key_config config;

static void set_up(void)
{
    const struct random_source random = random_system();
    cr_assert_eq(hpke_key_generate(&random, &key, &error), STATUS_OK);
    ohttp_key_config_of(KEY_ID, key, &config);
}

static void tear_down(void)
{
    hpke_key_unref(key);
}

TestSuite(ohttp_message, .init = set_up, .fini = tear_down);

static const uint16_t both_aeads[] = {AEAD_AES_128_GCM, AEAD_CHACHA20_POLY1305};

/* ---- vectors ---- */

static struct random_source script_of(struct scripted_random *script, const struct span *parts)
{
    *script = (struct scripted_random){.parts = parts, .part_count = 1};
    return scripted_random_source(script);
}

static void deinit_all(struct bytes *const *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes_deinit(all[i]);
}

/* The client of the RFC's example, with its keys and nonces. */
static struct ohttp_exchange check_client(const json_t *vector)
{
    struct bytes ephemeral = vector_bytes(vector, "skE");
    struct bytes config_bytes = vector_bytes(vector, "config");
    struct bytes plain = vector_bytes(vector, "plain_request");
    struct bytes response = vector_bytes(vector, "response");
    struct bytes request = room();
    struct bytes opened = room();
    struct scripted_random script;
    const struct span drawn[] = {bytes_view(&ephemeral)};
    const struct random_source random = script_of(&script, drawn);
    struct ohttp_key_config parsed;
    struct ohttp_exchange exchange;
    cr_assert_eq(ohttp_key_config_parse(bytes_view(&config_bytes), &parsed, &error), STATUS_OK);
    cr_assert_eq(ohttp_request_seal(&parsed, aead_find(AEAD_AES_128_GCM), bytes_view(&plain),
                                    &random, &request, &exchange, &error),
                 STATUS_OK, "%s", error.message);
    assert_member(bytes_view(&request), vector, "request");
    assert_member(span_of(exchange.secret, 16), vector, "secret");
    cr_assert_eq(ohttp_response_open(&exchange, bytes_view(&response), &opened, &error), STATUS_OK,
                 "%s", error.message);
    assert_member(bytes_view(&opened), vector, "plain_response");
    struct bytes *const all[] = {&ephemeral, &config_bytes, &plain, &response, &request, &opened};
    deinit_all(all, ARRAY_COUNT(all));
    return exchange;
}

static void check_gateway(const json_t *vector, const struct ohttp_exchange *client)
{
    struct bytes private_key = vector_bytes(vector, "skR");
    struct bytes nonce = vector_bytes(vector, "response_nonce");
    struct bytes in = vector_bytes(vector, "request");
    struct bytes plain = vector_bytes(vector, "plain_response");
    struct bytes opened = room();
    struct bytes response = room();
    struct scripted_random script;
    const struct span drawn[] = {bytes_view(&nonce)};
    const struct random_source random = script_of(&script, drawn);
    struct hpke_key *gateway = NULL;
    struct ohttp_request request;
    struct ohttp_exchange exchange;
    cr_assert_eq(hpke_key_new(private_key.data, &gateway, &error), STATUS_OK);
    cr_assert_eq(ohttp_request_parse(bytes_view(&in), &request, &error), STATUS_OK);
    cr_assert_eq(request.key_id, 1);
    cr_assert_eq(ohttp_request_open(&request, gateway, &opened, &exchange, &error), STATUS_OK, "%s",
                 error.message);
    assert_member(bytes_view(&opened), vector, "plain_request");
    assert_same(span_of(exchange.secret, 16), span_of(client->secret, 16), "secret");
    cr_assert_eq(ohttp_response_seal(&exchange, bytes_view(&plain), &random, &response, &error),
                 STATUS_OK);
    assert_member(bytes_view(&response), vector, "response");
    hpke_key_unref(gateway);
    struct bytes *const all[] = {&private_key, &nonce, &in, &plain, &opened, &response};
    deinit_all(all, ARRAY_COUNT(all));
}

Test(ohttp_message, vector_of_rfc_9458)
{
    json_t *vector = ohttp_vectors("rfc9458.json");
    const struct ohttp_exchange client = check_client(vector);
    check_gateway(vector, &client);
    json_decref(vector);
}

/* The RFC has no vector whose key is longer than a nonce. This one was computed with Python's hmac
 * and cryptography modules, which agree on the RFC's. */
Test(ohttp_message, response_of_chacha20_poly1305)
{
    struct ohttp_exchange exchange = {.aead = aead_find(AEAD_CHACHA20_POLY1305)};
    json_t *vector = ohttp_vectors("rfc9458.json");
    struct bytes request = vector_bytes(vector, "request");
    struct bytes plain = vector_bytes(vector, "plain_response");
    struct bytes expected =
        from_hex("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                 "51519080e75048863971c12e45b4b21dfdde3f");
    struct bytes sealed = room();
    struct scripted_random script;
    const struct span drawn[] = {span_of(expected.data, AEAD_KEY_MAX_BYTES)};
    const struct random_source random = script_of(&script, drawn);
    struct ohttp_request parsed;
    cr_assert_eq(ohttp_request_parse(bytes_view(&request), &parsed, &error), STATUS_OK);
    memcpy(exchange.enc, parsed.enc.data, sizeof exchange.enc);
    for (size_t i = 0; i < sizeof exchange.secret; i++)
        exchange.secret[i] = (uint8_t)i;
    cr_assert_eq(ohttp_response_seal(&exchange, bytes_view(&plain), &random, &sealed, &error),
                 STATUS_OK);
    assert_same(bytes_view(&sealed), bytes_view(&expected), "response");
    struct bytes *const all[] = {&request, &plain, &expected, &sealed};
    deinit_all(all, ARRAY_COUNT(all));
    json_decref(vector);
}

/* ---- there and back ---- */

static struct bytes seal(const struct aead *aead, struct span plain, struct ohttp_exchange *ret)
{
    const struct random_source random = random_system();
    struct bytes sealed = room();
    cr_assert_eq(ohttp_request_seal(&config, aead, plain, &random, &sealed, ret, &error), STATUS_OK,
                 "%s", error.message);
    return sealed;
}

static enum status open(struct span in, struct bytes *ret, struct ohttp_exchange *ret_exchange)
{
    struct ohttp_request request;
    enum status status = ohttp_request_parse(in, &request, &error);
    if (status == STATUS_OK && request.key_id != KEY_ID)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = ohttp_request_open(&request, key, ret, ret_exchange, &error);
    return status;
}

static void check_there_and_back(const struct aead *aead, size_t size)
{
    static const uint8_t text[100000];
    const struct random_source random = random_system();
    const struct span plain = span_of(text, size);
    struct ohttp_exchange client;
    struct ohttp_exchange gateway;
    struct bytes sealed = seal(aead, plain, &client);
    struct bytes opened = room();
    struct bytes response = room();
    struct bytes answer = room();
    cr_assert_eq(sealed.size, size + OHTTP_REQUEST_OVERHEAD_BYTES);
    cr_assert_eq(open(bytes_view(&sealed), &opened, &gateway), STATUS_OK, "%s", error.message);
    assert_same(bytes_view(&opened), plain, "request");
    cr_assert_eq(ohttp_response_seal(&gateway, plain, &random, &response, &error), STATUS_OK);
    cr_assert_leq(response.size, size + OHTTP_RESPONSE_OVERHEAD_BYTES);
    cr_assert_eq(ohttp_response_open(&client, bytes_view(&response), &answer, &error), STATUS_OK);
    assert_same(bytes_view(&answer), plain, "response");
    ohttp_exchange_wipe(&gateway);
    cr_assert_eq(gateway.secret[0] | gateway.secret[15] | gateway.enc[0], 0);
    struct bytes *const all[] = {&sealed, &opened, &response, &answer};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        bytes_deinit_secret(all[i]);
}

Test(ohttp_message, there_and_back)
{
    static const size_t sizes[] = {0, 1, 25, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(both_aeads); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(sizes); j++)
            check_there_and_back(aead_find(both_aeads[i]), sizes[j]);
    }
}

/* ---- what does not open ---- */

/* What a request is at each of its bytes when that one is another. */
static enum status status_when_changed(size_t at)
{
    if (at == 0)
        return STATUS_NOT_FOUND; /* the key id */
    return at < 7 ? STATUS_UNSUPPORTED : STATUS_MISMATCH;
}

Test(ohttp_message, damaged_requests)
{
    struct ohttp_exchange client;
    struct ohttp_exchange gateway = {.secret = {77}};
    struct bytes opened = room();
    for (size_t i = 0; i < ARRAY_COUNT(both_aeads); i++) {
        struct bytes sealed = seal(aead_find(both_aeads[i]), span_of_text("request"), &client);
        for (size_t at = 0; at < sealed.size; at++) {
            sealed.data[at] ^= 0x40;
            cr_assert_eq(open(bytes_view(&sealed), &opened, &gateway), status_when_changed(at),
                         "byte %zu: %s", at, error.message);
            sealed.data[at] ^= 0x40;
        }
        for (size_t size = 0; size < sealed.size; size++)
            cr_assert_eq(open(span_of(sealed.data, size), &opened, &gateway),
                         size < OHTTP_REQUEST_OVERHEAD_BYTES ? STATUS_MALFORMED : STATUS_MISMATCH,
                         "%zu bytes", size);
        bytes_append_u8(&sealed, 0);
        cr_assert_eq(open(bytes_view(&sealed), &opened, &gateway), STATUS_MISMATCH);
        bytes_deinit(&sealed);
    }
    cr_assert(opened.size == 0 && gateway.secret[0] == 77, "outputs are untouched");
    bytes_deinit(&opened);
}

/* The header is bound in: the other AEAD, or another key id of the same key, does not open. */
Test(ohttp_message, header_of_another_request)
{
    struct ohttp_exchange exchange;
    struct ohttp_request request;
    struct bytes opened = room();
    struct bytes sealed = seal(aead_find(AEAD_AES_128_GCM), span_of_text("request"), &exchange);
    sealed.data[6] = AEAD_CHACHA20_POLY1305;
    cr_assert_eq(open(bytes_view(&sealed), &opened, &exchange), STATUS_MISMATCH);
    sealed.data[6] = AEAD_AES_128_GCM;
    cr_assert_eq(ohttp_request_parse(bytes_view(&sealed), &request, &error), STATUS_OK);
    request.key_id = KEY_ID + 1;
    cr_assert_eq(ohttp_request_open(&request, key, &opened, &exchange, &error), STATUS_MISMATCH);
    memset(sealed.data + 7, 0, HPKE_ENC_BYTES);
    cr_assert_eq(open(bytes_view(&sealed), &opened, &exchange), STATUS_INVALID);
    cr_assert(says(&error, "small order"));
    bytes_deinit(&sealed);
    bytes_deinit(&opened);
}

static void check_damaged_response(const struct ohttp_exchange *client, struct bytes *response,
                                   size_t nonce_bytes)
{
    struct bytes answer = room();
    for (size_t at = 0; at < response->size; at++) {
        response->data[at] ^= 0x40;
        cr_assert_eq(ohttp_response_open(client, bytes_view(response), &answer, &error),
                     STATUS_MISMATCH);
        response->data[at] ^= 0x40;
    }
    for (size_t size = 0; size < response->size; size++)
        cr_assert_eq(ohttp_response_open(client, span_of(response->data, size), &answer, &error),
                     size < nonce_bytes + AEAD_TAG_BYTES ? STATUS_MALFORMED : STATUS_MISMATCH,
                     "%zu bytes", size);
    cr_assert_eq(answer.size, 0);
    bytes_deinit(&answer);
}

Test(ohttp_message, damaged_responses)
{
    const struct random_source random = random_system();
    for (size_t i = 0; i < ARRAY_COUNT(both_aeads); i++) {
        const struct aead *aead = aead_find(both_aeads[i]);
        struct ohttp_exchange client;
        struct ohttp_exchange other;
        struct ohttp_exchange gateway;
        struct bytes opened = room();
        struct bytes response = room();
        struct bytes sealed = seal(aead, span_of_text("request"), &client);
        cr_assert_eq(open(bytes_view(&sealed), &opened, &gateway), STATUS_OK);
        cr_assert_eq(
            ohttp_response_seal(&gateway, span_of_text("answer"), &random, &response, &error),
            STATUS_OK);
        check_damaged_response(&client, &response, aead_key_bytes(aead));
        struct bytes another = seal(aead, span_of_text("request"), &other);
        cr_assert_eq(ohttp_response_open(&other, bytes_view(&response), &opened, &error),
                     STATUS_MISMATCH, "a response belongs to its request");
        struct bytes *const all[] = {&opened, &response, &sealed, &another};
        for (size_t j = 0; j < ARRAY_COUNT(all); j++)
            bytes_deinit(all[j]);
    }
}

/* ---- what cannot be sealed ---- */

Test(ohttp_message, what_cannot_be_sealed)
{
    const struct random_source random = random_system();
    const struct aead *aead = aead_find(AEAD_AES_128_GCM);
    struct ohttp_exchange exchange = {.secret = {77}};
    struct bytes small;
    bytes_init(&small, OHTTP_REQUEST_OVERHEAD_BYTES);
    cr_assert_eq(
        ohttp_request_seal(&config, aead, span_of_text("x"), &random, &small, &exchange, &error),
        STATUS_TOO_LARGE);
    cr_assert_eq(small.size, 0);
    bytes_clear(&small);
    exchange.aead = aead;
    bytes_append_text(&small, "left is less than a response needs");
    cr_assert_eq(ohttp_response_seal(&exchange, span_of_text("x"), &random, &small, &error),
                 STATUS_TOO_LARGE);
    cr_assert_eq(small.size, strlen("left is less than a response needs"));
    bytes_clear(&small);

    config.aead_count = 1;
    cr_assert_eq(ohttp_request_seal(&config, aead_find(AEAD_CHACHA20_POLY1305), span_of_text("x"),
                                    &random, &small, &exchange, &error),
                 STATUS_UNSUPPORTED);
    memset(config.public_key, 0, sizeof config.public_key);
    cr_assert_eq(
        ohttp_request_seal(&config, aead, span_of_text("x"), &random, &small, &exchange, &error),
        STATUS_INVALID);
    struct scripted_random script = {.part_count = 0};
    const struct random_source dry = scripted_random_source(&script);
    cr_assert_eq(ohttp_response_seal(&exchange, span_of_text("x"), &dry, &small, &error),
                 STATUS_IO);
    cr_assert(small.size == 0 && exchange.secret[0] == 77);
    bytes_deinit(&small);
}

Test(ohttp_message, allocations_that_fail)
{
    const struct random_source random = random_system();
    struct ohttp_exchange client;
    struct ohttp_exchange gateway;
    struct bytes sealed = seal(aead_find(AEAD_AES_128_GCM), span_of_text("request"), &client);
    bool is_past = false;
    for (size_t n = 1; !is_past; n++) {
        struct bytes opened = room();
        struct bytes response = room();
        struct bytes answer = room();
        mem_fail_nth(n);
        enum status status = open(bytes_view(&sealed), &opened, &gateway);
        if (status == STATUS_OK)
            status = ohttp_response_seal(&gateway, span_of_text("x"), &random, &response, &error);
        if (status == STATUS_OK)
            status = ohttp_response_open(&client, bytes_view(&response), &answer, &error);
        is_past = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, is_past ? STATUS_OK : STATUS_NOMEM, "allocation %zu", n);
        bytes_deinit(&answer);
        bytes_deinit(&response);
        bytes_deinit(&opened);
    }
    bytes_deinit(&sealed);
}
