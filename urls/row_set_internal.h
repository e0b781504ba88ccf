/* row_set_internal - keys while they are gathered, for the files of row_set. */
#ifndef BLINDLIST_URLS_ROW_SET_INTERNAL_H
#define BLINDLIST_URLS_ROW_SET_INTERNAL_H

#include "urls/row_set.h"

#define ROW_WORD_BYTES 8

struct row_entry {
    uint64_t word;   /* bytes [depth, depth + 8) of the key, big-endian, zero-filled */
    uint32_t offset; /* in the block */
    uint32_t size;
};

/* Each key in `bytes` is followed by a line end. */
struct row_set {
    uint8_t *bytes;
    size_t bytes_used;
    size_t bytes_capacity;
    struct row_entry *entries; /* until row_set_finish() */
    size_t count;
    size_t capacity;
    uint32_t *starts; /* [count + 1]: of the keys in `bytes`, after row_set_finish() */
};

static inline struct span row_entry_key(const struct row_set *rows, const struct row_entry *entry)
{
    return span_of(rows->bytes + entry->offset, entry->size);
}

static inline uint64_t row_entry_word(const struct row_set *rows, const struct row_entry *entry,
                                      size_t depth)
{
    uint8_t bytes[ROW_WORD_BYTES] = {0};
    uint64_t word = 0;
    if (entry->size <= depth)
        return 0;
    const uint8_t *from = rows->bytes + entry->offset + depth;
    if (entry->size - depth >= ROW_WORD_BYTES)
        memcpy(bytes, from, ROW_WORD_BYTES);
    else
        memcpy(bytes, from, entry->size - depth);
    for (size_t i = 0; i < ROW_WORD_BYTES; i++)
        word = word << 8 | bytes[i];
    return word;
}

/* Whole keys; the words are equal up to where the caller knows. */
static inline bool row_entry_is_less(const struct row_set *rows, const struct row_entry *a,
                                     const struct row_entry *b)
{
    if (a->word != b->word)
        return a->word < b->word;
    return span_compare(row_entry_key(rows, a), row_entry_key(rows, b)) < 0;
}

/* Bytewise. The words of all entries are those at depth 0; afterwards they are not. */
void row_entries_sort(const struct row_set *rows, struct row_entry *entries, size_t count);

#endif
