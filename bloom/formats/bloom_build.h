/* bloom_build - a filter from a text file, one key a line.
 *
 * Keys     lines as they are: without their LF or CR LF, byte order mark skipped, NUL bytes kept.
 *          Empty lines are skipped. A line of more than 65,536 bytes is an error.
 * Passes   the file is read twice, to count (and to find the default seed) and to insert, so it
 *          must be a file: STATUS_UNSUPPORTED for a pipe, STATUS_MISMATCH when it changed
 *          meanwhile.
 * Repeats  count as items each time. With `unique` they count once, as if they were not there.
 * Memory   the filter and about 4 MB, however long the file. With `unique` the first pass also
 *          keeps the SHA-256 of every distinct key, 46 to 92 bytes each (once more half of that
 *          while the table grows); they are given back before the filter is allocated. Keys are the
 *          same when their digests are.
 * Threads  with a pool, lines are read while those before are hashed, and every worker writes a
 *          part of the filter of its own. Same keys, order and options: same filter, on every
 *          machine and with any number of threads. */
#ifndef BLINDLIST_BLOOM_FORMATS_BLOOM_BUILD_H
#define BLINDLIST_BLOOM_FORMATS_BLOOM_BUILD_H

#include "base/thread_pool.h"
#include "bloom/formats/bloom_filter.h"

struct bloom_build_options {
    double rate;         /* (0, 1); used when bit_count is 0 */
    uint32_t bit_count;  /* 0 = from the rate and the number of keys */
    uint32_t hash_count; /* with bit_count; false_positive_tolerance becomes what is expected */
    bool has_seed;
    uint32_t murmur_seed; /* with has_seed; else bloom_seed_of_digest() of the keys */
    bool unique;          /* count a repeated key once */
    bool show_progress;
    struct thread_pool *pool; /* borrowed; NULL = all in the calling thread */
};

struct bloom_build_summary {
    uint64_t line_count;   /* all lines */
    uint64_t empty_count;  /* empty lines among them */
    uint64_t repeat_count; /* repeats dropped; 0 without `unique` */
    uint64_t item_count;   /* keys counted */
    /* Lines that stand in lists and are taken as keys all the same, though no device asks for such:
     * they begin with http://, https://, or with one of | @ ! #. */
    uint64_t unasked_count;
};

/* The filter comes sealed. `ret_summary` may be NULL. */
enum status bloom_build_file(const char *path, const struct bloom_build_options *options,
                             struct bloom_filter **ret, struct bloom_build_summary *ret_summary,
                             struct error *err) MUST_CHECK;

#endif
