#include "pir-server/service/http_fields.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* tchar of RFC 9110 section 5.6.2 */
static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* qvalue of RFC 9110 section 12.4.2, in thousandths; -1 when it is none. */
static int parse_quality(const char **at)
{
    const char *p = *at;
    if (*p != '0' && *p != '1')
        return -1;
    int value = (*p++ - '0') * 1000;
    if (*p == '.') {
        p++;
        int unit = 100;
        for (; *p >= '0' && *p <= '9' && unit > 0; p++, unit /= 10)
            value += (*p - '0') * unit;
    }
    *at = p;
    return value > 1000 ? -1 : value;
}

/* One member up to its ',' or the end: its coding, and its quality or -1 when it does not parse. */
static const char *next_coding(const char *at, const char **ret_name, size_t *ret_size,
                               int *ret_quality)
{
    at = skip_blanks(at);
    *ret_name = at;
    while (is_token_char(*at))
        at++;
    *ret_size = (size_t)(at - *ret_name);
    *ret_quality = *ret_size > 0 ? 1000 : -1;
    at = skip_blanks(at);
    if (*at == ';') {
        at = skip_blanks(at + 1);
        *ret_quality = -1;
        if ((at[0] == 'q' || at[0] == 'Q') && at[1] == '=') {
            at += 2;
            *ret_quality = parse_quality(&at);
        }
        at = skip_blanks(at);
    }
    if (*at != ',' && *at != '\0')
        *ret_quality = -1;
    while (*at != ',' && *at != '\0')
        at++;
    return at;
}

static bool name_is(const char *name, size_t size, const char *expected)
{
    return strlen(expected) == size && strncasecmp(name, expected, size) == 0;
}

bool accept_encoding_has_gzip(const char *value)
{
    if (value == NULL)
        return false;
    int gzip = -1;
    int any = -1;
    for (const char *at = value;;) {
        const char *name;
        size_t size;
        int quality;
        at = next_coding(at, &name, &size, &quality);
        if (quality >= 0 && (name_is(name, size, "gzip") || name_is(name, size, "x-gzip")))
            gzip = quality > gzip ? quality : gzip;
        else if (quality >= 0 && name_is(name, size, "*"))
            any = quality;
        if (*at == '\0')
            break;
        at++;
    }
    return gzip >= 0 ? gzip > 0 : any > 0;
}

bool if_none_match_matches(const char *value, const char *etag)
{
    if (value == NULL)
        return false;
    const size_t etag_size = strlen(etag);
    const char *at = skip_blanks(value);
    if (*at == '*' && *skip_blanks(at + 1) == '\0')
        return true;
    while (*at != '\0') {
        at = skip_blanks(at);
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        if (*at != '"')
            return false; /* not a list of entity tags from here on */
        const char *end = strchr(at + 1, '"');
        if (end == NULL)
            return false;
        const size_t size = (size_t)(end - at) + 1;
        if (size == etag_size && memcmp(at, etag, size) == 0)
            return true;
        at = skip_blanks(end + 1);
        if (*at == ',')
            at++;
        else if (*at != '\0')
            return false;
    }
    return false;
}

/* Digits at *at; false when there is none. Beyond 64 bits the value stays at the top. */
static bool parse_digits(const char **at, uint64_t *ret)
{
    const char *p = *at;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (p == *at)
        return false;
    *at = p;
    *ret = value;
    return true;
}

enum byte_range byte_range_parse(const char *value, uint64_t size, uint64_t *ret_first,
                                 uint64_t *ret_size)
{
    if (value == NULL || strncasecmp(value, "bytes=", 6) != 0)
        return RANGE_WHOLE;
    const char *at = skip_blanks(value + 6);
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    if (*at == '-') { /* the last so many bytes */
        at++;
        uint64_t suffix;
        if (!parse_digits(&at, &suffix) || *skip_blanks(at) != '\0')
            return RANGE_WHOLE;
        if (suffix == 0 || size == 0)
            return RANGE_UNSATISFIABLE;
        *ret_size = suffix < size ? suffix : size;
        *ret_first = size - *ret_size;
        return RANGE_PART;
    }
    if (!parse_digits(&at, &first) || *at != '-')
        return RANGE_WHOLE;
    at++;
    if (*skip_blanks(at) != '\0' && !parse_digits(&at, &last))
        return RANGE_WHOLE;
    if (*skip_blanks(at) != '\0' || last < first)
        return RANGE_WHOLE;
    if (first >= size)
        return RANGE_UNSATISFIABLE;
    *ret_first = first;
    *ret_size = (last < size - 1 ? last : size - 1) - first + 1;
    return RANGE_PART;
}
