/* Multikey quicksort (Bentley and Sedgewick, 1997) with the next eight bytes of each key cached in
 * its entry: a comparison is one integer, and the bytes are fetched again only one level deeper.
 * Keys of a list share long beginnings (hosts, folders), which plain quicksort would compare over
 * and over. */
#include "urls/row_set.h"

#include "base/mem.h"

#include <assert.h>

#define FIRST_BYTES        ((size_t)1 << 20)
#define FIRST_ROWS         ((size_t)1 << 14)
#define SMALL_SORT_ENTRIES 16
#define WORD_BYTES         8

struct entry {
    uint64_t word;   /* bytes [depth, depth + 8) of the key, big-endian, zero-filled */
    uint32_t offset; /* in the block */
    uint32_t size;
};

struct row_set {
    uint8_t *bytes;
    size_t bytes_used;
    size_t bytes_capacity;
    struct entry *entries;
    size_t count;
    size_t capacity;
};

enum status row_set_new(struct row_set **ret, struct error *err)
{
    struct row_set *rows = mem_alloc_zeroed(1, sizeof *rows);
    if (rows == NULL)
        return error_set(err, STATUS_NOMEM, "rows: out of memory");
    *ret = rows;
    return STATUS_OK;
}

void row_set_free(struct row_set *rows)
{
    if (rows == NULL)
        return;
    mem_free(rows->bytes);
    mem_free(rows->entries);
    mem_free(rows);
}

static enum status grow(void **block, size_t *capacity, size_t needed, size_t first, size_t max,
                        size_t unit, struct error *err)
{
    if (needed <= *capacity)
        return STATUS_OK;
    size_t larger = *capacity < first ? first : *capacity;
    while (larger < needed)
        larger = larger > max / 2 ? max : larger * 2;
    void *moved = mem_realloc(*block, larger, unit);
    if (moved == NULL)
        return error_set(err, STATUS_NOMEM, "rows: out of memory at %zu bytes", larger * unit);
    *block = moved;
    *capacity = larger;
    return STATUS_OK;
}

enum status row_set_add(struct row_set *rows, struct span key, struct error *err)
{
    if (key.size > ROW_SET_MAX_BYTES - rows->bytes_used)
        return error_set(err, STATUS_TOO_LARGE, "rows: keys of more than %zu bytes in all",
                         ROW_SET_MAX_BYTES);
    if (rows->count == ROW_SET_MAX_ROWS)
        return error_set(err, STATUS_TOO_LARGE, "rows: more than %zu keys", ROW_SET_MAX_ROWS);
    void *block = rows->bytes;
    enum status status = grow(&block, &rows->bytes_capacity, rows->bytes_used + key.size,
                              FIRST_BYTES, ROW_SET_MAX_BYTES, 1, err);
    rows->bytes = block;
    if (status != STATUS_OK)
        return status;
    block = rows->entries;
    status = grow(&block, &rows->capacity, rows->count + 1, FIRST_ROWS, ROW_SET_MAX_ROWS,
                  sizeof *rows->entries, err);
    rows->entries = block;
    if (status != STATUS_OK)
        return status;
    if (key.size > 0)
        memcpy(rows->bytes + rows->bytes_used, key.data, key.size);
    rows->entries[rows->count++] =
        (struct entry){.offset = (uint32_t)rows->bytes_used, .size = (uint32_t)key.size};
    rows->bytes_used += key.size;
    return STATUS_OK;
}

/* ---- sorting ---- */

static struct span key_of(const struct row_set *rows, const struct entry *entry)
{
    return span_of(rows->bytes + entry->offset, entry->size);
}

static uint64_t word_at(const struct row_set *rows, const struct entry *entry, size_t depth)
{
    uint64_t word = 0;
    if (entry->size <= depth)
        return 0;
    const uint8_t *from = rows->bytes + entry->offset + depth;
    const size_t left = entry->size - depth;
    if (left >= WORD_BYTES) {
        for (size_t i = 0; i < WORD_BYTES; i++)
            word = word << 8 | from[i];
        return word;
    }
    for (size_t i = 0; i < left; i++)
        word = word << 8 | from[i];
    return word << 8 * (WORD_BYTES - left);
}

/* Whole keys; the words are equal up to where the caller knows. */
static bool is_less(const struct row_set *rows, const struct entry *a, const struct entry *b)
{
    if (a->word != b->word)
        return a->word < b->word;
    return span_compare(key_of(rows, a), key_of(rows, b)) < 0;
}

static void swap(struct entry *a, struct entry *b)
{
    const struct entry kept = *a;
    *a = *b;
    *b = kept;
}

static void insertion_sort(const struct row_set *rows, struct entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct entry moving = entries[i];
        size_t at = i;
        for (; at > 0 && is_less(rows, &moving, &entries[at - 1]); at--)
            entries[at] = entries[at - 1];
        entries[at] = moving;
    }
}

static void sift_down(const struct row_set *rows, struct entry *entries, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && is_less(rows, &entries[child], &entries[child + 1]))
            child++;
        if (!is_less(rows, &entries[root], &entries[child]))
            return;
        swap(&entries[root], &entries[child]);
        root = child;
    }
}

static void heap_sort(const struct row_set *rows, struct entry *entries, size_t count)
{
    for (size_t root = count / 2; root > 0; root--)
        sift_down(rows, entries, root - 1, count);
    for (size_t end = count; end > 1; end--) {
        swap(&entries[0], &entries[end - 1]);
        sift_down(rows, entries, 0, end - 1);
    }
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    if (a > b)
        return b > c ? b : a > c ? c : a;
    return a > c ? a : b > c ? c : b;
}

/* Sorts entries whose keys agree in their first `depth` bytes. The recursion goes into parts of at
 * most half the size, except into the one of equal words, which is eight bytes deeper; `budget`
 * bounds both. */
static void sort(const struct row_set *rows, struct entry *entries, size_t count, size_t depth,
                 unsigned budget)
{
    while (count > SMALL_SORT_ENTRIES) {
        if (budget-- == 0) {
            heap_sort(rows, entries, count);
            return;
        }
        const uint64_t pivot =
            median(entries[0].word, entries[count / 2].word, entries[count - 1].word);
        size_t below = 0;
        size_t above = count;
        for (size_t i = 0; i < above;) {
            if (entries[i].word < pivot)
                swap(&entries[i++], &entries[below++]);
            else if (entries[i].word > pivot)
                swap(&entries[i], &entries[--above]);
            else
                i++;
        }
        /* Equal words: keys that end inside the word come first, shortest first (a NUL byte and
         * the end look the same in a word); the others differ further on. */
        struct entry *equal = entries + below;
        const size_t equal_count = above - below;
        size_t ended = 0;
        for (size_t i = 0; i < equal_count; i++) {
            if (equal[i].size <= depth + WORD_BYTES)
                swap(&equal[i], &equal[ended++]);
        }
        heap_sort(rows, equal, ended);
        for (size_t i = ended; i < equal_count; i++)
            equal[i].word = word_at(rows, &equal[i], depth + WORD_BYTES);
        sort(rows, equal + ended, equal_count - ended, depth + WORD_BYTES, budget);
        if (below < count - above) {
            sort(rows, entries, below, depth, budget);
            entries += above;
            count -= above;
        } else {
            sort(rows, entries + above, count - above, depth, budget);
            count = below;
        }
    }
    insertion_sort(rows, entries, count);
}

/* The rows of an earlier version come in order: one comparison each instead of sorting. */
static bool is_in_order(const struct row_set *rows)
{
    for (size_t i = 1; i < rows->count; i++) {
        if (is_less(rows, &rows->entries[i], &rows->entries[i - 1]))
            return false;
    }
    return true;
}

void row_set_finish(struct row_set *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        rows->entries[i].word = word_at(rows, &rows->entries[i], 0);
    unsigned budget = 64;
    for (size_t n = rows->count; n > 1; n /= 2)
        budget += 2;
    if (!is_in_order(rows))
        sort(rows, rows->entries, rows->count, 0, budget);

    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (kept > 0 &&
            span_equal(key_of(rows, &rows->entries[i]), key_of(rows, &rows->entries[kept - 1])))
            continue;
        rows->entries[kept++] = rows->entries[i];
    }
    rows->count = kept;
    rows->bytes_used = 0;
    for (size_t i = 0; i < kept; i++)
        rows->bytes_used += rows->entries[i].size;
}

size_t row_set_count(const struct row_set *rows)
{
    return rows->count;
}

size_t row_set_bytes(const struct row_set *rows)
{
    return rows->bytes_used;
}

struct span row_set_at(const struct row_set *rows, size_t index)
{
    assert(index < rows->count);
    return key_of(rows, &rows->entries[index]);
}

bool row_set_has(const struct row_set *rows, struct span key)
{
    size_t low = 0;
    size_t high = rows->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = span_compare(row_set_at(rows, middle), key);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
