#include "pir-server/privacypass/issuer_directory.h"

#include "base/mem.h"
#include "pir-server/privacypass/base64url.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct error error;
static struct issuer_directory parsed;

static enum status parse(const char *json)
{
    return issuer_directory_parse(span_of_text(json), &parsed, &error);
}

/* Three keys of the reference, one a tier. */
Test(issuer_directory, of_the_reference)
{
    struct bytes json = vector_file("http/fixed-buckets/issuer-directory.json");
    if (json.size == 0)
        cr_skip_test("no directory among the vectors");
    cr_assert_eq(issuer_directory_parse(bytes_view(&json), &parsed, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_str_eq(parsed.request_uri, "/issue");
    cr_assert_eq(parsed.key_count, 3);
    cr_assert(!parsed.keys[0].has_not_before);
    bytes_deinit(&json);
}

static char key_text[512];

static void set_up(void)
{
    struct issuer_key *key = NULL;
    cr_assert_eq(issuer_key_new(&key, &error), STATUS_OK);
    struct bytes text;
    bytes_init(&text, sizeof key_text - 1);
    base64url_append(&text, span_of(token_key_spki(issuer_key_public(key)), TOKEN_KEY_SPKI_BYTES));
    memcpy(key_text, text.data, text.size);
    key_text[text.size] = '\0';
    bytes_deinit(&text);
    issuer_key_unref(key);
}

TestSuite(issuer_directory_fresh, .init = set_up);

Test(issuer_directory_fresh, is_written_and_read_back)
{
    char json[2048];
    snprintf(json, sizeof json,
             "{\"issuer-request-uri\":\"/issue\",\"token-keys\":[{\"token-type\":2,"
             "\"token-key\":\"%s\",\"not-before\":1800000000},{\"token-type\":2,"
             "\"token-key\":\"%s\"}]}",
             key_text, key_text);
    cr_assert_eq(parse(json), STATUS_OK, "%s", error.message);
    cr_assert_eq(parsed.key_count, 2);
    cr_assert(parsed.keys[0].has_not_before);
    cr_assert_eq(parsed.keys[0].not_before_s, 1800000000);
    cr_assert(!parsed.keys[1].has_not_before);
    struct bytes again;
    bytes_init(&again, ISSUER_DIRECTORY_MAX_BYTES);
    cr_assert_eq(issuer_directory_write(&parsed, &again, &error), STATUS_OK);
    cr_assert(span_equal(bytes_view(&again), span_of_text(json)));
    bytes_deinit(&again);
    /* RFC 9578 section 4: the first that has begun. */
    cr_assert_eq(issuer_directory_choose(&parsed, 1799999999), &parsed.keys[1]);
    cr_assert_eq(issuer_directory_choose(&parsed, 1800000000), &parsed.keys[0]);
    parsed.key_count = 1;
    cr_assert_eq(issuer_directory_choose(&parsed, 1799999999), NULL);
}

Test(issuer_directory_fresh, other_types_and_members_are_passed_over)
{
    char json[2048];
    snprintf(json, sizeof json,
             "{\"x\":[],\"issuer-request-uri\":\"https:\\/\\/issuer.example\\/r\","
             "\"token-keys\":[{\"token-type\":1,\"token-key\":\"YWJj\"},"
             "{\"token-type\":2,\"y\":null,\"token-key\":\"%s\"}]}",
             key_text);
    cr_assert_eq(parse(json), STATUS_OK, "%s", error.message);
    cr_assert_eq(parsed.key_count, 1);
    cr_assert_str_eq(parsed.request_uri, "https://issuer.example/r");
}

Test(issuer_directory_fresh, refuses_and_names_the_place)
{
    static const struct {
        const char *keys; /* K stands for a key */
        const char *says;
    } wrong[] = {
        {"{}", "$.token-keys is not an array"},
        {"[1]", "$.token-keys[0].token-type"},
        {"[{\"token-type\":\"2\"}]", "$.token-keys[0].token-type"},
        {"[{\"token-type\":2}]", "$.token-keys[0].token-key is not base64url"},
        {"[{\"token-type\":1},{\"token-type\":2,\"token-key\":2}]", "$.token-keys[1].token-key"},
        {"[{\"token-type\":2,\"token-key\":\"YW J\"}]", "is not base64url"},
        {"[{\"token-type\":2,\"token-key\":\"YWJj\"}]", "3 bytes, 342 are due"},
        {"[{\"token-type\":2,\"token-key\":\"KAAAA\"}]", "345 bytes, 342 are due"},
        {"[{\"token-type\":2,\"token-key\":\"K\",\"not-before\":-1}]", "not-before is not a time"},
        {"[{\"token-type\":2,\"token-key\":\"K\",\"not-before\":1.5}]", "not-before is not a time"},
        {"[{\"token-type\":2,\"token-key\":\"K\",\"not-before\":null}]",
         "not-before is not a time"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        char json[2048];
        const char *at = strchr(wrong[i].keys, 'K');
        const int before = (int)(at == NULL ? strlen(wrong[i].keys) : (size_t)(at - wrong[i].keys));
        snprintf(json, sizeof json, "{\"issuer-request-uri\":\"/\",\"token-keys\":%.*s%s%s}",
                 before, wrong[i].keys, at == NULL ? "" : key_text, at == NULL ? "" : at + 1);
        cr_assert_eq(parse(json), STATUS_MALFORMED, "%s", wrong[i].keys);
        cr_assert(says(&error, wrong[i].says), "%s: %s", wrong[i].keys, error.message);
    }
    /* A key of the right length that is none. */
    char json[2048];
    key_text[0] = 'N';
    snprintf(json, sizeof json,
             "{\"issuer-request-uri\":\"/\",\"token-keys\":[{\"token-type\":2,"
             "\"token-key\":\"%s\"}]}",
             key_text);
    cr_assert_eq(parse(json), STATUS_MALFORMED);
    cr_assert(says(&error, "$.token-keys[0].token-key: token key: "), "%s", error.message);
}

Test(issuer_directory, refuses_other_documents)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"issuer-request-uri\":1,\"token-keys\":[]}",
        "{\"issuer-request-uri\":\"\",\"token-keys\":[]}",
        "{\"issuer-request-uri\":\"/a b\",\"token-keys\":[]}",
        "{\"issuer-request-uri\":\"/\\n\",\"token-keys\":[]}",
        "{\"issuer-request-uri\":\"/\\u00e4\",\"token-keys\":[]}",
        "{\"issuer-request-uri\":\"/\"}",
        "{\"issuer-request-uri\":\"/\",\"issuer-request-uri\":\"/\",\"token-keys\":[]}",
        "{\"issuer-request-uri\":\"/\",\"token-keys\":[]} x",
    };
    parsed.key_count = 7;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        cr_assert_eq(parse(wrong[i]), STATUS_MALFORMED, "%s", wrong[i]);
    cr_assert_eq(parsed.key_count, 7);
    cr_assert_eq(parse("{\"issuer-request-uri\":\"/\",\"token-keys\":[]}"), STATUS_OK);
    cr_assert_eq(issuer_directory_choose(&parsed, UINT64_MAX), NULL);
}

Test(issuer_directory_fresh, limits)
{
    struct bytes json;
    bytes_init(&json, 2 * ISSUER_DIRECTORY_MAX_BYTES);
    bytes_append_text(&json, "{\"issuer-request-uri\":\"/\",\"token-keys\":[");
    for (size_t i = 0; i <= ISSUER_DIRECTORY_MAX_KEYS; i++)
        bytes_append_format(&json, "%s{\"token-type\":2,\"token-key\":\"%s\"}", i > 0 ? "," : "",
                            key_text);
    bytes_append_text(&json, "]}");
    cr_assert_eq(issuer_directory_parse(bytes_view(&json), &parsed, &error), STATUS_TOO_LARGE);
    cr_assert(says(&error, "more than 16 keys"));

    bytes_clear(&json);
    bytes_append_text(&json, "{\"issuer-request-uri\":\"/");
    for (size_t i = 0; i < ISSUER_DIRECTORY_MAX_URI_BYTES; i++)
        bytes_append_u8(&json, 'a');
    bytes_append_text(&json, "\",\"token-keys\":[]}");
    cr_assert_eq(issuer_directory_parse(bytes_view(&json), &parsed, &error), STATUS_TOO_LARGE);

    bytes_clear(&json);
    for (size_t i = 0; i <= ISSUER_DIRECTORY_MAX_BYTES; i++)
        bytes_append_u8(&json, ' ');
    cr_assert_eq(issuer_directory_parse(bytes_view(&json), &parsed, &error), STATUS_TOO_LARGE);
    bytes_deinit(&json);
}
