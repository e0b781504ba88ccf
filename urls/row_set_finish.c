/* Keys are dealt to parts by their first eight bytes, at borders taken from a sample; each part is
 * sorted in the cache, by one thread. In the end the keys are copied once, into their order, for
 * all who come later read them from front to back. */
#include "urls/row_set_internal.h"

#include "base/mem.h"

#include <stdlib.h>

/* A part of so many entries, with its keys, stays in a second-level cache. */
#define PART_ENTRIES ((size_t)2048)
#define PARTS_MAX    ((size_t)1024)
#define SAMPLES      ((size_t)8) /* for each part */
/* What one task looks at while keys are dealt out; tables of SLICES_MAX * PARTS_MAX stay small. */
#define SLICE_ENTRIES ((size_t)16384)
#define SLICES_MAX    ((size_t)256)

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
    struct row_entry *dealt;     /* [count] */
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
    struct row_entry *entries = rows->entries;
    const size_t first = slice * work->slice_entries;
    const size_t end = slice_end(work, slice);
    (void)worker;
    (void)err;
    for (size_t i = first; i < end; i++)
        entries[i].word = row_entry_word(rows, &entries[i], 0);
    for (size_t i = first; i < end && !work->is_out_of_order[slice]; i++) {
        if (i == first ? i > 0 && span_compare(row_entry_key(rows, &entries[i - 1]),
                                               row_entry_key(rows, &entries[i])) >= 0
                       : !row_entry_is_less(rows, &entries[i - 1], &entries[i]))
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
    struct row_entry *entries = work->dealt + part->first;
    size_t at = part->at;
    size_t kept = 0;
    struct span last = span_of(NULL, 0);
    (void)worker;
    (void)err;
    row_entries_sort(rows, entries, part->count);
    for (size_t i = 0; i < part->count; i++) {
        const struct span key = row_entry_key(rows, &entries[i]);
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
