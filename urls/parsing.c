/* A configuration is applied by writing a second struct url, with placeholders and without what is
 * left out, and walking that one like any other. */
#include "urls/parsing.h"

#include "base/mem.h"
#include "urls/parsing_pattern.h"

#include <stdio.h>

#define PLACEHOLDER "%*"
#define WWW         "www."
/* "https://", "www." and the rest of a URL. */
#define SUBJECT_BYTES (PARSING_KEY_MAX_BYTES + 4)

struct parsing {
    struct parsing_options options; /* texts are its own */
    struct regex *pattern;          /* NULL = none */
};

struct parsing_workspace {
    const struct parsing *parsing;
    const struct parsing_options *options;
    struct url url;       /* as it was read */
    struct url left;      /* what the configuration leaves of it */
    bool lost_part;       /* something that the URL has is not in `left`, */
    bool lost_parameters; /* or some parameters, of which others are left */
    struct regex_matcher *matcher;
    uint8_t subject[SUBJECT_BYTES];
    uint8_t texts[2][PARSING_KEY_MAX_BYTES]; /* keys */
};

static const struct parsing_options defaults = {
    .exclude_scheme = true, .strip_www = true, .walk_domains = true, .walk_paths = true};

void parsing_options_init(struct parsing_options *ret)
{
    *ret = defaults;
}

/* ---- a configuration ---- */

bool parsing_parameter_is_valid(const char *name)
{
    size_t size = 0;
    for (; name[size] != '\0'; size++) {
        if (name[size] <= ' ' || name[size] >= 0x7f || strchr("&=#", name[size]) != NULL)
            return false;
    }
    return size > 0 && size <= PARSING_PARAMETER_MAX_BYTES;
}

/* Equal in all but the parameters and the regular expression. */
static bool has_default_switches(const struct parsing_options *options)
{
    return options->exclude_scheme && !options->exclude_domain && options->strip_www &&
           options->domain_levels == 0 && options->walk_domains && !options->exclude_path &&
           options->path_segments == 0 && options->walk_paths && !options->exclude_query &&
           !options->exclude_fragment && !options->exclude_intermediates &&
           !options->case_sensitive;
}

static enum status check_options(const struct parsing_options *options, struct error *err)
{
    if (options->domain_levels > PARSING_LEVELS_MAX ||
        options->path_segments > PARSING_SEGMENTS_MAX ||
        options->parameter_count > PARSING_PARAMETERS_MAX)
        return error_set(err, STATUS_INVALID, "parsing configuration: out of range");
    for (size_t i = 0; i < options->parameter_count; i++) {
        if (!parsing_parameter_is_valid(options->parameters[i]))
            return error_set(err, STATUS_INVALID, "parsing configuration: no parameter's name");
    }
    if (options->regular_expression != NULL &&
        (!has_default_switches(options) || options->chooses_parameters))
        return error_set(err, STATUS_INVALID,
                         "parsing configuration: nothing counts beside a regular expression");
    return STATUS_OK;
}

static enum status copy_texts(const struct parsing_options *options, struct parsing_options *ret)
{
    const size_t count = options->parameter_count;
    ret->parameter_count = 0;
    ret->parameters = NULL;
    ret->regular_expression = NULL;
    if (options->regular_expression != NULL) {
        ret->regular_expression = mem_strdup(options->regular_expression);
        if (ret->regular_expression == NULL)
            return STATUS_NOMEM;
    }
    if (count == 0)
        return STATUS_OK;
    const char **names = mem_alloc(count, sizeof *names);
    ret->parameters = names;
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = mem_strdup(options->parameters[i]);
        if (names[i] == NULL)
            return STATUS_NOMEM;
        ret->parameter_count++;
    }
    return names != NULL ? STATUS_OK : STATUS_NOMEM;
}

enum status parsing_new(const struct parsing_options *options, struct parsing **ret,
                        struct error *err)
{
    enum status status = check_options(options, err);
    if (status != STATUS_OK)
        return status;
    struct parsing *parsing = mem_alloc_zeroed(1, sizeof *parsing);
    if (parsing == NULL)
        return error_set(err, STATUS_NOMEM, "parsing configuration: out of memory");
    parsing->options = *options;
    if (copy_texts(options, &parsing->options) != STATUS_OK)
        status = error_set(err, STATUS_NOMEM, "parsing configuration: out of memory");
    else if (options->regular_expression != NULL)
        status = parsing_pattern_new(options->regular_expression, &parsing->pattern, err);
    if (status == STATUS_OK)
        *ret = parsing;
    else
        parsing_free(parsing);
    return status;
}

void parsing_free(struct parsing *parsing)
{
    if (parsing == NULL)
        return;
    for (size_t i = 0; i < parsing->options.parameter_count; i++)
        mem_free((void *)(uintptr_t)parsing->options.parameters[i]);
    mem_free((void *)(uintptr_t)parsing->options.parameters);
    mem_free((void *)(uintptr_t)parsing->options.regular_expression);
    regex_free(parsing->pattern);
    mem_free(parsing);
}

const struct parsing_options *parsing_options_of(const struct parsing *parsing)
{
    return parsing != NULL ? &parsing->options : &defaults;
}

bool parsing_is_default(const struct parsing *parsing)
{
    const struct parsing_options *options = parsing_options_of(parsing);
    return has_default_switches(options) && !options->chooses_parameters &&
           options->regular_expression == NULL;
}

bool parsing_keys_nest(const struct parsing *parsing)
{
    const struct parsing_options *options = parsing_options_of(parsing);
    return options->regular_expression == NULL && options->exclude_scheme &&
           !options->exclude_domain && options->walk_domains &&
           (options->walk_paths || options->exclude_path) && !options->exclude_intermediates;
}

/* ---- a URL ---- */

enum status parsing_workspace_new(const struct parsing *parsing, struct parsing_workspace **ret,
                                  struct error *err)
{
    struct parsing_workspace *workspace = mem_alloc(1, sizeof *workspace);
    if (workspace == NULL)
        return error_set(err, STATUS_NOMEM, "URLs: out of memory");
    workspace->parsing = parsing_is_default(parsing) ? NULL : parsing;
    workspace->options = parsing_options_of(parsing);
    workspace->matcher = NULL;
    enum status status = STATUS_OK;
    if (parsing != NULL && parsing->pattern != NULL)
        status = regex_matcher_new(regex_group_count(parsing->pattern), &workspace->matcher, err);
    if (status == STATUS_OK)
        *ret = workspace;
    else
        parsing_workspace_free(workspace);
    return status;
}

void parsing_workspace_free(struct parsing_workspace *workspace)
{
    if (workspace == NULL)
        return;
    regex_matcher_free(workspace->matcher);
    mem_free(workspace);
}

struct url *parsing_url(struct parsing_workspace *workspace)
{
    return &workspace->url;
}

static bool has_pattern(const struct parsing_workspace *workspace)
{
    return workspace->matcher != NULL;
}

/* The URL whose forms devices ask for. */
static struct url *walked_url(struct parsing_workspace *workspace)
{
    return workspace->parsing != NULL ? &workspace->left : &workspace->url;
}

/* ---- what the configuration leaves ---- */

/* Writes a URL's text, and remembers when there is no room. */
struct writer {
    uint8_t *text;
    size_t size;
    size_t capacity;
    bool is_full;
};

static void write_span(struct writer *out, struct span more)
{
    if (more.size > out->capacity - out->size) {
        out->is_full = true;
        return;
    }
    if (more.size > 0)
        memcpy(out->text + out->size, more.data, more.size);
    out->size += more.size;
}

static void write_text(struct writer *out, const char *text)
{
    write_span(out, span_of_text(text));
}

static struct span path_of(const struct url *url)
{
    return span_of(url->text + url->host_size, url->path_size);
}

static struct span query_of(const struct url *url)
{
    return span_of(url->text + url->host_size + url->path_size, url->query_size);
}

static struct span fragment_of(const struct url *url)
{
    return span_of(url->text + url->host_size + url->path_size + url->query_size,
                   url->fragment_size);
}

/* The last `levels` labels of a name. */
static struct span last_labels(struct span name, size_t levels)
{
    size_t start = name.size;
    for (; start > 0; start--) {
        if (name.data[start - 1] == '.' && --levels == 0)
            break;
    }
    return span_part(name, start, name.size - start);
}

static void leave_host(struct parsing_workspace *workspace, struct writer *out)
{
    const struct parsing_options *options = workspace->options;
    const struct url *url = &workspace->url;
    if (options->exclude_domain) {
        write_text(out, PLACEHOLDER);
        workspace->left.is_address = true; /* taken whole */
        workspace->left.port = 0;
        workspace->lost_part = true;
        return;
    }
    if (url->had_www && !options->strip_www)
        write_text(out, WWW);
    write_span(out, url_host(url));
    if (url->is_address || options->domain_levels == 0)
        return;
    const struct span whole = span_of(out->text, out->size);
    const struct span kept = last_labels(whole, options->domain_levels);
    if (kept.size < whole.size) {
        memmove(out->text, kept.data, kept.size);
        out->size = kept.size;
        workspace->lost_part = true;
    }
}

static void leave_path(struct parsing_workspace *workspace, struct writer *out)
{
    const struct parsing_options *options = workspace->options;
    struct span path = path_of(&workspace->url);
    if (options->exclude_path && path.size > 1) {
        write_text(out, "/" PLACEHOLDER);
        workspace->lost_part = true;
        return;
    }
    size_t segments = 0;
    for (size_t i = 1; i + 1 < path.size && options->path_segments > 0; i++) {
        if (path.data[i] == '/' && ++segments == options->path_segments) {
            path.size = i;
            workspace->lost_part = true;
        }
    }
    write_span(out, path);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Is `piece` of a query the parameter of this name? */
static bool is_parameter(struct span piece, const char *name, bool minds_case)
{
    size_t i = 0;
    for (; name[i] != '\0'; i++) {
        const uint8_t wanted = minds_case ? (uint8_t)name[i] : lower((uint8_t)name[i]);
        if (i == piece.size || piece.data[i] != wanted)
            return false;
    }
    return i == piece.size || piece.data[i] == '=';
}

/* Cuts the next parameter off `query`, whose first byte is the '?' or '&' before it. */
static struct span take_piece(struct span *query)
{
    const struct span rest = span_part(*query, 1, query->size - 1);
    const uint8_t *end = rest.size > 0 ? memchr(rest.data, '&', rest.size) : NULL;
    const size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
    *query = span_part(rest, size, rest.size - size);
    return span_part(rest, 0, size);
}

static void leave_parameters(struct parsing_workspace *workspace, struct writer *out)
{
    const struct parsing_options *options = workspace->options;
    const struct span query = query_of(&workspace->url);
    size_t pieces = 0;
    size_t kept = 0;
    for (struct span rest = query; rest.size > 0; pieces++)
        (void)take_piece(&rest);
    for (size_t i = 0; i < options->parameter_count; i++) {
        for (struct span rest = query; rest.size > 0;) {
            const struct span piece = take_piece(&rest);
            if (!is_parameter(piece, options->parameters[i], options->case_sensitive))
                continue;
            write_text(out, kept++ == 0 ? "?" : "&");
            write_span(out, piece);
        }
    }
    if (pieces > 0 && kept == 0)
        workspace->lost_part = true;
    else if (kept < pieces)
        workspace->lost_parameters = true;
}

static void leave_query(struct parsing_workspace *workspace, struct writer *out)
{
    const struct span query = query_of(&workspace->url);
    if (workspace->options->exclude_query && query.size > 0) {
        write_text(out, "?" PLACEHOLDER);
        workspace->lost_part = true;
    } else if (workspace->options->chooses_parameters) {
        leave_parameters(workspace, out);
    } else {
        write_span(out, query);
    }
}

static void leave_fragment(struct parsing_workspace *workspace, struct writer *out)
{
    const struct span fragment = fragment_of(&workspace->url);
    if (workspace->options->exclude_fragment && fragment.size > 0) {
        write_text(out, "#" PLACEHOLDER);
        workspace->lost_part = true;
    } else {
        write_span(out, fragment);
    }
}

static enum drop_reason leave(struct parsing_workspace *workspace)
{
    const struct url *url = &workspace->url;
    struct url *left = &workspace->left;
    struct writer out = {.text = left->text, .capacity = sizeof left->text};
    workspace->lost_part = false;
    workspace->lost_parameters = false;
    left->port = url->port;
    left->device_port = url->device_port;
    left->is_address = url->is_address;
    leave_host(workspace, &out);
    left->host_size = out.size;
    leave_path(workspace, &out);
    left->path_size = out.size - left->host_size;
    const size_t query_at = out.size;
    leave_query(workspace, &out);
    left->query_size = out.size - query_at;
    leave_fragment(workspace, &out);
    left->fragment_size = out.size - query_at - left->query_size;
    return out.is_full ? DROP_TOO_LONG : DROP_NONE;
}

enum drop_reason parsing_read(struct parsing_workspace *workspace, struct span text)
{
    const enum drop_reason reason =
        url_parse_cased(text, workspace->options->case_sensitive, &workspace->url);
    if (reason != DROP_NONE || workspace->parsing == NULL || has_pattern(workspace))
        return reason;
    return leave(workspace);
}

/* ---- the regular expression ---- */

static const char *scheme_text(bool is_http)
{
    return is_http ? "http://" : "https://";
}

/* The URL as devices match it. */
static struct span write_subject(struct parsing_workspace *workspace, bool is_http)
{
    const struct url *url = &workspace->url;
    struct writer out = {.text = workspace->subject, .capacity = sizeof workspace->subject};
    char port[URL_PORT_BYTES + 1];
    write_text(&out, scheme_text(is_http));
    if (url->had_www)
        write_text(&out, WWW);
    write_span(&out, url_host(url));
    if (url->port != 0 && url->port != (is_http ? 80U : 443U)) {
        snprintf(port, sizeof port, ":%u", (unsigned)url->port & 0xffff);
        write_text(&out, port);
    }
    write_span(&out, path_of(url));
    write_span(&out, query_of(url));
    write_span(&out, fragment_of(url));
    return span_of(out.text, out.size);
}

/* "name=value name=value" into `text`; *ret is empty when the pattern does not match. */
static enum status match(struct parsing_workspace *workspace, bool is_http, uint8_t *text,
                         struct span *ret, struct error *err)
{
    const struct regex *pattern = workspace->parsing->pattern;
    const struct span subject = write_subject(workspace, is_http);
    struct writer out = {.text = text, .capacity = PARSING_KEY_MAX_BYTES};
    bool is_found = false;
    const enum status status = regex_matches(workspace->matcher, pattern, subject, &is_found, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 1; is_found && i <= regex_group_count(pattern); i++) {
        const char *name = regex_group_name(pattern, i);
        struct span value;
        if (name == NULL || !regex_matcher_group(workspace->matcher, subject, i, &value))
            continue;
        if (out.size > 0)
            write_text(&out, " ");
        write_text(&out, name);
        write_text(&out, "=");
        write_span(&out, value);
    }
    if (out.is_full)
        return error_set(err, STATUS_TOO_LARGE,
                         "the groups of the regular expression hold more than %zu bytes",
                         PARSING_KEY_MAX_BYTES);
    *ret = span_of(text, out.size);
    return STATUS_OK;
}

/* ---- sub-URLs ---- */

static struct url_walk walk_of(const struct parsing_workspace *workspace)
{
    const struct parsing_options *options = workspace->options;
    return (struct url_walk){
        .only_whole_host = !options->walk_domains,
        .only_whole_path = !options->walk_paths,
        .no_intermediates = options->exclude_intermediates,
        .prefix = options->exclude_scheme ? NULL : scheme_text(workspace->url.is_http),
    };
}

size_t parsing_expansion_count(const struct parsing_workspace *workspace)
{
    const struct url_walk walk = walk_of(workspace);
    if (has_pattern(workspace))
        return 1;
    return url_walk_count(workspace->parsing != NULL ? &workspace->left : &workspace->url, &walk);
}

enum status parsing_expand(struct parsing_workspace *workspace, url_visit *visit, void *context,
                           struct error *err)
{
    const struct url_walk walk = walk_of(workspace);
    struct span text;
    if (!has_pattern(workspace))
        return url_expand_walk(walked_url(workspace), &walk, visit, context, err);
    const enum status status =
        match(workspace, workspace->url.is_http, workspace->texts[0], &text, err);
    if (status != STATUS_OK || text.size == 0)
        return status;
    return visit(context, text, err);
}

/* ---- keys ---- */

/* Which schemes an entry means: both when it names none. */
static bool means_scheme(const struct url *url, bool is_http)
{
    return !url->had_scheme || url->is_http == is_http;
}

static enum status matched_keys(struct parsing_workspace *workspace, struct parsing_keys *ret,
                                struct error *err)
{
    for (int is_http = 0; is_http < 2; is_http++) {
        struct span text;
        if (!means_scheme(&workspace->url, is_http))
            continue;
        const enum status status =
            match(workspace, is_http, workspace->texts[ret->count], &text, err);
        if (status == STATUS_TOO_LARGE) {
            ret->reason = DROP_TOO_LONG;
            return STATUS_OK;
        }
        if (status != STATUS_OK)
            return status;
        if (text.size > 0 && !(ret->count == 1 && span_equal(text, ret->keys[0])))
            ret->keys[ret->count++] = text;
    }
    if (ret->count == 0)
        ret->reason = DROP_PARSING_NO_MATCH;
    return STATUS_OK;
}

/* Whether anything but placeholders and the scheme is left. */
static bool leaves_something(const struct parsing_workspace *workspace)
{
    const struct parsing_options *options = workspace->options;
    const struct url *left = &workspace->left;
    return !options->exclude_domain || (left->path_size > 1 && !options->exclude_path) ||
           (left->query_size > 0 && !options->exclude_query) ||
           (left->fragment_size > 0 && !options->exclude_fragment);
}

static void written_keys(struct parsing_workspace *workspace, struct parsing_keys *ret)
{
    const struct span key = url_key(walked_url(workspace));
    if (workspace->options->exclude_scheme) {
        ret->keys[ret->count++] = key;
        return;
    }
    for (int is_http = 0; is_http < 2; is_http++) {
        struct writer out = {.text = workspace->texts[ret->count],
                             .capacity = PARSING_KEY_MAX_BYTES};
        if (!means_scheme(&workspace->url, is_http))
            continue;
        write_text(&out, scheme_text(is_http));
        write_span(&out, key);
        ret->keys[ret->count++] = span_of(out.text, out.size);
    }
}

enum status parsing_keys(struct parsing_workspace *workspace, bool widens, struct parsing_keys *ret,
                         struct error *err)
{
    const struct url *url = &workspace->url;
    *ret = (struct parsing_keys){.reason = DROP_NONE};
    if (has_pattern(workspace))
        return matched_keys(workspace, ret, err);
    const bool has_lost = workspace->parsing != NULL && workspace->lost_part;
    const bool lacks_parameters = workspace->parsing != NULL && workspace->lost_parameters;
    if (has_lost && !(widens && leaves_something(workspace))) {
        ret->reason = DROP_PARSING_PART;
        return STATUS_OK;
    }
    ret->is_wider = has_lost || lacks_parameters || url->had_user_info ||
                    (url->had_www && workspace->options->strip_www);
    if ((has_lost || lacks_parameters) && !workspace->options->exclude_domain)
        ret->host = url_host(&workspace->left);
    written_keys(workspace, ret);
    return STATUS_OK;
}
