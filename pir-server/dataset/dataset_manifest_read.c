/* Reads dataset.json. Fields that are not known are left alone: a later program may have more. */
#include "base/file.h"
#include "base/mem.h"
#include "json/json_field.h"
#include "pir-server/dataset/dataset_manifest_internal.h"
#include "pir-server/pir/pir_parameters.h"

#include <stdlib.h>

#define DIGEST_DIGITS  (2 * DATASET_DIGEST_BYTES)
#define NAME_MAX_BYTES ((size_t)255)
#define FILE_BYTES_MAX (UINT64_C(1) << 62)

/* ---- texts ---- */

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
    if (!is_hex(text, DIGEST_DIGITS))
        return false;
    for (size_t i = 0; i < DATASET_DIGEST_BYTES; i++)
        ret[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
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

/* ---- values ---- */

static struct json_field required_object(const struct json_field *parent, const char *name)
{
    const struct json_field field = json_field_required(parent, name);
    json_field_object(&field);
    return field;
}

static uint64_t read_count(const struct json_field *parent, const char *name, uint64_t least,
                           uint64_t most)
{
    const struct json_field field = json_field_required(parent, name);
    return json_field_integer(&field, least, most, least);
}

/* A text that `is_valid` takes, with a NUL in ret [size]; `what` names such texts. */
static void read_name(const struct json_field *parent, const char *name,
                      bool (*is_valid)(const char *), const char *what, char *ret, size_t size)
{
    const struct json_field field = json_field_required(parent, name);
    const char *text = json_field_text(&field, NAME_MAX_BYTES);
    if (text == NULL)
        return;
    if (is_valid(text))
        snprintf(ret, size, "%s", text);
    else
        json_field_refuse(&field, "is no %s", what);
}

static bool is_digest(const char *text)
{
    return is_hex(text, DIGEST_DIGITS);
}

static void read_digest_text(const struct json_field *parent, const char *name,
                             char ret[DIGEST_DIGITS + 1])
{
    read_name(parent, name, is_digest, "SHA-256 in lower-case hex", ret, DIGEST_DIGITS + 1);
}

void dataset_manifest_read_digest(const struct json_field *parent, const char *name,
                                  uint8_t ret[DATASET_DIGEST_BYTES])
{
    char text[DIGEST_DIGITS + 1] = "";
    read_digest_text(parent, name, text);
    (void)digest_of_hex(text, ret);
}

/* ---- sections ---- */

static void no_memory(const struct json_field *field)
{
    struct error said;
    json_field_note(field, error_set(&said, STATUS_NOMEM, "out of memory"), &said);
}

static void read_files(const struct json_field *files, struct dataset_manifest *ret)
{
    const char *name;
    json_t *value;
    if (files->reader->status != STATUS_OK)
        return;
    ret->files = mem_alloc_zeroed(json_object_size(files->value), sizeof ret->files[0]);
    if (ret->files == NULL) {
        no_memory(files);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)files->value, name, value)
    {
        struct dataset_file *file = &ret->files[ret->file_count];
        if (!is_file_name(name)) {
            json_field_refuse(files, "holds a name that is none of a dataset's");
            return;
        }
        const struct json_field entry = required_object(files, name);
        memcpy(file->name, name, strlen(name) + 1);
        file->bytes = read_count(&entry, "bytes", 0, FILE_BYTES_MAX);
        dataset_manifest_read_digest(&entry, dataset_digest_field(name), file->digest);
        ret->file_count++;
    }
    dataset_manifest_sort(ret);
}

static void require_files(const struct json_field *files, const struct dataset_manifest *manifest)
{
    static const char *const names[] = {"rows.txt", "prefilter.bloom", "prefilter.json",
                                        "prefilter.plist"};
    const uint64_t shards = manifest->info.shard_count;
    char name[DATASET_FILE_NAME_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(names) && !manifest->info.is_imported; i++)
        (void)json_field_required(files, names[i]);
    for (uint64_t i = 0; i < shards && files->reader->status == STATUS_OK; i++) {
        dataset_shard_name(i, name);
        (void)json_field_required(files, name);
        dataset_shard_params_name(i, name);
        (void)json_field_required(files, name);
    }
}

/* {"mergedRows", "shardRows": [..]}, which older versions do not have. */
static void read_load(const struct json_field *load, struct dataset_manifest *ret)
{
    const size_t shards = (size_t)ret->info.shard_count;
    const uint64_t all = ret->info.row_count;
    struct dataset_shard_rows *known = &ret->shard_rows;
    const struct json_field rows = json_field_required(load, "shardRows");
    json_field_object(load);
    known->merged_count = read_count(load, "mergedRows", 0, all);
    if (json_field_count(&rows, shards) != shards)
        json_field_refuse(&rows, "does not have a number for each shard");
    if (load->reader->status != STATUS_OK)
        return;
    known->rows = mem_alloc(shards, sizeof *known->rows);
    if (known->rows == NULL) {
        no_memory(&rows);
        return;
    }
    uint64_t sum = known->merged_count;
    for (size_t i = 0; i < shards; i++) {
        const struct json_field item = json_field_item(&rows, i);
        known->rows[i] = json_field_integer(&item, 0, all, 0);
        sum += known->rows[i];
    }
    if (sum != all)
        json_field_refuse(&rows, "does not add up to the rows");
}

/* {"sha256", "configuration"}: the digest is that of the configuration in its compact form. */
static void read_parsing(const struct json_field *parsing, struct dataset_manifest *ret)
{
    const struct json_field configuration = required_object(parsing, "configuration");
    char digest[DIGEST_DIGITS + 1] = "";
    struct error said;
    json_field_object(parsing);
    read_digest_text(parsing, "sha256", digest);
    if (parsing->reader->status != STATUS_OK)
        return;
    char *text = json_dumps(configuration.value, JSON_COMPACT);
    if (text == NULL) {
        no_memory(&configuration);
        return;
    }
    json_field_note(&configuration, dataset_manifest_set_parsing(ret, span_of_text(text), &said),
                    &said);
    free(text);
    if (strcmp(digest, ret->info.parsing) != 0) {
        const struct json_field field = json_field_member(parsing, "sha256");
        json_field_refuse(&field, "is not the digest of the configuration");
    }
}

static void read_prefilter(const struct json_field *prefilter, struct dataset_info *ret)
{
    const struct json_field rate = json_field_required(prefilter, "falsePositiveRate");
    ret->false_positive_rate = json_field_number(&rate, 0, 1, 0);
    ret->murmur_seed = (uint32_t)read_count(prefilter, "murmurSeed", 0, UINT32_MAX);
    read_digest_text(prefilter, "tag", ret->prefilter_tag);
    if (json_field_member(prefilter, "publicKey").value != NULL)
        read_name(prefilter, "publicKey", bloom_public_key_is_valid, "Ed25519 key in base64",
                  ret->prefilter_public_key, sizeof ret->prefilter_public_key);
}

static void read_shape(const struct json_field *shape, struct dataset_manifest *ret)
{
    const struct json_field shards = json_field_required(shape, "shards");
    ret->info.shard_count = json_field_integer(&shards, 1, DATASET_SHARDS_MAX, 1);
    if (!ret->info.is_imported && (ret->info.shard_count & (ret->info.shard_count - 1)) != 0)
        json_field_refuse(&shards, "is not a power of two");
    ret->hash_function_count =
        (size_t)read_count(shape, "hashFunctions", 1, KEYWORD_HASH_FUNCTIONS_MAX);
}

/* What an imported version does not have. */
static void read_content(const struct json_field *root, struct dataset_info *ret)
{
    const struct json_field rows = required_object(root, "rows");
    const struct json_field prefilter = required_object(root, "prefilter");
    ret->row_count = read_count(&rows, "count", 1, UINT32_MAX);
    dataset_manifest_read_digest(&rows, "sha256", ret->rows_digest);
    read_prefilter(&prefilter, ret);
}

void dataset_manifest_read_head(const struct json_field *root, struct dataset_manifest *ret)
{
    struct dataset_info *info = &ret->info;
    json_field_object(root);
    json_field_format(root, DATASET_FORMAT, ": compile the lists again");
    read_name(root, "useCase", dataset_use_case_is_valid, "name of a use case", info->use_case,
              sizeof info->use_case);
    read_name(root, "version", dataset_version_is_valid, "16 hex digits", info->version,
              sizeof info->version);
    const struct json_field imported = json_field_member(root, "imported");
    json_field_object(&imported);
    info->is_imported = imported.value != NULL;
    const struct json_field shape = required_object(root, "shape");
    const struct json_field parsing = json_field_member(root, "parsing");
    const struct json_field load = json_field_member(root, "load");
    if (!info->is_imported)
        read_content(root, info);
    read_shape(&shape, ret);
    if (parsing.value != NULL)
        read_parsing(&parsing, ret);
    if (load.value != NULL)
        read_load(&load, ret);
}

static void read_root(const struct json_field *root, struct dataset_manifest *ret)
{
    struct dataset_info *info = &ret->info;
    dataset_manifest_read_head(root, ret);
    const struct json_field files = required_object(root, "files");
    read_files(&files, ret);
    require_files(&files, ret);
    if (root->reader->status == STATUS_OK && !info->is_imported)
        info->prefilter_bytes = dataset_manifest_file(ret, "prefilter.bloom")->bytes;
}

enum status dataset_manifest_parse(struct span json, const char *name, struct dataset_manifest *ret,
                                   struct error *err)
{
    struct json_reader reader = {.file = name, .err = err};
    struct dataset_manifest manifest;
    json_t *root = NULL;
    if (json.size > DATASET_MANIFEST_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes", name,
                         DATASET_MANIFEST_MAX_BYTES);
    const enum status status = json_field_load(name, json, &root, err);
    if (status != STATUS_OK)
        return status;
    const struct json_field field = json_field_root(&reader, root);
    dataset_manifest_init(&manifest);
    read_root(&field, &manifest);
    json_decref(root);
    if (reader.status == STATUS_OK) {
        *ret = manifest;
        dataset_manifest_init(&manifest);
    }
    dataset_manifest_deinit(&manifest);
    return reader.status;
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
