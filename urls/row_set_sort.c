/* Multikey quicksort (Bentley and Sedgewick, 1997) with the next eight bytes of each key cached in
 * its entry: a comparison is one integer, and the bytes are fetched again only one level deeper.
 * Keys of a list share long beginnings (hosts, folders), which plain quicksort would compare over
 * and over. */
#include "urls/row_set_internal.h"

#define SMALL_SORT_ENTRIES 16
/* How deep the recursion may go: twice for each halving of the entries, and so much more for long
 * beginnings that keys share. */
#define SHARED_WORDS 64

static void swap(struct row_entry *a, struct row_entry *b)
{
    const struct row_entry kept = *a;
    *a = *b;
    *b = kept;
}

static void insertion_sort(const struct row_set *rows, struct row_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct row_entry moving = entries[i];
        size_t at = i;
        for (; at > 0 && row_entry_is_less(rows, &moving, &entries[at - 1]); at--)
            entries[at] = entries[at - 1];
        entries[at] = moving;
    }
}

static void sift_down(const struct row_set *rows, struct row_entry *entries, size_t root,
                      size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && row_entry_is_less(rows, &entries[child], &entries[child + 1]))
            child++;
        if (!row_entry_is_less(rows, &entries[root], &entries[child]))
            return;
        swap(&entries[root], &entries[child]);
        root = child;
    }
}

static void heap_sort(const struct row_set *rows, struct row_entry *entries, size_t count)
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
static void sort(const struct row_set *rows, struct row_entry *entries, size_t count, size_t depth,
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
        struct row_entry *equal = entries + below;
        const size_t equal_count = above - below;
        size_t ended = 0;
        for (size_t i = 0; i < equal_count; i++) {
            if (equal[i].size <= depth + ROW_WORD_BYTES)
                swap(&equal[i], &equal[ended++]);
        }
        heap_sort(rows, equal, ended);
        for (size_t i = ended; i < equal_count; i++)
            equal[i].word = row_entry_word(rows, &equal[i], depth + ROW_WORD_BYTES);
        sort(rows, equal + ended, equal_count - ended, depth + ROW_WORD_BYTES, budget);
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

void row_entries_sort(const struct row_set *rows, struct row_entry *entries, size_t count)
{
    unsigned budget = SHARED_WORDS;
    for (size_t n = count; n > 1; n /= 2)
        budget += 2;
    sort(rows, entries, count, 0, budget);
}
