/* One source of a lists.json. */
#include "lists/lists_config_internal.h"

#include "base/mem.h"
#include "urls/rule.h"

#include <stdio.h>

/* ---- texts ---- */

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
    return lists_keep(field, text);
}

/* ---- where it is ---- */

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
    return lists_keep(field, shown);
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
        source->location = lists_keep(field, url);
        source->shown = scheme_and_host(field, url);
    }
}

static void read_path(const struct json_field *field, struct lists_source *source)
{
    source->location = lists_resolve(field, json_field_text(field, LISTS_PATH_MAX_BYTES),
                                     source->kind == LISTS_SOURCE_GLOB);
    source->shown = lists_keep(field, source->location);
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
    source->ca = lists_resolve(&ca, json_field_text(&ca, LISTS_PATH_MAX_BYTES), false);
}

void lists_source_deinit(struct lists_source *source)
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

void lists_source_read(const struct json_field *object, struct lists_source *source)
{
    static const char *const keys[] = {"id",     "file",      "glob",    "url",     "format",
                                       "trust",  "category",  "license", "include", "exclude",
                                       "accept", "maxBytes",  "timeout", "maxAge",  "retries",
                                       "ca",     "allowHttp", "includes"};
    const struct json_field id = json_field_member(object, "id");
    const struct json_field format = json_field_member(object, "format");
    const struct json_field trust = json_field_member(object, "trust");
    const struct json_field category = json_field_member(object, "category");
    const struct json_field license = json_field_member(object, "license");
    const struct json_field allow_http = json_field_member(object, "allowHttp");
    const struct json_field includes = json_field_member(object, "includes");
    struct error said;
    json_field_keys(object, keys, ARRAY_COUNT(keys));
    json_field_require(&id);
    source->id = read_name(&id, LISTS_ID_MAX_BYTES);
    source->format = (enum list_format)json_field_choice(&format, list_format_names,
                                                         LIST_FORMAT_COUNT, LIST_FORMAT_AUTO);
    source->trust = (enum lists_trust)json_field_choice(&trust, lists_trust_names,
                                                        LISTS_TRUST_COUNT, LISTS_TRUST_BLOCK);
    source->category = read_name(&category, LISTS_CATEGORY_MAX_BYTES);
    source->license = lists_keep(&license, json_field_text(&license, LISTS_LICENSE_MAX_BYTES));
    source->allow_http = json_field_flag(&allow_http, false);
    source->reads_includes =
        json_field_flag(&includes, true) && source->format == LIST_FORMAT_ADBLOCK;
    if (includes.value != NULL && source->format != LIST_FORMAT_ADBLOCK)
        json_field_refuse(&includes, "is for sources of the format adblock");
    source->accepts = read_accepted(object);
    read_location(object, source);
    read_limits(object, source);
    char path[JSON_FIELD_PATH_BYTES];
    char place[LISTS_PATH_MAX_BYTES];
    json_field_path(object, path);
    (void)snprintf(place, sizeof place, "%.3900s: %s", object->reader->file, path);
    source->place = lists_keep(object, place);
    json_field_note(object, entry_filter_new(&source->filter, &said), &said);
    if (object->reader->status != STATUS_OK)
        return;
    read_patterns(object, "include", ENTRY_INCLUDE, source->filter);
    read_patterns(object, "exclude", ENTRY_EXCLUDE, source->filter);
}
