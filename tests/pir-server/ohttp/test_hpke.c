#include "pir-server/ohttp/hpke.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;
static const struct span nothing;

/* ---- vectors ---- */

struct sides {
    struct hpke_context sender;
    struct hpke_context receiver;
};

static void check_context(const struct hpke_context *context, const json_t *vector)
{
    assert_member(span_of(context->key, aead_key_bytes(context->aead)), vector, "key");
    assert_member(span_of(context->base_nonce, sizeof context->base_nonce), vector, "base_nonce");
    assert_member(span_of(context->exporter, sizeof context->exporter), vector, "exporter_secret");
}

static struct sides set_up(const json_t *vector)
{
    struct sides sides;
    struct bytes info = vector_bytes(vector, "info");
    struct bytes ephemeral = vector_bytes(vector, "skEm");
    struct bytes private_key = vector_bytes(vector, "skRm");
    const struct span drawn[] = {bytes_view(&ephemeral)};
    struct scripted_random script = {.parts = drawn, .part_count = 1};
    const struct random_source random = scripted_random_source(&script);
    const struct aead *aead =
        aead_find((uint16_t)json_integer_value(json_object_get(vector, "aead_id")));
    struct hpke_key *key = NULL;
    uint8_t enc[HPKE_ENC_BYTES];
    cr_assert(aead != NULL && private_key.size == HPKE_PRIVATE_KEY_BYTES);
    cr_assert_eq(hpke_key_new(private_key.data, &key, &error), STATUS_OK, "%s", error.message);
    assert_member(span_of(hpke_key_public(key), HPKE_PUBLIC_KEY_BYTES), vector, "pkRm");

    cr_assert_eq(hpke_setup_sender(hpke_key_public(key), aead, bytes_view(&info), &random, enc,
                                   &sides.sender, &error),
                 STATUS_OK, "%s", error.message);
    assert_member(span_of(enc, sizeof enc), vector, "pkEm");
    check_context(&sides.sender, vector);
    cr_assert_eq(hpke_setup_receiver(key, enc, aead, bytes_view(&info), &sides.receiver, &error),
                 STATUS_OK, "%s", error.message);
    check_context(&sides.receiver, vector);
    hpke_key_unref(key);
    bytes_deinit(&private_key);
    bytes_deinit(&ephemeral);
    bytes_deinit(&info);
    return sides;
}

static void check_encryption(struct sides *sides, const json_t *encryption, struct span plain)
{
    struct bytes aad = vector_bytes(encryption, "aad");
    struct bytes sealed = room();
    struct bytes opened = room();
    const uint64_t sequence = (uint64_t)json_integer_value(json_object_get(encryption, "sequence"));
    sides->sender.sequence = sequence;
    sides->receiver.sequence = sequence;
    cr_assert_eq(hpke_seal(&sides->sender, bytes_view(&aad), plain, &sealed, &error), STATUS_OK);
    assert_member(bytes_view(&sealed), encryption, "ciphertext");
    cr_assert_eq(
        hpke_open(&sides->receiver, bytes_view(&aad), bytes_view(&sealed), &opened, &error),
        STATUS_OK, "%s", error.message);
    assert_same(bytes_view(&opened), plain, "what was sealed");
    cr_assert_eq(sides->sender.sequence, sequence + 1);
    cr_assert_eq(sides->receiver.sequence, sequence + 1);
    bytes_deinit(&opened);
    bytes_deinit(&sealed);
    bytes_deinit(&aad);
}

static void check_export(const struct sides *sides, const json_t *export)
{
    uint8_t value[32];
    struct bytes label = vector_bytes(export, "exporter_context");
    const struct hpke_context *const both[] = {&sides->sender, &sides->receiver};
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        cr_assert_eq(hpke_export(both[i], bytes_view(&label), value, sizeof value, &error),
                     STATUS_OK);
        assert_member(span_of(value, sizeof value), export, "value");
    }
    bytes_deinit(&label);
}

Test(hpke, vectors_of_rfc_9180)
{
    json_t *vectors = ohttp_vectors("rfc9180.json");
    size_t index;
    size_t part;
    const json_t *vector;
    const json_t *item;
    cr_assert_eq(json_array_size(vectors), 2);
    json_array_foreach(vectors, index, vector)
    {
        struct sides sides = set_up(vector);
        struct bytes plain = vector_bytes(vector, "plaintext");
        json_array_foreach(json_object_get(vector, "encryptions"), part, item)
            check_encryption(&sides, item, bytes_view(&plain));
        json_array_foreach(json_object_get(vector, "exports"), part, item)
            check_export(&sides, item);
        bytes_deinit(&plain);
    }
    json_decref(vectors);
}

/* ---- what does not open ---- */

static struct hpke_key *some_key(uint8_t first)
{
    const uint8_t private_key[HPKE_PRIVATE_KEY_BYTES] = {first, 1, 2, 3};
    struct hpke_key *key = NULL;
    cr_assert_eq(hpke_key_new(private_key, &key, &error), STATUS_OK);
    return key;
}

static const uint16_t both_aeads[] = {AEAD_AES_128_GCM, AEAD_CHACHA20_POLY1305};

/* "hello" for key 7, bound to "info" and "aad". */
static struct bytes sealed_hello(const struct aead *aead, uint8_t ret_enc[HPKE_ENC_BYTES])
{
    const struct random_source random = random_system();
    struct hpke_key *key = some_key(7);
    struct hpke_context context;
    struct bytes sealed = room();
    cr_assert_eq(hpke_setup_sender(hpke_key_public(key), aead, span_of_text("info"), &random,
                                   ret_enc, &context, &error),
                 STATUS_OK);
    cr_assert_eq(hpke_seal(&context, span_of_text("aad"), span_of_text("hello"), &sealed, &error),
                 STATUS_OK);
    hpke_context_wipe(&context);
    hpke_key_unref(key);
    return sealed;
}

static enum status try_to_open(uint8_t first, const struct aead *aead, const uint8_t *enc,
                               const char *info, const char *aad, struct span sealed)
{
    struct hpke_key *key = some_key(first);
    struct hpke_context context;
    struct bytes opened = room();
    bytes_append_text(&opened, "before");
    cr_assert_eq(hpke_setup_receiver(key, enc, aead, span_of_text(info), &context, &error),
                 STATUS_OK);
    const enum status status = hpke_open(&context, span_of_text(aad), sealed, &opened, &error);
    const bool is_open = status == STATUS_OK;
    assert_same(bytes_view(&opened), span_of_text(is_open ? "beforehello" : "before"), "opened");
    cr_assert_eq(context.sequence, is_open ? 1 : 0);
    bytes_deinit_secret(&opened);
    hpke_key_unref(key);
    return status;
}

Test(hpke, opens_only_as_it_was_sealed)
{
    for (size_t i = 0; i < ARRAY_COUNT(both_aeads); i++) {
        const struct aead *aead = aead_find(both_aeads[i]);
        const struct aead *other = aead_find(both_aeads[1 - i]);
        uint8_t enc[HPKE_ENC_BYTES];
        struct bytes sealed = sealed_hello(aead, enc);
        const struct span view = bytes_view(&sealed);
        cr_assert_eq(try_to_open(7, aead, enc, "info", "aad", view), STATUS_OK);
        cr_assert_eq(try_to_open(8, aead, enc, "info", "aad", view), STATUS_MISMATCH);
        cr_assert_eq(try_to_open(7, other, enc, "info", "aad", view), STATUS_MISMATCH);
        cr_assert_eq(try_to_open(7, aead, enc, "other", "aad", view), STATUS_MISMATCH);
        cr_assert_eq(try_to_open(7, aead, enc, "info", "other", view), STATUS_MISMATCH);
        for (size_t size = 0; size < view.size; size++)
            cr_assert_eq(try_to_open(7, aead, enc, "info", "aad", span_of(view.data, size)),
                         STATUS_MISMATCH, "%zu bytes", size);
        for (size_t at = 0; at < view.size; at++) {
            sealed.data[at] ^= 0x10;
            cr_assert_eq(try_to_open(7, aead, enc, "info", "aad", view), STATUS_MISMATCH);
            sealed.data[at] ^= 0x10;
        }
        bytes_append_u8(&sealed, 0);
        cr_assert_eq(try_to_open(7, aead, enc, "info", "aad", bytes_view(&sealed)),
                     STATUS_MISMATCH);
        enc[5] ^= 1;
        cr_assert_eq(try_to_open(7, aead, enc, "info", "aad", view), STATUS_MISMATCH);
        bytes_deinit(&sealed);
    }
}

/* RFC 7748 section 6.1: points of small order give a secret that everybody knows. */
Test(hpke, keys_of_small_order)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const struct random_source random = random_system();
    const struct aead *aead = aead_find(AEAD_AES_128_GCM);
    struct hpke_key *key = some_key(7);
    for (size_t i = 0; i < ARRAY_COUNT(points); i++) {
        struct bytes point = from_hex(points[i]);
        struct hpke_context context = {.sequence = 77};
        uint8_t enc[HPKE_ENC_BYTES] = {77};
        cr_assert_eq(hpke_setup_receiver(key, point.data, aead, nothing, &context, &error),
                     STATUS_INVALID, "%s", points[i]);
        cr_assert(says(&error, "small order"));
        cr_assert_eq(hpke_setup_sender(point.data, aead, nothing, &random, enc, &context, &error),
                     STATUS_INVALID);
        cr_assert(context.sequence == 77 && enc[0] == 77, "outputs are untouched");
        bytes_deinit(&point);
    }
    hpke_key_unref(key);
}

/* ---- limits ---- */

Test(hpke, limits)
{
    static const uint8_t long_info[HPKE_INFO_MAX_BYTES + 1];
    const struct random_source random = random_system();
    const struct aead *aead = aead_find(AEAD_AES_128_GCM);
    struct hpke_key *key = some_key(7);
    struct hpke_context context;
    uint8_t enc[HPKE_ENC_BYTES];
    uint8_t secret[16];
    const struct span too_long = span_of(long_info, sizeof long_info);
    const struct span longest = span_of(long_info, HPKE_INFO_MAX_BYTES);
    cr_assert_eq(
        hpke_setup_sender(hpke_key_public(key), aead, too_long, &random, enc, &context, &error),
        STATUS_TOO_LARGE);
    cr_assert_eq(hpke_setup_receiver(key, enc, aead, too_long, &context, &error), STATUS_TOO_LARGE);
    cr_assert_eq(
        hpke_setup_sender(hpke_key_public(key), aead, longest, &random, enc, &context, &error),
        STATUS_OK);
    cr_assert_eq(hpke_export(&context, too_long, secret, sizeof secret, &error), STATUS_TOO_LARGE);
    cr_assert_eq(hpke_export(&context, longest, secret, sizeof secret, &error), STATUS_OK);
    cr_assert_eq(hpke_export(&context, nothing, secret, 0, &error), STATUS_INVALID);

    struct bytes sealed = room();
    context.sequence = UINT64_MAX;
    cr_assert_eq(hpke_seal(&context, nothing, nothing, &sealed, &error), STATUS_TOO_LARGE);
    cr_assert_eq(hpke_open(&context, nothing, longest, &sealed, &error), STATUS_TOO_LARGE);
    cr_assert_eq(sealed.size, 0);
    hpke_context_wipe(&context);
    cr_assert_eq(context.key[0] | context.exporter[0], 0);
    bytes_deinit(&sealed);
    hpke_key_unref(key);
}

Test(hpke, no_random_bytes)
{
    struct scripted_random script = {.part_count = 0};
    const struct random_source random = scripted_random_source(&script);
    struct hpke_key *key = NULL;
    struct hpke_context context;
    uint8_t enc[HPKE_ENC_BYTES];
    cr_assert_eq(hpke_key_generate(&random, &key, &error), STATUS_IO);
    cr_assert(key == NULL);
    cr_assert_eq(hpke_setup_sender(enc, aead_find(AEAD_AES_128_GCM), nothing, &random, enc,
                                   &context, &error),
                 STATUS_IO);
}

Test(hpke, allocations_that_fail)
{
    const struct random_source random = random_system();
    struct hpke_key *key = NULL;
    mem_fail_nth(1);
    cr_assert_eq(hpke_key_generate(&random, &key, &error), STATUS_NOMEM);
    cr_assert(key == NULL && !mem_fail_pending());
}
