#include "lists/source_cache.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_manifest.h"

#include <assert.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define META_FORMAT      1
#define META_MAX_BYTES   ((size_t)1 << 16)
#define BODY_NAME_BYTES  (LISTS_ID_MAX_BYTES + 32)
#define HEX_DIGITS       "0123456789abcdef"
#define DIGEST_IN_NAME   16
#define DIGEST_HEX_BYTES (2 * SHA256_BYTES + 1)

struct source_cache {
    char *folder;
    int lock;
};

static_assert(DATASET_DIGEST_BYTES == SHA256_BYTES, "both are SHA-256");

/* ---- open and close ---- */

enum status source_cache_open(const char *folder, struct source_cache **ret, struct error *err)
{
    struct source_cache *cache = mem_alloc_zeroed(1, sizeof *cache);
    if (cache == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    cache->lock = FOLDER_LOCK_NONE;
    cache->folder = mem_strdup(folder);
    enum status status = cache->folder != NULL
                             ? folder_make(folder, err)
                             : error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    if (status == STATUS_OK)
        status = folder_lock_take(folder, "another update is at work", &cache->lock, err);
    if (status == STATUS_OK)
        *ret = cache;
    else
        source_cache_close(cache);
    return status;
}

void source_cache_close(struct source_cache *cache)
{
    if (cache == NULL)
        return;
    folder_lock_release(cache->lock);
    mem_free(cache->folder);
    mem_free(cache);
}

void source_copy_deinit(struct source_copy *copy)
{
    mem_free(copy->path);
    mem_free(copy->etag);
    mem_free(copy->last_modified);
    *copy = (struct source_copy){0};
}

/* ---- names ---- */

static void digest_of(struct span bytes, uint8_t ret[SHA256_BYTES])
{
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, bytes);
    sha256_finish(&hash, ret);
}

static void hex_of(struct span bytes, char ret[DIGEST_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    digest_of(bytes, digest);
    dataset_digest_hex(digest, ret);
}

static void body_name(const char *id, const char *digest_hex, char ret[BODY_NAME_BYTES])
{
    (void)snprintf(ret, BODY_NAME_BYTES, "%s-%.*s.body", id, DIGEST_IN_NAME, digest_hex);
}

static enum status path_of(const struct source_cache *cache, const char *name, char **ret,
                           struct error *err)
{
    *ret = path_join(cache->folder, name);
    return *ret != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
}

static enum status meta_path(const struct source_cache *cache, const char *id, char **ret,
                             struct error *err)
{
    char name[BODY_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%s.json", id);
    return path_of(cache, name, ret, err);
}

/* ---- reading ---- */

static bool is_validator(const char *text)
{
    const size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return size > 0 && size <= SOURCE_VALIDATOR_MAX_BYTES;
}

/* The text of a member that may be absent. False when memory is short. */
static bool copy_validator(const json_t *root, const char *name, char **ret)
{
    const char *text = json_string_value(json_object_get(root, name));
    *ret = text != NULL && is_validator(text) ? mem_strdup(text) : NULL;
    return *ret != NULL || text == NULL || !is_validator(text);
}

/* What the JSON says, if it is of this URL and of our form; *ret_digest is borrowed from `root`. */
static bool is_usable(const json_t *root, const char *url, const char **ret_digest)
{
    char url_hex[DIGEST_HEX_BYTES];
    const char *known_url = json_string_value(json_object_get(root, "urlSha256"));
    *ret_digest = json_string_value(json_object_get(root, "sha256"));
    hex_of(span_of_text(url), url_hex);
    return json_integer_value(json_object_get(root, "format")) == META_FORMAT &&
           known_url != NULL && strcmp(known_url, url_hex) == 0 && *ret_digest != NULL &&
           strlen(*ret_digest) == DIGEST_HEX_BYTES - 1 &&
           strspn(*ret_digest, HEX_DIGITS) == DIGEST_HEX_BYTES - 1 &&
           json_is_integer(json_object_get(root, "fetched")) &&
           json_is_integer(json_object_get(root, "confirmed"));
}

/* Whether the body is there and is the one that was kept. */
static bool check_body(const char *path, const char *digest_hex, struct source_copy *copy)
{
    struct file_map map;
    char hex[DIGEST_HEX_BYTES];
    if (file_map_open(path, &map, NULL) != STATUS_OK)
        return false;
    digest_of(map.bytes, copy->digest);
    copy->bytes = map.bytes.size;
    file_map_close(&map);
    dataset_digest_hex(copy->digest, hex);
    return strcmp(hex, digest_hex) == 0;
}

static enum status read_copy(const struct source_cache *cache, const struct lists_source *source,
                             const json_t *root, struct source_copy *ret, bool *ret_found,
                             struct error *err)
{
    struct source_copy copy = {0};
    const char *digest_hex;
    char name[BODY_NAME_BYTES];
    if (!is_usable(root, source->location, &digest_hex))
        return STATUS_OK;
    body_name(source->id, digest_hex, name);
    enum status status = path_of(cache, name, &copy.path, err);
    if (status == STATUS_OK && (!copy_validator(root, "etag", &copy.etag) ||
                                !copy_validator(root, "lastModified", &copy.last_modified)))
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", source->id);
    copy.fetched_s = json_integer_value(json_object_get(root, "fetched"));
    copy.confirmed_s = json_integer_value(json_object_get(root, "confirmed"));
    if (status == STATUS_OK && check_body(copy.path, digest_hex, &copy)) {
        *ret = copy;
        *ret_found = true;
    } else {
        source_copy_deinit(&copy);
    }
    return status;
}

enum status source_cache_find(struct source_cache *cache, const struct lists_source *source,
                              struct source_copy *ret, bool *ret_found, struct error *err)
{
    char *path = NULL;
    json_t *root = NULL;
    struct bytes text;
    bytes_init(&text, META_MAX_BYTES);
    *ret_found = false;
    enum status status = meta_path(cache, source->id, &path, err);
    if (status != STATUS_OK)
        goto done;
    status = file_read(path, &text, err);
    if (status == STATUS_NOT_FOUND || status == STATUS_TOO_LARGE)
        status = STATUS_OK;
    if (status == STATUS_OK && text.size > 0)
        root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    if (status == STATUS_OK && root != NULL)
        status = read_copy(cache, source, root, ret, ret_found, err);
done:
    json_decref(root);
    bytes_deinit(&text);
    mem_free(path);
    return status;
}

/* ---- writing ---- */

static bool put(json_t *root, const char *name, json_t *value)
{
    return json_object_set_new(root, name, value) == 0;
}

static bool put_validator(json_t *root, const char *name, const char *text)
{
    /* A server may send any bytes; what is no UTF-8 is not kept. */
    json_t *value = text != NULL && is_validator(text) ? json_string(text) : NULL;
    return value == NULL || put(root, name, value);
}

enum status source_cache_confirm(struct source_cache *cache, const struct lists_source *source,
                                 const struct source_copy *copy, struct error *err)
{
    char url_hex[DIGEST_HEX_BYTES];
    char digest_hex[DIGEST_HEX_BYTES];
    char *path = NULL;
    struct bytes text;
    bytes_init(&text, META_MAX_BYTES);
    hex_of(span_of_text(source->location), url_hex);
    dataset_digest_hex(copy->digest, digest_hex);
    json_t *root = json_object();
    enum status status = STATUS_OK;
    if (root == NULL || !put(root, "format", json_integer(META_FORMAT)) ||
        !put(root, "id", json_string(source->id)) ||
        !put(root, "urlSha256", json_string(url_hex)) ||
        !put(root, "bytes", json_integer((json_int_t)copy->bytes)) ||
        !put(root, "sha256", json_string(digest_hex)) || !put_validator(root, "etag", copy->etag) ||
        !put_validator(root, "lastModified", copy->last_modified) ||
        !put(root, "fetched", json_integer(copy->fetched_s)) ||
        !put(root, "confirmed", json_integer(copy->confirmed_s)))
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", source->id);
    if (status == STATUS_OK)
        status = dataset_json_append(root, &text, err);
    if (status == STATUS_OK)
        status = meta_path(cache, source->id, &path, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_SECRET, bytes_view(&text), err);
    json_decref(root);
    bytes_deinit(&text);
    mem_free(path);
    return status;
}

/* Whether `name` is "<id>-<16 hex digits>.body". No other id can have such a name of this length.
 */
static bool is_body_of(const char *id, const char *name)
{
    const size_t id_size = strlen(id);
    return strncmp(name, id, id_size) == 0 && name[id_size] == '-' &&
           strspn(name + id_size + 1, HEX_DIGITS) == DIGEST_IN_NAME &&
           strcmp(name + id_size + 1 + DIGEST_IN_NAME, ".body") == 0;
}

static bool is_meta_of(const char *id, const char *name)
{
    const size_t id_size = strlen(id);
    return strncmp(name, id, id_size) == 0 && strcmp(name + id_size, ".json") == 0;
}

/* Whether a file of this name is a copy of one of the sources, or no copy at all. */
static bool is_wanted(const char *name, const char *const *ids, size_t count)
{
    const size_t size = strlen(name);
    const bool is_copy =
        name[0] != '.' && size > 5 &&
        (strcmp(name + size - 5, ".json") == 0 || strcmp(name + size - 5, ".body") == 0);
    for (size_t i = 0; is_copy && i < count; i++) {
        if (is_meta_of(ids[i], name) || is_body_of(ids[i], name))
            return true;
    }
    return !is_copy;
}

size_t source_cache_forget_others(struct source_cache *cache, const char *const *ids, size_t count)
{
    DIR *listing = opendir(cache->folder);
    size_t removed = 0;
    if (listing == NULL)
        return 0;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (!is_wanted(entry->d_name, ids, count))
            removed += unlinkat(dirfd(listing), entry->d_name, 0) == 0 &&
                       strstr(entry->d_name, ".body") != NULL;
    }
    closedir(listing);
    return removed;
}

/* Best effort: a body left over costs room on the disk, nothing else. */
static void remove_other_bodies(const struct source_cache *cache, const char *id, const char *kept)
{
    DIR *listing = opendir(cache->folder);
    if (listing == NULL)
        return;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (is_body_of(id, entry->d_name) && strcmp(entry->d_name, kept) != 0)
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
    }
    closedir(listing);
}

enum status source_cache_keep(struct source_cache *cache, const struct lists_source *source,
                              struct span body, struct source_copy *copy, struct error *err)
{
    char digest_hex[DIGEST_HEX_BYTES];
    char name[BODY_NAME_BYTES];
    char *path = NULL;
    digest_of(body, copy->digest);
    copy->bytes = body.size;
    dataset_digest_hex(copy->digest, digest_hex);
    body_name(source->id, digest_hex, name);
    enum status status = path_of(cache, name, &path, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_SECRET, body, err);
    if (status == STATUS_OK)
        status = source_cache_confirm(cache, source, copy, err);
    if (status == STATUS_OK) {
        remove_other_bodies(cache, source->id, name);
        mem_free(copy->path);
        copy->path = path;
        path = NULL;
    }
    mem_free(path);
    return status;
}
