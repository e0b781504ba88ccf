#include "pir-server/pir/pir_cost_file.h"

#include "base/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Beside the format number, in the order in which they are written. */
enum field { KERNEL, DEGREE, MODULI, PAIRS_LEVELS, NANOSECONDS, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {"kernel", "degree", "moduli", "pairsLevels",
                                                     "nanoseconds"};
#define FORMAT "format"

/* The file being read: the first failure sticks. */
struct source {
    const char *name;
    enum status status;
    struct error *err;
};

static void refuse(struct source *source, const char *where, const char *field, const char *why)
{
    if (source->status == STATUS_OK)
        source->status =
            error_set(source->err, STATUS_INVALID, "%s: %s%s: %s", source->name, where, field, why);
}

static const json_t *get(struct source *source, const json_t *object, const char *where,
                         const char *field)
{
    const json_t *value = json_object_get(object, field);
    if (value == NULL)
        refuse(source, where, field, "is missing");
    return value;
}

static uint64_t get_number(struct source *source, const json_t *object, const char *where,
                           const char *field, uint64_t min, uint64_t max)
{
    const json_t *value = get(source, object, where, field);
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value)) {
        refuse(source, where, field, "is not an integer");
    } else if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
        char why[96];
        snprintf(why, sizeof why, "%" JSON_INTEGER_FORMAT " is not in %" PRIu64 "..%" PRIu64,
                 number, min, max);
        refuse(source, where, field, why);
    }
    return (uint64_t)number;
}

/* Refuses what the object has beside `names`. */
static void refuse_others(struct source *source, const json_t *object, const char *where,
                          const char *(*name_at)(size_t), size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(key, name_at(i)) == 0;
        if (!known)
            refuse(source, where, "", "holds a field that is not known");
    }
}

static const char *root_name(size_t i)
{
    return i < FIELD_COUNT ? field_names[i] : FORMAT;
}

static const char *term_name(size_t i)
{
    return pir_cost_term_name((enum pir_cost_term)i);
}

static void read_root(struct source *source, const json_t *root, struct pir_cost_constants *ret)
{
    const uint64_t format = get_number(source, root, "", FORMAT, 0, INT64_MAX);
    if (source->status == STATUS_OK && format != PIR_COST_FILE_FORMAT)
        source->status = error_set(source->err, STATUS_UNSUPPORTED,
                                   "%s: format %" PRIu64 ", this program knows %d", source->name,
                                   format, PIR_COST_FILE_FORMAT);
    if (!json_is_string(get(source, root, "", field_names[KERNEL])))
        refuse(source, "", field_names[KERNEL], "is not a string");
    ret->degree = get_number(source, root, "", field_names[DEGREE], 2, 32768);
    if ((ret->degree & (ret->degree - 1)) != 0)
        refuse(source, "", field_names[DEGREE], "is not a power of two");
    ret->moduli_count = get_number(source, root, "", field_names[MODULI], 2, BFV_MAX_MODULI);
    const json_t *pairs = get(source, root, "", field_names[PAIRS_LEVELS]);
    if (!json_is_boolean(pairs))
        refuse(source, "", field_names[PAIRS_LEVELS], "is not true or false");
    ret->pairs_levels = json_is_true(pairs);

    const json_t *nanoseconds = get(source, root, "", field_names[NANOSECONDS]);
    uint64_t sum = 0;
    if (!json_is_object(nanoseconds))
        refuse(source, "", field_names[NANOSECONDS], "is not an object");
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++) {
        ret->ns[i] =
            get_number(source, nanoseconds, "nanoseconds.", term_name(i), 0, PIR_COST_NS_MAX);
        sum |= ret->ns[i];
    }
    if (sum == 0)
        refuse(source, "", field_names[NANOSECONDS], "all are 0");
    refuse_others(source, root, "the file", root_name, FIELD_COUNT + 1);
    refuse_others(source, nanoseconds, field_names[NANOSECONDS], term_name, PIR_COST_TERM_COUNT);
}

enum status pir_cost_file_parse(struct span json, const char *name, struct pir_cost_constants *ret,
                                struct error *err)
{
    if (json.size > PIR_COST_FILE_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes", name,
                         PIR_COST_FILE_MAX_BYTES);
    json_error_t why;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return error_set(err, STATUS_MALFORMED, "%s: line %d: %s", name, why.line, why.text);
    struct source source = {.name = name, .status = STATUS_OK, .err = err};
    struct pir_cost_constants constants = {0};
    if (!json_is_object(root))
        source.status = error_set(err, STATUS_INVALID, "%s: is not an object", name);
    read_root(&source, root, &constants);
    json_decref(root);
    if (source.status == STATUS_OK)
        *ret = constants;
    return source.status;
}

enum status pir_cost_file_read(const char *path, struct pir_cost_constants *ret, struct error *err)
{
    struct bytes text;
    bytes_init(&text, PIR_COST_FILE_MAX_BYTES);
    enum status status = file_read(path, &text, err);
    if (status == STATUS_OK)
        status = pir_cost_file_parse(bytes_view(&text), path, ret, err);
    bytes_deinit(&text);
    return status;
}

enum status pir_cost_file_format(const struct pir_cost_constants *constants, const char *kernel,
                                 struct bytes *ret, struct error *err)
{
    bytes_append_format(ret,
                        "{\n  \"" FORMAT "\": %d,\n  \"%s\": \"%s\",\n  \"%s\": %" PRIu64
                        ",\n  \"%s\": %" PRIu64 ",\n  \"%s\": %s,\n  \"%s\": {",
                        PIR_COST_FILE_FORMAT, field_names[KERNEL], kernel, field_names[DEGREE],
                        constants->degree, field_names[MODULI], constants->moduli_count,
                        field_names[PAIRS_LEVELS], constants->pairs_levels ? "true" : "false",
                        field_names[NANOSECONDS]);
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        bytes_append_format(ret, "%s\n    \"%s\": %" PRIu64, i == 0 ? "" : ",", term_name(i),
                            constants->ns[i]);
    bytes_append(ret, span_of_text("\n  }\n}\n"));
    return bytes_status(ret, "costs", err);
}
