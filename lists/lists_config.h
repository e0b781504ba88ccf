/* lists_config - lists.json: which lists a dataset is made of, and how it comes out.
 *
 * docs/LISTS.md describes every key. Reading is strict: an unknown key, a value of the wrong type
 * or out of its range, an id that is there twice, a file that imports itself are errors that name
 * the file and the JSON path. What a source names relative to a folder (file, glob, ca, import) is
 * relative to the folder of the file that says so.
 *
 * Privacy  a URL may hold a password or a token: messages show its scheme, host and the source's
 *          id, nothing else of it. Whoever prints a source does the same.
 * Memory   lists_config_read() makes it, lists_config_free() gives it back; all texts are its own.
 * Threads  constant once read, but a source's filter belongs to one thread at a time. */
#ifndef BLINDLIST_LISTS_LISTS_CONFIG_H
#define BLINDLIST_LISTS_LISTS_CONFIG_H

#include "base/bytes.h"
#include "lists/entry_filter.h"
#include "urls/list_format.h"
#include "urls/parsing.h"
#include "urls/protected_hosts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTS_CONFIG_MAX_BYTES   ((size_t)1 << 20)
#define LISTS_SOURCES_MAX        ((size_t)1000)
#define LISTS_IMPORT_DEPTH_MAX   8
#define LISTS_IMPORTS_MAX        ((size_t)100)
#define LISTS_ID_MAX_BYTES       ((size_t)64)
#define LISTS_CATEGORY_MAX_BYTES ((size_t)64)
#define LISTS_LICENSE_MAX_BYTES  ((size_t)200)
#define LISTS_PATH_MAX_BYTES     ((size_t)4096)
#define LISTS_URL_MAX_BYTES      ((size_t)2048)

enum lists_source_kind { LISTS_SOURCE_FILE, LISTS_SOURCE_GLOB, LISTS_SOURCE_URL };
enum lists_trust { LISTS_TRUST_BLOCK, LISTS_TRUST_ALLOW, LISTS_TRUST_COUNT };
/* "block", "allow": stable. */
extern const char *const lists_trust_names[LISTS_TRUST_COUNT];

/* Limits, and what holds when lists.json does not say it. */
#define LISTS_SIZE_DEFAULT_BYTES    ((uint64_t)256000000)
#define LISTS_SIZE_MAX_BYTES        ((uint64_t)UINT32_MAX)
#define LISTS_TIMEOUT_DEFAULT_S     120
#define LISTS_TIMEOUT_MAX_S         3600
#define LISTS_MAX_AGE_DEFAULT_S     ((uint64_t)7 * 86400)
#define LISTS_MAX_AGE_MAX_S         ((uint64_t)365 * 86400)
#define LISTS_RETRIES_DEFAULT       2
#define LISTS_RETRIES_MAX           10
#define LISTS_VERSIONS_KEPT_DEFAULT 3
#define LISTS_VERSIONS_KEPT_MAX     1000
#define LISTS_SHRINK_DEFAULT        0.5
#define LISTS_GROWTH_DEFAULT        1.0

struct lists_source {
    char *id;    /* unique: lower-case letters, digits, '.', '-', '_' */
    char *place; /* where it is declared: "lists.json: $.sources[3]" */
    enum lists_source_kind kind;
    char *location; /* path, pattern or URL; a URL is shown to nobody */
    char *shown;    /* what messages may say of it: the path, or scheme and host */
    enum list_format format;
    enum lists_trust trust;
    char *category; /* NULL = none */
    char *license;  /* NULL = not said */
    struct entry_filter *filter;
    bool reads_includes; /* lists that !#include names are read, too (lists/source_set.h) */
    unsigned accepts;    /* differences of rules, see urls/rule.h */
    uint64_t max_bytes;  /* as it comes, and unpacked */
    /* Of URLs only. */
    bool allow_http;
    char *ca; /* file of certificates to trust instead of the system's; NULL = the system's */
    uint64_t timeout_s; /* for all attempts together */
    uint64_t max_age_s; /* how long a copy may stand in for a source that is down */
    uint64_t retries;
};

/* When an update is refused unless forced. */
struct lists_guard {
    double max_shrink; /* share of the rows that may vanish, in (0, 1) */
    double max_growth; /* share that may come on top, above 0 */
    uint64_t min_rows;
};

struct lists_output {
    uint64_t shard_count;       /* 0 = by rows_per_shard */
    uint64_t rows_per_shard;    /* 0 = as before */
    uint64_t hash_functions;    /* 0 = as before */
    double false_positive_rate; /* 0 = by prefilter_bytes, or the default when that is 0, too */
    uint64_t prefilter_bytes;
    bool has_seed;
    uint32_t murmur_seed;
    bool keep_private_suffixes;
    struct protected_hosts *protected_hosts; /* what no source may block */
    struct parsing *parsing;                 /* what devices ask for; NULL = the default */
    bool keep_parsing_parts;                 /* see urls/list.h */
    bool keep_covered;                       /* redundant keys become rows, too */
    bool split_parents;
    uint64_t versions_kept; /* the one in force among them */
    struct lists_guard guard;
};

struct lists_config {
    char *use_case;
    struct lists_output output;
    struct lists_source *sources; /* [source_count], in the order of the files */
    size_t source_count;
};

/* Appends the file to `ret`. */
typedef enum status lists_config_load(void *context, const char *path, struct bytes *ret,
                                      struct error *err);

/* Reads `path` and what it imports. `load` takes the place of file_read() when it is not NULL. */
enum status lists_config_read(const char *path, lists_config_load *load, void *context,
                              struct lists_config **ret, struct error *err) MUST_CHECK;
void lists_config_free(struct lists_config *config); /* takes NULL */

#endif
