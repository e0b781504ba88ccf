#include "pir-server/oprf/symmetric_key.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"

/* -1: no digit. By arithmetic on the byte, not by looking it up. */
static int digit_of(uint8_t c)
{
    const int decimal = c - '0';
    const int letter = (c | 0x20) - 'a';
    if (decimal >= 0 && decimal <= 9)
        return decimal;
    return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum status symmetric_key_parse(struct span text, struct voprf_key **ret, struct error *err)
{
    uint8_t scalar[VOPRF_SCALAR_BYTES];
    size_t size = text.size;
    while (size > 0 && is_space(text.data[size - 1]))
        size--;
    if (size != SYMMETRIC_KEY_DIGITS)
        return error_set(err, STATUS_MALFORMED, "%zu characters, a key has %zu hex digits", size,
                         SYMMETRIC_KEY_DIGITS);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < VOPRF_SCALAR_BYTES && status == STATUS_OK; i++) {
        const int high = digit_of(text.data[2 * i]);
        const int low = digit_of(text.data[2 * i + 1]);
        scalar[i] = (uint8_t)(high * 16 + low);
        if (high < 0 || low < 0)
            status = error_set(err, STATUS_MALFORMED, "character %zu is no hex digit",
                               2 * i + (high < 0 ? 1 : 2));
    }
    if (status == STATUS_OK)
        status = voprf_key_new(scalar, ret, err);
    mem_wipe(scalar, sizeof scalar);
    return status;
}

static char letter_of(uint8_t digit)
{
    return (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
}

void symmetric_key_format(const struct voprf_key *key, char ret[SYMMETRIC_KEY_DIGITS])
{
    uint8_t scalar[VOPRF_SCALAR_BYTES];
    voprf_key_scalar(key, scalar);
    for (size_t i = 0; i < VOPRF_SCALAR_BYTES; i++) {
        ret[2 * i] = letter_of(scalar[i] >> 4);
        ret[2 * i + 1] = letter_of(scalar[i] & 15);
    }
    mem_wipe(scalar, sizeof scalar);
}

enum status symmetric_key_read(const char *path, struct voprf_key **ret, struct error *err)
{
    struct bytes text;
    bytes_init(&text, SYMMETRIC_KEY_FILE_MAX_BYTES);
    bytes_reserve(&text, SYMMETRIC_KEY_FILE_MAX_BYTES); /* growth would leave copies */
    enum status status = file_read(path, &text, err);
    if (status == STATUS_OK) {
        status = symmetric_key_parse(bytes_view(&text), ret, err);
        if (status != STATUS_OK)
            status = error_prefix(err, status, "key file %s", path);
    }
    bytes_deinit_secret(&text);
    return status;
}

enum status symmetric_key_write(const char *path, const struct voprf_key *key, struct error *err)
{
    char digits[SYMMETRIC_KEY_DIGITS];
    symmetric_key_format(key, digits);
    const enum status status =
        file_write(path, FILE_MODE_SECRET, span_of(digits, sizeof digits), err);
    mem_wipe(digits, sizeof digits);
    return status;
}
