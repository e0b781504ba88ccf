#include "pir-server/ohttp/ohttp_keys.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

/* A configuration with key id 1 and two algorithms, as in RFC 9458 appendix A. */
#define PUBLIC "31e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e798155"
#define CONFIG "01 0020 " PUBLIC " 0008 0001 0001 0001 0003"
#define PREFIX "002d "

static struct error error;

Test(ohttp_keys, vector_of_rfc_9458)
{
    json_t *vector = ohttp_vectors("rfc9458.json");
    struct bytes private_key = vector_bytes(vector, "skR");
    struct bytes written = room();
    struct hpke_key *key = NULL;
    struct ohttp_key_config config;
    struct ohttp_key_config parsed;
    cr_assert_eq(hpke_key_new(private_key.data, &key, &error), STATUS_OK);
    ohttp_key_config_of(1, key, &config);
    ohttp_key_config_write(&config, &written);
    assert_member(bytes_view(&written), vector, "config");
    cr_assert_eq(ohttp_key_config_parse(bytes_view(&written), &parsed, &error), STATUS_OK);
    cr_assert_eq(parsed.key_id, 1);
    cr_assert_eq(parsed.aead_count, 2);
    cr_assert(parsed.aeads[0] == aead_find(AEAD_AES_128_GCM) &&
              parsed.aeads[1] == aead_find(AEAD_CHACHA20_POLY1305));
    assert_same(span_of(parsed.public_key, sizeof parsed.public_key),
                span_of(hpke_key_public(key), HPKE_PUBLIC_KEY_BYTES), "public key");
    hpke_key_unref(key);
    bytes_deinit(&written);
    bytes_deinit(&private_key);
    json_decref(vector);
}

static enum status parse_one(const char *hex, struct ohttp_key_config *ret)
{
    struct bytes bytes = from_hex(hex);
    const enum status status = ohttp_key_config_parse(bytes_view(&bytes), ret, &error);
    bytes_deinit(&bytes);
    return status;
}

Test(ohttp_keys, configurations_that_are_none)
{
    struct ohttp_key_config config = {.key_id = 77};
    static const struct {
        const char *hex;
        enum status status;
    } cases[] = {
        {"01 0020 " PUBLIC " 0000", STATUS_MALFORMED},
        {"01 0020 " PUBLIC " 0003 000100", STATUS_MALFORMED},
        {"01 0020 " PUBLIC " 0006 00010001 0001", STATUS_MALFORMED},
        {"01 0020 " PUBLIC " 0008 00010001", STATUS_MALFORMED},
        {CONFIG " 00", STATUS_MALFORMED},
        {"01 0010 " PUBLIC " 0004 00010001", STATUS_UNSUPPORTED},
        {"01 0020 " PUBLIC " 0004 00020001", STATUS_UNSUPPORTED},
        {"01 0020 " PUBLIC " 0004 00010002", STATUS_UNSUPPORTED},
        {"01 0020 " PUBLIC " 0004 0001ffff", STATUS_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_assert_eq(parse_one(cases[i].hex, &config), cases[i].status, "%s", cases[i].hex);
    struct bytes good = from_hex(CONFIG);
    for (size_t size = 0; size < good.size; size++)
        cr_assert_eq(ohttp_key_config_parse(span_of(good.data, size), &config, &error),
                     STATUS_MALFORMED, "%zu", size);
    cr_assert_eq(config.key_id, 77, "untouched");
    bytes_deinit(&good);
}

Test(ohttp_keys, unknown_algorithms_are_passed_over)
{
    struct ohttp_key_config config;
    cr_assert_eq(parse_one("07 0020 " PUBLIC
                           " 0018 00020003 00010002 00010003 00010003 00010001 00010001",
                           &config),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(config.key_id, 7);
    cr_assert_eq(config.aead_count, 2, "each once");
    cr_assert(config.aeads[0] == aead_find(AEAD_CHACHA20_POLY1305), "in their order");
    cr_assert(ohttp_key_config_has(&config, aead_find(AEAD_AES_128_GCM)));
    cr_assert_eq(parse_one("07 0020 " PUBLIC " 0004 00010003", &config), STATUS_OK);
    cr_assert(!ohttp_key_config_has(&config, aead_find(AEAD_AES_128_GCM)));
}

/* ---- lists ---- */

static enum status parse_list(const char *hex, struct ohttp_keys *ret)
{
    struct bytes bytes = from_hex(hex);
    const enum status status = ohttp_keys_parse(bytes_view(&bytes), ret, &error);
    bytes_deinit(&bytes);
    return status;
}

Test(ohttp_keys, lists)
{
    struct ohttp_keys keys;
    static const char two[] = PREFIX CONFIG "0029 02 0020 " PUBLIC " 0004 00010003";
    cr_assert_eq(parse_list(two, &keys), STATUS_OK, "%s", error.message);
    cr_assert_eq(keys.count, 2);
    cr_assert_eq(keys.configs[1].key_id, 2);
    struct bytes written = room();
    struct bytes expected = from_hex(two);
    cr_assert_eq(ohttp_keys_write(&keys, &written, &error), STATUS_OK);
    assert_same(bytes_view(&written), bytes_view(&expected), "written");
    bytes_deinit(&expected);
    bytes_deinit(&written);

    /* P-256 has a public key of another length: passed over by its length prefix. */
    cr_assert_eq(parse_list("000b 05 0010 0102030405060708" PREFIX CONFIG, &keys), STATUS_OK);
    cr_assert_eq(keys.count, 1);
    cr_assert_eq(keys.configs[0].key_id, 1);
}

Test(ohttp_keys, lists_that_are_none)
{
    struct ohttp_keys keys = {.count = 77};
    cr_assert_eq(parse_list("", &keys), STATUS_UNSUPPORTED);
    cr_assert_eq(parse_list("000b 05 0010 0102030405060708", &keys), STATUS_UNSUPPORTED);
    cr_assert_eq(parse_list("0000", &keys), STATUS_MALFORMED);
    cr_assert_eq(parse_list("002c " CONFIG, &keys), STATUS_MALFORMED);
    cr_assert_eq(parse_list("002e " CONFIG, &keys), STATUS_MALFORMED);
    cr_assert_eq(parse_list("002e " CONFIG "00", &keys), STATUS_MALFORMED);
    cr_assert_eq(parse_list(CONFIG, &keys), STATUS_MALFORMED, "the form of early drafts");
    cr_assert_eq(parse_list(PREFIX CONFIG "0001", &keys), STATUS_MALFORMED);
    struct bytes good = from_hex(PREFIX CONFIG);
    for (size_t size = 1; size < good.size; size++)
        cr_assert_eq(ohttp_keys_parse(span_of(good.data, size), &keys, &error), STATUS_MALFORMED,
                     "%zu", size);
    cr_assert_eq(keys.count, 77, "untouched");
    bytes_deinit(&good);
}

Test(ohttp_keys, limits)
{
    struct ohttp_keys keys;
    struct bytes many = room();
    for (size_t i = 0; i < OHTTP_KEYS_MAX_CONFIGS; i++)
        append_hex(&many, PREFIX CONFIG);
    cr_assert_eq(ohttp_keys_parse(bytes_view(&many), &keys, &error), STATUS_OK);
    cr_assert_eq(keys.count, OHTTP_KEYS_MAX_CONFIGS);
    struct bytes small;
    bytes_init(&small, many.size - 1);
    cr_assert_eq(ohttp_keys_write(&keys, &small, &error), STATUS_TOO_LARGE);
    append_hex(&many, PREFIX CONFIG);
    cr_assert_eq(ohttp_keys_parse(bytes_view(&many), &keys, &error), STATUS_TOO_LARGE);
    bytes_deinit(&small);
    bytes_deinit(&many);
}
