#include "pir-server/dataset/dataset_manifest_internal.h"

#include "base/mem.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/pir/sha256.h"

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

const char *dataset_digest_field(const char *file_name)
{
    return dataset_is_shard_name(file_name) ? "shardDigest" : "sha256";
}

void dataset_digest_hex(const uint8_t digest[DATASET_DIGEST_BYTES],
                        char ret[2 * DATASET_DIGEST_BYTES + 1])
{
    for (size_t i = 0; i < DATASET_DIGEST_BYTES; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
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
        put(object, "tag", json_string(info->prefilter_tag)) &&
        (info->prefilter_public_key[0] == '\0' ||
         put(object, "publicKey", json_string(info->prefilter_public_key))))
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

struct json_t *dataset_files_json(const struct dataset_manifest *manifest)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; i < manifest->file_count && good; i++) {
        const struct dataset_file *file = &manifest->files[i];
        json_t *entry = json_object();
        good = entry != NULL && put(entry, "bytes", count_json(file->bytes)) &&
               put(entry, dataset_digest_field(file->name), digest_json(file->digest)) &&
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

/* What an imported version does not have. */
static bool put_content(json_t *root, const struct dataset_info *info)
{
    json_t *rows = json_object();
    const bool good = rows != NULL && put(rows, "count", count_json(info->row_count)) &&
                      put(rows, "sha256", digest_json(info->rows_digest)) &&
                      json_object_set(root, "rows", rows) == 0 &&
                      put(root, "prefilter", prefilter_json(info));
    json_decref(rows);
    return good;
}

enum status dataset_manifest_format(const struct dataset_manifest *manifest,
                                    const struct pir_parameters *parameters,
                                    const struct dataset_origin *origin, struct bytes *ret,
                                    struct error *err)
{
    const struct dataset_info *info = &manifest->info;
    json_t *root = json_object();
    bool good =
        root != NULL && put(root, "format", count_json(DATASET_FORMAT)) &&
        put(root, "useCase", json_string(info->use_case)) &&
        put(root, "version", json_string(info->version)) &&
        (info->is_imported ? put(root, "imported", json_object()) : put_content(root, info)) &&
        put(root, "shape", shape_json(info, parameters)) &&
        put(root, "files", dataset_files_json(manifest)) &&
        (info->is_imported || put(root, "sources", dataset_sources_json(origin)));
    if (good && manifest->parsing.size > 0)
        good = put(root, "parsing", parsing_json(manifest));
    if (good && manifest->shard_rows.rows != NULL)
        good = put(root, "load", load_json(manifest));
    if (good && origin != NULL && origin->counts != NULL)
        good = put(root, "lists", dataset_counts_json(origin->counts));
    const enum status status = good ? dataset_json_append(root, ret, err)
                                    : error_set(err, STATUS_NOMEM, "dataset.json: out of memory");
    json_decref(root);
    return status;
}
