#include "lists/lists_config.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json_field.h"
#include "lists/parsing_file.h"
#include "pir-server/dataset/dataset_write.h"
#include "urls/rule.h"

#include <stdio.h>
#include <sys/stat.h>

#define GROWTH_MAX 1e6

const char *const lists_trust_names[LISTS_TRUST_COUNT] = {
    [LISTS_TRUST_BLOCK] = "block", [LISTS_TRUST_ALLOW] = "allow"};

/* The files being read, from lists.json down to the one that was imported last. */
struct reading {
    struct lists_config *config;
    size_t capacity; /* of config->sources */
    lists_config_load *load;
    void *context;
    const char *open[LISTS_IMPORT_DEPTH_MAX];
    size_t depth;
    size_t file_count;
};

/* ---- texts and paths ---- */

/* A copy for the configuration; without memory the reader's failure. */
static char *keep(const struct json_field *field, const char *text)
{
    char *copy = text == NULL ? NULL : mem_strdup(text);
    const struct error out_of_memory = {.message = "out of memory"};
    if (text != NULL && copy == NULL)
        json_field_note(field, STATUS_NOMEM, &out_of_memory);
    return copy;
}

/* `path` as seen from the folder of `file`; without "./" in front, so that a file has one name. In
 * a pattern the folder's own characters mean themselves. */
static char *resolve(const struct json_field *field, const char *path, bool is_pattern)
{
    const char *file = field->reader->file;
    const char *slash = strrchr(file, '/');
    while (path != NULL && strncmp(path, "./", 2) == 0)
        path += 2;
    if (path == NULL || path[0] == '/' || slash == NULL)
        return keep(field, path);
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
        copy = keep(field, (const char *)whole.data);
    } else {
        struct error said;
        json_field_note(field, bytes_status(&whole, "a path", &said), &said);
    }
    bytes_deinit(&whole);
    return copy;
}

static bool is_name(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        const bool inner = at > text && (*at == '.' || *at == '-' || *at == '_');
        if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || inner))
            return false;
    }
    return true;
}

/* A text that can be part of a file name and of a metric. */
static char *read_name(const struct json_field *field, size_t max_bytes)
{
    const char *text = json_field_text(field, max_bytes);
    if (text != NULL && !is_name(text)) {
        json_field_refuse(field,
                          "may hold lower-case letters, digits and, not first, '.', '-', '_'");
        text = NULL;
    }
    return keep(field, text);
}

/* ---- one source ---- */

/* "https://host:8443" of a URL; NULL when it has no host. */
static char *scheme_and_host(const struct json_field *field, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    const char *end = host + strcspn(host, "/?#\\");
    for (const char *at = host; at < end; at++) {
        if (*at == '@') /* what is before it is a user's name and password */
            host = at + 1;
    }
    char shown[LISTS_URL_MAX_BYTES + 1];
    const int scheme_size = (int)(strstr(url, "://") + 3 - url);
    if (host == end || *host == ':') {
        json_field_refuse(field, "has no host");
        return NULL;
    }
    (void)snprintf(shown, sizeof shown, "%.*s%.*s", scheme_size, url, (int)(end - host), host);
    return keep(field, shown);
}

static void read_url(const struct json_field *field, struct lists_source *source)
{
    const char *url = json_field_text(field, LISTS_URL_MAX_BYTES);
    if (url == NULL)
        return;
    const bool is_http = strncmp(url, "http://", 7) == 0;
    if (strpbrk(url, " \"<>^`{|}") != NULL)
        json_field_refuse(field, "holds a character that no URL holds");
    else if (!is_http && strncmp(url, "https://", 8) != 0)
        json_field_refuse(field, "must begin with https://");
    else if (is_http && !source->allow_http)
        json_field_refuse(field,
                          "http:// can be changed on its way: say \"allowHttp\": true if you "
                          "must");
    else {
        source->location = keep(field, url);
        source->shown = scheme_and_host(field, url);
    }
}

static void read_path(const struct json_field *field, struct lists_source *source)
{
    source->location = resolve(field, json_field_text(field, LISTS_PATH_MAX_BYTES),
                               source->kind == LISTS_SOURCE_GLOB);
    source->shown = keep(field, source->location);
}

static void read_patterns(const struct json_field *parent, const char *name,
                          enum entry_filter_kind kind, struct entry_filter *filter)
{
    const struct json_field list = json_field_member(parent, name);
    const size_t count = json_field_count(&list, ENTRY_PATTERNS_MAX);
    for (size_t i = 0; i < count && parent->reader->status == STATUS_OK; i++) {
        const struct json_field item = json_field_item(&list, i);
        const char *pattern = json_field_text(&item, ENTRY_PATTERN_MAX_BYTES);
        struct error said;
        if (pattern != NULL)
            json_field_note(&item, entry_filter_add(filter, kind, pattern, &said), &said);
    }
}

/* Differences between rules and keys that this source's rules may have. */
static unsigned read_accepted(const struct json_field *object)
{
    const struct json_field list = json_field_member(object, "accept");
    const size_t count = json_field_count(&list, RULE_DIFFERENCE_COUNT);
    unsigned accepts = 0;
    for (size_t i = 0; i < count && object->reader->status == STATUS_OK; i++) {
        const struct json_field item = json_field_item(&list, i);
        accepts |= rule_differences[json_field_choice(&item, rule_difference_names,
                                                      RULE_DIFFERENCE_COUNT, 0)];
    }
    return accepts;
}

/* Exactly one of file, glob and url says where the source is. */
static void read_location(const struct json_field *object, struct lists_source *source)
{
    static const char *const kinds[] = {
        [LISTS_SOURCE_FILE] = "file", [LISTS_SOURCE_GLOB] = "glob", [LISTS_SOURCE_URL] = "url"};
    static const char *const url_keys[] = {"allowHttp", "ca", "timeout", "maxAge", "retries"};
    size_t found = 0;
    struct json_field where = {0};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct json_field field = json_field_member(object, kinds[i]);
        if (field.value == NULL)
            continue;
        found++;
        where = field;
        source->kind = (enum lists_source_kind)i;
    }
    if (found != 1) {
        json_field_refuse(object, "exactly one of file, glob, url, import is wanted");
        return;
    }
    if (source->kind == LISTS_SOURCE_URL) {
        read_url(&where, source);
        return;
    }
    read_path(&where, source);
    for (size_t i = 0; i < ARRAY_COUNT(url_keys); i++) {
        const struct json_field field = json_field_member(object, url_keys[i]);
        if (field.value != NULL)
            json_field_refuse(&field, "is for sources with a url");
    }
}

static void read_limits(const struct json_field *object, struct lists_source *source)
{
    const struct json_field size = json_field_member(object, "maxBytes");
    const struct json_field timeout = json_field_member(object, "timeout");
    const struct json_field age = json_field_member(object, "maxAge");
    const struct json_field retries = json_field_member(object, "retries");
    const struct json_field ca = json_field_member(object, "ca");
    source->max_bytes = json_field_size(&size, 1, LISTS_SIZE_MAX_BYTES, LISTS_SIZE_DEFAULT_BYTES);
    source->timeout_s =
        json_field_duration(&timeout, 1, LISTS_TIMEOUT_MAX_S, LISTS_TIMEOUT_DEFAULT_S);
    source->max_age_s = json_field_duration(&age, 0, LISTS_MAX_AGE_MAX_S, LISTS_MAX_AGE_DEFAULT_S);
    source->retries = json_field_integer(&retries, 0, LISTS_RETRIES_MAX, LISTS_RETRIES_DEFAULT);
    source->ca = resolve(&ca, json_field_text(&ca, LISTS_PATH_MAX_BYTES), false);
}

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

static void source_deinit(struct lists_source *source)
{
    mem_free(source->id);
    mem_free(source->place);
    mem_free(source->location);
    mem_free(source->shown);
    mem_free(source->category);
    mem_free(source->license);
    mem_free(source->ca);
    entry_filter_free(source->filter);
}

static void read_source(const struct json_field *object, struct lists_source *source)
{
    static const char *const keys[] = {"id",     "file",     "glob",    "url",     "format",
                                       "trust",  "category", "license", "include", "exclude",
                                       "accept", "maxBytes", "timeout", "maxAge",  "retries",
                                       "ca",     "allowHttp"};
    const struct json_field id = json_field_member(object, "id");
    const struct json_field format = json_field_member(object, "format");
    const struct json_field trust = json_field_member(object, "trust");
    const struct json_field category = json_field_member(object, "category");
    const struct json_field license = json_field_member(object, "license");
    const struct json_field allow_http = json_field_member(object, "allowHttp");
    struct error said;
    json_field_keys(object, keys, ARRAY_COUNT(keys));
    json_field_require(&id);
    source->id = read_name(&id, LISTS_ID_MAX_BYTES);
    source->format = (enum list_format)json_field_choice(&format, list_format_names,
                                                         LIST_FORMAT_COUNT, LIST_FORMAT_AUTO);
    source->trust = (enum lists_trust)json_field_choice(&trust, lists_trust_names,
                                                        LISTS_TRUST_COUNT, LISTS_TRUST_BLOCK);
    source->category = read_name(&category, LISTS_CATEGORY_MAX_BYTES);
    source->license = keep(&license, json_field_text(&license, LISTS_LICENSE_MAX_BYTES));
    source->allow_http = json_field_flag(&allow_http, false);
    source->accepts = read_accepted(object);
    read_location(object, source);
    read_limits(object, source);
    char place[LISTS_PATH_MAX_BYTES];
    (void)snprintf(place, sizeof place, "%.3900s: %s", object->reader->file, object->path);
    source->place = keep(object, place);
    json_field_note(object, entry_filter_new(&source->filter, &said), &said);
    if (object->reader->status != STATUS_OK)
        return;
    read_patterns(object, "include", ENTRY_INCLUDE, source->filter);
    read_patterns(object, "exclude", ENTRY_EXCLUDE, source->filter);
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
    read_source(object, &source);
    check_id(reading, &id, &source);
    if (object->reader->status == STATUS_OK)
        config->sources[config->source_count++] = source;
    else
        source_deinit(&source);
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
    char *path = resolve(&field, json_field_text(&field, LISTS_PATH_MAX_BYTES), false);
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

static void read_prefilter(const struct json_field *output, struct lists_output *ret)
{
    const struct json_field rate = json_field_member(output, "falsePositiveRate");
    const struct json_field size = json_field_member(output, "prefilterSize");
    ret->false_positive_rate = json_field_number(&rate, 0, 1, 0);
    ret->prefilter_bytes = json_field_size(&size, 1, DATASET_PREFILTER_BYTES_MAX, 0);
    if (rate.value != NULL && size.value != NULL)
        json_field_refuse(&size, "and falsePositiveRate exclude each other");
}

static void read_shards(const struct json_field *output, struct lists_output *ret)
{
    const struct json_field count = json_field_member(output, "shards");
    const struct json_field rows = json_field_member(output, "rowsPerShard");
    ret->shard_count = json_field_integer(&count, 1, DATASET_SHARDS_MAX, 0);
    ret->rows_per_shard = json_field_integer(&rows, 1, UINT32_MAX, 0);
    if ((ret->shard_count & (ret->shard_count - 1)) != 0)
        json_field_refuse(&count, "%llu is no power of two", (unsigned long long)ret->shard_count);
    if (count.value != NULL && rows.value != NULL)
        json_field_refuse(&rows, "and shards exclude each other");
}

static void read_guard(const struct json_field *output, struct lists_guard *ret)
{
    static const char *const keys[] = {"maxShrink", "maxGrowth", "minRows"};
    const struct json_field guard = json_field_member(output, "guard");
    const struct json_field shrink = json_field_member(&guard, "maxShrink");
    const struct json_field growth = json_field_member(&guard, "maxGrowth");
    const struct json_field rows = json_field_member(&guard, "minRows");
    json_field_keys(&guard, keys, ARRAY_COUNT(keys));
    ret->max_shrink = json_field_number(&shrink, 0, 1, LISTS_SHRINK_DEFAULT);
    ret->max_growth = json_field_number(&growth, 0, GROWTH_MAX, LISTS_GROWTH_DEFAULT);
    ret->min_rows = json_field_integer(&rows, 1, UINT32_MAX, 1);
}

/* Apple's hosts unless they may be blocked, and those of `protect`. */
static void read_protected(const struct json_field *output, struct lists_output *ret)
{
    const struct json_field apple = json_field_member(output, "keepAppleHosts");
    const struct json_field own = json_field_member(output, "protect");
    const size_t count = json_field_count(&own, PROTECTED_HOSTS_MAX);
    struct error said;
    json_field_note(output, protected_hosts_new(&ret->protected_hosts, &said), &said);
    if (!json_field_flag(&apple, false) && output->reader->status == STATUS_OK)
        json_field_note(output, protected_hosts_add_apple(ret->protected_hosts, &said), &said);
    for (size_t i = 0; i < count && output->reader->status == STATUS_OK; i++) {
        const struct json_field item = json_field_item(&own, i);
        const char *host = json_field_text(&item, LISTS_URL_MAX_BYTES);
        if (host != NULL)
            json_field_note(
                &item, protected_hosts_add_own(ret->protected_hosts, span_of_text(host), &said),
                &said);
    }
}

static enum status load_file(const struct reading *reading, const char *path, struct bytes *ret,
                             struct error *err)
{
    return reading->load != NULL ? reading->load(reading->context, path, ret, err)
                                 : file_read(path, ret, err);
}

static void load_parsing(const struct reading *reading, const struct json_field *field,
                         const char *path, struct lists_output *ret)
{
    struct bytes text;
    struct error said;
    bytes_init(&text, PARSING_FILE_MAX_BYTES);
    enum status status = load_file(reading, path, &text, &said);
    if (status == STATUS_OK)
        status = parsing_file_parse(bytes_view(&text), path, &ret->parsing, &said);
    json_field_note(field, status, &said);
    bytes_deinit(&text);
}

/* After splitParents. */
static void read_parsing(const struct reading *reading, const struct json_field *output,
                         struct lists_output *ret)
{
    const struct json_field file = json_field_member(output, "parsingConfiguration");
    const struct json_field parts = json_field_member(output, "keepParsingParts");
    const struct json_field split = json_field_member(output, "splitParents");
    char *path = resolve(&file, json_field_text(&file, LISTS_PATH_MAX_BYTES), false);
    ret->keep_parsing_parts = json_field_flag(&parts, false);
    if (parts.value != NULL && file.value == NULL)
        json_field_refuse(&parts, "is for a parsingConfiguration");
    if (path != NULL && output->reader->status == STATUS_OK)
        load_parsing(reading, &file, path, ret);
    mem_free(path);
    if (ret->split_parents && !parsing_keys_nest(ret->parsing))
        json_field_refuse(&split, "under the parsingConfiguration keys do not block what is below "
                                  "them: nothing is to be split");
}

static void read_output(const struct reading *reading, const struct json_field *root,
                        struct lists_output *ret)
{
    static const char *const keys[] = {"shards",
                                       "rowsPerShard",
                                       "hashFunctions",
                                       "falsePositiveRate",
                                       "prefilterSize",
                                       "murmurSeed",
                                       "keepPrivateSuffixes",
                                       "keepAppleHosts",
                                       "protect",
                                       "prune",
                                       "splitParents",
                                       "keepVersions",
                                       "guard",
                                       "parsingConfiguration",
                                       "keepParsingParts"};
    const struct json_field output = json_field_member(root, "output");
    const struct json_field functions = json_field_member(&output, "hashFunctions");
    const struct json_field seed = json_field_member(&output, "murmurSeed");
    const struct json_field suffixes = json_field_member(&output, "keepPrivateSuffixes");
    const struct json_field prune = json_field_member(&output, "prune");
    const struct json_field split = json_field_member(&output, "splitParents");
    const struct json_field versions = json_field_member(&output, "keepVersions");
    json_field_keys(&output, keys, ARRAY_COUNT(keys));
    read_shards(&output, ret);
    read_prefilter(&output, ret);
    ret->hash_functions = json_field_integer(&functions, 1, DATASET_HASH_FUNCTIONS_MAX, 0);
    ret->has_seed = seed.value != NULL;
    ret->murmur_seed = (uint32_t)json_field_integer(&seed, 0, UINT32_MAX, 0);
    ret->keep_private_suffixes = json_field_flag(&suffixes, false);
    ret->keep_covered = !json_field_flag(&prune, true);
    ret->split_parents = json_field_flag(&split, false);
    ret->versions_kept =
        json_field_integer(&versions, 1, LISTS_VERSIONS_KEPT_MAX, LISTS_VERSIONS_KEPT_DEFAULT);
    read_guard(&output, &ret->guard);
    read_protected(&output, ret);
    read_parsing(reading, &output, ret);
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
    config->use_case = keep(&use_case, name);
    read_output(reading, root, &config->output);
}

static enum status read_file(struct reading *reading, const char *path, struct error *err)
{
    static const char *const main_keys[] = {"useCase", "output", "sources"};
    static const char *const import_keys[] = {"sources"};
    struct json_reader reader = {.file = path, .err = err};
    struct bytes text;
    bytes_init(&text, LISTS_CONFIG_MAX_BYTES);
    enum status status = load_file(reading, path, &text, err);
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
    struct reading reading = {.load = load, .context = context};
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
        source_deinit(&config->sources[i]);
    mem_free(config->sources);
    protected_hosts_free(config->output.protected_hosts);
    parsing_free(config->output.parsing);
    mem_free(config->use_case);
    mem_free(config);
}
