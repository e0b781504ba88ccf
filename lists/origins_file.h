/* origins_file - which source and line each key of a dataset came from, and what became of it.
 *
 * All keys that the sources block, allow or cancel, also those that are no rows in the end: what
 * `explain` needs. docs/FILE-FORMATS.md has the bytes. The file is mapped and searched as it lies:
 * opening looks at the header only, a search at the records that it passes.
 *
 * Memory   16 bytes and its text for a key in the file; none but the mapping to read it.
 * Threads  an opened file never changes and may be shared. */
#ifndef BLINDLIST_LISTS_ORIGINS_FILE_H
#define BLINDLIST_LISTS_ORIGINS_FILE_H

#include "base/file.h"
#include "lists/key_selection.h"

#define ORIGINS_FORMAT 1

enum origins_table { ORIGINS_BLOCK, ORIGINS_ALLOW, ORIGINS_CANCEL, ORIGINS_TABLE_COUNT };

/* Writes the tables of a selection. source_names[source_count]: by key_origin.source, without line
 * ends; STATUS_INVALID when a key came from a source beyond them. */
enum status origins_file_write(struct file_writer *writer, const struct key_tables *tables,
                               const struct key_selection *selection,
                               const char *const *source_names, size_t source_count,
                               struct error *err) MUST_CHECK;

struct origins {
    struct span records[ORIGINS_TABLE_COUNT];
    struct span texts[ORIGINS_TABLE_COUNT];
    size_t counts[ORIGINS_TABLE_COUNT];
    struct span sources;
    size_t source_count;
};

struct origins_key {
    struct span key;
    struct span source; /* of its first origin: the name */
    uint32_t line;
    size_t more_origins; /* at most 255 are told */
    enum key_fate fate;  /* of the block table; else KEY_KEPT */
    size_t by;           /* of the table that the fate names; KEY_TABLE_NONE when kept */
};

/* Borrows `bytes`. STATUS_MALFORMED: no such file, or its size is not what the header says. */
enum status origins_open(struct span bytes, struct origins *ret, struct error *err) MUST_CHECK;
/* Where a key stands in a table, by binary search; KEY_TABLE_NONE. STATUS_MALFORMED: a record on
 * the way leads out of the file. */
enum status origins_find(const struct origins *origins, enum origins_table table, struct span key,
                         size_t *ret, struct error *err) MUST_CHECK;
/* Key `index` of a table. STATUS_MALFORMED: there is none, or the record makes no sense. */
enum status origins_at(const struct origins *origins, enum origins_table table, size_t index,
                       struct origins_key *ret, struct error *err) MUST_CHECK;

/* The table that holds what took keys of this fate away. */
enum origins_table origins_taker(enum key_fate fate);

#endif
