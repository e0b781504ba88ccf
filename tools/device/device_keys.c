#include "tools/device/device_keys.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

#include <jansson.h>
#include <openssl/evp.h>

#define FILE_VERSION         1
#define FILE_MAX_BYTES       ((size_t)16 << 20)
#define SECRET_KEY_MAX_BYTES ((size_t)4 << 20)

enum status device_keys_init(struct device_keys *keys, struct error *err)
{
    *keys = (struct device_keys){0};
    bytes_init(&keys->secret_key, SECRET_KEY_MAX_BYTES);
    uint8_t r[16];
    const struct random_source source = random_system();
    const enum status status = random_fill(&source, r, sizeof r, err);
    if (status != STATUS_OK)
        return status;
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* RFC 9562 section 5.4: version 4 */
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(keys->user_identifier, sizeof keys->user_identifier,
             "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
             r[15]);
    return STATUS_OK;
}

void device_keys_deinit(struct device_keys *keys)
{
    bytes_deinit_secret(&keys->secret_key);
    mem_wipe(keys, sizeof *keys);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static bool read_hex(const char *text, uint8_t *ret, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool is_identifier(const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length >= DEVICE_USER_IDENTIFIER_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (hex_digit(text[i]) < 0 && text[i] != '-' && !(text[i] >= 'A' && text[i] <= 'F'))
            return false;
    }
    return true;
}

static bool read_base64(const char *text, struct bytes *ret)
{
    const size_t length = strlen(text);
    if (length == 0 || length % 4 != 0 || length > FILE_MAX_BYTES ||
        strcspn(text, "=") < length - 2)
        return false;
    bytes_clear(ret);
    /* EVP_DecodeBlock leaves out blanks at both ends: it then gives less than was reserved. */
    uint8_t *space = bytes_append_space(ret, length / 4 * 3);
    if (space == NULL ||
        EVP_DecodeBlock(space, (const unsigned char *)text, (int)length) != (int)(length / 4 * 3))
        return false;
    /* EVP_DecodeBlock counts the padding as zero bytes. */
    ret->size -= text[length - 1] == '=';
    ret->size -= text[length - 2] == '=';
    return true;
}

static enum status parse(json_t *root, struct device_keys *keys, const char *path,
                         struct error *err)
{
    const char *user = json_string_value(json_object_get(root, "userIdentifier"));
    const char *key_id = json_string_value(json_object_get(root, "keyIdentifier"));
    const char *secret = json_string_value(json_object_get(root, "secretKey"));
    json_t *timestamp = json_object_get(root, "timestamp");
    if (json_integer_value(json_object_get(root, "version")) != FILE_VERSION)
        return error_set(err, STATUS_MALFORMED, "%s: $.version is not %d", path, FILE_VERSION);
    if (user == NULL || !is_identifier(user))
        return error_set(err, STATUS_MALFORMED, "%s: $.userIdentifier is no UUID", path);
    if (key_id == NULL || !read_hex(key_id, keys->key_id, sizeof keys->key_id))
        return error_set(err, STATUS_MALFORMED, "%s: $.keyIdentifier is not %d hex digits", path,
                         2 * WIRE_KEY_ID_BYTES);
    if (!json_is_integer(timestamp) || json_integer_value(timestamp) <= 0)
        return error_set(err, STATUS_MALFORMED, "%s: $.timestamp is no positive number", path);
    if (secret == NULL || !read_base64(secret, &keys->secret_key))
        return error_set(err, STATUS_MALFORMED, "%s: $.secretKey is no base64", path);
    snprintf(keys->user_identifier, sizeof keys->user_identifier, "%s", user);
    keys->timestamp = (uint64_t)json_integer_value(timestamp);
    keys->has_key = true;
    return STATUS_OK;
}

enum status device_keys_read(const char *path, struct device_keys *keys, struct error *err)
{
    struct bytes file;
    json_t *root = NULL;
    json_error_t why;
    bytes_init(&file, FILE_MAX_BYTES);
    enum status status = file_read(path, &file, err);
    if (status != STATUS_OK)
        goto done;
    root = json_loadb((const char *)file.data, file.size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        status = error_set(err, STATUS_MALFORMED, "%s: line %d: %s", path, why.line, why.text);
        goto done;
    }
    status = parse(root, keys, path, err);
done:
    json_decref(root);
    bytes_deinit_secret(&file);
    return status;
}

enum status device_keys_write(const char *path, const struct device_keys *keys, struct error *err)
{
    struct bytes text;
    bytes_init(&text, FILE_MAX_BYTES);
    const size_t encoded_size = (keys->secret_key.size + 2) / 3 * 4;
    bytes_reserve(&text, encoded_size + 1024); /* so that no copy of the secret is left behind */
    bytes_append_format(&text, "{\"version\": %d,\n \"userIdentifier\": \"%s\",\n", FILE_VERSION,
                        keys->user_identifier);
    bytes_append_text(&text, " \"keyIdentifier\": \"");
    for (size_t i = 0; i < sizeof keys->key_id; i++)
        bytes_append_format(&text, "%02x", keys->key_id[i]);
    bytes_append_format(&text, "\",\n \"timestamp\": %llu,\n \"secretKey\": \"",
                        (unsigned long long)keys->timestamp);
    uint8_t *space = bytes_append_space(&text, encoded_size + 1);
    if (space != NULL) {
        EVP_EncodeBlock(space, keys->secret_key.data, (int)keys->secret_key.size);
        text.size--;
    }
    bytes_append_text(&text, "\"}\n");
    enum status status = bytes_status(&text, path, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_SECRET, bytes_view(&text), err);
    bytes_deinit_secret(&text);
    return status;
}
