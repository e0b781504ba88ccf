/* parsing - what an app's parsing configuration makes of URLs, and of list entries.
 *
 * From iOS and macOS 27 on an app chooses which sub-URLs devices ask for (urlParsingConfiguration
 * of NEURLFilterManager). A dataset is found only by devices with the configuration that it was
 * made for. No configuration (NULL) and the default one are the same: urls/url.h.
 *
 * A URL is read and brought into canonical form, then
 *   scheme     with exclude_scheme false, "http://" or "https://" stands before every sub-URL.
 *   domain     strip_www takes one leading "www." away; domain_levels N leaves the last N labels of
 *              a name (not of an address); excluded, "%*" takes its place.
 *   path       path_segments N leaves the first N segments; excluded, "/%*" takes the place of a
 *              path other than "/".
 *   query      with `parameters`, those alone, in their order, joined by '&', each as often as it
 *              comes; none of them: no query. Excluded, "?%*" takes its place.
 *   fragment   excluded, "#%*" takes its place.
 * and what is left is walked as url.h says, leaving out
 *   walk_domains false           hosts above the one that is left,
 *   walk_paths false             paths between "/" and the one that is left,
 *   exclude_intermediates true   all that ends before the URL does, hosts aside.
 * case_sensitive leaves the case of path, query and fragment.
 *
 * With a regular expression the device asks one question for a URL or none: the pattern is looked
 * for in "scheme://host[:port]path[?query][#fragment]", in lower case, www. included; what its
 * named groups captured is "name=value name=value ...", in the order of the groups, those that had
 * no part in the match left out. No other option may be set.
 *
 * Keys of an entry: the longest sub-URL of the URL that the entry is, without port unless it names
 * one and without slash at the end (url_key()). So a device that asks for that URL finds it,
 * whatever the configuration. An entry without scheme has two keys where the scheme counts.
 * Refused is an entry that names what the configuration leaves out (DROP_PARSING_PART), since its
 * key would block more: a host with more labels than domain_levels, a path where paths are
 * excluded, a query of which no parameter is left. With `widens` it is taken all the same, unless
 * only placeholders are left. Other parameters of the query than those that count are what the
 * configuration is for: such a key is wider, but taken.
 *
 * Assumed, because Apple's documentation does not say: that "/" alone is no path to exclude; that
 * a query without a wanted parameter leaves no placeholder; that placeholders come without and with
 * a port or slash like other forms; what exclude_intermediates keeps; how groups without a part in
 * the match are written, and that values are in lower case. docs/LISTS.md has the list.
 *
 * Memory   a workspace is about 70 KB: one per thread, reused.
 * Threads  a configuration never changes and may be shared; a workspace belongs to one thread.
 * Source   PROTOCOL.md section 3; developer.apple.com, NEURLFilterManager.ParsingConfiguration. */
#ifndef BLINDLIST_URLS_PARSING_H
#define BLINDLIST_URLS_PARSING_H

#include "urls/url.h"

#define PARSING_LEVELS_MAX          127u  /* labels of a host of 253 bytes */
#define PARSING_SEGMENTS_MAX        4096u /* of a path of 8,192 bytes */
#define PARSING_PARAMETERS_MAX      ((size_t)100)
#define PARSING_PARAMETER_MAX_BYTES ((size_t)200)
#define PARSING_KEY_MAX_BYTES       (URL_PREFIX_BYTES + URL_MAX_BYTES + URL_PORT_BYTES)

/* Named as Apple names them, but for walk_... (enumerateHierarchy). */
struct parsing_options {
    bool exclude_scheme;
    bool exclude_domain;
    bool strip_www;
    uint32_t domain_levels; /* 0 = all, up to PARSING_LEVELS_MAX */
    bool walk_domains;
    bool exclude_path;
    uint32_t path_segments; /* 0 = all, up to PARSING_SEGMENTS_MAX */
    bool walk_paths;
    bool exclude_query;
    bool chooses_parameters; /* then only these, in this order; may be none */
    const char *const *parameters;
    size_t parameter_count;
    bool exclude_fragment;
    bool exclude_intermediates;
    bool case_sensitive;
    const char *regular_expression; /* NULL = none; else the rest has its default */
};
/* Apple's defaults. */
void parsing_options_init(struct parsing_options *ret);

/* Whether a name can stand in a query: 1 to PARSING_PARAMETER_MAX_BYTES printable ASCII bytes
 * without blank, '&', '=' and '#'. */
bool parsing_parameter_is_valid(const char *name);

struct parsing;
/* Copies the options. STATUS_INVALID, STATUS_TOO_LARGE: the pattern (parsing_pattern.h), or an
 * option that is out of its range. */
enum status parsing_new(const struct parsing_options *options, struct parsing **ret,
                        struct error *err) MUST_CHECK;
void parsing_free(struct parsing *parsing); /* takes NULL */

/* The rest takes NULL for the default configuration. */

/* Borrowed from `parsing`. */
const struct parsing_options *parsing_options_of(const struct parsing *parsing);
bool parsing_is_default(const struct parsing *parsing);
/* Whether a key matches all URLs of the keys that it covers (urls/key_cover.h), as it does by
 * default. If not, no key makes another one redundant. */
bool parsing_keys_nest(const struct parsing *parsing);

struct parsing_workspace;
/* Borrows `parsing`. */
enum status parsing_workspace_new(const struct parsing *parsing, struct parsing_workspace **ret,
                                  struct error *err) MUST_CHECK;
void parsing_workspace_free(struct parsing_workspace *workspace); /* takes NULL */

/* Reads a URL or an entry; the functions below are about the one that was read last without a
 * reason why not. */
enum drop_reason parsing_read(struct parsing_workspace *workspace, struct span text) MUST_CHECK;
/* As it was read, before anything is left out. */
struct url *parsing_url(struct parsing_workspace *workspace);

/* How many sub-URLs parsing_expand() yields; with a regular expression at most that many. */
size_t parsing_expansion_count(const struct parsing_workspace *workspace);
/* Yields all sub-URLs that a device asks for, each once; as url_expand(). STATUS_INVALID: the
 * regular expression takes too long; STATUS_TOO_LARGE: or its groups are too long. */
enum status parsing_expand(struct parsing_workspace *workspace, url_visit *visit, void *context,
                           struct error *err) MUST_CHECK;

/* Of an entry. */
struct parsing_keys {
    enum drop_reason reason; /* why it has none; then the rest means nothing */
    bool is_wider;           /* they block more than the entry says */
    struct span host;        /* without port; what is left of it when more than "www." was taken
                              * off the entry, which needs another look; else empty */
    struct span keys[2];     /* [count], different; borrowed from the workspace until it is used
                              * again */
    size_t count;            /* 1 or 2 */
};
/* STATUS_INVALID: the regular expression takes too long. */
enum status parsing_keys(struct parsing_workspace *workspace, bool widens, struct parsing_keys *ret,
                         struct error *err) MUST_CHECK;

#endif
