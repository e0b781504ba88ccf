/* A scanner over the value: a scheme, then parameters one by one. Each parameter is handed to the
 * form that is read, which knows the names it wants. */
#include "pir-server/privacypass/token_header.h"

#include "pir-server/privacypass/base64url.h"

#include <string.h>
#include <strings.h>

#define SCHEME "PrivateToken"

struct scan {
    struct span text;
    size_t at;
};

struct parameter {
    struct span name;
    struct span value; /* without quotes */
};

enum next { NEXT_PARAMETER, NEXT_END, NEXT_SCHEME, NEXT_BROKEN };

static bool is_token_character(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_at(const struct scan *scan, uint8_t c)
{
    return scan->at < scan->text.size && scan->text.data[scan->at] == c;
}

/* Blanks, and how many. */
static size_t skip_blanks(struct scan *scan)
{
    const size_t start = scan->at;
    while (is_at(scan, ' ') || is_at(scan, '\t'))
        scan->at++;
    return scan->at - start;
}

/* A word of token characters; `more` are taken as well (base64 has '/' and '='). */
static struct span scan_word(struct scan *scan, const char *more)
{
    const size_t start = scan->at;
    while (scan->at < scan->text.size) {
        const uint8_t c = scan->text.data[scan->at];
        if (!is_token_character(c) && (c == '\0' || strchr(more, c) == NULL))
            break;
        scan->at++;
    }
    return span_part(scan->text, start, scan->at - start);
}

static bool is_word(struct span word, const char *expected)
{
    return word.size == strlen(expected) &&
           strncasecmp((const char *)word.data, expected, word.size) == 0;
}

/* The scheme and the blanks behind it. */
static bool scan_scheme(struct scan *scan)
{
    skip_blanks(scan);
    if (!is_word(scan_word(scan, ""), SCHEME))
        return false;
    return skip_blanks(scan) > 0 || scan->at == scan->text.size;
}

/* Behind the opening quote. A backslash escapes in RFC 9110, but none of our values can hold what
 * needs one, so that a value with one is refused where its contents are read. */
static bool scan_quoted(struct scan *scan, struct span *ret)
{
    const size_t start = scan->at;
    while (scan->at < scan->text.size && scan->text.data[scan->at] != '"') {
        if (scan->text.data[scan->at] == '\\')
            scan->at++;
        scan->at++;
    }
    if (!is_at(scan, '"'))
        return false;
    *ret = span_part(scan->text, start, scan->at - start);
    scan->at++;
    return true;
}

/* A word that is followed by another one, not by '=', is the scheme of the next challenge. */
static enum next scan_parameter(struct scan *scan, struct parameter *ret)
{
    while (skip_blanks(scan) > 0 || is_at(scan, ','))
        scan->at += is_at(scan, ',') ? 1 : 0;
    if (scan->at == scan->text.size)
        return NEXT_END;
    ret->name = scan_word(scan, "");
    if (ret->name.size == 0)
        return NEXT_BROKEN;
    const size_t blanks = skip_blanks(scan);
    if (!is_at(scan, '='))
        return blanks > 0 || scan->at == scan->text.size ? NEXT_SCHEME : NEXT_BROKEN;
    scan->at++;
    skip_blanks(scan);
    if (is_at(scan, '"')) {
        scan->at++;
        if (!scan_quoted(scan, &ret->value))
            return NEXT_BROKEN;
    } else {
        ret->value = scan_word(scan, "/=");
    }
    skip_blanks(scan);
    return scan->at == scan->text.size || is_at(scan, ',') ? NEXT_PARAMETER : NEXT_BROKEN;
}

enum token_verdict token_header_read_authorization(struct span value, struct token *ret)
{
    struct scan scan = {.text = value};
    if (!scan_scheme(&scan))
        return TOKEN_MISSING;

    uint8_t token[TOKEN_BYTES];
    size_t size = 0;
    bool is_found = false;
    struct parameter parameter;
    enum next next;
    while ((next = scan_parameter(&scan, &parameter)) == NEXT_PARAMETER) {
        if (!is_word(parameter.name, "token"))
            continue;
        if (is_found || !base64url_decode(parameter.value, token, sizeof token, &size))
            return TOKEN_UNREADABLE;
        is_found = true;
    }
    /* Credentials are one scheme with its parameters; only challenges come in lists. */
    if (next != NEXT_END || !is_found)
        return TOKEN_UNREADABLE;
    if (size != TOKEN_BYTES)
        return TOKEN_WRONG_LENGTH;
    token_parse(token, ret);
    return TOKEN_GOOD;
}

void token_header_write_authorization(const struct token *token, struct bytes *ret)
{
    uint8_t written[TOKEN_BYTES];
    token_write(token, written);
    bytes_append_text(ret, SCHEME " token=");
    base64url_append(ret, span_of(written, sizeof written));
}

/* ---- the challenge ---- */

static enum status read_bytes(const struct parameter *parameter, const char *name, uint8_t *ret,
                              size_t capacity, size_t *ret_size, struct error *err)
{
    size_t size = 0;
    if (*ret_size != 0)
        return error_set(err, STATUS_MALFORMED, "WWW-Authenticate: %s is given twice", name);
    if (!base64url_decode(parameter->value, ret, capacity, &size) || size == 0)
        return error_set(err, STATUS_MALFORMED, "WWW-Authenticate: %s is not base64", name);
    if (size > capacity)
        return error_set(err, STATUS_TOO_LARGE, "WWW-Authenticate: %s of %zu bytes, at most %zu",
                         name, size, capacity);
    *ret_size = size;
    return STATUS_OK;
}

static enum status read_max_age(const struct parameter *parameter,
                                struct token_header_challenge *ret, struct error *err)
{
    uint64_t value = 0;
    bool is_number = parameter->value.size > 0 && !ret->has_max_age;
    for (size_t i = 0; i < parameter->value.size && is_number; i++) {
        const uint8_t c = parameter->value.data[i];
        is_number = c >= '0' && c <= '9';
        value = value * 10 + (uint64_t)(c - '0');
        is_number = is_number && value <= UINT32_MAX;
    }
    if (!is_number)
        return error_set(err, STATUS_MALFORMED, "WWW-Authenticate: max-age is not one number");
    ret->has_max_age = true;
    ret->max_age_s = (uint32_t)value;
    return STATUS_OK;
}

static enum status read_challenge_parameter(const struct parameter *parameter,
                                            struct token_header_challenge *ret, struct error *err)
{
    if (is_word(parameter->name, "challenge"))
        return read_bytes(parameter, "challenge", ret->challenge, sizeof ret->challenge,
                          &ret->challenge_size, err);
    if (is_word(parameter->name, "token-key"))
        return read_bytes(parameter, "token-key", ret->token_key, sizeof ret->token_key,
                          &ret->token_key_size, err);
    if (is_word(parameter->name, "max-age"))
        return read_max_age(parameter, ret, err);
    return STATUS_OK;
}

enum status token_header_read_challenge(struct span value, struct token_header_challenge *ret,
                                        struct error *err)
{
    struct token_header_challenge challenge = {.challenge_size = 0};
    struct scan scan = {.text = value};
    if (!scan_scheme(&scan))
        return error_set(err, STATUS_NOT_FOUND, "WWW-Authenticate: no challenge for a token");
    struct parameter parameter;
    enum next next;
    while ((next = scan_parameter(&scan, &parameter)) == NEXT_PARAMETER) {
        const enum status status = read_challenge_parameter(&parameter, &challenge, err);
        if (status != STATUS_OK)
            return status;
    }
    if (next == NEXT_BROKEN)
        return error_set(err, STATUS_MALFORMED, "WWW-Authenticate: byte %zu is no parameter",
                         scan.at);
    if (challenge.challenge_size == 0)
        return error_set(err, STATUS_MALFORMED, "WWW-Authenticate: no challenge parameter");
    *ret = challenge;
    return STATUS_OK;
}

static void write_quoted(struct bytes *ret, const char *name, const uint8_t *data, size_t size)
{
    bytes_append_text(ret, name);
    bytes_append_text(ret, "=\"");
    base64url_append(ret, span_of(data, size));
    bytes_append_text(ret, "\"");
}

void token_header_write_challenge(const struct token_header_challenge *challenge, struct bytes *ret)
{
    write_quoted(ret, SCHEME " challenge", challenge->challenge, challenge->challenge_size);
    if (challenge->token_key_size > 0)
        write_quoted(ret, ", token-key", challenge->token_key, challenge->token_key_size);
    if (challenge->has_max_age)
        bytes_append_format(ret, ", max-age=%u", challenge->max_age_s);
}
