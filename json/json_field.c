#include "json/json_field.h"

#include "base/bytes.h"
#include "base/units.h"
#include "json/json_place.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How much of a text from the file a message repeats. */
#define SHOWN_BYTES ((size_t)60)

/* How much of a path is left of what lies above a value, and of its name. */
#define ABOVE_BYTES 100
#define NAME_BYTES  50
static_assert(ABOVE_BYTES + 1 + NAME_BYTES < JSON_FIELD_PATH_BYTES, "a path has room");

/* jansson's message ends in a piece of the text, which may be part of a URL with a password. */
enum status json_field_load(const char *file, struct span text, json_t **ret, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(text.size > 0 ? (const char *)text.data : "", text.size,
                              JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        char *near = strstr(why.text, " near ");
        if (near != NULL)
            *near = '\0';
        return error_set(err, STATUS_MALFORMED, "%s: line %d, column %d: %s", file, why.line,
                         why.column, why.text);
    }
    *ret = root;
    return STATUS_OK;
}

/* ---- where a value stands ---- */

struct json_field json_field_root(struct json_reader *reader, const json_t *root)
{
    return (struct json_field){.reader = reader, .value = root};
}

struct json_field json_field_member(const struct json_field *parent, const char *name)
{
    return (struct json_field){.reader = parent->reader,
                               .value = json_object_get(parent->value, name),
                               .parent = parent,
                               .name = name};
}

struct json_field json_field_item(const struct json_field *parent, size_t index)
{
    return (struct json_field){.reader = parent->reader,
                               .value = json_array_get(parent->value, index),
                               .parent = parent,
                               .index = index};
}

void json_field_path(const struct json_field *field, char ret[JSON_FIELD_PATH_BYTES])
{
    if (field->parent == NULL) {
        (void)snprintf(ret, JSON_FIELD_PATH_BYTES, "$");
        return;
    }
    json_field_path(field->parent, ret);
    const size_t size = strnlen(ret, ABOVE_BYTES);
    if (field->name != NULL)
        (void)snprintf(ret + size, JSON_FIELD_PATH_BYTES - size, ".%.*s", NAME_BYTES, field->name);
    else
        (void)snprintf(ret + size, JSON_FIELD_PATH_BYTES - size, "[%zu]", field->index);
}

#define STEPS_MAX  ((size_t)32)
#define LINE_BYTES 40

/* 0 when the reader has no text. */
static size_t line_of(const struct json_field *field)
{
    struct json_step steps[STEPS_MAX];
    size_t count = 0;
    for (const struct json_field *at = field; at->parent != NULL; at = at->parent)
        count++;
    if (field->reader->text.size == 0 || count > STEPS_MAX)
        return 0;
    const struct json_field *at = field;
    for (size_t i = count; i > 0; i--, at = at->parent)
        steps[i - 1] = (struct json_step){.name = at->name, .index = at->index};
    return json_place_line(field->reader->text, steps, count);
}

/* ---- failures ---- */

void json_field_note(const struct json_field *field, enum status status, const struct error *said)
{
    struct json_reader *reader = field->reader;
    char path[JSON_FIELD_PATH_BYTES];
    char line[LINE_BYTES] = "";
    if (reader->status != STATUS_OK || status == STATUS_OK)
        return;
    json_field_path(field, path);
    const size_t number = line_of(field);
    if (number > 0)
        (void)snprintf(line, sizeof line, "line %zu: ", number);
    const size_t size = strlen(reader->file) + strlen(line) + strlen(path) + strlen(said->message);
    reader->status = size + sizeof ": : " > ERROR_MESSAGE_BYTES
                         ? error_set(reader->err, status, "%s", said->message)
                         : error_set(reader->err, status, "%s: %s%s: %s", reader->file, line, path,
                                     said->message);
}

void json_field_refuse(const struct json_field *field, const char *format, ...)
{
    struct error said;
    va_list args;
    va_start(args, format);
    json_field_note(field, error_set_va(&said, STATUS_INVALID, format, args), &said);
    va_end(args);
}

void json_field_require(const struct json_field *field)
{
    if (field->value == NULL)
        json_field_refuse(field, "is missing");
}

struct json_field json_field_required(const struct json_field *parent, const char *name)
{
    const struct json_field field = json_field_member(parent, name);
    json_field_require(&field);
    return field;
}

static void refuse_type(const struct json_field *field, const char *wanted)
{
    json_field_refuse(field, "must be %s", wanted);
}

/* ---- objects and arrays ---- */

/* A key of the file as a message may show it. */
static void show(const char *text, char ret[SHOWN_BYTES + 1])
{
    size_t size = 0;
    for (; text[size] != '\0' && size < SHOWN_BYTES; size++)
        ret[size] = (unsigned char)text[size] < ' ' || text[size] == 0x7f ? '?' : text[size];
    ret[size] = '\0';
}

void json_field_object(const struct json_field *field)
{
    if (field->value != NULL && !json_is_object(field->value))
        refuse_type(field, "an object");
}

void json_field_keys(const struct json_field *object, const char *const *names, size_t count)
{
    const char *key;
    json_t *value;
    json_field_object(object);
    json_object_foreach((json_t *)(uintptr_t)object->value, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count)
            continue;
        char shown[SHOWN_BYTES + 1];
        show(key, shown);
        const struct json_field unknown = json_field_member(object, shown);
        json_field_refuse(&unknown, "is not a known key");
    }
}

void json_field_format(const struct json_field *root, uint64_t known, const char *advice)
{
    const struct json_field field = json_field_required(root, "format");
    const uint64_t format = json_field_integer(&field, 0, INT64_MAX, known);
    struct error said;
    if (format != known)
        json_field_note(&field,
                        error_set(&said, STATUS_UNSUPPORTED,
                                  "format %llu, this program knows %llu%s",
                                  (unsigned long long)format, (unsigned long long)known, advice),
                        &said);
}

size_t json_field_count(const struct json_field *array, size_t most)
{
    if (array->value == NULL)
        return 0;
    if (!json_is_array(array->value)) {
        refuse_type(array, "an array");
        return 0;
    }
    const size_t count = json_array_size(array->value);
    if (count > most) {
        json_field_refuse(array, "has %zu items, at most %zu are read", count, most);
        return 0;
    }
    return count;
}

/* ---- values ---- */

bool json_field_flag(const struct json_field *field, bool fallback)
{
    if (field->value == NULL)
        return fallback;
    if (json_is_boolean(field->value))
        return json_is_true(field->value);
    refuse_type(field, "true or false");
    return fallback;
}

static uint64_t in_range(const struct json_field *field, uint64_t value, uint64_t least,
                         uint64_t most, uint64_t fallback)
{
    if (value >= least && value <= most)
        return value;
    json_field_refuse(field, "%llu is not in %llu..%llu", (unsigned long long)value,
                      (unsigned long long)least, (unsigned long long)most);
    return fallback;
}

uint64_t json_field_integer(const struct json_field *field, uint64_t least, uint64_t most,
                            uint64_t fallback)
{
    if (field->value == NULL)
        return fallback;
    if (!json_is_integer(field->value) || json_integer_value(field->value) < 0) {
        refuse_type(field, "an integer, not negative");
        return fallback;
    }
    return in_range(field, (uint64_t)json_integer_value(field->value), least, most, fallback);
}

double json_field_number(const struct json_field *field, double above, double below,
                         double fallback)
{
    if (field->value == NULL)
        return fallback;
    if (!json_is_number(field->value)) {
        refuse_type(field, "a number");
        return fallback;
    }
    const double value = json_number_value(field->value);
    if (value > above && value < below)
        return value;
    json_field_refuse(field, "%g is not between %g and %g", value, above, below);
    return fallback;
}

static uint64_t read_with_unit(const struct json_field *field,
                               bool (*parse)(const char *text, uint64_t *ret), const char *wanted,
                               uint64_t least, uint64_t most, uint64_t fallback)
{
    uint64_t value = 0;
    if (field->value == NULL || json_is_integer(field->value))
        return json_field_integer(field, least, most, fallback);
    if (!json_is_string(field->value) || !parse(json_string_value(field->value), &value)) {
        refuse_type(field, wanted);
        return fallback;
    }
    return in_range(field, value, least, most, fallback);
}

uint64_t json_field_size(const struct json_field *field, uint64_t least, uint64_t most,
                         uint64_t fallback)
{
    return read_with_unit(field, units_parse_size, "a number of bytes, or a text such as \"64MB\"",
                          least, most, fallback);
}

uint64_t json_field_duration(const struct json_field *field, uint64_t least_s, uint64_t most_s,
                             uint64_t fallback_s)
{
    return read_with_unit(field, units_parse_duration,
                          "a number of seconds, or a text such as \"90s\" or \"7d\"", least_s,
                          most_s, fallback_s);
}

const char *json_field_text(const struct json_field *field, size_t max_bytes)
{
    if (field->value == NULL)
        return NULL;
    const char *text = json_string_value(field->value);
    if (text == NULL) {
        refuse_type(field, "a text");
        return NULL;
    }
    const size_t size = strlen(text);
    if (size == 0 || size > max_bytes) {
        json_field_refuse(field, "has %zu bytes, 1 to %zu are wanted", size, max_bytes);
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            json_field_refuse(field, "byte %zu is a control character", i);
            return NULL;
        }
    }
    return text;
}

size_t json_field_choice(const struct json_field *field, const char *const *names, size_t count,
                         size_t fallback)
{
    if (field->value == NULL)
        return fallback;
    struct bytes known;
    char shown[SHOWN_BYTES + 1];
    size_t found = 0;
    const char *text = json_string_value(field->value);
    while (text != NULL && found < count && strcmp(names[found], text) != 0)
        found++;
    if (text != NULL && found < count)
        return found;
    if (text == NULL) {
        refuse_type(field, "a text");
        return fallback;
    }
    show(text, shown);
    bytes_init(&known, ERROR_MESSAGE_BYTES);
    for (size_t i = 0; i < count; i++)
        bytes_append_format(&known, "%s%s", i == 0 ? "" : ", ", names[i]);
    json_field_refuse(field, "\"%s\" is none of %.*s", shown, (int)known.size,
                      (const char *)known.data);
    bytes_deinit(&known);
    return fallback;
}
