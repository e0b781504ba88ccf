#include "lists/source_set.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "lists/source_cache.h"
#include "lists/source_fetch.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "urls/list_includes.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

/* An included list's id: so much of its root's, '+', so many digits of the digest of its place. */
#define INCLUDED_ID_BYTES 40
#define INCLUDED_DIGITS   16
static_assert(INCLUDED_ID_BYTES + 1 + INCLUDED_DIGITS <= LISTS_ID_MAX_BYTES, "an id like others");

const char *const source_state_names[SOURCE_STATE_COUNT] = {
    [SOURCE_FILE] = "file", [SOURCE_NEW] = "new",       [SOURCE_UNCHANGED] = "unchanged",
    [SOURCE_KEPT] = "copy", [SOURCE_FAILED] = "failed",
};

/* The source of an included list: that of the list that includes it, but for these texts. */
struct included {
    struct lists_source source;
    char *id;
    char *location;
    struct included *next;
};

struct source_set {
    struct source_item *items;
    size_t count;
    size_t capacity;
    struct included *included;
    size_t first_to_fetch;
    struct source_cache *cache;
    int64_t now_s;
    uint64_t retry_wait_ms;
};

/* ---- items ---- */

static void item_deinit(struct source_item *item)
{
    mem_free(item->name);
    mem_free(item->path);
}

/* Puts name and place before what `why` says, and marks the item as failed. */
static void item_fail(struct source_item *item)
{
    item->state = SOURCE_FAILED;
    (void)error_prefix(&item->why, item->why.status, "%s (%s)", item->name, item->source->shown);
}

/* An item without a state; `below`: what its name has behind the source's id, NULL = nothing. */
static enum status add_named_item(struct source_set *set, const struct lists_source *source,
                                  const char *below, struct source_item **ret, struct error *err)
{
    struct source_item item = {.source = source, .root = source};
    char name[LISTS_ID_MAX_BYTES + LISTS_PATH_MAX_BYTES + 2];
    if (set->count == SOURCE_SET_ITEMS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "%s: more than %zu lists", source->id,
                         SOURCE_SET_ITEMS_MAX);
    if (set->count == set->capacity) {
        const size_t larger = set->capacity == 0 ? 16 : 2 * set->capacity;
        struct source_item *moved = mem_realloc(set->items, larger, sizeof *moved);
        if (moved == NULL)
            return error_set(err, STATUS_NOMEM, "%s: out of memory", source->id);
        set->items = moved;
        set->capacity = larger;
    }
    (void)snprintf(name, sizeof name, "%s%s%s", source->id, below != NULL ? "/" : "",
                   below != NULL ? below : "");
    for (char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            *c = '?';
    }
    item.name = mem_strdup(name);
    if (item.name == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", source->id);
    *ret = &set->items[set->count++];
    **ret = item;
    return STATUS_OK;
}

/* `file` is of a glob, NULL otherwise. */
static enum status add_item(struct source_set *set, const struct lists_source *source,
                            const char *file, struct source_item **ret, struct error *err)
{
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    return add_named_item(set, source, slash != NULL ? slash + 1 : file, ret, err);
}

/* ---- local files ---- */

static enum status look_at_file(struct source_item *item, const char *path, struct error *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        (void)error_set_errno(&item->why, errno, "cannot be read");
        item_fail(item);
    } else if (!S_ISREG(info.st_mode)) {
        (void)error_set(&item->why, STATUS_INVALID, "is no file");
        item_fail(item);
    } else {
        item->state = SOURCE_FILE;
        item->time_s = (int64_t)info.st_mtime;
        item->path = mem_strdup(path);
        if (item->path == NULL)
            return error_set(err, STATUS_NOMEM, "%s: out of memory", item->name);
    }
    return STATUS_OK;
}

static enum status add_file(struct source_set *set, const struct lists_source *source,
                            const char *path, const char *file, struct error *err)
{
    struct source_item *item;
    const enum status status = add_item(set, source, file, &item, err);
    return status == STATUS_OK ? look_at_file(item, path, err) : status;
}

static bool is_folder(const char *marked)
{
    return marked[strlen(marked) - 1] == '/';
}

static enum status add_glob(struct source_set *set, const struct lists_source *source,
                            struct error *err)
{
    glob_t found = {0};
    struct source_item *item;
    const size_t before = set->count;
    enum status status = STATUS_OK;
    const int code = glob(source->location, GLOB_MARK, NULL, &found);
    if (code == GLOB_NOSPACE)
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", source->id);
    for (size_t i = 0; code == 0 && i < found.gl_pathc && status == STATUS_OK; i++) {
        if (!is_folder(found.gl_pathv[i]))
            status = add_file(set, source, found.gl_pathv[i], found.gl_pathv[i], err);
    }
    globfree(&found);
    if (status == STATUS_OK && set->count == before) {
        status = add_item(set, source, NULL, &item, err);
        if (status == STATUS_OK) {
            (void)error_set(&item->why, STATUS_NOT_FOUND, "no file fits");
            item_fail(item);
        }
    }
    return status;
}

/* ---- URLs ---- */

/* Takes over what came: into the cache when it is another than the copy. */
static enum status take_answer(struct source_set *set, struct source_item *item,
                               struct source_answer *answer, const struct source_copy *known,
                               struct error *err)
{
    struct source_copy copy = {.etag = answer->etag,
                               .last_modified = answer->last_modified,
                               .fetched_s = set->now_s,
                               .confirmed_s = set->now_s};
    answer->etag = NULL;
    answer->last_modified = NULL;
    enum status status = source_text_check(bytes_view(&answer->body), item->source->max_bytes, err);
    if (status == STATUS_OK)
        status = source_cache_keep(set->cache, item->source, bytes_view(&answer->body), &copy, err);
    if (status == STATUS_OK) {
        const bool is_same =
            known != NULL && memcmp(known->digest, copy.digest, sizeof copy.digest) == 0;
        item->state = is_same ? SOURCE_UNCHANGED : SOURCE_NEW;
        item->time_s = set->now_s;
        item->path = copy.path;
        copy.path = NULL;
    }
    source_copy_deinit(&copy);
    return status;
}

/* The server says that the copy is current. */
static enum status confirm(struct source_set *set, struct source_item *item,
                           struct source_copy *known, struct error *err)
{
    known->confirmed_s = set->now_s;
    const enum status status = source_cache_confirm(set->cache, item->source, known, err);
    if (status == STATUS_OK) {
        item->state = SOURCE_UNCHANGED;
        item->time_s = set->now_s;
        item->path = known->path;
        known->path = NULL;
    }
    return status;
}

/* The item could not be fetched, for `why`: the copy stands in if it may. */
static void fall_back(const struct source_set *set, struct source_item *item,
                      struct source_copy *known)
{
    const int64_t age_s = known == NULL                     ? 0
                          : set->now_s > known->confirmed_s ? set->now_s - known->confirmed_s
                                                            : 0;
    item_fail(item);
    if (known == NULL)
        return;
    char reason[ERROR_MESSAGE_BYTES];
    memcpy(reason, item->why.message, sizeof reason);
    char age[SOURCE_AGE_BYTES];
    char max_age[SOURCE_AGE_BYTES];
    source_age_text((uint64_t)age_s, age);
    source_age_text(item->source->max_age_s, max_age);
    if ((uint64_t)age_s > item->source->max_age_s) {
        (void)error_set(&item->why, item->why.status,
                        "%.400s; the copy of %s ago is older than %s (maxAge)", reason, age,
                        max_age);
        return;
    }
    (void)error_set(&item->why, item->why.status, "%.400s; the copy of %s ago is used", reason,
                    age);
    item->state = SOURCE_KEPT;
    item->time_s = known->confirmed_s;
    item->path = known->path;
    known->path = NULL;
}

static enum status fetch_item(struct source_set *set, struct source_item *item, struct error *err)
{
    struct source_copy known = {0};
    struct source_answer answer = {0};
    bool has_copy = false;
    enum status status = source_cache_find(set->cache, item->source, &known, &has_copy, err);
    if (status != STATUS_OK)
        return status;
    struct source_copy *copy = has_copy ? &known : NULL;
    struct error *why = &item->why;
    enum status fetched = source_fetch(item->source, copy, set->retry_wait_ms, &answer, why);
    if (fetched == STATUS_OK)
        fetched = answer.not_modified ? confirm(set, item, &known, why)
                                      : take_answer(set, item, &answer, copy, why);
    if (fetched != STATUS_OK)
        fall_back(set, item, copy);
    source_answer_deinit(&answer);
    source_copy_deinit(&known);
    return STATUS_OK;
}

static bool is_fetched(const struct source_item *item)
{
    return item->source->kind == LISTS_SOURCE_URL && item->state != SOURCE_FAILED;
}

static enum status fetch_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct source_set *set = context;
    struct source_item *item = &set->items[set->first_to_fetch + index];
    (void)worker;
    return is_fetched(item) ? fetch_item(set, item, err) : STATUS_OK;
}

/* The items from `first` on. */
static enum status fetch_all(struct source_set *set, size_t first, struct error *err)
{
    size_t url_count = 0;
    for (size_t i = first; i < set->count; i++)
        url_count += is_fetched(&set->items[i]);
    const size_t threads = url_count < SOURCE_SET_THREADS ? url_count : SOURCE_SET_THREADS;
    struct thread_pool *pool = NULL;
    enum status status = STATUS_OK;
    if (url_count == 0)
        return STATUS_OK;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, STATUS_INTERNAL, "libcurl cannot be used");
    if (threads > 1)
        status = thread_pool_new(threads - 1, 1, &pool, err);
    set->first_to_fetch = first;
    if (status == STATUS_OK)
        status = thread_pool_for(pool, set->count - first, fetch_task, set, err);
    thread_pool_free(pool);
    curl_global_cleanup();
    return status;
}

/* ---- included lists ---- */

struct including {
    struct source_set *set;
    size_t index; /* of the item whose text it is */
};

/* Up to and with the last '/' of the path or URL, where the names that a list includes begin. */
static struct span folder_of(const struct source_item *item)
{
    if (item->source->kind != LISTS_SOURCE_URL) {
        const char *slash = strrchr(item->path, '/');
        return span_of(item->path, slash != NULL ? (size_t)(slash - item->path) + 1 : 0);
    }
    const char *url = item->source->location;
    const size_t host = (size_t)(strstr(url, "://") - url) + 3;
    size_t size = strcspn(url, "?#");
    while (size > host && url[size - 1] != '/')
        size--;
    return span_of(url, size > host ? size : strcspn(url, "?#"));
}

static char *location_of(const struct source_item *item, struct span name)
{
    const struct span folder = folder_of(item);
    const bool needs_slash =
        item->source->kind == LISTS_SOURCE_URL && folder.data[folder.size - 1] != '/';
    const size_t room = folder.size + 1 + name.size + 1;
    char *location = mem_alloc(room, 1);
    if (location != NULL)
        (void)snprintf(location, room, "%.*s%s%.*s", (int)folder.size, (const char *)folder.data,
                       needs_slash ? "/" : "", (int)name.size, (const char *)name.data);
    return location;
}

/* '+' is in no id of lists.json; copies are kept under this one. */
static char *included_id(const struct source_item *item, const char *location)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct sha256 hash;
    char *id = mem_alloc(LISTS_ID_MAX_BYTES + 1, 1);
    sha256_init(&hash);
    sha256_add(&hash, span_of_text(location));
    sha256_finish(&hash, digest);
    dataset_digest_hex(digest, hex);
    if (id != NULL)
        (void)snprintf(id, LISTS_ID_MAX_BYTES + 1, "%.*s+%.*s", INCLUDED_ID_BYTES, item->root->id,
                       INCLUDED_DIGITS, hex);
    return id;
}

/* Whether the source has this list already: it is the root's own, or was included before. */
static bool is_known(const struct source_set *set, const struct source_item *from,
                     const char *location)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct source_item *item = &set->items[i];
        const char *known =
            item->source->kind == LISTS_SOURCE_URL ? item->source->location : item->path;
        if (item->root == from->root && known != NULL && strcmp(known, location) == 0)
            return true;
    }
    return false;
}

/* The item of an included list, looked for when it is a file; fetched later when it is a URL. */
static enum status add_included(struct source_set *set, size_t from, const char *name,
                                char *location, struct error *err)
{
    struct included *included = mem_alloc_zeroed(1, sizeof *included);
    if (included == NULL) {
        mem_free(location);
        return error_set(err, STATUS_NOMEM, "%s: out of memory", set->items[from].name);
    }
    included->source = *set->items[from].source;
    included->location = location;
    included->id = included_id(&set->items[from], location);
    included->next = set->included;
    set->included = included;
    if (included->id == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", set->items[from].name);
    included->source.id = included->id;
    included->source.location = location;
    if (included->source.kind != LISTS_SOURCE_URL) {
        included->source.kind = LISTS_SOURCE_FILE;
        included->source.shown = location;
    }
    struct source_item *item;
    enum status status = add_named_item(set, set->items[from].root, name, &item, err);
    if (status != STATUS_OK)
        return status;
    item->source = &included->source;
    item->depth = set->items[from].depth + 1;
    return item->source->kind == LISTS_SOURCE_FILE ? look_at_file(item, location, err) : status;
}

/* An include that is not followed is a list that has failed. */
static enum status refuse_include(struct source_set *set, size_t from, uint64_t line,
                                  const char *what, struct error *err)
{
    struct source_item *item;
    char name[sizeof "line 18446744073709551615"];
    (void)snprintf(name, sizeof name, "line %" PRIu64, line);
    const enum status status = add_named_item(set, set->items[from].root, name, &item, err);
    if (status != STATUS_OK)
        return status;
    item->source = set->items[from].source;
    item->depth = set->items[from].depth + 1;
    (void)error_set(&item->why, STATUS_INVALID, "%.200s, line %" PRIu64 ": !#include of %s",
                    set->items[from].name, line, what);
    item_fail(item);
    return STATUS_OK;
}

static enum status take_include(void *context, uint64_t line, struct span name, struct error *err)
{
    const struct including *including = context;
    struct source_set *set = including->set;
    const struct source_item *from = &set->items[including->index];
    if (!list_include_is_below(name))
        return refuse_include(set, including->index, line,
                              "what is not below the list's own folder", err);
    char *location = location_of(from, name);
    if (location == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", from->name);
    if (is_known(set, from, location)) {
        mem_free(location);
        return STATUS_OK;
    }
    if (from->depth == SOURCE_SET_INCLUDE_DEPTH_MAX) {
        mem_free(location);
        return refuse_include(set, including->index, line, "lists that lie too deep", err);
    }
    char text[LIST_INCLUDE_NAME_MAX_BYTES + 1];
    (void)snprintf(text, sizeof text, "%.*s", (int)name.size, (const char *)name.data);
    return add_included(set, including->index, text, location, err);
}

/* The lists that the text of an item includes. */
static enum status add_includes(struct source_set *set, size_t index, struct error *err)
{
    struct including including = {.set = set, .index = index};
    struct source_text text;
    if (!set->items[index].source->reads_includes || set->items[index].state == SOURCE_FAILED)
        return STATUS_OK;
    /* What is wrong with the text is told when its keys are read. */
    struct error ignored;
    enum status status = source_set_text(set, index, &text, &ignored);
    if (status != STATUS_OK)
        return status == STATUS_NOMEM ? error_set(err, status, "%s", ignored.message) : STATUS_OK;
    status = list_includes_each(text.text, take_include, &including, err);
    source_text_deinit(&text);
    return status;
}

/* ---- the set ---- */

static enum status fill(struct source_set *set, const struct lists_config *config,
                        const char *folder, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < config->source_count && status == STATUS_OK; i++) {
        const struct lists_source *source = &config->sources[i];
        struct source_item *item;
        switch (source->kind) {
        case LISTS_SOURCE_FILE:
            status = add_file(set, source, source->location, NULL, err);
            break;
        case LISTS_SOURCE_GLOB:
            status = add_glob(set, source, err);
            break;
        case LISTS_SOURCE_URL:
            status = add_item(set, source, NULL, &item, err);
            break;
        }
    }
    if (status == STATUS_OK)
        status = source_cache_open(folder, &set->cache, err);
    /* Each round adds the lists that those of the round before include. */
    for (size_t first = 0; status == STATUS_OK && first < set->count;) {
        const size_t end = set->count;
        status = fetch_all(set, first, err);
        for (; first < end && status == STATUS_OK; first++)
            status = add_includes(set, first, err);
    }
    return status;
}

char *source_set_folder(const char *data, const struct lists_config *config)
{
    char *below = path_join(data, ".sources");
    char *folder = below != NULL ? path_join(below, config->use_case) : NULL;
    mem_free(below);
    return folder;
}

enum status source_set_open(const struct lists_config *config, const char *folder, int64_t now_s,
                            uint64_t retry_wait_ms, struct source_set **ret, struct error *err)
{
    struct source_set *set = mem_alloc_zeroed(1, sizeof *set);
    if (set == NULL)
        return error_set(err, STATUS_NOMEM, "sources: out of memory");
    set->now_s = now_s;
    set->retry_wait_ms = retry_wait_ms;
    const enum status status = fill(set, config, folder, err);
    if (status == STATUS_OK)
        *ret = set;
    else
        source_set_close(set);
    return status;
}

void source_set_close(struct source_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        item_deinit(&set->items[i]);
    mem_free(set->items);
    while (set->included != NULL) {
        struct included *next = set->included->next;
        mem_free(set->included->id);
        mem_free(set->included->location);
        mem_free(set->included);
        set->included = next;
    }
    source_cache_close(set->cache);
    mem_free(set);
}

size_t source_set_forget_others(struct source_set *set)
{
    size_t count = 0;
    const char **ids = mem_alloc(set->count + 1, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < set->count; i++) {
        if (set->items[i].source->kind == LISTS_SOURCE_URL)
            ids[count++] = set->items[i].source->id;
    }
    const size_t removed = ids != NULL ? source_cache_forget_others(set->cache, ids, count) : 0;
    mem_free(ids);
    return removed;
}

size_t source_set_count(const struct source_set *set)
{
    return set->count;
}

const struct source_item *source_set_item(const struct source_set *set, size_t index)
{
    return &set->items[index];
}

enum status source_set_text(const struct source_set *set, size_t index, struct source_text *ret,
                            struct error *err)
{
    const struct source_item *item = &set->items[index];
    const enum status status = source_text_read(item->path, item->source->max_bytes, ret, err);
    return status == STATUS_OK ? status : error_prefix(err, status, "%s", item->name);
}

void source_age_text(uint64_t age_s, char ret[SOURCE_AGE_BYTES])
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i + 1 < ARRAY_COUNT(units) && age_s < 2 * units[i].seconds)
        i++;
    (void)snprintf(ret, SOURCE_AGE_BYTES, "%llu %s", (unsigned long long)(age_s / units[i].seconds),
                   units[i].name);
}
