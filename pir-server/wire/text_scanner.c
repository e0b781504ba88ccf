#include "pir-server/wire/text_scanner.h"

#include "base/utf8.h"

#define CODE_POINT_MAX 0x10ffff

/* Line and column are counted when an error needs them: the way there stays fast. */
enum status text_scanner_fail(const struct text_scanner *scanner, size_t offset, const char *format,
                              ...)
{
    size_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (scanner->text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    va_list args;
    va_start(args, format);
    (void)error_set_va(scanner->err, STATUS_MALFORMED, format, args);
    va_end(args);
    return error_prefix(scanner->err, STATUS_MALFORMED, "line %zu, column %zu", line,
                        offset - line_start + 1);
}

bool text_is_utf8(struct span text)
{
    return utf8_prefix_bytes(text) == text.size;
}

enum status text_scanner_init(struct text_scanner *scanner, struct span text, struct error *err)
{
    *scanner = (struct text_scanner){.text = text, .err = err};
    const size_t valid = utf8_prefix_bytes(text);
    if (valid < text.size)
        return text_scanner_fail(scanner, valid, "not valid UTF-8");
    if (span_starts_with(text, span_of("\xef\xbb\xbf", 3)))
        scanner->at = 3;
    return STATUS_OK;
}

int text_scanner_peek(struct text_scanner *scanner)
{
    while (scanner->at < scanner->text.size) {
        const uint8_t byte = scanner->text.data[scanner->at];
        if (byte == '#') {
            const uint8_t *start = scanner->text.data + scanner->at;
            const uint8_t *end = memchr(start, '\n', scanner->text.size - scanner->at);
            scanner->at = end == NULL ? scanner->text.size : scanner->at + (size_t)(end - start);
        } else if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
            scanner->at++;
        } else {
            return byte;
        }
    }
    return TEXT_END;
}

bool text_scanner_accept(struct text_scanner *scanner, char wanted)
{
    if (text_scanner_peek(scanner) != (uint8_t)wanted)
        return false;
    scanner->at++;
    return true;
}

static bool is_word(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_';
}

struct span text_scanner_word(struct text_scanner *scanner)
{
    (void)text_scanner_peek(scanner);
    const size_t start = scanner->at;
    while (scanner->at < scanner->text.size && is_word(scanner->text.data[scanner->at]))
        scanner->at++;
    return span_part(scanner->text, start, scanner->at - start);
}

struct span text_scanner_atom(struct text_scanner *scanner)
{
    (void)text_scanner_peek(scanner);
    const size_t start = scanner->at;
    while (scanner->at < scanner->text.size) {
        const uint8_t byte = scanner->text.data[scanner->at];
        if (!is_word(byte) && byte != '.' && byte != '+' && byte != '-')
            break;
        scanner->at++;
    }
    return span_part(scanner->text, start, scanner->at - start);
}

static int digit_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return 16;
}

static enum status parse_digits(const struct text_scanner *scanner, size_t start,
                                struct span digits, uint64_t max, uint64_t *ret)
{
    unsigned base = 10;
    size_t first = 0;
    if (digits.size > 1 && digits.data[0] == '0') {
        const bool is_hex = digits.data[1] == 'x' || digits.data[1] == 'X';
        base = is_hex ? 16 : 8;
        first = is_hex ? 2 : 1;
    }
    if (first >= digits.size)
        return text_scanner_fail(scanner, start, "expected a number");
    uint64_t value = 0;
    for (size_t i = first; i < digits.size; i++) {
        const unsigned digit = (unsigned)digit_value(digits.data[i]);
        if (digit >= base)
            return text_scanner_fail(scanner, start, "not a whole number");
        if (value > (max - digit) / base || digit > max)
            return text_scanner_fail(scanner, start, "the number is larger than %llu",
                                     (unsigned long long)max);
        value = value * base + digit;
    }
    *ret = value;
    return STATUS_OK;
}

enum status text_scanner_unsigned(struct text_scanner *scanner, uint64_t max, uint64_t *ret)
{
    const struct span atom = text_scanner_atom(scanner);
    return parse_digits(scanner, scanner->at - atom.size, atom, max, ret);
}

enum status text_scanner_int32(struct text_scanner *scanner, int32_t *ret)
{
    struct span atom = text_scanner_atom(scanner);
    const size_t start = scanner->at - atom.size;
    const bool is_negative = atom.size > 0 && atom.data[0] == '-';
    if (is_negative)
        atom = span_part(atom, 1, atom.size - 1);
    uint64_t value = 0;
    const enum status st =
        parse_digits(scanner, start, atom, (uint64_t)INT32_MAX + is_negative, &value);
    if (st == STATUS_OK)
        *ret = (int32_t)(is_negative ? -(int64_t)value : (int64_t)value);
    return st;
}

static void append_utf8(struct bytes *ret, uint32_t code_point)
{
    if (ret == NULL)
        return;
    if (code_point < 0x80) {
        bytes_append_u8(ret, (uint8_t)code_point);
    } else if (code_point < 0x800) {
        bytes_append_u8(ret, (uint8_t)(0xc0 | code_point >> 6));
        bytes_append_u8(ret, (uint8_t)(0x80 | (code_point & 0x3f)));
    } else if (code_point < 0x10000) {
        bytes_append_u8(ret, (uint8_t)(0xe0 | code_point >> 12));
        bytes_append_u8(ret, (uint8_t)(0x80 | (code_point >> 6 & 0x3f)));
        bytes_append_u8(ret, (uint8_t)(0x80 | (code_point & 0x3f)));
    } else {
        bytes_append_u8(ret, (uint8_t)(0xf0 | code_point >> 18));
        bytes_append_u8(ret, (uint8_t)(0x80 | (code_point >> 12 & 0x3f)));
        bytes_append_u8(ret, (uint8_t)(0x80 | (code_point >> 6 & 0x3f)));
        bytes_append_u8(ret, (uint8_t)(0x80 | (code_point & 0x3f)));
    }
}

/* Up to `max_digits` digits of `base` from the scanner; *ret_count tells how many there were. */
static uint32_t take_digits(struct text_scanner *scanner, unsigned base, size_t max_digits,
                            size_t *ret_count)
{
    uint32_t value = 0;
    size_t count = 0;
    while (count < max_digits && scanner->at < scanner->text.size) {
        const unsigned digit = (unsigned)digit_value(scanner->text.data[scanner->at]);
        if (digit >= base)
            break;
        value = value * base + digit;
        scanner->at++;
        count++;
    }
    *ret_count = count;
    return value;
}

static enum status scan_numeric_escape(struct text_scanner *scanner, size_t start, uint8_t letter,
                                       struct bytes *ret)
{
    size_t count = 0;
    if (letter == 'u' || letter == 'U') {
        const size_t wanted = letter == 'u' ? 4 : 8;
        const uint32_t code_point = take_digits(scanner, 16, wanted, &count);
        if (count != wanted)
            return text_scanner_fail(scanner, start, "\\%c needs %zu hexadecimal digits", letter,
                                     wanted);
        if (code_point > CODE_POINT_MAX || (code_point >= 0xd800 && code_point <= 0xdfff))
            return text_scanner_fail(scanner, start, "U+%04X is no character",
                                     (unsigned)code_point);
        append_utf8(ret, code_point);
        return STATUS_OK;
    }
    const bool is_hex = letter == 'x';
    if (!is_hex)
        scanner->at--; /* the digit that came with the backslash belongs to the number */
    const uint32_t value = take_digits(scanner, is_hex ? 16 : 8, is_hex ? 2 : 3, &count);
    if (count == 0)
        return text_scanner_fail(scanner, start, "\\x needs hexadecimal digits");
    if (value > UINT8_MAX)
        return text_scanner_fail(scanner, start, "the octal escape is larger than \\377");
    if (ret != NULL)
        bytes_append_u8(ret, (uint8_t)value);
    return STATUS_OK;
}

static enum status scan_escape(struct text_scanner *scanner, struct bytes *ret)
{
    static const char letters[] = "abfnrtv\\'\"?";
    static const char values[] = "\a\b\f\n\r\t\v\\'\"?";
    const size_t start = scanner->at++; /* the backslash */
    if (scanner->at == scanner->text.size)
        return text_scanner_fail(scanner, start, "the string does not end");
    const uint8_t letter = scanner->text.data[scanner->at++];
    if (letter == 'u' || letter == 'U' || letter == 'x' || (letter >= '0' && letter <= '7'))
        return scan_numeric_escape(scanner, start, letter, ret);
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found == NULL)
        return text_scanner_fail(scanner, start, "unknown escape in a string");
    if (ret != NULL)
        bytes_append_u8(ret, (uint8_t)values[found - letters]);
    return STATUS_OK;
}

static enum status scan_one_string(struct text_scanner *scanner, struct bytes *ret)
{
    const size_t start = scanner->at;
    const uint8_t quote = scanner->text.data[scanner->at++];
    for (;;) {
        const size_t plain = scanner->at;
        uint8_t byte = quote;
        while (scanner->at < scanner->text.size) {
            byte = scanner->text.data[scanner->at];
            if (byte == quote || byte == '\\' || byte == '\n' || byte == '\r')
                break;
            scanner->at++;
        }
        if (ret != NULL)
            bytes_append(ret, span_part(scanner->text, plain, scanner->at - plain));
        if (scanner->at == scanner->text.size)
            return text_scanner_fail(scanner, start, "the string does not end");
        if (byte == '\n' || byte == '\r')
            return text_scanner_fail(scanner, scanner->at, "line break inside a string");
        if (byte == quote) {
            scanner->at++;
            return STATUS_OK;
        }
        const enum status st = scan_escape(scanner, ret);
        if (st != STATUS_OK)
            return st;
    }
}

enum status text_scanner_string(struct text_scanner *scanner, struct bytes *ret)
{
    int next = text_scanner_peek(scanner);
    if (next != '"' && next != '\'')
        return text_scanner_fail(scanner, scanner->at, "expected a string in quotes");
    while (next == '"' || next == '\'') {
        const enum status st = scan_one_string(scanner, ret);
        if (st != STATUS_OK)
            return st;
        next = text_scanner_peek(scanner);
    }
    return STATUS_OK;
}
