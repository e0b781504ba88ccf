/* The driver: files, their frame, and every case through the function of its kind. */
#include "testvectors/vectors.h"

#include "base/file.h"
#include "base/mem.h"
#include "testvectors/vectors_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are checked. */
static const char *const file_names[] = {
    "hashes.json",     "geometry.json", "positions.json", "filters.json",
    "suburls.json",    "keywords.json", "buckets.json",   "dimensions.json",
    "plaintexts.json", "galois.json",   "random.json",    "packing.json",
    "ntt.json",        "rounding.json", "tokens.json",    "exchange.json",
};

const char *vectors_file_name(size_t number)
{
    return number < ARRAY_COUNT(file_names) ? file_names[number] : NULL;
}

typedef const struct vectors_kind *kind_table(size_t *count);
static kind_table *const tables[] = {vectors_kinds_prefilter, vectors_kinds_keyword,
                                     vectors_kinds_ring, vectors_kinds_token,
                                     vectors_kinds_exchange};

/* The number-th kind of all tables; NULL at the end. */
static const struct vectors_kind *kind_at(size_t number)
{
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        size_t count = 0;
        const struct vectors_kind *kinds = tables[t](&count);
        if (number < count)
            return &kinds[number];
        number -= count;
    }
    return NULL;
}

/* The kind of a case in `file`; NULL when its "what" is not known there. */
static const struct vectors_kind *find_kind(const char *file, const json_t *item)
{
    const char *what = json_string_value(json_object_get(item, "what"));
    const struct vectors_kind *kind;
    for (size_t i = 0; (kind = kind_at(i)) != NULL; i++) {
        if (strcmp(kind->file, file) != 0)
            continue;
        if (kind->what == NULL ? what == NULL : what != NULL && strcmp(kind->what, what) == 0)
            return kind;
    }
    return NULL;
}

/* "blindlist hashes" for hashes.json */
static void frame_name(const char *file, char ret[64])
{
    snprintf(ret, 64, "blindlist %.*s", (int)strcspn(file, "."), file);
}

enum status vectors_append(json_t *list, json_t *value, struct error *err)
{
    if (json_array_append_new(list, value) != 0)
        return error_set(err, STATUS_NOMEM, "no memory for a case");
    return STATUS_OK;
}

/* ---- checking ---- */

static enum status read_cases(const char *path, const char *file, json_t **ret, struct error *err)
{
    json_t *whole = NULL;
    json_error_t reason;
    char kind[64];
    struct bytes text;
    bytes_init(&text, VECTORS_MAX_FILE_BYTES);

    enum status st = file_read(path, &text, err);
    if (st != STATUS_OK)
        goto done;
    whole = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &reason);
    if (whole == NULL) {
        st = json_error_code(&reason) == json_error_out_of_memory
                 ? error_set(err, STATUS_NOMEM, "%s: no memory to read it", path)
                 : error_set(err, STATUS_MALFORMED, "%s, line %d: %s", path, reason.line,
                             reason.text);
        goto done;
    }
    frame_name(file, kind);
    const char *stated = json_string_value(json_object_get(whole, "kind"));
    const json_t *format = json_object_get(whole, "format");
    json_t *cases = json_object_get(whole, "cases");
    if (stated == NULL || strcmp(stated, kind) != 0)
        st = error_set(err, STATUS_MALFORMED,
                       "%s: it is no file of these test vectors: kind is not "
                       "\"%s\"",
                       path, kind);
    else if (!json_is_integer(format) || json_integer_value(format) != VECTORS_FORMAT)
        st = error_set(err, STATUS_MALFORMED, "%s: its format is not %d, which this program knows",
                       path, VECTORS_FORMAT);
    else if (!json_is_array(cases) || json_array_size(cases) == 0)
        st = error_set(err, STATUS_MALFORMED, "%s: it has no cases", path);
    else if (json_object_size(whole) != 3)
        st = error_set(err, STATUS_MALFORMED,
                       "%s: it has members other than kind, format and cases", path);
    else
        *ret = json_incref(cases);
done:
    json_decref(whole);
    bytes_deinit(&text);
    return st;
}

static bool is_input(const struct vectors_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->member_count; i++) {
        if (strcmp(kind->members[i].name, name) == 0)
            return true;
    }
    return strcmp(name, "what") == 0 || strcmp(name, "note") == 0;
}

/* Outputs that are missing make a file unreadable; wrong ones make it differ. */
static enum status check_case(const char *file, const json_t *item, struct error *err)
{
    struct vectors_out out = {.object = NULL};
    const struct vectors_kind *kind = find_kind(file, item);
    if (kind == NULL)
        return error_set(err, STATUS_MALFORMED, "its \"what\" is not known");
    enum status st = vectors_check_inputs(item, kind->members, kind->member_count, err);
    if (st == STATUS_OK)
        st = vectors_out_init(&out, err);
    if (st != STATUS_OK)
        goto done;
    st = kind->compute(item, &out, err);
    if (st == STATUS_OK)
        st = vectors_out_check(&out, err);
    if (st != STATUS_OK) {
        if (st != STATUS_NOMEM && st != STATUS_MISMATCH)
            st = error_prefix(err, STATUS_MISMATCH, "expected inputs to compute with, got");
        if (st != STATUS_NOMEM)
            st = STATUS_MISMATCH;
        goto done;
    }
    const char *name;
    json_t *value;
    json_object_foreach(out.object, name, value)
    {
        if (json_object_get(item, name) == NULL) {
            st = error_set(err, STATUS_MALFORMED, "%s is missing", name);
            goto done;
        }
    }
    json_object_foreach((json_t *)item, name, value)
    {
        if (!is_input(kind, name) && json_object_get(out.object, name) == NULL) {
            st = error_set(err, STATUS_MALFORMED, "%.100s is not known", name);
            goto done;
        }
    }
    json_object_foreach(out.object, name, value)
    {
        st = vectors_compare(name, json_object_get(item, name), value, err);
        if (st != STATUS_OK)
            goto done;
    }
done:
    vectors_out_deinit(&out);
    return st;
}

enum status vectors_verify_file(const char *folder, size_t number, size_t *ret_cases,
                                struct error *err)
{
    const char *file = vectors_file_name(number);
    json_t *cases = NULL;
    if (file == NULL)
        return error_set(err, STATUS_NOT_FOUND, "there is no vectors file number %zu", number);
    char *path = path_join(folder, file);
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a path");
    enum status st = read_cases(path, file, &cases, err);
    if (st != STATUS_OK)
        goto done;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        st = check_case(file, json_array_get(cases, i), err);
        if (st != STATUS_OK) {
            st = st == STATUS_MISMATCH ? error_prefix(err, st, "case %zu", i)
                                       : error_prefix(err, st, "%s: case %zu", path, i);
            goto done;
        }
    }
    *ret_cases = json_array_size(cases);
done:
    json_decref(cases);
    mem_free(path);
    return st;
}

/* ---- writing ---- */

/* Adds outputs to the inputs `item` and writes the line. */
static enum status write_case(const struct vectors_kind *kind, json_t *item, bool is_first,
                              struct file_writer *writer, struct error *err)
{
    struct vectors_out out = {.object = NULL};
    char *line = NULL;
    enum status st = vectors_check_inputs(item, kind->members, kind->member_count, err);
    if (st == STATUS_OK)
        st = vectors_out_init(&out, err);
    if (st == STATUS_OK)
        st = kind->compute(item, &out, err);
    if (st == STATUS_OK)
        st = vectors_out_check(&out, err);
    if (st != STATUS_OK)
        goto done;
    if (json_object_update(item, out.object) == 0)
        line = json_dumps(item, JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    if (line == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a case");
        goto done;
    }
    file_writer_format(writer, "%s  ", is_first ? "\n" : ",\n");
    file_writer_write(writer, span_of_text(line));
done:
    free(line);
    vectors_out_deinit(&out);
    return st;
}

/* All inputs of one kind. */
static enum status inputs_of(const struct vectors_kind *kind, json_t *list, struct error *err)
{
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && kind->literals != NULL && kind->literals[i] != NULL;
         i++) {
        json_t *inputs = NULL, *item = NULL;
        st = vectors_from_literal(kind->literals[i], &inputs, err);
        if (st != STATUS_OK)
            return error_prefix(err, st, "%s, input %zu", kind->file, i);
        item = kind->what == NULL ? json_object() : json_pack("{s:s}", "what", kind->what);
        if (item == NULL || json_object_update(item, inputs) != 0)
            st = error_set(err, STATUS_NOMEM, "no memory for a case");
        json_decref(inputs);
        if (st == STATUS_OK)
            st = vectors_append(list, item, err);
        else
            json_decref(item);
    }
    if (st == STATUS_OK && kind->list != NULL)
        st = kind->list(list, err);
    return st;
}

enum status vectors_generate_file(const char *folder, size_t number, size_t *ret_cases,
                                  struct error *err)
{
    const char *file = vectors_file_name(number);
    const struct vectors_kind *kind;
    struct file_writer *writer = NULL;
    json_t *list = NULL;
    size_t count = 0;
    char frame[64];
    if (file == NULL)
        return error_set(err, STATUS_NOT_FOUND, "there is no vectors file number %zu", number);
    char *path = path_join(folder, file);
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a path");
    enum status st = file_writer_new(path, FILE_MODE_PUBLIC, &writer, err);
    if (st != STATUS_OK)
        goto done;
    frame_name(file, frame);
    file_writer_format(writer, "{\"kind\": \"%s\", \"format\": %d, \"cases\": [", frame,
                       VECTORS_FORMAT);
    for (size_t k = 0; (kind = kind_at(k)) != NULL; k++) {
        if (strcmp(kind->file, file) != 0)
            continue;
        json_decref(list);
        list = json_array();
        st = list != NULL ? inputs_of(kind, list, err)
                          : error_set(err, STATUS_NOMEM, "no memory for cases");
        for (size_t i = 0; st == STATUS_OK && i < json_array_size(list); i++) {
            st = write_case(kind, json_array_get(list, i), count == 0, writer, err);
            if (st != STATUS_OK)
                st = error_prefix(err, st, "%s, input %zu", file, i);
            count++;
        }
        if (st != STATUS_OK)
            goto done;
    }
    file_writer_format(writer, "\n]}\n");
    st = file_writer_commit(writer, err);
    writer = NULL;
    if (st == STATUS_OK)
        *ret_cases = count;
done:
    file_writer_cancel(writer);
    json_decref(list);
    mem_free(path);
    return st;
}
