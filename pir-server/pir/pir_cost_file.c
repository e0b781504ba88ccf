#include "pir-server/pir/pir_cost_file.h"

#include "base/file.h"
#include "json/json_field.h"

#include <inttypes.h>

/* In the order in which they are written. */
enum field { FORMAT, KERNEL, DEGREE, MODULI, PAIRS_LEVELS, NANOSECONDS, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {"format", "kernel",      "degree",
                                                     "moduli", "pairsLevels", "nanoseconds"};
#define KERNEL_NAME_MAX_BYTES ((size_t)64)

static void read_nanoseconds(const struct json_field *object, struct pir_cost_constants *ret)
{
    const char *names[PIR_COST_TERM_COUNT];
    uint64_t sum = 0;
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        names[i] = pir_cost_term_name((enum pir_cost_term)i);
    json_field_keys(object, names, PIR_COST_TERM_COUNT);
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++) {
        const struct json_field term = json_field_required(object, names[i]);
        ret->ns[i] = json_field_integer(&term, 0, PIR_COST_NS_MAX, 0);
        sum |= ret->ns[i];
    }
    if (sum == 0)
        json_field_refuse(object, "all are 0");
}

static void read_root(const struct json_field *root, struct pir_cost_constants *ret)
{
    struct json_field fields[FIELD_COUNT];
    json_field_keys(root, field_names, FIELD_COUNT);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        fields[i] = json_field_required(root, field_names[i]);
    json_field_format(root, PIR_COST_FILE_FORMAT, "");
    (void)json_field_text(&fields[KERNEL], KERNEL_NAME_MAX_BYTES);
    ret->degree = json_field_integer(&fields[DEGREE], 2, 32768, 2);
    if ((ret->degree & (ret->degree - 1)) != 0)
        json_field_refuse(&fields[DEGREE], "is not a power of two");
    ret->moduli_count = json_field_integer(&fields[MODULI], 2, BFV_MAX_MODULI, 2);
    ret->pairs_levels = json_field_flag(&fields[PAIRS_LEVELS], false);
    read_nanoseconds(&fields[NANOSECONDS], ret);
}

enum status pir_cost_file_parse(struct span json, const char *name, struct pir_cost_constants *ret,
                                struct error *err)
{
    struct json_reader reader = {.file = name, .err = err};
    struct pir_cost_constants constants = {0};
    json_t *root = NULL;
    if (json.size > PIR_COST_FILE_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes", name,
                         PIR_COST_FILE_MAX_BYTES);
    const enum status status = json_field_load(name, json, &root, err);
    if (status != STATUS_OK)
        return status;
    const struct json_field field = json_field_root(&reader, root);
    read_root(&field, &constants);
    json_decref(root);
    if (reader.status == STATUS_OK)
        *ret = constants;
    return reader.status;
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
                        "{\n  \"%s\": %d,\n  \"%s\": \"%s\",\n  \"%s\": %" PRIu64
                        ",\n  \"%s\": %" PRIu64 ",\n  \"%s\": %s,\n  \"%s\": {",
                        field_names[FORMAT], PIR_COST_FILE_FORMAT, field_names[KERNEL], kernel,
                        field_names[DEGREE], constants->degree, field_names[MODULI],
                        constants->moduli_count, field_names[PAIRS_LEVELS],
                        constants->pairs_levels ? "true" : "false", field_names[NANOSECONDS]);
    for (size_t i = 0; i < PIR_COST_TERM_COUNT; i++)
        bytes_append_format(ret, "%s\n    \"%s\": %" PRIu64, i == 0 ? "" : ",",
                            pir_cost_term_name((enum pir_cost_term)i), constants->ns[i]);
    bytes_append(ret, span_of_text("\n  }\n}\n"));
    return bytes_status(ret, "costs", err);
}
