#include "pir-server/privacypass/token_header.h"

#include "base/compiler.h"
#include "pir-server/privacypass/base64url.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct error error;
static char text[1024]; /* "AAIB..." of a token that holds every byte value */
static struct token token;

static void set_up(void)
{
    uint8_t bytes[TOKEN_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 3);
    token_parse(bytes, &token);
    struct bytes base64;
    bytes_init(&base64, sizeof text - 1);
    base64url_append(&base64, span_of(bytes, sizeof bytes));
    memcpy(text, base64.data, base64.size);
    text[base64.size] = '\0';
    cr_assert_eq(base64.size, 472);
    bytes_deinit(&base64);
}

TestSuite(token_header, .init = set_up);

/* `format` with the token's text in place of each %s. */
static enum token_verdict verdict_of(const char *format, struct token *ret)
{
    char value[4096];
    size_t size = 0;
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            size += (size_t)snprintf(value + size, sizeof value - size, "%s", text);
            at++;
        } else {
            value[size++] = *at;
        }
    }
    return token_header_read_authorization(span_of(value, size), ret);
}

Test(token_header, authorization_is_read_back)
{
    struct bytes value;
    bytes_init(&value, 1024);
    token_header_write_authorization(&token, &value);
    cr_assert(span_starts_with(bytes_view(&value), span_of_text("PrivateToken token=")));
    struct token back;
    cr_assert_eq(token_header_read_authorization(bytes_view(&value), &back), TOKEN_GOOD);
    cr_assert_eq(memcmp(&back, &token, sizeof token), 0);
    bytes_deinit(&value);
}

Test(token_header, forms_of_authorization)
{
    static const char *const good[] = {
        "PrivateToken token=%s",
        "PrivateToken token=\"%s\"",
        "privatetoken TOKEN=%s",
        "PrivateToken  token = \"%s\" ",
        " PrivateToken\ttoken=%s",
        "PrivateToken token=%s, extra=1",
        "PrivateToken extra=\"a, \\\"token=b\\\"\", token=%s",
        "PrivateToken extra=,token=%s",
        "PrivateToken ,, token=%s,",
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct token back;
        cr_assert_eq(verdict_of(good[i], &back), TOKEN_GOOD, "%s", good[i]);
        cr_assert_eq(memcmp(&back, &token, sizeof token), 0, "%s", good[i]);
    }
}

Test(token_header, the_other_alphabet_of_base64)
{
    for (char *c = text; *c != '\0'; c++)
        *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    struct token back;
    cr_assert_eq(verdict_of("PrivateToken token=%s", &back), TOKEN_GOOD);
    cr_assert_eq(memcmp(&back, &token, sizeof token), 0);
}

Test(token_header, refused_authorization)
{
    static const struct {
        const char *value;
        enum token_verdict verdict;
    } cases[] = {
        {"", TOKEN_MISSING},
        {"  ", TOKEN_MISSING},
        {"%s", TOKEN_MISSING},
        {"Bearer %s", TOKEN_MISSING},
        {"PrivateTokens token=%s", TOKEN_MISSING},
        {"PrivateToken,token=%s", TOKEN_MISSING},
        {"PrivateToken", TOKEN_UNREADABLE},
        {"PrivateToken ", TOKEN_UNREADABLE},
        {"PrivateToken %s", TOKEN_UNREADABLE},
        {"PrivateToken tokens=%s", TOKEN_UNREADABLE},
        {"PrivateToken token=%s token=%s", TOKEN_UNREADABLE},
        {"PrivateToken token=%s, token=%s", TOKEN_UNREADABLE},
        {"PrivateToken token=%s, Token=\"%s\"", TOKEN_UNREADABLE},
        {"PrivateToken token=%s;", TOKEN_UNREADABLE},
        {"PrivateToken token=%s, more", TOKEN_UNREADABLE},
        {"PrivateToken token=%s, Basic dGVzdA==", TOKEN_UNREADABLE},
        {"PrivateToken token=\"%s", TOKEN_UNREADABLE},
        {"PrivateToken token=%s\"", TOKEN_UNREADABLE},
        {"PrivateToken token=\"%s\\", TOKEN_UNREADABLE},
        {"PrivateToken token='%s'", TOKEN_UNREADABLE},
        {"PrivateToken token=\" %s\"", TOKEN_UNREADABLE},
        {"PrivateToken token=%s=", TOKEN_UNREADABLE},
        {"PrivateToken =%s", TOKEN_UNREADABLE},
        {"PrivateToken token=", TOKEN_WRONG_LENGTH},
        {"PrivateToken token=AAAA", TOKEN_WRONG_LENGTH},
        {"PrivateToken token=%sAA==", TOKEN_WRONG_LENGTH},
        {"PrivateToken token=%s%s%s", TOKEN_WRONG_LENGTH},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct token back = {.type = 77};
        cr_assert_eq(verdict_of(cases[i].value, &back), cases[i].verdict, "%s", cases[i].value);
        cr_assert_eq(back.type, 77, "%s", cases[i].value);
    }
}

Test(token_header, authorization_of_every_length)
{
    char value[512];
    const int whole = snprintf(value, sizeof value, "PrivateToken token=%s", text);
    for (size_t size = 0; size < (size_t)whole; size++) {
        struct token back;
        const enum token_verdict verdict =
            token_header_read_authorization(span_of(value, size), &back);
        cr_assert(verdict == TOKEN_MISSING || verdict == TOKEN_UNREADABLE ||
                      verdict == TOKEN_WRONG_LENGTH,
                  "%zu", size);
    }
}

Test(token_header, challenge_is_read_back)
{
    struct token_header_challenge challenge = {
        .challenge_size = 5, .token_key_size = 4, .has_max_age = true, .max_age_s = UINT32_MAX};
    memcpy(challenge.challenge, "abcde", 5);
    memcpy(challenge.token_key, "key!", 4);
    struct bytes value;
    bytes_init(&value, 1024);
    token_header_write_challenge(&challenge, &value);
    cr_assert(
        span_equal(bytes_view(&value),
                   span_of_text("PrivateToken challenge=\"YWJjZGU=\", token-key=\"a2V5IQ==\", "
                                "max-age=4294967295")));
    struct token_header_challenge back;
    cr_assert_eq(token_header_read_challenge(bytes_view(&value), &back, &error), STATUS_OK);
    cr_assert_eq(back.challenge_size, 5);
    cr_assert_eq(memcmp(back.challenge, "abcde", 5), 0);
    cr_assert_eq(back.token_key_size, 4);
    cr_assert_eq(memcmp(back.token_key, "key!", 4), 0);
    cr_assert(back.has_max_age);
    cr_assert_eq(back.max_age_s, UINT32_MAX);

    bytes_clear(&value);
    challenge.token_key_size = 0;
    challenge.has_max_age = false;
    token_header_write_challenge(&challenge, &value);
    cr_assert(span_equal(bytes_view(&value), span_of_text("PrivateToken challenge=\"YWJjZGU=\"")));
    bytes_deinit(&value);
}

static enum status challenge_status(const char *value, struct token_header_challenge *ret)
{
    return token_header_read_challenge(span_of_text(value), ret, &error);
}

/* RFC 9577 section 2.1.2 shows two challenges in one field. */
Test(token_header, first_of_several_challenges)
{
    struct token_header_challenge challenge;
    cr_assert_eq(challenge_status("PrivateToken challenge=YWJj, token-key=MTIz,"
                                  "PrivateToken challenge=ZGVm, token-key=NDU2",
                                  &challenge),
                 STATUS_OK);
    cr_assert_eq(memcmp(challenge.challenge, "abc", 3), 0);
    cr_assert_eq(memcmp(challenge.token_key, "123", 3), 0);
    cr_assert(!challenge.has_max_age);
    cr_assert_eq(challenge_status("PrivateToken challenge=YWJj, Negotiate", &challenge), STATUS_OK);
}

Test(token_header, refused_challenges)
{
    static const struct {
        const char *value;
        enum status status;
    } cases[] = {
        {"", STATUS_NOT_FOUND},
        {"Basic realm=\"a\"", STATUS_NOT_FOUND},
        {"PrivateToken", STATUS_MALFORMED},
        {"PrivateToken token-key=YWJj", STATUS_MALFORMED},
        {"PrivateToken challenge=", STATUS_MALFORMED},
        {"PrivateToken challenge=Y", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj, challenge=YWJj", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj; max-age=1", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj, max-age=", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj, max-age=-1", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj, max-age=4294967296", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj, max-age=99999999999999999999999", STATUS_MALFORMED},
        {"PrivateToken challenge=YWJj, max-age=1, max-age=1", STATUS_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct token_header_challenge challenge = {.challenge_size = 77};
        cr_assert_eq(challenge_status(cases[i].value, &challenge), cases[i].status, "%s",
                     cases[i].value);
        cr_assert_eq(challenge.challenge_size, 77);
    }
    char value[4096];
    int size = snprintf(value, sizeof value, "PrivateToken challenge=");
    memset(value + size, 'A', 3000);
    struct token_header_challenge challenge;
    cr_assert_eq(
        token_header_read_challenge(span_of(value, (size_t)size + 3000), &challenge, &error),
        STATUS_TOO_LARGE);
}

Test(token_header, every_verdict_has_a_text)
{
    for (int i = 0; i < TOKEN_VERDICT_COUNT; i++)
        cr_assert(strlen(token_verdict_text((enum token_verdict)i)) > 0);
}
