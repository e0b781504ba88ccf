/* source_set - all sources of a lists.json, found or fetched, in their order.
 *
 * source_set_open() resolves globs, looks for the files and fetches the URLs, several at once, into
 * the cache. What comes out is one item for each text, in the order of lists.json, the files of a
 * glob by name, whatever the threads. Then source_set_text() gives the texts one after the other:
 *
 *     for (size_t i = 0; i < source_set_count(set); i++) {
 *         const struct source_item *item = source_set_item(set, i);
 *         if (item->state == SOURCE_FAILED) ...       // item->why: the caller decides
 *         struct source_text text;
 *         status = source_set_text(set, i, &text, err);
 *         ... text.text, which lists/source_keys.h turns into keys ...
 *         source_text_deinit(&text);
 *     }
 *
 * A filter list (format adblock) may stand for others by "!#include NAME" (list_includes.h). They
 * become items behind all others, as if lists.json had named them with all that it says of the list
 * that includes them. Each is read once for a source, so lists that include each other do no harm.
 * Read are only lists below the folder of the one that includes them, at most
 * SOURCE_SET_INCLUDE_DEPTH_MAX deep; others are items that have failed.
 *
 * A source that is down, or answers nonsense, is not fatal: its copy stands in when it is younger
 * than the source's maxAge (SOURCE_KEPT); else the item has failed.
 *
 * Memory   each download in memory while it is checked, at most SOURCE_SET_THREADS at once; then
 *          one text at a time. The set borrows the configuration.
 * Threads  a set belongs to one thread; it starts its own for the downloads. */
#ifndef BLINDLIST_LISTS_SOURCE_SET_H
#define BLINDLIST_LISTS_SOURCE_SET_H

#include "lists/lists_config.h"
#include "lists/source_text.h"

#define SOURCE_SET_THREADS           4
#define SOURCE_SET_INCLUDE_DEPTH_MAX 8
#define SOURCE_SET_ITEMS_MAX         ((size_t)10000)

enum source_state {
    SOURCE_FILE,      /* a local file */
    SOURCE_NEW,       /* fetched, and different from the copy, or there was none */
    SOURCE_UNCHANGED, /* the server says that the copy is current, or sent the same again */
    SOURCE_KEPT,      /* could not be fetched: the copy stands in; `why` says why */
    SOURCE_FAILED,    /* no text at all; `why` says why */
    SOURCE_STATE_COUNT
};
/* "file", "new", "unchanged", "copy", "failed": stable. */
extern const char *const source_state_names[SOURCE_STATE_COUNT];

struct source_item {
    const struct lists_source *source; /* of an included list: the set's own, for this item */
    const struct lists_source *root;   /* of lists.json */
    size_t depth;                      /* of includes; 0 = of lists.json */
    char *name; /* the id; of a glob's file "id/file name", of an included list "id/NAME", control
                 * characters as '?' */
    char *path; /* where the bytes lie; NULL when it failed */
    enum source_state state;
    struct error why; /* begins with the name and where it should come from */
    int64_t time_s;   /* when the server last confirmed it, or the file was changed; since 1970 */
};

struct source_set;

/* Where the copies of a use case lie below a data folder: DATA/.sources/<use case>; a name that
 * begins with a dot is no use case. NULL without memory; the caller frees it. */
char *source_set_folder(const char *data, const struct lists_config *config);

/*   folder         of the cache, see lists/source_cache.h; STATUS_BUSY when another run uses it:
 *                  the set has it to itself until it is closed
 *   now_s          seconds since 1970
 *   retry_wait_ms  SOURCE_RETRY_WAIT_MS, less in tests */
enum status source_set_open(const struct lists_config *config, const char *folder, int64_t now_s,
                            uint64_t retry_wait_ms, struct source_set **ret,
                            struct error *err) MUST_CHECK;
void source_set_close(struct source_set *set); /* takes NULL */

/* Removes copies of URL sources that the configuration does not have (any more), best effort.
 * Returns how many. */
size_t source_set_forget_others(struct source_set *set);

size_t source_set_count(const struct source_set *set);
const struct source_item *source_set_item(const struct source_set *set, size_t index);
/* The text of an item that has not failed. Messages begin with its name. */
enum status source_set_text(const struct source_set *set, size_t index, struct source_text *ret,
                            struct error *err) MUST_CHECK;

/* "50 s", "3 h": the largest unit of which there are two or more. */
#define SOURCE_AGE_BYTES 32
void source_age_text(uint64_t age_s, char ret[SOURCE_AGE_BYTES]);

#endif
