/* Keys are dealt to parts by their first eight bytes, at borders taken from a sample; each part is
 * sorted in the cache, by one thread, with multikey quicksort (Bentley and Sedgewick, 1997) and the
 * next eight bytes of each key cached in its entry: a comparison is one integer, and the bytes are
 * fetched again only one level deeper. Keys of a list share long beginnings (hosts, folders), which
 * plain quicksort would compare over and over. In the end the keys are copied once, into their
 * order, for all who come later read them from front to back. */
#include "urls/row_set.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_BYTES        ((size_t)1 << 20)
#define FIRST_ROWS         ((size_t)1 << 14)
#define SMALL_SORT_ENTRIES 16
#define WORD_BYTES         8
/* A part of so many entries, with its keys, stays in a second-level cache. */
#define PART_ENTRIES ((size_t)2048)
#define PARTS_MAX    ((size_t)1024)
#define SAMPLES      ((size_t)8) /* for each part */
/* What one task looks at while keys are dealt out; tables of SLICES_MAX * PARTS_MAX stay small. */
#define SLICE_ENTRIES ((size_t)16384)
#define SLICES_MAX    ((size_t)256)

struct entry {
    uint64_t word;   /* bytes [depth, depth + 8) of the key, big-endian, zero-filled */
    uint32_t offset; /* in the block */
    uint32_t size;
};

/* Each key in `bytes` is followed by a line end. */
struct row_set {
    uint8_t *bytes;
    size_t bytes_used;
    size_t bytes_capacity;
    struct entry *entries; /* until row_set_finish() */
    size_t count;
    size_t capacity;
    uint32_t *starts; /* [count + 1]: of the keys in `bytes`, after row_set_finish() */
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
    mem_free(rows->starts);
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

/* Room for so many more bytes, line ends included, and keys. */
static enum status reserve(struct row_set *rows, size_t bytes, size_t count, struct error *err)
{
    if (bytes > ROW_SET_MAX_BYTES - rows->bytes_used)
        return error_set(err, STATUS_TOO_LARGE, "rows: keys of more than %zu bytes in all",
                         ROW_SET_MAX_BYTES);
    if (count > ROW_SET_MAX_ROWS - rows->count)
        return error_set(err, STATUS_TOO_LARGE, "rows: more than %zu keys", ROW_SET_MAX_ROWS);
    void *block = rows->bytes;
    enum status status = grow(&block, &rows->bytes_capacity, rows->bytes_used + bytes, FIRST_BYTES,
                              ROW_SET_MAX_BYTES, 1, err);
    rows->bytes = block;
    if (status != STATUS_OK)
        return status;
    block = rows->entries;
    status = grow(&block, &rows->capacity, rows->count + count, FIRST_ROWS, ROW_SET_MAX_ROWS,
                  sizeof *rows->entries, err);
    rows->entries = block;
    return status;
}

enum status row_set_add(struct row_set *rows, struct span key, struct error *err)
{
    const enum status status = reserve(rows, key.size + 1, 1, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *to = rows->bytes + rows->bytes_used;
    if (key.size > 0)
        memcpy(to, key.data, key.size);
    to[key.size] = '\n';
    rows->entries[rows->count++] =
        (struct entry){.offset = (uint32_t)rows->bytes_used, .size = (uint32_t)key.size};
    rows->bytes_used += key.size + 1;
    return STATUS_OK;
}

void row_set_clear(struct row_set *rows)
{
    rows->count = 0;
    rows->bytes_used = 0;
}

/* ---- joining ---- */

struct join {
    struct row_set *rows;
    struct row_set *const *parts;
};

/* Where part `index` goes follows from the parts before it: there are few. */
static enum status join_part(void *context, size_t index, size_t worker, struct error *err)
{
    const struct join *join = context;
    const struct row_set *part = join->parts[index];
    size_t bytes = join->rows->bytes_used;
    size_t first = join->rows->count;
    (void)worker;
    (void)err;
    for (size_t i = 0; i < index; i++) {
        bytes += join->parts[i]->bytes_used;
        first += join->parts[i]->count;
    }
    if (part->count == 0)
        return STATUS_OK;
    memcpy(join->rows->bytes + bytes, part->bytes, part->bytes_used);
    for (size_t i = 0; i < part->count; i++)
        join->rows->entries[first + i] = (struct entry){
            .offset = (uint32_t)(bytes + part->entries[i].offset), .size = part->entries[i].size};
    return STATUS_OK;
}

enum status row_set_join(struct row_set *rows, struct row_set *const *parts, size_t count,
                         struct thread_pool *pool, struct error *err)
{
    struct join join = {.rows = rows, .parts = parts};
    size_t bytes = 0;
    size_t keys = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += parts[i]->bytes_used;
        keys += parts[i]->count;
    }
    enum status status = reserve(rows, bytes, keys, err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, count, join_part, &join, err);
    if (status == STATUS_OK) {
        rows->bytes_used += bytes;
        rows->count += keys;
    }
    return status;
}

/* ---- sorting ---- */

static struct span key_of(const struct row_set *rows, const struct entry *entry)
{
    return span_of(rows->bytes + entry->offset, entry->size);
}

static uint64_t word_at(const struct row_set *rows, const struct entry *entry, size_t depth)
{
    uint8_t bytes[WORD_BYTES] = {0};
    uint64_t word = 0;
    if (entry->size <= depth)
        return 0;
    const uint8_t *from = rows->bytes + entry->offset + depth;
    if (entry->size - depth >= WORD_BYTES)
        memcpy(bytes, from, WORD_BYTES);
    else
        memcpy(bytes, from, entry->size - depth);
    for (size_t i = 0; i < WORD_BYTES; i++)
        word = word << 8 | bytes[i];
    return word;
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

/* ---- finishing ---- */

/* What the tasks of row_set_finish() share. */
struct finishing {
    struct row_set *rows;
    size_t slice_entries;
    size_t slice_count;
    bool is_out_of_order[SLICES_MAX]; /* by slice */
    size_t part_count;
    uint64_t samples[PARTS_MAX * SAMPLES];
    uint64_t borders[PARTS_MAX]; /* part p takes words below borders[p]; the last one the rest */
    uint16_t *part_of;           /* [count] */
    uint32_t (*ends)[PARTS_MAX]; /* [slice_count]: where the slice's next entry of a part goes */
    struct entry *dealt;         /* [count] */
    struct part {
        size_t first; /* entry */
        size_t count;
        size_t at;         /* of its first key in the new block, */
        size_t kept;       /* keys, each once, */
        size_t kept_bytes; /* and with their line ends */
    } parts[PARTS_MAX];
    uint8_t *bytes;   /* the new block */
    uint32_t *starts; /* [count + 1] */
};

static size_t slice_end(const struct finishing *work, size_t slice)
{
    const size_t end = (slice + 1) * work->slice_entries;
    return end < work->rows->count ? end : work->rows->count;
}

/* Words, and whether the keys come in order and each once, as the rows of an earlier version. */
static enum status look_at_slice(void *context, size_t slice, size_t worker, struct error *err)
{
    struct finishing *work = context;
    const struct row_set *rows = work->rows;
    struct entry *entries = rows->entries;
    const size_t first = slice * work->slice_entries;
    const size_t end = slice_end(work, slice);
    (void)worker;
    (void)err;
    for (size_t i = first; i < end; i++)
        entries[i].word = word_at(rows, &entries[i], 0);
    for (size_t i = first; i < end && !work->is_out_of_order[slice]; i++) {
        if (i == first ? i > 0 && span_compare(key_of(rows, &entries[i - 1]),
                                               key_of(rows, &entries[i])) >= 0
                       : !is_less(rows, &entries[i - 1], &entries[i]))
            work->is_out_of_order[slice] = true;
    }
    return STATUS_OK;
}

static int compare_words(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void choose_borders(struct finishing *work)
{
    uint64_t *samples = work->samples;
    const size_t count = work->part_count * SAMPLES;
    for (size_t i = 0; i < count; i++)
        samples[i] = work->rows->entries[(uint64_t)work->rows->count * i / count].word;
    qsort(samples, count, sizeof samples[0], compare_words);
    for (size_t i = 0; i + 1 < work->part_count; i++)
        work->borders[i] = samples[(i + 1) * SAMPLES];
}

/* The number of borders that are not above `word`. No branch depends on it: it would be guessed
 * wrong every other time. */
static size_t part_of(const struct finishing *work, uint64_t word)
{
    const uint64_t *base = work->borders;
    size_t left = work->part_count - 1;
    while (left > 0) {
        const size_t half = (left + 1) / 2;
        base += half * (size_t)(base[half - 1] <= word);
        left -= half;
    }
    return (size_t)(base - work->borders);
}

static enum status count_slice(void *context, size_t slice, size_t worker, struct error *err)
{
    struct finishing *work = context;
    const size_t end = slice_end(work, slice);
    (void)worker;
    (void)err;
    for (size_t i = slice * work->slice_entries; i < end; i++) {
        const size_t part = part_of(work, work->rows->entries[i].word);
        work->part_of[i] = (uint16_t)part;
        work->ends[slice][part]++;
    }
    return STATUS_OK;
}

static void place_parts(struct finishing *work)
{
    size_t next = 0;
    for (size_t part = 0; part < work->part_count; part++) {
        work->parts[part].first = next;
        for (size_t slice = 0; slice < work->slice_count; slice++) {
            const uint32_t count = work->ends[slice][part];
            work->ends[slice][part] = (uint32_t)next;
            next += count;
        }
        work->parts[part].count = next - work->parts[part].first;
    }
}

static enum status deal_slice(void *context, size_t slice, size_t worker, struct error *err)
{
    struct finishing *work = context;
    const size_t end = slice_end(work, slice);
    (void)worker;
    (void)err;
    for (size_t i = slice * work->slice_entries; i < end; i++)
        work->dealt[work->ends[slice][work->part_of[i]]++] = work->rows->entries[i];
    return STATUS_OK;
}

/* Sorts a part and copies its keys to where they belong if no key came twice, repeats left out: a
 * key is next to its repeats, and what was copied last is at hand. */
static enum status finish_part(void *context, size_t index, size_t worker, struct error *err)
{
    struct finishing *work = context;
    const struct row_set *rows = work->rows;
    struct part *part = &work->parts[index];
    struct entry *entries = work->dealt + part->first;
    size_t at = part->at;
    size_t kept = 0;
    struct span last = span_of(NULL, 0);
    (void)worker;
    (void)err;
    unsigned budget = 64;
    for (size_t n = part->count; n > 1; n /= 2)
        budget += 2;
    sort(rows, entries, part->count, 0, budget);
    for (size_t i = 0; i < part->count; i++) {
        const struct span key = key_of(rows, &entries[i]);
        if (kept > 0 && span_equal(key, last))
            continue;
        last = span_of(work->bytes + at, key.size);
        memcpy(work->bytes + at, key.data, key.size + 1); /* and its line end */
        work->starts[part->first + kept++] = (uint32_t)at;
        at += key.size + 1;
    }
    part->kept = kept;
    part->kept_bytes = at - part->at;
    return STATUS_OK;
}

/* Deals the entries out to the parts. */
static enum status deal_all(struct finishing *work, struct thread_pool *pool, struct error *err)
{
    const size_t count = work->rows->count;
    work->part_count = count / PART_ENTRIES + 1;
    if (work->part_count > PARTS_MAX)
        work->part_count = PARTS_MAX;
    work->part_of = mem_alloc(count, sizeof *work->part_of);
    work->ends = mem_alloc_zeroed(work->slice_count, sizeof *work->ends);
    work->dealt = mem_alloc(count, sizeof *work->dealt);
    if (work->part_of == NULL || work->ends == NULL || work->dealt == NULL)
        return error_set(err, STATUS_NOMEM, "no memory to sort %zu rows", count);
    choose_borders(work);
    enum status status = thread_pool_for(pool, work->slice_count, count_slice, work, err);
    if (status == STATUS_OK) {
        place_parts(work);
        status = thread_pool_for(pool, work->slice_count, deal_slice, work, err);
    }
    mem_free(work->rows->entries); /* `dealt` has them */
    work->rows->entries = NULL;
    work->rows->capacity = 0;
    return status;
}

/* Closes the gaps that repeats left behind. */
static void close_gaps(struct finishing *work)
{
    size_t row = 0;
    size_t at = 0;
    for (size_t i = 0; i < work->part_count; i++) {
        const struct part *part = &work->parts[i];
        if (at != part->at) {
            memmove(work->bytes + at, work->bytes + part->at, part->kept_bytes);
            for (size_t k = 0; k < part->kept; k++)
                work->starts[row + k] = (uint32_t)(work->starts[part->first + k] - (part->at - at));
        }
        row += part->kept;
        at += part->kept_bytes;
    }
    work->starts[row] = (uint32_t)at;
    work->rows->count = row;
    work->rows->bytes_used = at;
}

/* The keys in their order in a new block. */
static enum status sort_all(struct finishing *work, struct thread_pool *pool, struct error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < work->part_count; i++) {
        struct part *part = &work->parts[i];
        part->at = bytes;
        for (size_t k = part->first; k < part->first + part->count; k++)
            bytes += work->dealt[k].size + 1;
    }
    work->bytes = mem_alloc(bytes, 1);
    work->starts = mem_alloc(work->rows->count + 1, sizeof *work->starts);
    if (work->bytes == NULL || work->starts == NULL)
        return error_set(err, STATUS_NOMEM, "rows: out of memory at %zu bytes", bytes);
    const enum status status = thread_pool_for(pool, work->part_count, finish_part, work, err);
    if (status != STATUS_OK)
        return status;
    close_gaps(work);
    mem_free(work->rows->bytes);
    work->rows->bytes = work->bytes;
    work->bytes = NULL;
    return STATUS_OK;
}

/* What is added in order lies as it shall. */
static enum status take_as_is(struct finishing *work, struct error *err)
{
    struct row_set *rows = work->rows;
    work->starts = mem_alloc(rows->count + 1, sizeof *work->starts);
    if (work->starts == NULL)
        return error_set(err, STATUS_NOMEM, "rows: out of memory");
    for (size_t i = 0; i < rows->count; i++)
        work->starts[i] = rows->entries[i].offset;
    work->starts[rows->count] = (uint32_t)rows->bytes_used;
    return STATUS_OK;
}

static bool is_in_order(const struct finishing *work)
{
    for (size_t i = 0; i < work->slice_count; i++) {
        if (work->is_out_of_order[i])
            return false;
    }
    return true;
}

enum status row_set_finish(struct row_set *rows, struct thread_pool *pool, struct error *err)
{
    struct finishing *work = mem_alloc_zeroed(1, sizeof *work);
    if (work == NULL)
        return error_set(err, STATUS_NOMEM, "rows: out of memory");
    work->rows = rows;
    work->slice_entries = rows->count / SLICES_MAX + 1;
    if (work->slice_entries < SLICE_ENTRIES)
        work->slice_entries = SLICE_ENTRIES;
    work->slice_count = (rows->count + work->slice_entries - 1) / work->slice_entries;
    enum status status = thread_pool_for(pool, work->slice_count, look_at_slice, work, err);
    if (status == STATUS_OK && is_in_order(work)) {
        status = take_as_is(work, err);
    } else if (status == STATUS_OK) {
        status = deal_all(work, pool, err);
        if (status == STATUS_OK)
            status = sort_all(work, pool, err);
    }
    if (status == STATUS_OK) {
        rows->starts = work->starts;
        work->starts = NULL;
        mem_free(rows->entries);
        rows->entries = NULL;
    }
    mem_free(work->part_of);
    mem_free(work->ends);
    mem_free(work->dealt);
    mem_free(work->bytes);
    mem_free(work->starts);
    mem_free(work);
    return status;
}

size_t row_set_count(const struct row_set *rows)
{
    return rows->count;
}

struct span row_set_text(const struct row_set *rows)
{
    return span_of(rows->bytes, rows->bytes_used);
}

struct span row_set_at(const struct row_set *rows, size_t index)
{
    assert(index < rows->count);
    const uint32_t start = rows->starts[index];
    return span_of(rows->bytes + start, rows->starts[index + 1] - start - 1);
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
