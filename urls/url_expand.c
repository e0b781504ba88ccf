/* The key of a URL in canonical form, and the sub-URLs that devices ask for. */
#include "urls/url.h"

#include <stdio.h>

static size_t append(uint8_t *out, size_t size, const uint8_t *more, size_t more_size)
{
    memcpy(out + size, more, more_size);
    return size + more_size;
}

static size_t append_port(uint8_t *out, size_t size, uint32_t port)
{
    char text[URL_PORT_BYTES + 1];
    const int length = snprintf(text, sizeof text, ":%u", (unsigned)port & 0xffff);
    return append(out, size, (const uint8_t *)text, (size_t)length);
}

struct span url_key(struct url *url)
{
    uint8_t *out = url->scratch;
    const uint8_t *path = url->text + url->host_size;
    size_t size = append(out, 0, url->text, url->host_size);
    if (url->port != 0)
        size = append_port(out, size, url->port);
    size_t path_size = url->path_size;
    const size_t behind = url->query_size + url->fragment_size;
    /* Without its slash "//" would become "/", which covers the whole host. */
    if (behind == 0 && path[path_size - 1] == '/' && (path_size == 1 || path[path_size - 2] != '/'))
        path_size--;
    size = append(out, size, path, path_size);
    size = append(out, size, path + url->path_size, behind);
    return span_of(out, size);
}

/* ---- expansion ---- */

/* Ends of path prefixes: each inner slash and the end. A prefix that itself ends in '/' was yielded
 * before, as the shorter prefix with a slash behind it. */
static bool is_prefix_end(const uint8_t *path, size_t size, size_t end)
{
    return path[end - 1] != '/' && (end == size || path[end] == '/');
}

/* An empty segment makes only the form with one more slash new. */
static bool is_empty_segment_end(const uint8_t *path, size_t size, size_t end)
{
    return path[end - 1] == '/' && end < size && path[end] == '/';
}

/* Of the path without a slash at its end. */
static size_t bare_path_size(const struct url *url)
{
    const uint8_t *path = url->text + url->host_size;
    return path[url->path_size - 1] == '/' ? url->path_size - 1 : url->path_size;
}

static bool has_tail(const struct url *url)
{
    return url->query_size + url->fragment_size > 0;
}

/* Whether the paths above the whole one are walked, "" and "/" aside. */
static bool walks_paths(const struct url_walk *walk)
{
    return !walk->only_whole_path && !walk->no_intermediates;
}

/* Of the whole path, without and with its slash, those that are neither "" nor "/". */
static size_t whole_path_count(const struct url *url)
{
    const size_t bare = bare_path_size(url);
    return bare < 2 ? bare : 2;
}

static size_t path_form_count(const struct url *url, const struct url_walk *walk)
{
    const uint8_t *path = url->text + url->host_size;
    size_t count = 2;
    if (walk->no_intermediates)
        return has_tail(url) ? 0 : 2;
    if (!walks_paths(walk))
        return count + whole_path_count(url);
    for (size_t end = 1; end <= url->path_size; end++) {
        if (is_prefix_end(path, url->path_size, end))
            count += 2;
        else if (is_empty_segment_end(path, url->path_size, end))
            count += 1;
    }
    return count;
}

static size_t host_start_next(const struct url *url, size_t end)
{
    /* The start of the next longer suffix than the one that starts at `end`; 0 = the whole. */
    size_t start = end >= 2 ? end - 1 : 0;
    while (start > 0 && url->text[start - 1] != '.')
        start--;
    return start;
}

/* Where the shortest host that devices ask for starts. */
static size_t host_start_first(const struct url *url)
{
    if (url->is_address)
        return 0;
    return host_start_next(url, host_start_next(url, url->host_size + 1));
}

size_t url_walk_count(const struct url *url, const struct url_walk *walk)
{
    size_t start = walk->only_whole_host ? 0 : host_start_first(url);
    size_t hosts = 1;
    for (; start > 0; start = host_start_next(url, start))
        hosts++;
    size_t tails = 0;
    if (url->query_size > 0)
        tails += 2;
    if (url->fragment_size > 0 && !(walk->no_intermediates && tails > 0))
        tails += 2;
    return 2 * hosts * (path_form_count(url, walk) + tails);
}

size_t url_expansion_count(const struct url *url)
{
    return url_walk_count(url, &(struct url_walk){0});
}

/* What stays the same while one URL is expanded. */
struct expansion {
    struct url *url;
    const struct url_walk *walk;
    url_visit *visit;
    void *context;
};

/* The forms of the full path, `size` bytes of which are in scratch. */
static enum status visit_tails(const struct expansion *x, size_t size, struct error *err)
{
    struct url *url = x->url;
    const uint8_t *query = url->text + url->host_size + url->path_size;
    uint8_t *out = url->scratch;
    enum status status = STATUS_OK;
    if (url->query_size > 0) {
        size = append(out, size, query, url->query_size);
        if (url->fragment_size == 0 || !x->walk->no_intermediates)
            status = x->visit(x->context, span_of(out, size), err);
    }
    if (status == STATUS_OK && url->fragment_size > 0) {
        size = append(out, size, query + url->query_size, url->fragment_size);
        status = x->visit(x->context, span_of(out, size), err);
    }
    return status;
}

/* The paths of a walk that goes over all of them, but "" and "/". */
static enum status visit_prefixes(const struct expansion *x, size_t host, struct error *err)
{
    struct url *url = x->url;
    const uint8_t *path = url->text + url->host_size;
    uint8_t *out = url->scratch;
    enum status status = STATUS_OK;
    for (size_t end = 1; end <= url->path_size && status == STATUS_OK; end++) {
        if (is_prefix_end(path, url->path_size, end)) {
            status = x->visit(x->context, span_of(out, host + end), err);
            out[host + end] = '/'; /* true already unless this is the end */
        } else if (!is_empty_segment_end(path, url->path_size, end)) {
            continue;
        }
        if (status == STATUS_OK)
            status = x->visit(x->context, span_of(out, host + end + 1), err);
    }
    return status;
}

/* The whole path without and with its slash, from a size of `least` bytes on. */
static enum status visit_whole_path(const struct expansion *x, size_t host, size_t least,
                                    struct error *err)
{
    const size_t bare = bare_path_size(x->url);
    uint8_t *out = x->url->scratch;
    enum status status = STATUS_OK;
    if (bare >= least)
        status = x->visit(x->context, span_of(out, host + bare), err);
    out[host + bare] = '/';
    if (status == STATUS_OK && bare + 1 >= least)
        status = x->visit(x->context, span_of(out, host + bare + 1), err);
    return status;
}

/* All paths behind one host and port, `host` bytes of which are in scratch. */
static enum status visit_paths(const struct expansion *x, size_t host, struct error *err)
{
    struct url *url = x->url;
    uint8_t *out = url->scratch;
    memcpy(out + host, url->text + url->host_size, url->path_size);
    enum status status = STATUS_OK;
    if (!x->walk->no_intermediates) {
        status = x->visit(x->context, span_of(out, host), err);
        if (status == STATUS_OK)
            status = x->visit(x->context, span_of(out, host + 1), err);
        if (status == STATUS_OK)
            status = walks_paths(x->walk) ? visit_prefixes(x, host, err)
                                          : visit_whole_path(x, host, 2, err);
    } else if (!has_tail(url)) {
        status = visit_whole_path(x, host, 0, err);
    }
    if (status != STATUS_OK)
        return status;
    const size_t bare = bare_path_size(url);
    status = visit_tails(x, host + bare, err);
    if (status != STATUS_OK)
        return status;
    out[host + bare] = '/';
    return visit_tails(x, host + bare + 1, err);
}

enum status url_expand_walk(struct url *url, const struct url_walk *walk, url_visit *visit,
                            void *context, struct error *err)
{
    const size_t count = url_walk_count(url, walk);
    if (count > URL_EXPANSION_MAX)
        return error_set(err, STATUS_TOO_LARGE, "URL of %zu sub-URLs, more than %zu", count,
                         URL_EXPANSION_MAX);
    const struct expansion x = {.url = url, .walk = walk, .visit = visit, .context = context};
    const struct span prefix = span_of_text(walk->prefix != NULL ? walk->prefix : "");
    const size_t behind = append(url->scratch, 0, prefix.data, prefix.size);
    size_t start = walk->only_whole_host ? 0 : host_start_first(url);
    for (;; start = host_start_next(url, start)) {
        const size_t host = append(url->scratch, behind, url->text + start, url->host_size - start);
        enum status status = visit_paths(&x, host, err);
        if (status == STATUS_OK) {
            /* The paths overwrote what is behind the host only. */
            const size_t with_port = append_port(url->scratch, host, url->device_port);
            status = visit_paths(&x, with_port, err);
        }
        if (status != STATUS_OK || start == 0)
            return status;
    }
}

enum status url_expand(struct url *url, url_visit *visit, void *context, struct error *err)
{
    return url_expand_walk(url, &(struct url_walk){0}, visit, context, err);
}
