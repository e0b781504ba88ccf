#include "lists/parsing_file.h"

#include "base/file.h"
#include "json/json_field.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/pir/sha256.h"
#include "urls/parsing_pattern.h"

#include <assert.h>
#include <stdlib.h>

/* ---- reading ---- */

/* Nothing else has an effect beside `excluded`. */
static void refuse_beside(const struct json_field *object, bool is_excluded, const char *option)
{
    const struct json_field field = json_field_member(object, option);
    if (is_excluded && field.value != NULL)
        json_field_refuse(&field, "has no effect beside excluded");
}

static bool read_excluded(const struct json_field *object)
{
    const struct json_field excluded = json_field_member(object, "excluded");
    return json_field_flag(&excluded, false);
}

static void read_domain(const struct json_field *root, struct parsing_options *ret)
{
    static const char *const keys[] = {"excluded", "stripWWW", "levels", "enumerateHierarchy"};
    const struct json_field domain = json_field_member(root, "domain");
    const struct json_field www = json_field_member(&domain, "stripWWW");
    const struct json_field levels = json_field_member(&domain, "levels");
    const struct json_field walk = json_field_member(&domain, "enumerateHierarchy");
    json_field_keys(&domain, keys, ARRAY_COUNT(keys));
    ret->exclude_domain = read_excluded(&domain);
    ret->strip_www = json_field_flag(&www, true);
    ret->domain_levels = (uint32_t)json_field_integer(&levels, 0, PARSING_LEVELS_MAX, 0);
    ret->walk_domains = json_field_flag(&walk, true);
    for (size_t i = 1; i < ARRAY_COUNT(keys); i++)
        refuse_beside(&domain, ret->exclude_domain, keys[i]);
}

static void read_path(const struct json_field *root, struct parsing_options *ret)
{
    static const char *const keys[] = {"excluded", "segments", "enumerateHierarchy"};
    const struct json_field path = json_field_member(root, "path");
    const struct json_field segments = json_field_member(&path, "segments");
    const struct json_field walk = json_field_member(&path, "enumerateHierarchy");
    json_field_keys(&path, keys, ARRAY_COUNT(keys));
    ret->exclude_path = read_excluded(&path);
    ret->path_segments = (uint32_t)json_field_integer(&segments, 0, PARSING_SEGMENTS_MAX, 0);
    ret->walk_paths = json_field_flag(&walk, true);
    for (size_t i = 1; i < ARRAY_COUNT(keys); i++)
        refuse_beside(&path, ret->exclude_path, keys[i]);
}

/* Names into names[PARSING_PARAMETERS_MAX], borrowed from the document. */
static void read_query(const struct json_field *root, const char **names,
                       struct parsing_options *ret)
{
    static const char *const keys[] = {"excluded", "parameters"};
    const struct json_field query = json_field_member(root, "query");
    const struct json_field parameters = json_field_member(&query, "parameters");
    json_field_keys(&query, keys, ARRAY_COUNT(keys));
    ret->exclude_query = read_excluded(&query);
    refuse_beside(&query, ret->exclude_query, "parameters");
    ret->chooses_parameters = parameters.value != NULL;
    ret->parameters = names;
    ret->parameter_count = json_field_count(&parameters, PARSING_PARAMETERS_MAX);
    for (size_t i = 0; i < ret->parameter_count; i++) {
        const struct json_field item = json_field_item(&parameters, i);
        names[i] = json_field_text(&item, PARSING_PARAMETER_MAX_BYTES);
        if (names[i] == NULL)
            return;
        if (!parsing_parameter_is_valid(names[i]))
            json_field_refuse(&item, "holds a blank, '&', '=', '#' or what is not ASCII");
        for (size_t k = 0; k < i; k++) {
            if (strcmp(names[k], names[i]) == 0)
                json_field_refuse(&item, "is there twice");
        }
    }
}

static void read_switches(const struct json_field *root, struct parsing_options *ret)
{
    const struct json_field scheme = json_field_member(root, "excludeScheme");
    const struct json_field fragment = json_field_member(root, "excludeFragment");
    const struct json_field intermediates = json_field_member(root, "excludeIntermediates");
    const struct json_field cases = json_field_member(root, "caseSensitive");
    ret->exclude_scheme = json_field_flag(&scheme, true);
    ret->exclude_fragment = json_field_flag(&fragment, false);
    ret->exclude_intermediates = json_field_flag(&intermediates, false);
    ret->case_sensitive = json_field_flag(&cases, false);
}

static void read_pattern(const struct json_field *root, struct parsing_options *ret)
{
    const struct json_field pattern = json_field_member(root, "regularExpression");
    ret->regular_expression = json_field_text(&pattern, PARSING_PATTERN_MAX_BYTES);
    if (pattern.value != NULL && json_object_size(root->value) > 1)
        json_field_refuse(&pattern, "nothing else has an effect beside it");
}

static void read_root(const struct json_field *root, struct parsing **ret)
{
    static const char *const keys[] = {
        "regularExpression", "excludeScheme",        "domain",       "path", "query",
        "excludeFragment",   "excludeIntermediates", "caseSensitive"};
    const char *names[PARSING_PARAMETERS_MAX];
    struct parsing_options options;
    struct error said;
    parsing_options_init(&options);
    if (!json_is_object(root->value))
        json_field_refuse(root, "must be an object");
    json_field_keys(root, keys, ARRAY_COUNT(keys));
    read_switches(root, &options);
    read_domain(root, &options);
    read_path(root, &options);
    read_query(root, names, &options);
    read_pattern(root, &options);
    if (root->reader->status != STATUS_OK)
        return;
    const struct json_field pattern = json_field_member(root, "regularExpression");
    json_field_note(pattern.value != NULL ? &pattern : root, parsing_new(&options, ret, &said),
                    &said);
}

enum status parsing_file_parse(struct span json, const char *name, struct parsing **ret,
                               struct error *err)
{
    struct json_reader reader = {.file = name, .err = err};
    json_t *root = NULL;
    if (json.size > PARSING_FILE_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes", name,
                         PARSING_FILE_MAX_BYTES);
    const enum status status = json_field_load(name, json, &root, err);
    if (status != STATUS_OK)
        return status;
    const struct json_field field = json_field_root(&reader, root);
    read_root(&field, ret);
    json_decref(root);
    return reader.status;
}

enum status parsing_file_read(const char *path, struct parsing **ret, struct error *err)
{
    struct bytes text;
    bytes_init(&text, PARSING_FILE_MAX_BYTES);
    enum status status = file_read(path, &text, err);
    if (status == STATUS_OK)
        status = parsing_file_parse(bytes_view(&text), path, ret, err);
    bytes_deinit(&text);
    return status;
}

/* ---- writing ---- */

static json_t *domain_json(const struct parsing_options *options)
{
    if (options->exclude_domain)
        return json_pack("{s:b}", "excluded", 1);
    return json_pack("{s:b, s:b, s:i, s:b}", "excluded", 0, "stripWWW", (int)options->strip_www,
                     "levels", (int)options->domain_levels, "enumerateHierarchy",
                     (int)options->walk_domains);
}

static json_t *path_json(const struct parsing_options *options)
{
    if (options->exclude_path)
        return json_pack("{s:b}", "excluded", 1);
    return json_pack("{s:b, s:i, s:b}", "excluded", 0, "segments", (int)options->path_segments,
                     "enumerateHierarchy", (int)options->walk_paths);
}

static json_t *query_json(const struct parsing_options *options)
{
    if (!options->chooses_parameters)
        return json_pack("{s:b}", "excluded", (int)options->exclude_query);
    json_t *names = json_array();
    for (size_t i = 0; names != NULL && i < options->parameter_count; i++) {
        if (json_array_append_new(names, json_string(options->parameters[i])) != 0) {
            json_decref(names);
            names = NULL;
        }
    }
    return json_pack("{s:b, s:o}", "excluded", 0, "parameters", names);
}

/* json_pack() takes what "o" stands for over, and gives NULL when it is NULL. */
static json_t *options_json(const struct parsing_options *options)
{
    if (options->regular_expression != NULL)
        return json_pack("{s:s}", "regularExpression", options->regular_expression);
    return json_pack(
        "{s:b, s:o, s:o, s:o, s:b, s:b, s:b}", "excludeScheme", (int)options->exclude_scheme,
        "domain", domain_json(options), "path", path_json(options), "query", query_json(options),
        "excludeFragment", (int)options->exclude_fragment, "excludeIntermediates",
        (int)options->exclude_intermediates, "caseSensitive", (int)options->case_sensitive);
}

enum status parsing_file_format(const struct parsing *parsing, struct bytes *ret, struct error *err)
{
    if (parsing_is_default(parsing))
        return STATUS_OK;
    json_t *root = options_json(parsing_options_of(parsing));
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (text == NULL)
        return error_set(err, STATUS_NOMEM, "parsing configuration: out of memory");
    bytes_append_text(ret, text);
    free(text);
    return bytes_status(ret, "parsing configuration", err);
}

static_assert(PARSING_DIGEST_TEXT_BYTES == 2 * DATASET_DIGEST_BYTES + 1, "a digest in hex");

enum status parsing_file_digest(const struct parsing *parsing, char ret[PARSING_DIGEST_TEXT_BYTES],
                                struct error *err)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    struct bytes text;
    bytes_init(&text, DATASET_PARSING_MAX_BYTES);
    const enum status status = parsing_file_format(parsing, &text, err);
    if (status == STATUS_OK) {
        sha256_init(&hash);
        sha256_add(&hash, bytes_view(&text));
        sha256_finish(&hash, digest);
        dataset_digest_hex(digest, ret);
        if (text.size == 0)
            ret[0] = '\0';
    }
    bytes_deinit(&text);
    return status;
}
