#include "bloom/formats/bloom_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_plist.h"

/* ---- names ---- */

static bool has_end(const char *path, const char *end)
{
    const size_t size = strlen(path);
    const size_t end_size = strlen(end);
    return size > end_size && strcmp(path + size - end_size, end) == 0 &&
           path[size - end_size - 1] != '/';
}

/* `path` with another end: "x.json" from "x.bloom". Without an end, `end` is appended. */
static char *with_end(const char *path, const char *end)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(name, '.');
    const size_t stem = dot == NULL || dot == name ? strlen(path) : (size_t)(dot - path);
    const size_t size = stem + strlen(end) + 1;
    char *changed = mem_alloc(size, 1);
    if (changed != NULL) {
        memcpy(changed, path, stem);
        memcpy(changed + stem, end, strlen(end) + 1);
    }
    return changed;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The file beside `path` that the last part of `url` names; NULL when that is no plain name. The
 * url comes from outside: it chooses among the names of one folder and nothing else. */
static char *beside(const char *path, const char *url, bool *ret_nomem)
{
    const char *name = last_part(url);
    if (name[0] == '\0' || name[0] == '.' || strcspn(name, "?#%\\:") != strlen(name))
        return NULL;
    const size_t folder = (size_t)(last_part(path) - path);
    const size_t size = folder + strlen(name) + 1;
    char *joined = mem_alloc(size, 1);
    *ret_nomem = joined == NULL;
    if (joined != NULL) {
        memcpy(joined, path, folder);
        memcpy(joined + folder, name, strlen(name) + 1);
    }
    return joined;
}

/* ---- reading ---- */

static enum status fill_from_file(struct bloom_filter *filter, const char *path, struct error *err)
{
    struct file_map map;
    enum status status = file_map_open(path, &map, err);
    if (status != STATUS_OK)
        return status;
    if (map.bytes.size != filter->byte_count)
        status = error_set(err, STATUS_INVALID, "%s: holds %zu bytes, but %u bits need %zu", path,
                           map.bytes.size, filter->meta.params.bit_count, filter->byte_count);
    else
        memcpy(filter->bits, map.bytes.data, map.bytes.size);
    file_map_close(&map);
    return status;
}

/* The bits that `json_path` describes: in `bits_path` or, when that is NULL, beside it. */
static enum status read_beside_json(const char *json_path, struct span json, const char *bits_path,
                                    struct bloom_filter **ret, struct error *err)
{
    struct bloom_filter *filter = NULL;
    struct bloom_meta meta;
    enum bloom_layout layout = BLOOM_LAYOUT_MANIFEST;
    char *by_stem = NULL;
    char *by_url = NULL;
    bool no_memory = false;

    enum status status = bloom_manifest_parse(json, json_path, &meta, &layout, err);
    if (status != STATUS_OK)
        goto done;
    status = bloom_filter_new(&meta, &filter, err);
    if (status != STATUS_OK)
        goto done;
    if (bits_path != NULL) {
        status = fill_from_file(filter, bits_path, err);
    } else {
        by_stem = with_end(json_path, ".bloom");
        by_url = beside(json_path, meta.url, &no_memory);
        if (by_stem == NULL || no_memory) {
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", json_path);
            goto done;
        }
        bits_path = by_stem;
        status = fill_from_file(filter, by_stem, err);
        if (status == STATUS_NOT_FOUND && by_url != NULL && strcmp(by_url, by_stem) != 0) {
            bits_path = by_url;
            status = fill_from_file(filter, by_url, err);
        }
        if (status == STATUS_NOT_FOUND)
            status = error_set(err, STATUS_NOT_FOUND, "%s: its bits are not beside it: no %s%s%s",
                               json_path, by_stem, by_url != NULL ? " and no " : "",
                               by_url != NULL ? by_url : "");
    }
    if (status != STATUS_OK)
        goto done;
    status = bloom_filter_seal(filter, err);
    if (status != STATUS_OK)
        goto done;
    if (layout == BLOOM_LAYOUT_MANIFEST && strcmp(filter->meta.tag, meta.tag) != 0) {
        status = error_set(err, STATUS_MISMATCH,
                           "%s: the tag is not the SHA-256 of %s: the two do not belong together",
                           json_path, bits_path);
        goto done;
    }
    memcpy(filter->meta.tag, meta.tag, sizeof meta.tag);
    filter->layout = layout;
    *ret = filter;
    filter = NULL;
done:
    mem_free(by_stem);
    mem_free(by_url);
    bloom_filter_free(filter);
    return status;
}

static enum status read_raw(const char *path, struct bloom_filter **ret, struct error *err)
{
    struct bytes json;
    bytes_init(&json, BLOOM_MANIFEST_MAX_BYTES);
    struct file_map map;
    char *json_path = NULL;
    /* A missing file is told before its missing manifest. */
    enum status status = file_map_open(path, &map, err);
    if (status != STATUS_OK)
        goto done;
    file_map_close(&map);
    json_path = with_end(path, ".json");
    if (json_path == NULL) {
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", path);
        goto done;
    }
    status = file_read(json_path, &json, err);
    if (status == STATUS_NOT_FOUND) {
        status = error_set(err, STATUS_NOT_FOUND,
                           "%s: raw bits need their manifest beside them: no %s", path, json_path);
        goto done;
    }
    if (status != STATUS_OK)
        goto done;
    status = read_beside_json(json_path, bytes_view(&json), path, ret, err);
done:
    mem_free(json_path);
    bytes_deinit(&json);
    return status;
}

/* The first byte behind a byte order mark and white space; 0 when there is none. */
static uint8_t first_byte(struct span in)
{
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    size_t at = span_starts_with(in, span_of(mark, sizeof mark)) ? sizeof mark : 0;
    while (at < in.size && strchr(" \t\r\n", in.data[at]) != NULL && in.data[at] != 0)
        at++;
    return at < in.size ? in.data[at] : 0;
}

static bool is_utf16(struct span in)
{
    return in.size >= 2 && ((in.data[0] == 0xff && in.data[1] == 0xfe) ||
                            (in.data[0] == 0xfe && in.data[1] == 0xff));
}

enum status bloom_file_read(const char *path, struct bloom_filter **ret, struct error *err)
{
    if (has_end(path, ".bloom"))
        return read_raw(path, ret, err);
    struct file_map map;
    enum status status = file_map_open(path, &map, err);
    if (status != STATUS_OK)
        return status;
    const struct span in = map.bytes;
    const uint8_t first = first_byte(in);
    if (in.size == 0)
        status = error_set(err, STATUS_MALFORMED, "%s: is empty", path);
    else if (first == '<' || is_utf16(in) || span_starts_with(in, span_of_text("bplist")))
        status = bloom_plist_parse(in, path, ret, err);
    else if (first == '{')
        status = read_beside_json(path, in, NULL, ret, err);
    else
        status = error_set(err, STATUS_MALFORMED,
                           "%s: is neither an XML property list nor a JSON manifest (raw bits are "
                           "read from NAME.bloom with NAME.json beside it)",
                           path);
    file_map_close(&map);
    return status;
}

/* ---- writing ---- */

enum status bloom_file_layout(const char *path, const struct bloom_file_options *options,
                              enum bloom_layout *ret, struct error *err)
{
    if (has_end(path, ".plist"))
        *ret = options->plist_layout == BLOOM_LAYOUT_PLIST_BETA ? BLOOM_LAYOUT_PLIST_BETA
                                                                : BLOOM_LAYOUT_PLIST;
    else if (has_end(path, ".bloom"))
        *ret = BLOOM_LAYOUT_MANIFEST;
    else if (has_end(path, ".json"))
        *ret = options->url != NULL ? BLOOM_LAYOUT_URL : BLOOM_LAYOUT_MANIFEST;
    else
        return error_set(err, STATUS_INVALID, "%s: the name must end in .plist, .bloom or .json",
                         path);
    return STATUS_OK;
}

static enum status write_plist(const char *path, const struct bloom_filter *filter,
                               enum bloom_layout layout, struct error *err)
{
    struct file_writer *writer = NULL;
    enum status status = file_writer_new(path, FILE_MODE_PUBLIC, &writer, err);
    if (status != STATUS_OK)
        return status;
    status = bloom_plist_write(filter, layout, writer, err);
    if (status == STATUS_OK)
        return file_writer_commit(writer, err);
    file_writer_cancel(writer);
    return error_prefix(err, status, "%s", path);
}

/* Both files are on the disk before the first gets its name. A kill between the two names leaves
 * new bits and an old manifest, whose tag then tells. */
static enum status write_pair(const char *path, const struct bloom_filter *filter,
                              enum bloom_layout layout, const char *url, struct error *err)
{
    struct file_writer *bits = NULL;
    struct file_writer *manifest = NULL;
    struct bloom_meta meta = filter->meta;
    struct bytes json;
    bytes_init(&json, BLOOM_MANIFEST_MAX_BYTES);
    char *bits_path = with_end(path, ".bloom");
    char *json_path = with_end(path, ".json");
    enum status status = STATUS_OK;
    if (bits_path == NULL || json_path == NULL) {
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", path);
        goto done;
    }
    const char *shown_url = url != NULL ? url : last_part(bits_path);
    if (shown_url[0] == '\0' || strlen(shown_url) > BLOOM_URL_MAX_BYTES) {
        status = error_set(err, STATUS_INVALID, "the url must be of 1 to %d bytes, has %zu",
                           BLOOM_URL_MAX_BYTES, strlen(shown_url));
        goto done;
    }
    memcpy(meta.url, shown_url, strlen(shown_url) + 1);
    status = bloom_digest_hex(span_of(filter->bits, filter->byte_count), meta.tag, err);
    if (status != STATUS_OK)
        goto done;
    status = bloom_manifest_format(&meta, layout, &json, err);
    if (status != STATUS_OK) {
        status = error_prefix(err, status, "%s", json_path);
        goto done;
    }
    status = file_writer_new(bits_path, FILE_MODE_PUBLIC, &bits, err);
    if (status != STATUS_OK)
        goto done;
    status = file_writer_new(json_path, FILE_MODE_PUBLIC, &manifest, err);
    if (status != STATUS_OK)
        goto done;
    file_writer_write(bits, span_of(filter->bits, filter->byte_count));
    file_writer_write(manifest, bytes_view(&json));
    status = file_writer_sync(bits, err);
    if (status != STATUS_OK)
        goto done;
    status = file_writer_sync(manifest, err);
    if (status != STATUS_OK)
        goto done;
    status = file_writer_commit(bits, err);
    bits = NULL;
    if (status != STATUS_OK)
        goto done;
    status = file_writer_commit(manifest, err);
    manifest = NULL;
done:
    file_writer_cancel(bits);
    file_writer_cancel(manifest);
    bytes_deinit(&json);
    mem_free(bits_path);
    mem_free(json_path);
    return status;
}

enum status bloom_file_write(const char *path, const struct bloom_filter *filter,
                             const struct bloom_file_options *options, struct error *err)
{
    enum bloom_layout layout = BLOOM_LAYOUT_PLIST;
    const enum status status = bloom_file_layout(path, options, &layout, err);
    if (status != STATUS_OK)
        return status;
    if (layout == BLOOM_LAYOUT_PLIST || layout == BLOOM_LAYOUT_PLIST_BETA)
        return write_plist(path, filter, layout, err);
    return write_pair(path, filter, layout, options->url, err);
}
