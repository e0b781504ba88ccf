/* source_cache - the last good copy of each URL source of one use case, in one folder.
 *
 * Files    <id>.json says what is known of the copy, and <id>-<first 16 hex digits of its
 *          SHA-256>.body is the copy as it came, packed or not. The body is written and flushed
 *          first, then the JSON is replaced by rename: that is the moment at which the new copy
 *          counts. A kill or a full disk before it leaves the old one. docs/FILE-FORMATS.md has the
 *          fields. A source's URL is in neither, only its SHA-256, for it may hold a password.
 * Trust    a JSON file or a body that is not what it should be is as good as none: the source is
 *          then fetched anew.
 * Lock     one process at a time (STATUS_BUSY).
 * Threads  calls for different sources may run at once. */
#ifndef BLINDLIST_LISTS_SOURCE_CACHE_H
#define BLINDLIST_LISTS_SOURCE_CACHE_H

#include "lists/lists_config.h"
#include "pir-server/pir/sha256.h"

/* Longer ones are not kept. */
#define SOURCE_VALIDATOR_MAX_BYTES ((size_t)1024)

struct source_cache;

/* `folder` is made when it does not exist. */
enum status source_cache_open(const char *folder, struct source_cache **ret,
                              struct error *err) MUST_CHECK;
void source_cache_close(struct source_cache *cache); /* takes NULL */

struct source_copy {
    char *path; /* of the body */
    uint64_t bytes;
    uint8_t digest[SHA256_BYTES];
    char *etag; /* NULL = the server sent none */
    char *last_modified;
    int64_t fetched_s;   /* when the bytes came; seconds since 1970 */
    int64_t confirmed_s; /* when the server last said that they are current */
};
void source_copy_deinit(struct source_copy *copy); /* takes a zeroed struct, too */

/* The copy of this source and this URL; *ret_found = false when there is none that is whole. Reads
 * the body to make sure. */
enum status source_cache_find(struct source_cache *cache, const struct lists_source *source,
                              struct source_copy *ret, bool *ret_found,
                              struct error *err) MUST_CHECK;
/* Keeps `body`, and of `copy` the validators and times; older copies are removed. Fills in the
 * copy's path, bytes and digest. */
enum status source_cache_keep(struct source_cache *cache, const struct lists_source *source,
                              struct span body, struct source_copy *copy,
                              struct error *err) MUST_CHECK;
/* Writes validators and times of a copy whose body is there already. */
enum status source_cache_confirm(struct source_cache *cache, const struct lists_source *source,
                                 const struct source_copy *copy, struct error *err) MUST_CHECK;

/* Removes the copies of all sources but ids[count], best effort. Returns how many bodies went. */
size_t source_cache_forget_others(struct source_cache *cache, const char *const *ids, size_t count);

#endif
