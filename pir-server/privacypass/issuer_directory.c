#include "pir-server/privacypass/issuer_directory.h"

#include "pir-server/privacypass/base64url.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>

enum status issuer_directory_write(const struct issuer_directory *directory, struct bytes *ret,
                                   struct error *err)
{
    assert(directory->key_count <= ISSUER_DIRECTORY_MAX_KEYS);
    bytes_append_format(ret, "{\"issuer-request-uri\":\"%s\",\"token-keys\":[",
                        directory->request_uri);
    for (size_t i = 0; i < directory->key_count; i++) {
        const struct issuer_directory_key *key = &directory->keys[i];
        bytes_append_format(ret, "%s{\"token-type\":%u,\"token-key\":\"", i > 0 ? "," : "",
                            TOKEN_TYPE_BLIND_RSA);
        base64url_append(ret, span_of(key->spki, sizeof key->spki));
        bytes_append_text(ret, "\"");
        if (key->has_not_before)
            bytes_append_format(ret, ",\"not-before\":%" PRIu64, key->not_before_s);
        bytes_append_text(ret, "}");
    }
    bytes_append_text(ret, "]}");
    return bytes_status(ret, "token issuer directory", err);
}

/* ---- reading ---- */

static enum status parse_uri(const json_t *value, struct issuer_directory *ret, struct error *err)
{
    const char *uri = json_string_value(value);
    const size_t size = json_string_length(value);
    if (uri == NULL || size == 0)
        return error_set(err, STATUS_MALFORMED,
                         "token issuer directory: $.issuer-request-uri is not a text");
    if (size >= sizeof ret->request_uri)
        return error_set(err, STATUS_TOO_LARGE,
                         "token issuer directory: $.issuer-request-uri has %zu bytes, at most %zu",
                         size, sizeof ret->request_uri - 1);
    for (size_t i = 0; i < size; i++) {
        if (uri[i] <= ' ' || uri[i] > '~' || uri[i] == '"' || uri[i] == '\\')
            return error_set(err, STATUS_MALFORMED,
                             "token issuer directory: $.issuer-request-uri is not a URI");
    }
    memcpy(ret->request_uri, uri, size + 1);
    return STATUS_OK;
}

/* Is it a key, and decoded? */
static enum status parse_spki(const json_t *value, size_t index, struct issuer_directory_key *ret,
                              struct error *err)
{
    const char *text = json_string_value(value);
    size_t size = 0;
    if (text == NULL || !base64url_decode(span_of(text, json_string_length(value)), ret->spki,
                                          sizeof ret->spki, &size))
        return error_set(err, STATUS_MALFORMED,
                         "token issuer directory: $.token-keys[%zu].token-key is not base64url",
                         index);
    struct token_key *key = NULL;
    const enum status status =
        size == sizeof ret->spki
            ? token_key_parse(span_of(ret->spki, size), &key, err)
            : error_set(err, STATUS_MALFORMED, "token key: %zu bytes, %zu are due", size,
                        sizeof ret->spki);
    token_key_free(key);
    return status == STATUS_OK
               ? STATUS_OK
               : error_prefix(err, status, "token issuer directory: $.token-keys[%zu].token-key",
                              index);
}

/* *ret_is_ours: of the type that is known here. */
static enum status parse_key(const json_t *value, size_t index, struct issuer_directory_key *ret,
                             bool *ret_is_ours, struct error *err)
{
    const json_t *type = json_object_get(value, "token-type");
    if (!json_is_integer(type))
        return error_set(err, STATUS_MALFORMED,
                         "token issuer directory: $.token-keys[%zu].token-type is not a number",
                         index);
    *ret_is_ours = json_integer_value(type) == TOKEN_TYPE_BLIND_RSA;
    if (!*ret_is_ours)
        return STATUS_OK;
    const json_t *not_before = json_object_get(value, "not-before");
    ret->has_not_before = not_before != NULL;
    if (ret->has_not_before) {
        if (!json_is_integer(not_before) || json_integer_value(not_before) < 0)
            return error_set(err, STATUS_MALFORMED,
                             "token issuer directory: $.token-keys[%zu].not-before is not a time",
                             index);
        ret->not_before_s = (uint64_t)json_integer_value(not_before);
    }
    return parse_spki(json_object_get(value, "token-key"), index, ret, err);
}

static enum status parse_keys(const json_t *value, struct issuer_directory *ret, struct error *err)
{
    if (!json_is_array(value))
        return error_set(err, STATUS_MALFORMED,
                         "token issuer directory: $.token-keys is not an array");
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct issuer_directory_key key = {.not_before_s = 0};
        bool is_ours = false;
        const enum status status = parse_key(json_array_get(value, i), i, &key, &is_ours, err);
        if (status != STATUS_OK)
            return status;
        if (!is_ours)
            continue;
        if (ret->key_count == ISSUER_DIRECTORY_MAX_KEYS)
            return error_set(err, STATUS_TOO_LARGE,
                             "token issuer directory: more than %zu keys of type %u",
                             ISSUER_DIRECTORY_MAX_KEYS, TOKEN_TYPE_BLIND_RSA);
        ret->keys[ret->key_count++] = key;
    }
    return STATUS_OK;
}

enum status issuer_directory_parse(struct span json, struct issuer_directory *ret,
                                   struct error *err)
{
    if (json.size > ISSUER_DIRECTORY_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "token issuer directory: %zu bytes, at most %zu",
                         json.size, ISSUER_DIRECTORY_MAX_BYTES);
    struct issuer_directory directory = {.key_count = 0};
    json_error_t reason;
    enum status status = STATUS_OK;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &reason);
    if (root == NULL)
        status = error_set(err, STATUS_MALFORMED, "token issuer directory: line %d: not JSON",
                           reason.line);
    if (status == STATUS_OK)
        status = parse_uri(json_object_get(root, "issuer-request-uri"), &directory, err);
    if (status == STATUS_OK)
        status = parse_keys(json_object_get(root, "token-keys"), &directory, err);
    if (status == STATUS_OK)
        *ret = directory;
    json_decref(root);
    return status;
}

const struct issuer_directory_key *issuer_directory_choose(const struct issuer_directory *directory,
                                                           uint64_t now_s)
{
    for (size_t i = 0; i < directory->key_count; i++) {
        const struct issuer_directory_key *key = &directory->keys[i];
        if (!key->has_not_before || key->not_before_s <= now_s)
            return key;
    }
    return NULL;
}
