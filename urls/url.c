/* One pass a component, straight into the caller's workspace. Only a host with bytes above 127
 * leaves the fast path, for libidn2. */
#include "urls/url.h"

#include "urls/url_address.h"

#include <idn2.h>

#define SCHEME_MAX_BYTES 16

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* What most bytes of a host become: lower case; 0 = not an ordinary byte of a host. */
static const uint8_t host_bytes[256] = {
    ['-'] = '-', ['.'] = '.', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',
    ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',
    ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
    ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',
    ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['_'] = '_', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c',
    ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q',
    ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
    ['y'] = 'y', ['z'] = 'z',
};

/* What most bytes of path, query and fragment become; 0 = one that needs a closer look. */
static const uint8_t plain_bytes[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['('] = '(', [')'] = ')',
    ['*'] = '*', ['+'] = '+', [','] = ',', ['-'] = '-', ['.'] = '.', ['/'] = '/', ['0'] = '0',
    ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
    ['8'] = '8', ['9'] = '9', [':'] = ':', [';'] = ';', ['='] = '=', ['?'] = '?', ['@'] = '@',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
    ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
    ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
    ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['['] = '[', [']'] = ']',
    ['^'] = '^', ['_'] = '_', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
    ['|'] = '|', ['~'] = '~',
};

static bool is_all_ascii(struct span text)
{
    uint64_t seen = 0;
    size_t i = 0;
    for (; i + 8 <= text.size; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, sizeof word);
        seen |= word;
    }
    for (; i < text.size; i++)
        seen |= text.data[i];
    return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/* RFC 3629: no overlong forms, no surrogates, at most 10FFFF. */
static bool is_utf8(struct span text)
{
    for (size_t i = 0; i < text.size;) {
        const uint8_t c = text.data[i++];
        if (c < 0x80)
            continue;
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || more > text.size - i)
            return false;
        const uint8_t next = text.data[i];
        if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
            (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
            return false;
        for (; more > 0; more--) {
            if ((text.data[i++] & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}

/* ---- host ---- */

/* U+3002, U+FF0E and U+FF61 separate labels like a full stop (UTS 46 section 2.3). */
static size_t dot_size(struct span text, size_t at)
{
    if (text.data[at] == '.')
        return 1;
    if (text.size - at < 3)
        return 0;
    const uint8_t *c = text.data + at;
    const bool ideographic = c[0] == 0xe3 && c[1] == 0x80 && c[2] == 0x82;
    const bool fullwidth = c[0] == 0xef && c[1] == 0xbc && c[2] == 0x8e;
    const bool halfwidth = c[0] == 0xef && c[1] == 0xbd && c[2] == 0xa1;
    return ideographic || fullwidth || halfwidth ? 3 : 0;
}

/* Appends the Punycode of one label with non-ASCII bytes. */
static enum drop_reason append_idn_label(struct span label, struct url *ret)
{
    /* Four bytes a character at most 63 times would be enough for any legal label. */
    uint8_t in[4 * URL_LABEL_MAX_BYTES + 1];
    if (label.size >= sizeof in)
        return DROP_IDN;
    memcpy(in, label.data, label.size);
    in[label.size] = '\0';
    if (memchr(in, '\0', label.size) != NULL)
        return DROP_CHARACTER;
    uint8_t *ascii = NULL;
    const int failed = idn2_lookup_u8(in, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (failed != IDN2_OK)
        return DROP_IDN;
    enum drop_reason reason = DROP_NONE;
    for (size_t i = 0; ascii[i] != '\0' && reason == DROP_NONE; i++) {
        if (!is_host_byte(ascii[i]))
            reason = DROP_IDN; /* mapped to something with a dot or a separator in it */
        else if (ret->host_size > URL_HOST_MAX_BYTES)
            reason = DROP_HOST_TOO_LONG;
        else
            ret->text[ret->host_size++] = ascii[i];
    }
    idn2_free(ascii);
    return reason;
}

/* Lower case, Punycode; no checks of lengths yet but that of the whole. */
static enum drop_reason read_host_text(struct span host, struct url *ret)
{
    size_t ordinary = 0;
    if (host.size <= URL_HOST_MAX_BYTES) {
        for (; ordinary < host.size && host_bytes[host.data[ordinary]] != 0; ordinary++)
            ret->text[ordinary] = host_bytes[host.data[ordinary]];
    }
    ret->host_size = ordinary;
    if (ordinary == host.size)
        return DROP_NONE;
    ret->host_size = 0;
    for (size_t at = 0; at < host.size;) {
        size_t dot = dot_size(host, at);
        if (dot > 0) {
            if (ret->host_size > URL_HOST_MAX_BYTES)
                return DROP_HOST_TOO_LONG;
            ret->text[ret->host_size++] = '.';
            at += dot;
            continue;
        }
        const size_t start = at;
        bool is_ascii = true;
        while (at < host.size && dot == 0) {
            is_ascii = is_ascii && host.data[at] < 0x80;
            at++;
            dot = at < host.size ? dot_size(host, at) : 0;
        }
        if (!is_ascii) {
            const enum drop_reason reason =
                append_idn_label(span_part(host, start, at - start), ret);
            if (reason != DROP_NONE)
                return reason;
            continue;
        }
        for (size_t i = start; i < at; i++) {
            const uint8_t c = lower(host.data[i]);
            if (!is_host_byte(c))
                return c == '*'                ? DROP_WILDCARD
                       : c <= ' ' || c == 0x7f ? DROP_CHARACTER
                                               : DROP_HOST_CHARACTER;
            if (ret->host_size > URL_HOST_MAX_BYTES)
                return DROP_HOST_TOO_LONG;
            ret->text[ret->host_size++] = c;
        }
    }
    return DROP_NONE;
}

/* Browsers read a host whose last label is a number (decimal or 0x...) as an IPv4 address. */
static bool ends_in_number(const uint8_t *label, size_t size)
{
    if (size >= 2 && label[0] == '0' && label[1] == 'x') {
        for (size_t i = 2; i < size; i++) {
            if (!is_digit(label[i]) && !(label[i] >= 'a' && label[i] <= 'f'))
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(label[i]))
            return false;
    }
    return true;
}

static enum drop_reason check_host(struct url *ret)
{
    if (ret->host_size > 0 && ret->text[ret->host_size - 1] == '.')
        ret->host_size--;
    if (ret->host_size == 0)
        return DROP_NO_HOST;
    if (ret->host_size > URL_HOST_MAX_BYTES)
        return DROP_HOST_TOO_LONG;
    size_t labels = 1;
    size_t start = 0;
    for (size_t i = 0; i <= ret->host_size; i++) {
        if (i < ret->host_size && ret->text[i] != '.')
            continue;
        if (i == start || i - start > URL_LABEL_MAX_BYTES)
            return DROP_LABEL;
        if (i < ret->host_size) {
            labels++;
            start = i + 1;
        }
    }
    if (ends_in_number(ret->text + start, ret->host_size - start)) {
        uint8_t address[4];
        if (!url_read_ipv4(url_host(ret), address))
            return DROP_ADDRESS;
        ret->is_address = true;
        return DROP_NONE;
    }
    if (labels >= 3 && memcmp(ret->text, "www.", 4) == 0) {
        memmove(ret->text, ret->text + 4, ret->host_size - 4);
        ret->host_size -= 4;
        ret->had_www = true;
    }
    return DROP_NONE;
}

static enum drop_reason read_ipv6(struct span text, struct url *ret)
{
    uint8_t address[16];
    if (!url_read_ipv6(text, address))
        return DROP_ADDRESS;
    ret->host_size = url_write_ipv6(address, ret->text);
    ret->is_address = true;
    return DROP_NONE;
}

static enum drop_reason read_port(struct span digits, struct url *ret)
{
    uint32_t port = 0;
    if (digits.size == 0) /* "host:" means the default, as in browsers */
        return DROP_NONE;
    if (digits.size > 5)
        return DROP_PORT;
    for (size_t i = 0; i < digits.size; i++) {
        if (!is_digit(digits.data[i]))
            return DROP_PORT;
        port = port * 10 + (uint32_t)(digits.data[i] - '0');
    }
    if (port == 0 || port > 65535)
        return DROP_PORT;
    if (!ret->had_scheme || port != ret->device_port) {
        ret->port = port;
        ret->device_port = port;
    }
    return DROP_NONE;
}

static enum drop_reason read_authority(struct span text, bool is_whole, struct url *ret)
{
    const bool has_at = text.size > 0 && memchr(text.data, '@', text.size) != NULL;
    for (size_t i = has_at ? text.size : 0; i > 0; i--) {
        if (text.data[i - 1] == '@') {
            if (!ret->had_scheme)
                return DROP_USER_INFO;
            ret->had_user_info = true;
            text = span_part(text, i, text.size - i);
            break;
        }
    }
    if (text.size == 0)
        return DROP_NO_HOST;
    if (text.data[0] == '[') {
        const uint8_t *end = memchr(text.data, ']', text.size);
        if (end == NULL)
            return DROP_ADDRESS;
        const size_t inner = (size_t)(end - text.data) - 1;
        const enum drop_reason reason = read_ipv6(span_part(text, 1, inner), ret);
        const struct span behind = span_part(text, inner + 2, text.size - inner - 2);
        if (reason != DROP_NONE || behind.size == 0)
            return reason;
        if (behind.data[0] != ':')
            return DROP_ADDRESS;
        return read_port(span_part(behind, 1, behind.size - 1), ret);
    }
    const uint8_t *colon = memchr(text.data, ':', text.size);
    if (colon != NULL) {
        const size_t at = (size_t)(colon - text.data);
        const struct span behind = span_part(text, at + 1, text.size - at - 1);
        if (behind.size > 0 && memchr(behind.data, ':', behind.size) != NULL)
            return is_whole && !ret->had_scheme ? read_ipv6(text, ret) : DROP_HOST_CHARACTER;
        const enum drop_reason reason = read_port(behind, ret);
        if (reason != DROP_NONE)
            return at == 0 ? DROP_NO_HOST : reason;
        text.size = at;
    }
    const enum drop_reason reason = read_host_text(text, ret);
    return reason != DROP_NONE ? reason : check_host(ret);
}

/* ---- path, query, fragment ---- */

enum part { PART_PATH, PART_QUERY, PART_FRAGMENT };

/* What browsers escape (percent-encode sets of the URL standard; the query's is the one of http
 * and https). */
static bool is_escaped(uint8_t c, enum part part)
{
    switch (c) {
    case '"':
    case '<':
    case '>':
        return true;
    case '`':
        return part != PART_QUERY;
    case '{':
    case '}':
        return part == PART_PATH;
    case '\'':
        return part == PART_QUERY;
    default:
        return c >= 0x80;
    }
}

/* Appends `text` to ret->text at *size. */
static enum drop_reason append_part(struct span text, enum part part, bool keeps_case,
                                    struct url *ret, size_t *size)
{
    const char *digits = keeps_case ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t at = *size;
    size_t i = 0;
    if (text.size <= URL_MAX_BYTES - at && !keeps_case) {
        for (; i < text.size && plain_bytes[text.data[i]] != 0; i++)
            ret->text[at++] = plain_bytes[text.data[i]];
    }
    for (; i < text.size; i++) {
        uint8_t c = keeps_case ? text.data[i] : lower(text.data[i]);
        if (c <= ' ' || c == 0x7f)
            return DROP_CHARACTER;
        if (c == '\\' && part == PART_PATH)
            c = '/';
        const bool escaped = is_escaped(c, part);
        if (URL_MAX_BYTES - at < (escaped ? 3U : 1U))
            return DROP_TOO_LONG;
        if (escaped) {
            ret->text[at++] = '%';
            ret->text[at++] = (uint8_t)digits[c >> 4];
            ret->text[at++] = (uint8_t)digits[c & 15];
        } else {
            ret->text[at++] = c;
        }
    }
    *size = at;
    return DROP_NONE;
}

/* 1 for "." or "%2e", 2 for "..", also with escapes; 0 for anything else. */
static unsigned dots_of(struct span segment)
{
    unsigned dots = 0;
    for (size_t i = 0; i < segment.size && dots < 3; dots++) {
        if (segment.data[i] == '.')
            i += 1;
        else if (segment.size - i >= 3 && memcmp(segment.data + i, "%2", 2) == 0 &&
                 lower(segment.data[i + 2]) == 'e')
            i += 3;
        else
            return 0;
    }
    return dots < 3 ? dots : 0;
}

/* Resolves "." and ".." in place, as browsers do; `path` starts with '/'. Returns the new size. */
static size_t resolve_dots(uint8_t *path, size_t size)
{
    size_t out = 0;
    for (size_t at = 1; at <= size;) {
        const uint8_t *slash = at < size ? memchr(path + at, '/', size - at) : NULL;
        const size_t end = slash != NULL ? (size_t)(slash - path) : size;
        const struct span segment = span_of(path + at, end - at);
        const unsigned dots = dots_of(segment);
        if (dots == 2) {
            while (out > 0 && path[--out] != '/')
                continue;
        }
        if (dots == 0) {
            path[out++] = '/';
            memmove(path + out, segment.data, segment.size);
            out += segment.size;
        } else if (slash == NULL) {
            path[out++] = '/';
        }
        at = end + 1;
    }
    return out;
}

static bool may_have_dots(const uint8_t *path, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (path[i] == '/' && (path[i + 1] == '.' || path[i + 1] == '%'))
            return true;
    }
    return false;
}

static enum drop_reason read_rest(struct span rest, bool keeps_case, struct url *ret)
{
    const uint8_t *hash = rest.size > 0 ? memchr(rest.data, '#', rest.size) : NULL;
    const size_t before_hash = hash != NULL ? (size_t)(hash - rest.data) : rest.size;
    const uint8_t *question = before_hash > 0 ? memchr(rest.data, '?', before_hash) : NULL;
    const size_t path_size = question != NULL ? (size_t)(question - rest.data) : before_hash;

    size_t size = ret->host_size;
    uint8_t *path = ret->text + size;
    enum drop_reason reason = DROP_NONE;
    if (path_size == 0)
        reason = append_part(span_of("/", 1), PART_PATH, keeps_case, ret, &size);
    else
        reason = append_part(span_part(rest, 0, path_size), PART_PATH, keeps_case, ret, &size);
    if (reason != DROP_NONE)
        return reason;
    ret->path_size = size - ret->host_size;
    if (may_have_dots(path, ret->path_size)) {
        ret->path_size = resolve_dots(path, ret->path_size);
        size = ret->host_size + ret->path_size;
    }

    if (question != NULL && before_hash - path_size > 1) {
        const size_t start = size;
        reason = append_part(span_part(rest, path_size, before_hash - path_size), PART_QUERY,
                             keeps_case, ret, &size);
        ret->query_size = size - start;
    }
    if (reason == DROP_NONE && hash != NULL && rest.size - before_hash > 1) {
        const size_t start = size;
        reason = append_part(span_part(rest, before_hash, rest.size - before_hash), PART_FRAGMENT,
                             keeps_case, ret, &size);
        ret->fragment_size = size - start;
    }
    return reason;
}

/* ---- whole ---- */

/* Size of "scheme://" at the start, 0 without one. */
static size_t scheme_size(struct span text)
{
    for (size_t i = 0; i < text.size && i < SCHEME_MAX_BYTES; i++) {
        const uint8_t c = lower(text.data[i]);
        if (c == ':')
            return i > 0 && text.size - i >= 3 && text.data[i + 1] == '/' && text.data[i + 2] == '/'
                       ? i + 3
                       : 0;
        if (!(c >= 'a' && c <= 'z') &&
            (i == 0 || !(is_digit(c) || c == '+' || c == '-' || c == '.')))
            return 0;
    }
    return 0;
}

static bool is_scheme(struct span text, const char *scheme)
{
    size_t i = 0;
    for (; scheme[i] != '\0'; i++) {
        if (i == text.size || lower(text.data[i]) != (uint8_t)scheme[i])
            return false;
    }
    return i == text.size;
}

enum drop_reason url_parse(struct span text, struct url *ret)
{
    return url_parse_cased(text, false, ret);
}

enum drop_reason url_parse_cased(struct span text, bool keeps_case, struct url *ret)
{
    if (text.size == 0)
        return DROP_EMPTY;
    if (text.size > URL_MAX_BYTES)
        return DROP_TOO_LONG;
    ret->host_size = 0;
    ret->path_size = 0;
    ret->query_size = 0;
    ret->fragment_size = 0;
    ret->port = 0;
    ret->device_port = 443;
    ret->is_address = false;
    ret->had_scheme = false;
    ret->is_http = false;
    ret->had_www = false;
    ret->had_user_info = false;

    const size_t skip = scheme_size(text);
    if (skip > 0) {
        const struct span scheme = span_part(text, 0, skip);
        ret->had_scheme = true;
        ret->is_http = is_scheme(scheme, "http://");
        if (ret->is_http)
            ret->device_port = 80;
        else if (!is_scheme(scheme, "https://"))
            return DROP_SCHEME;
        text = span_part(text, skip, text.size - skip);
    }
    size_t end = 0;
    while (end < text.size && host_bytes[text.data[end]] != 0)
        end++;
    while (end < text.size && text.data[end] != '/' && text.data[end] != '\\' &&
           text.data[end] != '?' && text.data[end] != '#')
        end++;
    if (!is_all_ascii(text) && !is_utf8(text))
        return DROP_ENCODING;
    const enum drop_reason reason = read_authority(span_part(text, 0, end), end == text.size, ret);
    if (reason != DROP_NONE)
        return reason;
    return read_rest(span_part(text, end, text.size - end), keeps_case, ret);
}
