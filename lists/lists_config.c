#include "lists/lists_config_internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_write.h"

#include <sys/stat.h>

const char *const lists_trust_names[LISTS_TRUST_COUNT] = {
    [LISTS_TRUST_BLOCK] = "block", [LISTS_TRUST_ALLOW] = "allow"};

/* The files being read, from lists.json down to the one that was imported last. */
struct reading {
    struct lists_config *config;
    size_t capacity; /* of config->sources */
    struct lists_loader loader;
    const char *open[LISTS_IMPORT_DEPTH_MAX];
    size_t depth;
    size_t file_count;
};

/* ---- texts and paths ---- */

char *lists_keep(const struct json_field *field, const char *text)
{
    char *copy = text == NULL ? NULL : mem_strdup(text);
    const struct error out_of_memory = {.message = "out of memory"};
    if (text != NULL && copy == NULL)
        json_field_note(field, STATUS_NOMEM, &out_of_memory);
    return copy;
}

char *lists_resolve(const struct json_field *field, const char *path, bool is_pattern)
{
    const char *file = field->reader->file;
    const char *slash = strrchr(file, '/');
    while (path != NULL && strncmp(path, "./", 2) == 0)
        path += 2;
    if (path == NULL || path[0] == '/' || slash == NULL)
        return lists_keep(field, path);
    struct bytes whole;
    bytes_init(&whole, 3 * LISTS_PATH_MAX_BYTES);
    for (const char *at = file; at <= slash; at++) {
        if (is_pattern && strchr("*?[\\", *at) != NULL)
            bytes_append_text(&whole, "\\");
        bytes_append_u8(&whole, (uint8_t)*at);
    }
    bytes_append_text(&whole, path);
    bytes_append_u8(&whole, 0);
    char *copy = NULL;
    if (whole.status == STATUS_OK) {
        copy = lists_keep(field, (const char *)whole.data);
    } else {
        struct error said;
        json_field_note(field, bytes_status(&whole, "a path", &said), &said);
    }
    bytes_deinit(&whole);
    return copy;
}

enum status lists_load(const struct lists_loader *loader, const char *path, struct bytes *ret,
                       struct error *err)
{
    return loader->load != NULL ? loader->load(loader->context, path, ret, err)
                                : file_read(path, ret, err);
}

/* ---- sources ---- */

static void check_id(const struct reading *reading, const struct json_field *id,
                     const struct lists_source *source)
{
    for (size_t i = 0; source->id != NULL && i < reading->config->source_count; i++) {
        const struct lists_source *other = &reading->config->sources[i];
        if (strcmp(other->id, source->id) == 0) {
            json_field_refuse(id, "\"%s\" is the id of %s already", source->id, other->place);
            return;
        }
    }
}

static void add_source(struct reading *reading, const struct json_field *object)
{
    struct lists_config *config = reading->config;
    struct lists_source source = {0};
    const struct json_field id = json_field_member(object, "id");
    if (config->source_count == reading->capacity) {
        const size_t larger = reading->capacity == 0 ? 16 : 2 * reading->capacity;
        struct lists_source *moved = mem_realloc(config->sources, larger, sizeof *moved);
        const struct error out_of_memory = {.message = "out of memory"};
        if (moved == NULL) {
            json_field_note(object, STATUS_NOMEM, &out_of_memory);
            return;
        }
        config->sources = moved;
        reading->capacity = larger;
    }
    if (config->source_count == LISTS_SOURCES_MAX)
        json_field_refuse(object, "more than %zu sources", LISTS_SOURCES_MAX);
    lists_source_read(object, &source);
    check_id(reading, &id, &source);
    if (object->reader->status == STATUS_OK)
        config->sources[config->source_count++] = source;
    else
        lists_source_deinit(&source);
}

/* ---- files ---- */

static enum status read_file(struct reading *reading, const char *path, struct error *err);

/* Whether two paths lead to one file; to one that cannot be looked at only by the same text. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat at_a;
    struct stat at_b;
    return strcmp(a, b) == 0 || (stat(a, &at_a) == 0 && stat(b, &at_b) == 0 &&
                                 at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino);
}

static void import_file(struct reading *reading, const struct json_field *object)
{
    static const char *const keys[] = {"import"};
    const struct json_field field = json_field_member(object, "import");
    struct error said;
    json_field_keys(object, keys, ARRAY_COUNT(keys));
    char *path = lists_resolve(&field, json_field_text(&field, LISTS_PATH_MAX_BYTES), false);
    for (size_t i = 0; path != NULL && i < reading->depth; i++) {
        if (is_same_file(reading->open[i], path))
            json_field_refuse(&field, "%s imports itself%s", path,
                              i + 1 < reading->depth ? " by way of others" : "");
    }
    if (reading->depth == LISTS_IMPORT_DEPTH_MAX)
        json_field_refuse(&field, "more than %d files deep", LISTS_IMPORT_DEPTH_MAX);
    if (reading->file_count > LISTS_IMPORTS_MAX)
        json_field_refuse(&field, "more than %zu files are imported", LISTS_IMPORTS_MAX);
    if (path != NULL && field.reader->status == STATUS_OK)
        json_field_note(&field, read_file(reading, path, &said), &said);
    mem_free(path);
}

static void read_sources(struct reading *reading, const struct json_field *root)
{
    const struct json_field sources = json_field_member(root, "sources");
    json_field_require(&sources);
    const size_t count = json_field_count(&sources, LISTS_SOURCES_MAX);
    for (size_t i = 0; i < count && root->reader->status == STATUS_OK; i++) {
        const struct json_field item = json_field_item(&sources, i);
        if (!json_is_object(item.value))
            json_field_refuse(&item, "must be an object");
        else if (json_object_get(item.value, "import") != NULL)
            import_file(reading, &item);
        else
            add_source(reading, &item);
    }
}

/* lists.json itself; a file that is imported has sources only. */
static void read_main(struct reading *reading, const struct json_field *root)
{
    struct lists_config *config = reading->config;
    const struct json_field use_case = json_field_member(root, "useCase");
    json_field_require(&use_case);
    const char *name = json_field_text(&use_case, DATASET_USE_CASE_MAX_BYTES);
    if (name != NULL && !dataset_use_case_is_valid(name))
        json_field_refuse(&use_case, "letters, digits, '.', '-', '_' are wanted, no '.' first");
    config->use_case = lists_keep(&use_case, name);
    lists_output_read(&reading->loader, root, &config->output);
}

static enum status read_file(struct reading *reading, const char *path, struct error *err)
{
    static const char *const main_keys[] = {"useCase", "output", "sources"};
    static const char *const import_keys[] = {"sources"};
    struct json_reader reader = {.file = path, .err = err};
    struct bytes text;
    bytes_init(&text, LISTS_CONFIG_MAX_BYTES);
    enum status status = lists_load(&reading->loader, path, &text, err);
    json_t *root = NULL;
    if (status != STATUS_OK)
        goto done;
    status = json_field_load(path, bytes_view(&text), &root, err);
    if (status != STATUS_OK)
        goto done;
    const struct json_field field = json_field_root(&reader, root);
    const bool is_main = reading->depth == 0;
    reading->open[reading->depth++] = path;
    reading->file_count++;
    json_field_keys(&field, is_main ? main_keys : import_keys,
                    is_main ? ARRAY_COUNT(main_keys) : ARRAY_COUNT(import_keys));
    if (is_main)
        read_main(reading, &field);
    read_sources(reading, &field);
    reading->depth--;
    status = reader.status;
done:
    json_decref(root);
    bytes_deinit(&text);
    return status;
}

enum status lists_config_read(const char *path, lists_config_load *load, void *context,
                              struct lists_config **ret, struct error *err)
{
    struct reading reading = {.loader = {.load = load, .context = context}};
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    reading.config = mem_alloc_zeroed(1, sizeof *reading.config);
    if (reading.config == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    enum status status = read_file(&reading, path, err);
    if (status == STATUS_OK && reading.config->source_count == 0)
        status = error_set(err, STATUS_INVALID, "%s: $.sources: names no source", path);
    if (status == STATUS_OK)
        *ret = reading.config;
    else
        lists_config_free(reading.config);
    return status;
}

void lists_config_free(struct lists_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->source_count; i++)
        lists_source_deinit(&config->sources[i]);
    mem_free(config->sources);
    lists_output_deinit(&config->output);
    mem_free(config->use_case);
    mem_free(config);
}
