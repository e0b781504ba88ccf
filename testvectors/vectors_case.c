#include "testvectors/vectors_case.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- types of inputs ---- */

static bool is_number(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hex(const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || json_string_length(value) % 2 != 0)
        return false;
    for (; *text != '\0'; text++) {
        if (hex_digit(*text) < 0)
            return false;
    }
    return true;
}

static bool is_seed(const json_t *value)
{
    return is_hex(value) && json_string_length(value) == 64;
}

static bool is_of_type(const json_t *value, enum vectors_type type);

static bool is_list_of(const json_t *value, enum vectors_type type)
{
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!is_of_type(json_array_get(value, i), type))
            return false;
    }
    return true;
}

static bool is_list_of_two(const json_t *value, bool (*first)(const json_t *),
                           bool (*second)(const json_t *))
{
    return json_is_array(value) && json_array_size(value) == 2 && first(json_array_get(value, 0)) &&
           second(json_array_get(value, 1));
}

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool all_of_two(const json_t *value, bool (*first)(const json_t *),
                       bool (*second)(const json_t *))
{
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!is_list_of_two(json_array_get(value, i), first, second))
            return false;
    }
    return true;
}

static bool is_of_type(const json_t *value, enum vectors_type type)
{
    switch (type) {
    case VECTORS_TEXT:
        return is_text(value);
    case VECTORS_TEXTS:
        return is_list_of(value, VECTORS_TEXT);
    case VECTORS_HEX:
        return is_hex(value);
    case VECTORS_NUMBER:
        return is_number(value);
    case VECTORS_NUMBERS:
        return is_list_of(value, VECTORS_NUMBER);
    case VECTORS_NUMBER_LISTS:
        return is_list_of(value, VECTORS_NUMBERS);
    case VECTORS_PAIRS:
        return all_of_two(value, is_number, is_number);
    case VECTORS_RATE:
        return json_is_real(value) && json_real_value(value) > 0 && json_real_value(value) < 1;
    case VECTORS_ROWS:
        return all_of_two(value, is_text, is_hex);
    case VECTORS_TABLES: {
        bool holds = json_is_array(value);
        for (size_t i = 0; holds && i < json_array_size(value); i++)
            holds = is_list_of(json_array_get(value, i), VECTORS_HEX);
        return holds;
    }
    case VECTORS_SEED_PAIRS:
        return all_of_two(value, is_seed, is_seed);
    case VECTORS_SEED_LISTS:
        return is_list_of(value, VECTORS_SEED_PAIRS);
    case VECTORS_QUERIES:
        return json_is_array(value);
    }
    return false;
}

static const char *type_name(enum vectors_type type)
{
    switch (type) {
    case VECTORS_TEXT:
        return "a text";
    case VECTORS_TEXTS:
        return "a list of texts";
    case VECTORS_HEX:
        return "bytes in lower-case hex";
    case VECTORS_NUMBER:
        return "a whole number";
    case VECTORS_NUMBERS:
        return "a list of whole numbers";
    case VECTORS_NUMBER_LISTS:
        return "a list of lists of whole numbers";
    case VECTORS_PAIRS:
        return "a list of pairs of whole numbers";
    case VECTORS_RATE:
        return "a number between 0 and 1";
    case VECTORS_ROWS:
        return "a list of [keyword, value in hex]";
    case VECTORS_TABLES:
        return "a list of lists of bytes in hex";
    case VECTORS_SEED_PAIRS:
        return "a list of pairs of seeds";
    case VECTORS_SEED_LISTS:
        return "a list of lists of pairs of seeds";
    case VECTORS_QUERIES:
        return "a list of objects";
    }
    return "";
}

enum status vectors_check_inputs(const json_t *object, const struct vectors_member *members,
                                 size_t count, struct error *err)
{
    if (!json_is_object(object))
        return error_set(err, STATUS_MALFORMED, "it is not an object");
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, members[i].name);
        if (value == NULL)
            return error_set(err, STATUS_MALFORMED, "%s is missing", members[i].name);
        if (!is_of_type(value, members[i].type))
            return error_set(err, STATUS_MALFORMED, "%s is not %s", members[i].name,
                             type_name(members[i].type));
    }
    return STATUS_OK;
}

/* ---- getters ---- */

uint64_t vectors_number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static struct span text_of(const json_t *value)
{
    return span_of(json_string_value(value), json_string_length(value));
}

struct span vectors_text(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

const json_t *vectors_list(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

uint64_t vectors_number_at(const json_t *list, size_t index)
{
    return (uint64_t)json_integer_value(json_array_get(list, index));
}

struct span vectors_text_at(const json_t *list, size_t index)
{
    return text_of(json_array_get(list, index));
}

static enum status append_hex(const json_t *value, struct bytes *ret, struct error *err)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; i + 1 < json_string_length(value); i += 2)
        bytes_append_u8(ret, (uint8_t)(hex_digit(text[i]) << 4 | hex_digit(text[i + 1])));
    return bytes_status(ret, "bytes of a test vector", err);
}

enum status vectors_hex(const json_t *object, const char *name, struct bytes *ret,
                        struct error *err)
{
    return append_hex(json_object_get(object, name), ret, err);
}

enum status vectors_hex_at(const json_t *list, size_t index, struct bytes *ret, struct error *err)
{
    return append_hex(json_array_get(list, index), ret, err);
}

enum status vectors_number_in(const json_t *object, const char *name, uint64_t min, uint64_t max,
                              uint64_t *ret, struct error *err)
{
    const uint64_t value = vectors_number(object, name);
    if (value < min || value > max)
        return error_set(err, STATUS_INVALID,
                         "%s is %" PRIu64 ", not in [%" PRIu64 ", %" PRIu64 "]", name, value, min,
                         max);
    *ret = value;
    return STATUS_OK;
}

enum status vectors_words(const json_t *list, const char *name, uint64_t max, size_t min_count,
                          size_t max_count, uint32_t *ret, size_t *ret_count, struct error *err)
{
    const size_t count = json_array_size(list);
    if (count < min_count || count > max_count)
        return error_set(err, STATUS_INVALID, "%s has %zu numbers, not %zu to %zu", name, count,
                         min_count, max_count);
    for (size_t i = 0; i < count; i++) {
        const uint64_t value = vectors_number_at(list, i);
        if (value > max)
            return error_set(err, STATUS_INVALID, "%s[%zu] is %" PRIu64 ", more than %" PRIu64,
                             name, i, value, max);
        ret[i] = (uint32_t)value;
    }
    *ret_count = count;
    return STATUS_OK;
}

/* ---- outputs ---- */

enum status vectors_out_init(struct vectors_out *out, struct error *err)
{
    *out = (struct vectors_out){.object = json_object()};
    return out->object != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for a case");
}

void vectors_out_deinit(struct vectors_out *out)
{
    json_decref(out->object);
    out->object = NULL;
}

enum status vectors_out_check(const struct vectors_out *out, struct error *err)
{
    return out->failed ? error_set(err, STATUS_NOMEM, "no memory for a case") : STATUS_OK;
}

void vectors_put(struct vectors_out *out, const char *name, json_t *value)
{
    if (json_object_set_new(out->object, name, value) != 0)
        out->failed = true;
}

void vectors_put_number(struct vectors_out *out, const char *name, uint64_t value)
{
    vectors_put(out, name, json_integer((json_int_t)value));
}

void vectors_put_text(struct vectors_out *out, const char *name, struct span text)
{
    vectors_put(out, name, json_stringn((const char *)text.data, text.size));
}

json_t *vectors_json_hex(struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = mem_alloc(bytes.size, 2);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    json_t *value = json_stringn(text, 2 * bytes.size);
    mem_free(text);
    return value;
}

void vectors_put_hex(struct vectors_out *out, const char *name, struct span bytes)
{
    vectors_put(out, name, vectors_json_hex(bytes));
}

void vectors_put_base64(struct vectors_out *out, const char *name, struct span bytes)
{
    /* EVP_EncodeBlock() takes an int and adds a NUL. */
    unsigned char *text = bytes.size > VECTORS_MAX_BYTES ? NULL : mem_alloc(bytes.size / 3 + 2, 4);
    json_t *value = NULL;
    if (text != NULL) {
        const int size = EVP_EncodeBlock(text, bytes.data, (int)bytes.size);
        value = json_stringn((const char *)text, (size_t)size);
    }
    mem_free(text);
    vectors_put(out, name, value);
}

json_t *vectors_json_words(const uint32_t *words, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < count; i++) {
        if (json_array_append_new(list, json_integer(words[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

void vectors_put_words(struct vectors_out *out, const char *name, const uint32_t *words,
                       size_t count)
{
    vectors_put(out, name, vectors_json_words(words, count));
}

json_t *vectors_json_sha256(struct span bytes)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    unsigned size = 0;
    if (EVP_Digest(bytes.data, bytes.size, digest, &size, EVP_sha256(), NULL) != 1)
        return NULL;
    return vectors_json_hex(span_of(digest, size));
}

/* ---- comparison ---- */

#define BRIEF_BYTES 100

/* The value as text, cut when it is long. */
static void brief(const json_t *value, char ret[BRIEF_BYTES + 4])
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(ret, BRIEF_BYTES + 1, "%s", text != NULL ? text : "nothing");
    if (text != NULL && strlen(text) > BRIEF_BYTES)
        strcpy(ret + BRIEF_BYTES, "...");
    free(text);
}

static enum status differ(const char *where, const json_t *expected, const json_t *got,
                          struct error *err)
{
    char one[BRIEF_BYTES + 4], other[BRIEF_BYTES + 4];
    brief(expected, one);
    brief(got, other);
    return error_set(err, STATUS_MISMATCH, "%s: expected %s, got %s", where, one, other);
}

enum status vectors_compare(const char *where, const json_t *expected, const json_t *got,
                            struct error *err)
{
    char deeper[160];
    if (expected == NULL || got == NULL || json_typeof(expected) != json_typeof(got))
        return differ(where, expected, got, err);
    if (json_is_array(expected)) {
        const size_t count = json_array_size(expected);
        for (size_t i = 0; i < count && i < json_array_size(got); i++) {
            snprintf(deeper, sizeof deeper, "%s[%zu]", where, i);
            const enum status st =
                vectors_compare(deeper, json_array_get(expected, i), json_array_get(got, i), err);
            if (st != STATUS_OK)
                return st;
        }
        if (count != json_array_size(got))
            return error_set(err, STATUS_MISMATCH, "%s: expected %zu values, got %zu", where, count,
                             json_array_size(got));
        return STATUS_OK;
    }
    if (json_is_object(expected)) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)expected, name, value)
        {
            snprintf(deeper, sizeof deeper, "%s.%s", where, name);
            const enum status st = vectors_compare(deeper, value, json_object_get(got, name), err);
            if (st != STATUS_OK)
                return st;
        }
        if (json_object_size(expected) != json_object_size(got))
            return error_set(err, STATUS_MISMATCH, "%s: expected %zu members, got %zu", where,
                             json_object_size(expected), json_object_size(got));
        return STATUS_OK;
    }
    return json_equal(expected, got) ? STATUS_OK : differ(where, expected, got, err);
}

enum status vectors_from_literal(const char *literal, json_t **ret, struct error *err)
{
    const size_t size = strlen(literal);
    json_error_t reason;
    char *text = mem_strdup(literal);
    if (text == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a literal");
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\'')
            text[i] = '"';
    }
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &reason);
    mem_free(text);
    if (value == NULL)
        return error_set(err, STATUS_INTERNAL, "byte %d: %s", reason.position, reason.text);
    *ret = value;
    return STATUS_OK;
}
