#include "pir-server/oprf/symmetric_key.h"

#include "base/compiler.h"
#include "base/file.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS                                                                                     \
    "c51874015ca218aabc145297359fb128743b9f14b2b034af23650e6b42d4c815c623c77e8d752c21b9288d36e6e9" \
    "f468"
#define PUBLIC                                                                                     \
    "03fd751f9d1828303a14acbb82063bdfb63bc89c958506a276b8c47fc8ce0f97ad0c7ae0f516b39fcb8c9c8b9cac" \
    "2d444e"
#define ZEROS                                                                                      \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0"                                                                                            \
    "000"

static struct error error;

static enum status parse(const char *text, struct voprf_key **ret)
{
    return symmetric_key_parse(span_of_text(text), ret, &error);
}

Test(symmetric_key, digits_of_either_case_and_space_behind_them)
{
    char upper[] = DIGITS;
    for (char *c = upper; *c != '\0'; c++)
        *c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
    const char *const texts[] = {DIGITS, upper, DIGITS "\n", DIGITS " \r\n\t\n"};
    struct bytes public_key = from_hex(PUBLIC);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct voprf_key *key = NULL;
        char written[SYMMETRIC_KEY_DIGITS];
        cr_assert_eq(parse(texts[i], &key), STATUS_OK, "%s", error.message);
        assert_same(span_of(voprf_key_public(key), VOPRF_ELEMENT_BYTES), bytes_view(&public_key),
                    "public key");
        symmetric_key_format(key, written);
        assert_same(span_of(written, sizeof written), span_of_text(DIGITS), "digits");
        voprf_key_free(key);
    }
    bytes_deinit(&public_key);
}

Test(symmetric_key, texts_that_are_no_key)
{
    static const struct {
        const char *text;
        enum status status;
        const char *said;
    } cases[] = {
        {"", STATUS_MALFORMED, "0 characters, a key has 96 hex digits"},
        {"\n", STATUS_MALFORMED, "0 characters"},
        {"abc", STATUS_MALFORMED, "3 characters"},
        {DIGITS "0", STATUS_MALFORMED, "97 characters"},
        {" " DIGITS, STATUS_MALFORMED, "97 characters"},
        {"0x" DIGITS, STATUS_MALFORMED, "98 characters"},
        {ZEROS, STATUS_INVALID, "no number from 1"},
    };
    char text[] = DIGITS;
    struct voprf_key *key = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cr_assert_eq(parse(cases[i].text, &key), cases[i].status, "case %zu", i);
        cr_assert(says(&error, cases[i].said), "%s", error.message);
    }
    static const char wrong[] = "g:/`@G\x80 \n";
    for (size_t i = 0; i < sizeof wrong; i++) {
        text[5] = wrong[i];
        cr_assert_eq(symmetric_key_parse(span_of(text, sizeof text - 1), &key, &error),
                     STATUS_MALFORMED);
        cr_assert(says(&error, "character 6 is no hex digit"), "%s", error.message);
    }
    cr_assert_null(key);
}

Test(symmetric_key, files)
{
    char folder[] = "/tmp/test_symmetric_key.XXXXXX";
    char path[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    struct voprf_key *key = NULL;
    struct voprf_key *again = NULL;
    struct stat info;
    cr_assert_eq(parse(DIGITS, &key), STATUS_OK);
    cr_assert_eq(symmetric_key_read(path, &again, &error), STATUS_NOT_FOUND);
    cr_assert_eq(symmetric_key_write(path, key, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    cr_assert_eq(info.st_size, SYMMETRIC_KEY_DIGITS);
    cr_assert_eq(symmetric_key_read(path, &again, &error), STATUS_OK, "%s", error.message);
    assert_same(span_of(voprf_key_public(again), VOPRF_ELEMENT_BYTES),
                span_of(voprf_key_public(key), VOPRF_ELEMENT_BYTES), "public key");
    voprf_key_free(again);
    again = NULL;
    cr_assert_eq(file_write(path, 0600, span_of_text("word"), NULL), STATUS_OK);
    cr_assert_eq(symmetric_key_read(path, &again, &error), STATUS_MALFORMED);
    cr_assert(says(&error, "key file /tmp/") && says(&error, "/key: 4 characters"), "%s",
              error.message);
    cr_assert(!says(&error, "word"), "the message shows what the file holds");
    char large[1000];
    memset(large, 'a', sizeof large);
    cr_assert_eq(file_write(path, 0600, span_of(large, sizeof large), NULL), STATUS_OK);
    cr_assert_eq(symmetric_key_read(path, &again, &error), STATUS_TOO_LARGE);
    cr_assert_null(again);
    voprf_key_free(key);
    folder_remove(folder);
}
