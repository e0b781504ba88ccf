/* Written from url_expand() read backwards. A path form X is among the sub-URLs of a URL with path
 * P when, with a slash put behind P unless it ends in one, X is empty, or a beginning of P that
 * ends in a slash or in front of one. A tail stands behind P without its last slash, and behind
 * that and a slash. The test compares with url_expand() itself, over all URLs of a small world. */
#include "urls/key_cover.h"

#include "urls/url_address.h"

/* Sizes; the parts follow one another. */
struct parts {
    size_t host;
    size_t port; /* with its colon */
    size_t path;
    size_t query;    /* with its question mark */
    size_t fragment; /* with its number sign */
    bool is_address;
};

/* Where the first of three bytes stands, from `from` on; the size when none does. */
static inline size_t find_any(struct span text, size_t from, uint8_t a, uint8_t b, uint8_t c)
{
    size_t at = from;
    while (at < text.size && text.data[at] != a && text.data[at] != b && text.data[at] != c)
        at++;
    return at;
}

size_t key_host_size(struct span key)
{
    if (key.size > 0 && key.data[0] == '[') {
        const size_t end = find_any(key, 0, ']', ']', ']');
        return end < key.size ? end + 1 : end;
    }
    size_t at = 0;
    while (at < key.size && key.data[at] != '/' && key.data[at] != ':' && key.data[at] != '?' &&
           key.data[at] != '#')
        at++;
    return at;
}

static struct parts parts_of(struct span key)
{
    struct parts parts = {.host = key_host_size(key)};
    size_t at = parts.host;
    if (parts.host > 0) {
        const uint8_t last = key.data[parts.host - 1];
        uint8_t ipv4[4];
        parts.is_address =
            key.data[0] == '[' ||
            (last >= '0' && last <= '9' && url_read_ipv4(span_part(key, 0, parts.host), ipv4));
    }
    if (at == key.size)
        return parts;
    parts.port = key.data[at] == ':' ? find_any(key, at, '/', '?', '#') - at : 0;
    at += parts.port;
    parts.path = find_any(key, at, '?', '#', '#') - at;
    at += parts.path;
    parts.query = find_any(key, at, '#', '#', '#') - at;
    parts.fragment = key.size - at - parts.query;
    return parts;
}

static struct span path_of(struct span key, const struct parts *parts)
{
    return span_part(key, parts->host + parts->port, parts->path);
}

static bool ends_in_slash(struct span path)
{
    return path.size > 0 && path.data[path.size - 1] == '/';
}

/* Where the next longer suffix of a host starts than the one that starts at `from`; 0 = the whole.
 */
static size_t longer_suffix(struct span host, size_t from)
{
    size_t start = from >= 2 ? from - 1 : 0;
    while (start > 0 && host.data[start - 1] != '.')
        start--;
    return start;
}

/* Where the shortest suffix starts that devices ask for. */
static size_t shortest_suffix(struct span host, bool is_address)
{
    return is_address ? 0 : longer_suffix(host, longer_suffix(host, host.size + 1));
}

static bool host_covers(struct span cover, struct span host, bool is_address)
{
    if (cover.size >= host.size || is_address)
        return span_equal(cover, host);
    const size_t start = host.size - cover.size;
    return host.data[start - 1] == '.' && start <= shortest_suffix(host, false) &&
           span_equal(cover, span_part(host, start, cover.size));
}

/* Whether devices that ask for `path` also ask for the folder `cover`. */
static bool path_covers(struct span cover, struct span path)
{
    if (cover.size > path.size)
        return cover.size == path.size + 1 && ends_in_slash(cover) && !ends_in_slash(path) &&
               span_starts_with(cover, path);
    return span_starts_with(path, cover) &&
           (cover.size == 0 || ends_in_slash(cover) || cover.size == path.size ||
            path.data[cover.size] == '/');
}

static bool tail_covers(struct span cover, const struct parts *c, struct span key,
                        const struct parts *k)
{
    const struct span cover_path = path_of(cover, c);
    const struct span key_path = path_of(key, k);
    const bool has_more_slash = cover_path.size == key_path.size + 1 && !ends_in_slash(key_path) &&
                                path_covers(cover_path, key_path);
    if (!has_more_slash && !span_equal(cover_path, key_path))
        return false;
    const size_t cover_at = c->host + c->port + c->path;
    const size_t key_at = k->host + k->port + k->path;
    if (!span_equal(span_part(cover, cover_at, c->query), span_part(key, key_at, k->query)))
        return false;
    return (c->query > 0 && c->fragment == 0) ||
           span_equal(span_part(cover, cover_at + c->query, c->fragment),
                      span_part(key, key_at + k->query, k->fragment));
}

bool key_covers(struct span cover, struct span key)
{
    const struct parts c = parts_of(cover);
    const struct parts k = parts_of(key);
    if (!host_covers(span_part(cover, 0, c.host), span_part(key, 0, k.host),
                     c.is_address || k.is_address))
        return false;
    if (c.port > 0 && !span_equal(span_part(cover, c.host, c.port), span_part(key, k.host, k.port)))
        return false;
    if (c.query + c.fragment == 0)
        return path_covers(path_of(cover, &c), path_of(key, &k));
    return tail_covers(cover, &c, key, &k);
}

/* ---- the walk ---- */

struct walk {
    struct span key; /* is not visited */
    struct key_cover_workspace *workspace;
    key_cover_visit *visit;
    void *context;
};

/* text[start, end), in which the host ends at host_end. */
static bool visit_part(const struct walk *walk, struct span text, size_t start, size_t end,
                       size_t host_end)
{
    const struct span part = span_part(text, start, end - start);
    return !span_equal(part, walk->key) && walk->visit(walk->context, part, host_end - start);
}

/* The ends of the folders above and of the path itself, as url_key() spells them: without a last
 * slash, unless two are there. */
static bool visit_folders(const struct walk *walk, struct span text, const struct parts *parts,
                          size_t start)
{
    const size_t first = parts->host + parts->port;
    const struct span path = path_of(text, parts);
    if (visit_part(walk, text, start, first, parts->host))
        return true;
    for (size_t end = 2; end <= path.size; end++) {
        const bool is_slash = path.data[end - 1] == '/';
        const bool is_form =
            is_slash ? path.data[end - 2] == '/' : end == path.size || path.data[end] == '/';
        if (is_form && visit_part(walk, text, start, first + end, parts->host))
            return true;
    }
    return false;
}

/* The path as it is and with one more slash, each with the tail up to `tail_size`. */
static bool visit_tail(const struct walk *walk, struct span text, const struct parts *parts,
                       size_t start, size_t tail_size)
{
    const size_t path_end = parts->host + parts->port + parts->path;
    if (!ends_in_slash(path_of(text, parts))) {
        uint8_t *longer = walk->workspace->with_slash;
        memcpy(longer, text.data, path_end);
        longer[path_end] = '/';
        memcpy(longer + path_end + 1, text.data + path_end, tail_size);
        if (visit_part(walk, span_of(longer, path_end + 1 + tail_size), start,
                       path_end + 1 + tail_size, parts->host))
            return true;
    }
    return parts->path > 0 && visit_part(walk, span_part(text, 0, path_end + tail_size), start,
                                         path_end + tail_size, parts->host);
}

static bool visit_rest(const struct walk *walk, struct span text, const struct parts *parts,
                       size_t start)
{
    const size_t tail = parts->query + parts->fragment;
    if (visit_folders(walk, text, parts, start))
        return true;
    if (parts->query > 0 && parts->fragment > 0 &&
        visit_tail(walk, text, parts, start, parts->query))
        return true;
    return tail > 0 && visit_tail(walk, text, parts, start, tail);
}

bool key_cover_each(struct span key, struct key_cover_workspace *workspace, key_cover_visit *visit,
                    void *context)
{
    if (key.size == 0 || key.size > KEY_MAX_BYTES)
        return false;
    const struct walk walk = {
        .key = key, .workspace = workspace, .visit = visit, .context = context};
    const struct parts parts = parts_of(key);
    const struct span host = span_part(key, 0, parts.host);
    struct parts bare_parts = parts;
    struct span bare = key;
    if (parts.port > 0) {
        const size_t behind = parts.host + parts.port;
        memcpy(workspace->without_port, key.data, parts.host);
        memcpy(workspace->without_port + parts.host, key.data + behind, key.size - behind);
        bare = span_of(workspace->without_port, key.size - parts.port);
        bare_parts.port = 0;
    }
    for (size_t start = shortest_suffix(host, parts.is_address);;
         start = longer_suffix(host, start)) {
        if (visit_rest(&walk, bare, &bare_parts, start) ||
            (parts.port > 0 && visit_rest(&walk, key, &parts, start)))
            return true;
        if (start == 0)
            return false;
    }
}
