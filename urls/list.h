/* list - blocklists in text form: each line becomes keys, or is counted with the reason why not.
 *
 * What is read is decided line by line, with one bit of memory for each file (the Adblock header):
 *   empty line, line that starts with '#' or '!'      comment; but "!#include" is DROP_INCLUDE
 *   "[Adblock..."                                     comment; from here on all lines are read by
 *                                                     urls/rule_adblock.h
 *   ADDRESS HOST...   with 0.0.0.0, 127.x.x.x, :: or ::1, up to a '#'   hosts file: each host an
 *                                                     entry; another address is DROP_HOSTS_ADDRESS
 *   starts with "||", "|", "/" or "@@", or is about page elements   urls/rule_adblock.h; of the
 *                                                     differences between rule and key
 *                                                     RULE_WIDER_FOLDER (counted as widened) and
 *                                                     RULE_NARROWER_QUERY are taken
 *   anything else, up to a blank followed by '#'      one entry: URL, host or host/path
 * Blanks around a line and CR LF do not count.
 *
 * With another format than LIST_FORMAT_AUTO all lines are of that format:
 *   plain             one entry, as above
 *   hosts             as above, other lines are DROP_FORMAT
 *   adblock           urls/rule_adblock.h, with its conditions (!#if) over the whole text
 *   dnsmasq, rpz, urlhaus-csv, urlhaus-text, json, rows   the reader of that name, urls/rule_*.h.
 *                     URLs of URLhaus and of JSON arrays stand for what is below them, too
 *                     (RULE_WIDER_DEEPER, counted as widened)
 *
 * An entry becomes the key of urls/url.h. Refused on top of what url_parse() refuses: hosts of one
 * label, local names and addresses, networks (192.0.2.0/24), wildcards, and, for entries without
 * path and query, public suffixes: those of a registry always (DROP_PUBLIC_SUFFIX), those of a
 * hoster such as github.io unless keep_private_suffixes is set (DROP_PRIVATE_SUFFIX). libpsl's
 * built-in list decides. An entry with a path stays even there: it blocks that path on all hosts
 * below. What is not to be blocked may be a hoster's suffix or a protected host.
 *
 * Under a parsing configuration (urls/parsing.h) an entry has that configuration's keys, and is
 * counted once. Where such a key blocks more than its entry because the configuration leaves a part
 * out, its host may be neither a public suffix nor protected, whatever else it holds. An entry on
 * which the configuration's regular expression takes too long is an error.
 *
 * Threads  one parser belongs to one thread. */
#ifndef BLINDLIST_URLS_LIST_H
#define BLINDLIST_URLS_LIST_H

#include "base/span.h"
#include "base/status.h"
#include "urls/drop_reason.h"
#include "urls/list_format.h"
#include "urls/parsing.h"
#include "urls/protected_hosts.h"
#include "urls/public_suffix.h"
#include "urls/rule.h"

#include <stdbool.h>
#include <stdint.h>

/* Longer lines are dropped whole (DROP_LINE_TOO_LONG). */
#define LIST_LINE_MAX_BYTES ((size_t)65536)

struct list_options {
    enum list_format format;
    bool takes_exceptions; /* RULE_ALLOW and RULE_CANCEL; else they are DROP_EXCEPTION */
    bool is_allow_list;    /* what its entries name is not to be blocked: they are RULE_ALLOW */
    /* RULE_WIDER_..., RULE_NARROWER_...: rules to be blocked that differ in these ways are taken,
     * too. */
    unsigned accepts;
    bool keep_private_suffixes;
    bool reads_includes; /* the caller reads the lists of !#include, too (list_includes.h) */
    const struct public_suffixes *suffixes;        /* borrowed; NULL = the parser makes its own */
    const struct protected_hosts *protected_hosts; /* borrowed; NULL = none */
    const struct parsing *parsing;                 /* of the app; borrowed, NULL = the default */
    bool keep_parsing_parts; /* entries that name what it leaves out (urls/parsing.h) */
};

/* lines + further = comments + entries; entries = kept + dropped. */
struct list_counts {
    uint64_t lines;
    uint64_t comments; /* empty lines, comments, headers */
    uint64_t entries;
    uint64_t further; /* of those, behind the first one of their line, as hosts lines have them */
    uint64_t kept;    /* became keys; repeats count each time */
    uint64_t second_keys; /* of those, keys to be blocked beside an entry's first: it has two where
                           * the scheme counts (urls/parsing.h) */
    uint64_t exceptions;  /* of those, keys that are not to be blocked, or cancel a rule */
    uint64_t widened;     /* of those, the key covers more than the entry: "www.", user info or the
                          * slash at the end of a folder removed */
    uint64_t differ[RULE_DIFFERENCE_COUNT]; /* of the kept, rules that differ from their keys */
    uint64_t dropped;
    uint64_t dropped_for[DROP_REASON_COUNT];
};

/* Adds `more` to `sum`. */
void list_counts_add(struct list_counts *sum, const struct list_counts *more);

struct list_place {
    const char *file; /* as the caller named it */
    uint64_t line;    /* from 1 */
    struct span text; /* the entry, or the whole line; borrowed for the call; any bytes */
};

struct list_key {
    struct span text;        /* borrowed for the call */
    enum rule_action action; /* RULE_BLOCK unless the options take more */
    uint64_t line;           /* from 1 */
};

/* Where a parser's results go. */
struct list_sink {
    void *context;
    /* One key. Anything but STATUS_OK ends the reading. */
    enum status (*key)(void *context, const struct list_key *key, struct error *err);
    /* Whether an entry is wanted, as it stands in the list: the rule of a filter list, else the
     * host or URL. Those that are not are DROP_FILTERED. May be NULL: all are. */
    enum status (*keeps)(void *context, struct span entry, bool *ret, struct error *err);
    /* One dropped entry or line; may be NULL. */
    void (*drop)(void *context, const struct list_place *place, enum drop_reason reason);
    /* One widened entry and its key; may be NULL. */
    void (*widen)(void *context, const struct list_place *place, struct span key);
};

struct list_parser;
/* Copies `options` (NULL: all off) and `sink`. */
enum status list_parser_new(const struct list_options *options, const struct list_sink *sink,
                            struct list_parser **ret, struct error *err) MUST_CHECK;
void list_parser_free(struct list_parser *parser); /* takes NULL */

/* A new file begins: lines from 1, no Adblock header seen. Borrows `file` until the next begin. */
void list_parser_begin(struct list_parser *parser, const char *file);
/* The same in the middle of a file whose first lines others read: whether one of them was an
 * Adblock header is all that the lines behind it need to know. Lines are counted from 1 again. */
void list_parser_begin_inside(struct list_parser *parser, const char *file,
                              bool has_adblock_header);
/* Whether one of the lines in `text` is an Adblock header. */
bool list_holds_adblock_header(struct span text);
/* One line without its end. Counts it and calls the sink. Not for LIST_FORMAT_JSON. */
enum status list_parser_line(struct list_parser *parser, struct span line,
                             struct error *err) MUST_CHECK;
/* Sums since the parser was made or they were taken; borrowed. */
const struct list_counts *list_parser_counts(const struct list_parser *parser);
/* Moves the sums to *ret and starts from zero. */
void list_parser_take_counts(struct list_parser *parser, struct list_counts *ret);

/* All lines of a text, which LF ends; the last one may do without. JSON: the whole array, an item
 * counted as a line. Messages begin with the line, or item. */
enum status list_parser_text(struct list_parser *parser, struct span text,
                             struct error *err) MUST_CHECK;

#endif
