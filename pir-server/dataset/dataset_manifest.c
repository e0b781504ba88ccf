#include "pir-server/dataset/dataset_manifest.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/pir/sha256.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void dataset_manifest_init(struct dataset_manifest *manifest)
{
    *manifest = (struct dataset_manifest){0};
    bytes_init(&manifest->parsing, DATASET_PARSING_MAX_BYTES);
}

void dataset_manifest_deinit(struct dataset_manifest *manifest)
{
    mem_free(manifest->files);
    mem_free(manifest->shard_rows.rows);
    bytes_deinit(&manifest->parsing);
    dataset_manifest_init(manifest);
}

enum status dataset_manifest_set_parsing(struct dataset_manifest *manifest, struct span text,
                                         struct error *err)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    bytes_clear(&manifest->parsing);
    manifest->info.parsing[0] = '\0';
    if (text.size == 0)
        return STATUS_OK;
    bytes_append(&manifest->parsing, text);
    sha256_init(&hash);
    sha256_add(&hash, text);
    sha256_finish(&hash, digest);
    dataset_digest_hex(digest, manifest->info.parsing);
    return bytes_status(&manifest->parsing, "parsing configuration", err);
}

static int by_name(const void *a, const void *b)
{
    const struct dataset_file *x = a;
    const struct dataset_file *y = b;
    return strcmp(x->name, y->name);
}

void dataset_manifest_sort(struct dataset_manifest *manifest)
{
    if (manifest->file_count > 1)
        qsort(manifest->files, manifest->file_count, sizeof manifest->files[0], by_name);
}

const struct dataset_file *dataset_manifest_file(const struct dataset_manifest *manifest,
                                                 const char *name)
{
    struct dataset_file wanted;
    if (manifest->file_count == 0 || strlen(name) >= sizeof wanted.name)
        return NULL;
    memcpy(wanted.name, name, strlen(name) + 1);
    return bsearch(&wanted, manifest->files, manifest->file_count, sizeof manifest->files[0],
                   by_name);
}

void dataset_shard_name(uint64_t index, char ret[DATASET_FILE_NAME_BYTES])
{
    snprintf(ret, DATASET_FILE_NAME_BYTES, "shard-%u.pir", (unsigned)(index & 0xffff));
}

void dataset_shard_params_name(uint64_t index, char ret[DATASET_FILE_NAME_BYTES])
{
    snprintf(ret, DATASET_FILE_NAME_BYTES, "shard-%u.params.txtpb", (unsigned)(index & 0xffff));
}

bool dataset_is_shard_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcmp(dot, ".pir") == 0;
}

/* A shard file's own digest is not the SHA-256 of the file. */
static const char *digest_field(const char *file_name)
{
    return dataset_is_shard_name(file_name) ? "shardDigest" : "sha256";
}

void dataset_digest_hex(const uint8_t digest[DATASET_DIGEST_BYTES],
                        char ret[2 * DATASET_DIGEST_BYTES + 1])
{
    for (size_t i = 0; i < DATASET_DIGEST_BYTES; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* ---- reading ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hex(const char *text, size_t digits)
{
    size_t i = 0;
    while (text[i] != '\0' && hex_value(text[i]) >= 0)
        i++;
    return i == digits && text[i] == '\0';
}

bool dataset_version_is_valid(const char *version)
{
    return is_hex(version, DATASET_VERSION_BYTES);
}

static bool digest_of_hex(const char *text, uint8_t ret[DATASET_DIGEST_BYTES])
{
    if (!is_hex(text, 2 * DATASET_DIGEST_BYTES))
        return false;
    for (size_t i = 0; i < DATASET_DIGEST_BYTES; i++)
        ret[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
}

/* The manifest being read: the first failure sticks, as in base/reader. */
struct source {
    const char *name;
    enum status status;
    struct error *err;
};

static void refuse(struct source *source, const char *where, const char *field, const char *why)
{
    if (source->status == STATUS_OK)
        source->status = error_set(source->err, STATUS_INVALID, "%s: %s%s%s: %s", source->name,
                                   where, where[0] == '\0' ? "" : ".", field, why);
}

static const json_t *get_object(struct source *source, const json_t *object, const char *field)
{
    const json_t *value = json_object_get(object, field);
    if (!json_is_object(value))
        refuse(source, "", field, "is not an object");
    return value;
}

static uint64_t get_count(struct source *source, const json_t *object, const char *where,
                          const char *field, uint64_t min, uint64_t max)
{
    const json_t *value = json_object_get(object, field);
    if (!json_is_integer(value)) {
        refuse(source, where, field, "is not an integer");
        return min;
    }
    const json_int_t number = json_integer_value(value);
    if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
        char why[96];
        snprintf(why, sizeof why, "%" JSON_INTEGER_FORMAT " is not in %" PRIu64 "..%" PRIu64,
                 number, min, max);
        refuse(source, where, field, why);
        return min;
    }
    return (uint64_t)number;
}

static const char *get_text(struct source *source, const json_t *object, const char *where,
                            const char *field)
{
    const json_t *value = json_object_get(object, field);
    if (!json_is_string(value)) {
        refuse(source, where, field, "is not a string");
        return "";
    }
    return json_string_value(value);
}

static void get_digest(struct source *source, const json_t *object, const char *where,
                       const char *field, uint8_t ret[DATASET_DIGEST_BYTES])
{
    if (!digest_of_hex(get_text(source, object, where, field), ret))
        refuse(source, where, field, "is no SHA-256 in lower-case hex");
}

static bool is_file_name(const char *name)
{
    const size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        const char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'))
            return false;
    }
    return size > 0 && size < DATASET_FILE_NAME_BYTES && name[0] != '.';
}

static void read_files(struct source *source, const json_t *files, struct dataset_manifest *ret)
{
    if (source->status != STATUS_OK)
        return;
    const size_t count = json_object_size(files);
    ret->files = mem_alloc_zeroed(count, sizeof ret->files[0]);
    if (ret->files == NULL) {
        source->status = error_set(source->err, STATUS_NOMEM, "%s: out of memory", source->name);
        return;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)files, name, value)
    {
        struct dataset_file *file = &ret->files[ret->file_count];
        if (!is_file_name(name)) {
            refuse(source, "files", "", "holds a name that is none of a dataset's");
            return;
        }
        memcpy(file->name, name, strlen(name) + 1);
        file->bytes = get_count(source, value, name, "bytes", 0, (uint64_t)1 << 62);
        get_digest(source, value, name, digest_field(name), file->digest);
        ret->file_count++;
    }
    dataset_manifest_sort(ret);
}

static void require_files(struct source *source, const struct dataset_manifest *manifest)
{
    static const char *const names[] = {"rows.txt", "prefilter.bloom", "prefilter.json",
                                        "prefilter.plist"};
    char name[DATASET_FILE_NAME_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (dataset_manifest_file(manifest, names[i]) == NULL)
            refuse(source, "files", names[i], "is missing");
    }
    for (uint64_t i = 0; i < manifest->info.shard_count && source->status == STATUS_OK; i++) {
        dataset_shard_name(i, name);
        if (dataset_manifest_file(manifest, name) == NULL)
            refuse(source, "files", name, "is missing");
        dataset_shard_params_name(i, name);
        if (dataset_manifest_file(manifest, name) == NULL)
            refuse(source, "files", name, "is missing");
    }
}

/* {"mergedRows", "shardRows": [..]}, which older versions do not have. */
static void read_load(struct source *source, const json_t *load, struct dataset_manifest *ret)
{
    const uint64_t shards = ret->info.shard_count;
    struct dataset_shard_rows *known = &ret->shard_rows;
    const json_t *rows = json_object_get(load, "shardRows");
    known->merged_count = get_count(source, load, "load", "mergedRows", 0, ret->info.row_count);
    if (!json_is_array(rows) || json_array_size(rows) != shards)
        refuse(source, "load", "shardRows", "is not an array with a number for each shard");
    if (source->status != STATUS_OK)
        return;
    known->rows = mem_alloc((size_t)shards, sizeof *known->rows);
    if (known->rows == NULL) {
        source->status = error_set(source->err, STATUS_NOMEM, "%s: out of memory", source->name);
        return;
    }
    uint64_t sum = known->merged_count;
    for (size_t i = 0; i < shards; i++) {
        const json_int_t count = json_integer_value(json_array_get(rows, i));
        known->rows[i] = count >= 0 ? (uint64_t)count : UINT32_MAX;
        if (!json_is_integer(json_array_get(rows, i)) || known->rows[i] > ret->info.row_count)
            refuse(source, "load", "shardRows", "holds what is no number of rows");
        sum += known->rows[i];
    }
    if (sum != ret->info.row_count)
        refuse(source, "load", "shardRows", "does not add up to the rows");
}

/* {"sha256", "configuration"}: the digest is that of the configuration in its compact form. */
static void read_parsing(struct source *source, const json_t *parsing, struct dataset_manifest *ret)
{
    const json_t *configuration = json_object_get(parsing, "configuration");
    const char *digest = get_text(source, parsing, "parsing", "sha256");
    char *text = json_is_object(configuration) ? json_dumps(configuration, JSON_COMPACT) : NULL;
    struct error why;
    if (text == NULL) {
        refuse(source, "parsing", "configuration", "is not an object");
        return;
    }
    if (dataset_manifest_set_parsing(ret, span_of_text(text), &why) != STATUS_OK)
        refuse(source, "parsing", "configuration", why.message);
    else if (strcmp(digest, ret->info.parsing) != 0)
        refuse(source, "parsing", "sha256", "is not the digest of the configuration");
    free(text);
}

static void read_root(struct source *source, const json_t *root, struct dataset_manifest *ret)
{
    struct dataset_info *info = &ret->info;
    const char *use_case = get_text(source, root, "", "useCase");
    if (dataset_use_case_is_valid(use_case))
        snprintf(info->use_case, sizeof info->use_case, "%s", use_case);
    else
        refuse(source, "", "useCase", "is no name of a use case");
    const char *version = get_text(source, root, "", "version");
    if (dataset_version_is_valid(version))
        snprintf(info->version, sizeof info->version, "%s", version);
    else
        refuse(source, "", "version", "is not 16 hex digits");

    const json_t *rows = get_object(source, root, "rows");
    info->row_count = get_count(source, rows, "rows", "count", 1, UINT32_MAX);
    get_digest(source, rows, "rows", "sha256", info->rows_digest);

    const json_t *prefilter = get_object(source, root, "prefilter");
    const json_t *rate = json_object_get(prefilter, "falsePositiveRate");
    info->false_positive_rate = json_number_value(rate);
    if (!(info->false_positive_rate > 0 && info->false_positive_rate < 1))
        refuse(source, "prefilter", "falsePositiveRate", "is no number between 0 and 1");
    info->murmur_seed =
        (uint32_t)get_count(source, prefilter, "prefilter", "murmurSeed", 0, UINT32_MAX);
    const char *tag = get_text(source, prefilter, "prefilter", "tag");
    if (is_hex(tag, 2 * DATASET_DIGEST_BYTES))
        snprintf(info->prefilter_tag, sizeof info->prefilter_tag, "%s", tag);
    else
        refuse(source, "prefilter", "tag", "is no SHA-256 in lower-case hex");

    const json_t *shape = get_object(source, root, "shape");
    info->shard_count = get_count(source, shape, "shape", "shards", 1, DATASET_SHARDS_MAX);
    if ((info->shard_count & (info->shard_count - 1)) != 0)
        refuse(source, "shape", "shards", "is not a power of two");
    ret->hash_function_count =
        (size_t)get_count(source, shape, "shape", "hashFunctions", 1, KEYWORD_HASH_FUNCTIONS_MAX);

    if (source->status == STATUS_OK && json_object_get(root, "parsing") != NULL)
        read_parsing(source, get_object(source, root, "parsing"), ret);
    if (source->status == STATUS_OK && json_object_get(root, "load") != NULL)
        read_load(source, get_object(source, root, "load"), ret);
    read_files(source, get_object(source, root, "files"), ret);
    if (source->status == STATUS_OK)
        require_files(source, ret);
    if (source->status == STATUS_OK)
        info->prefilter_bytes = dataset_manifest_file(ret, "prefilter.bloom")->bytes;
}

enum status dataset_manifest_parse(struct span json, const char *name, struct dataset_manifest *ret,
                                   struct error *err)
{
    if (json.size > DATASET_MANIFEST_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes", name,
                         DATASET_MANIFEST_MAX_BYTES);
    json_error_t why;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return error_set(err, STATUS_MALFORMED, "%s: line %d: %s", name, why.line, why.text);
    struct source source = {.name = name, .status = STATUS_OK, .err = err};
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    if (!json_is_object(root))
        source.status = error_set(err, STATUS_INVALID, "%s: is not an object", name);
    const uint64_t format = get_count(&source, root, "", "format", 0, INT64_MAX);
    if (source.status == STATUS_OK && format != DATASET_FORMAT)
        source.status =
            error_set(err, STATUS_UNSUPPORTED,
                      "%s: format %" PRIu64 ", this program knows %d: compile the lists again",
                      name, format, DATASET_FORMAT);
    if (source.status == STATUS_OK)
        read_root(&source, root, &manifest);
    json_decref(root);
    if (source.status == STATUS_OK) {
        *ret = manifest;
        dataset_manifest_init(&manifest);
    }
    dataset_manifest_deinit(&manifest);
    return source.status;
}

enum status dataset_manifest_read(const char *folder, struct dataset_manifest *ret,
                                  struct error *err)
{
    struct bytes json;
    char *path = path_join(folder, "dataset.json");
    if (path == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    enum status status = file_read(path, &json, err);
    if (status == STATUS_OK)
        status = dataset_manifest_parse(bytes_view(&json), path, ret, err);
    bytes_deinit(&json);
    mem_free(path);
    return status;
}

uint64_t dataset_manifest_bytes(const struct dataset_manifest *manifest)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < manifest->file_count; i++)
        bytes += manifest->files[i].bytes;
    return bytes;
}

/* ---- writing ---- */

/* Puts a new value, which may be NULL for lack of memory, into the object. */
static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static json_t *count_json(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *digest_json(const uint8_t digest[DATASET_DIGEST_BYTES])
{
    char hex[2 * DATASET_DIGEST_BYTES + 1];
    dataset_digest_hex(digest, hex);
    return json_string(hex);
}

struct json_t *dataset_name_json(const char *name)
{
    json_t *text = json_string(name);
    if (text != NULL)
        return text;
    char *ascii = mem_strdup(name);
    if (ascii == NULL)
        return NULL;
    for (char *c = ascii; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    text = json_string(ascii);
    mem_free(ascii);
    return text;
}

/* Those above zero, by name. */
static json_t *named_counts_json(const uint64_t *counts, size_t count,
                                 const char *(*name)(size_t index))
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; i < count && good; i++) {
        if (counts[i] > 0)
            good = put(object, name(i), count_json(counts[i]));
    }
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static const char *reason_name(size_t index)
{
    return drop_reason_name((enum drop_reason)index);
}

static const char *difference_name(size_t index)
{
    return rule_difference_names[index];
}

struct json_t *dataset_counts_json(const struct list_counts *counts)
{
    json_t *object = json_object();
    const bool good =
        object != NULL && put(object, "lines", count_json(counts->lines)) &&
        put(object, "comments", count_json(counts->comments)) &&
        put(object, "entries", count_json(counts->entries)) &&
        put(object, "further", count_json(counts->further)) &&
        put(object, "kept", count_json(counts->kept)) &&
        (counts->second_keys == 0 || put(object, "secondKeys", count_json(counts->second_keys))) &&
        put(object, "exceptions", count_json(counts->exceptions)) &&
        put(object, "widened", count_json(counts->widened)) &&
        put(object, "differ",
            named_counts_json(counts->differ, RULE_DIFFERENCE_COUNT, difference_name)) &&
        put(object, "dropped", count_json(counts->dropped)) &&
        put(object, "droppedFor",
            named_counts_json(counts->dropped_for, DROP_REASON_COUNT, reason_name));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

struct json_t *dataset_sources_json(const struct dataset_origin *origin)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; i < origin->source_count && good; i++) {
        const struct dataset_source *source = &origin->sources[i];
        json_t *object = json_object();
        good = object != NULL && put(object, "name", dataset_name_json(source->name)) &&
               put(object, "bytes", count_json(source->bytes)) &&
               put(object, "sha256", digest_json(source->digest)) &&
               put(object, "lines", count_json(source->counts.lines)) &&
               put(object, "kept", count_json(source->counts.kept)) &&
               put(object, "dropped", count_json(source->counts.dropped)) &&
               (source->license == NULL ||
                put(object, "license", dataset_name_json(source->license))) &&
               json_array_append(list, object) == 0;
        json_decref(object);
    }
    if (!good) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *prefilter_json(const struct dataset_info *info)
{
    json_t *object = json_object();
    if (object != NULL && put(object, "falsePositiveRate", json_real(info->false_positive_rate)) &&
        put(object, "murmurSeed", count_json(info->murmur_seed)) &&
        put(object, "tag", json_string(info->prefilter_tag)))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *shape_json(const struct dataset_info *info, const struct pir_parameters *parameters)
{
    json_t *object = json_object();
    json_t *dimensions = json_array();
    json_t *elements = json_array();
    bool good = object != NULL && dimensions != NULL && elements != NULL;
    for (size_t i = 0; i < parameters->dimension_count && good; i++)
        good = json_array_append_new(dimensions, count_json(parameters->dimensions[i])) == 0;
    for (size_t i = 0; i < parameters->evaluation_key.galois_element_count && good; i++)
        good = json_array_append_new(
                   elements, count_json(parameters->evaluation_key.galois_elements[i])) == 0;
    good = good && put(object, "shards", count_json(info->shard_count)) &&
           put(object, "hashFunctions", count_json(parameters->hash_function_count)) &&
           put(object, "bucketsPerTable", count_json(parameters->entry_count)) &&
           put(object, "bucketBytes", count_json(parameters->entry_bytes)) &&
           json_object_set(object, "dimensions", dimensions) == 0 &&
           json_object_set(object, "galoisElements", elements) == 0;
    json_decref(dimensions);
    json_decref(elements);
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *parsing_json(const struct dataset_manifest *manifest)
{
    json_t *object = json_object();
    json_t *configuration = json_loadb((const char *)manifest->parsing.data, manifest->parsing.size,
                                       JSON_REJECT_DUPLICATES, NULL);
    if (object != NULL && put(object, "sha256", json_string(manifest->info.parsing)) &&
        put(object, "configuration", configuration))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *load_json(const struct dataset_manifest *manifest)
{
    const struct dataset_shard_rows *known = &manifest->shard_rows;
    json_t *object = json_object();
    json_t *rows = json_array();
    bool good = object != NULL && rows != NULL &&
                put(object, "mergedRows", count_json(known->merged_count));
    for (uint64_t i = 0; i < manifest->info.shard_count && good; i++)
        good = json_array_append_new(rows, count_json(known->rows[i])) == 0;
    good = good && json_object_set(object, "shardRows", rows) == 0;
    json_decref(rows);
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *files_json(const struct dataset_manifest *manifest)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; i < manifest->file_count && good; i++) {
        const struct dataset_file *file = &manifest->files[i];
        json_t *entry = json_object();
        good = entry != NULL && put(entry, "bytes", count_json(file->bytes)) &&
               put(entry, digest_field(file->name), digest_json(file->digest)) &&
               json_object_set(object, file->name, entry) == 0;
        json_decref(entry);
    }
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int append_text(const char *text, size_t size, void *context)
{
    struct bytes *out = context;
    bytes_append(out, span_of(text, size));
    return out->status == STATUS_OK ? 0 : -1;
}

enum status dataset_json_append(const struct json_t *root, struct bytes *ret, struct error *err)
{
    if (json_dump_callback(root, append_text, ret, JSON_INDENT(2)) != 0 && ret->status == STATUS_OK)
        return error_set(err, STATUS_NOMEM, "JSON: out of memory");
    bytes_append_u8(ret, '\n');
    return bytes_status(ret, "JSON", err);
}

enum status dataset_manifest_format(const struct dataset_manifest *manifest,
                                    const struct pir_parameters *parameters,
                                    const struct dataset_origin *origin, struct bytes *ret,
                                    struct error *err)
{
    const struct dataset_info *info = &manifest->info;
    json_t *root = json_object();
    json_t *rows = json_object();
    bool good = root != NULL && rows != NULL && put(rows, "count", count_json(info->row_count)) &&
                put(rows, "sha256", digest_json(info->rows_digest)) &&
                put(root, "format", count_json(DATASET_FORMAT)) &&
                put(root, "useCase", json_string(info->use_case)) &&
                put(root, "version", json_string(info->version)) &&
                json_object_set(root, "rows", rows) == 0 &&
                put(root, "prefilter", prefilter_json(info)) &&
                put(root, "shape", shape_json(info, parameters)) &&
                put(root, "files", files_json(manifest)) &&
                put(root, "sources", dataset_sources_json(origin));
    if (good && manifest->parsing.size > 0)
        good = put(root, "parsing", parsing_json(manifest));
    if (good && manifest->shard_rows.rows != NULL)
        good = put(root, "load", load_json(manifest));
    if (good && origin->counts != NULL)
        good = put(root, "lists", dataset_counts_json(origin->counts));
    const enum status status = good ? dataset_json_append(root, ret, err)
                                    : error_set(err, STATUS_NOMEM, "dataset.json: out of memory");
    json_decref(rows);
    json_decref(root);
    return status;
}
