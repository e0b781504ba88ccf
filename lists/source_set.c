#include "lists/source_set.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "lists/source_cache.h"
#include "lists/source_fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

const char *const source_state_names[SOURCE_STATE_COUNT] = {
    [SOURCE_FILE] = "file", [SOURCE_NEW] = "new",       [SOURCE_UNCHANGED] = "unchanged",
    [SOURCE_KEPT] = "copy", [SOURCE_FAILED] = "failed",
};

struct source_set {
    struct source_item *items;
    size_t count;
    size_t capacity;
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

/* An item without a state. `file` is of a glob, NULL otherwise. */
static enum status add_item(struct source_set *set, const struct lists_source *source,
                            const char *file, struct source_item **ret, struct error *err)
{
    struct source_item item = {.source = source};
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
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    (void)snprintf(name, sizeof name, "%s%s%s", source->id, file != NULL ? "/" : "",
                   file == NULL    ? ""
                   : slash != NULL ? slash + 1
                                   : file);
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

static enum status fetch_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct source_set *set = context;
    struct source_item *item = &set->items[index];
    (void)worker;
    return item->source->kind == LISTS_SOURCE_URL ? fetch_item(set, item, err) : STATUS_OK;
}

static enum status fetch_all(struct source_set *set, size_t url_count, struct error *err)
{
    const size_t threads = url_count < SOURCE_SET_THREADS ? url_count : SOURCE_SET_THREADS;
    struct thread_pool *pool = NULL;
    enum status status = STATUS_OK;
    if (url_count == 0)
        return STATUS_OK;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, STATUS_INTERNAL, "libcurl cannot be used");
    if (threads > 1)
        status = thread_pool_new(threads - 1, 1, &pool, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, set->count, fetch_task, set, err);
    thread_pool_free(pool);
    curl_global_cleanup();
    return status;
}

/* ---- the set ---- */

static enum status fill(struct source_set *set, const struct lists_config *config,
                        const char *folder, struct error *err)
{
    size_t url_count = 0;
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
            url_count++;
            status = add_item(set, source, NULL, &item, err);
            break;
        }
    }
    if (status == STATUS_OK)
        status = source_cache_open(folder, &set->cache, err);
    return status == STATUS_OK ? fetch_all(set, url_count, err) : status;
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
