#include "pir-server/dataset/dataset_changes.h"

#include "base/mem.h"
#include "base/sorted_lines.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/sha256.h"

#define SLICES      ((size_t)64)
#define FIRST_COUNT ((size_t)256)

/* What one task found. */
struct slice {
    struct pir_change *list;
    size_t count;
    size_t capacity;
    uint64_t added;
};

struct search {
    struct span before;
    const uint8_t *before_digest;
    const struct row_set *rows;
    struct slice slices[SLICES];
};

static enum status note(struct slice *slice, struct span row, bool is_added, struct error *err)
{
    if (slice->count == slice->capacity) {
        const size_t larger = slice->capacity == 0 ? FIRST_COUNT : 2 * slice->capacity;
        struct pir_change *moved = mem_realloc(slice->list, larger, sizeof *moved);
        if (moved == NULL)
            return error_set(err, STATUS_NOMEM, "changes: out of memory");
        slice->list = moved;
        slice->capacity = larger;
    }
    slice->list[slice->count++] =
        (struct pir_change){.hash = keyword_hash(row), .is_added = is_added};
    slice->added += is_added;
    return STATUS_OK;
}

/* Merges rows [first, end) with the old lines in text[at, stop). */
static enum status merge(const struct search *search, size_t first, size_t end, size_t at,
                         size_t stop, struct slice *slice, struct error *err)
{
    enum status status = STATUS_OK;
    struct span line = at < stop ? sorted_lines_at(search->before, at) : span_of(NULL, 0);
    while ((first < end || at < stop) && status == STATUS_OK) {
        const struct span row = first < end ? row_set_at(search->rows, first) : span_of(NULL, 0);
        const int order = first == end ? -1 : at >= stop ? 1 : span_compare(line, row);
        if (order < 0)
            status = note(slice, line, false, err);
        else if (order > 0)
            status = note(slice, row, true, err);
        first += order >= 0;
        if (order <= 0) {
            at += line.size + 1;
            line = at < stop ? sorted_lines_at(search->before, at) : line;
        }
    }
    return status;
}

static enum status check_digest(const struct search *search, struct error *err)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, search->before);
    sha256_finish(&hash, digest);
    if (memcmp(digest, search->before_digest, sizeof digest) != 0)
        return error_set(err, STATUS_MISMATCH, "rows.txt does not have its digest");
    return STATUS_OK;
}

static enum status search_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct search *search = context;
    const size_t count = row_set_count(search->rows);
    (void)worker;
    if (index == 0)
        return check_digest(search, err);
    const size_t slice = index - 1;
    const size_t first = (size_t)((uint64_t)count * slice / SLICES);
    const size_t end = (size_t)((uint64_t)count * (slice + 1) / SLICES);
    const size_t at = slice == 0 ? 0
                      : first < count
                          ? sorted_lines_find(search->before, row_set_at(search->rows, first))
                          : search->before.size;
    const size_t stop = slice + 1 < SLICES && end < count
                            ? sorted_lines_find(search->before, row_set_at(search->rows, end))
                            : search->before.size;
    return merge(search, first, end, at, stop, &search->slices[slice], err);
}

/* Sorts all slices' changes by shard. */
static enum status group(const struct search *search, uint64_t shard_count,
                         struct dataset_changes *ret, struct error *err)
{
    const struct sharding sharding = {.function = SHARDING_SHA256};
    size_t count = 0;
    for (size_t i = 0; i < SLICES; i++)
        count += search->slices[i].count;
    ret->list = mem_alloc(count, sizeof *ret->list);
    ret->starts = mem_alloc_zeroed((size_t)shard_count + 2, sizeof *ret->starts);
    if (ret->list == NULL || ret->starts == NULL)
        return error_set(err, STATUS_NOMEM, "changes: out of memory");
    size_t *ends = ret->starts + 1; /* counts, then starts, then ends */
    for (size_t i = 0; i < SLICES; i++) {
        const struct slice *slice = &search->slices[i];
        for (size_t k = 0; k < slice->count; k++)
            ends[sharding_shard_of(&sharding, slice->list[k].hash, shard_count) + 1]++;
        ret->added += slice->added;
        ret->removed += slice->count - slice->added;
    }
    for (uint64_t i = 1; i <= shard_count; i++)
        ends[i] += ends[i - 1];
    for (size_t i = 0; i < SLICES; i++) {
        const struct slice *slice = &search->slices[i];
        for (size_t k = 0; k < slice->count; k++) {
            const uint64_t shard = sharding_shard_of(&sharding, slice->list[k].hash, shard_count);
            ret->list[ends[shard]++] = slice->list[k];
        }
    }
    return STATUS_OK;
}

enum status dataset_changes_find(struct span before, const uint8_t *before_digest,
                                 const struct row_set *rows, uint64_t shard_count,
                                 struct thread_pool *pool, struct dataset_changes *ret,
                                 struct error *err)
{
    struct dataset_changes changes = {0};
    struct search search = {.before = before, .before_digest = before_digest, .rows = rows};
    enum status status = thread_pool_for(pool, SLICES + 1, search_task, &search, err);
    if (status == STATUS_OK)
        status = group(&search, shard_count, &changes, err);
    for (size_t i = 0; i < SLICES; i++)
        mem_free(search.slices[i].list);
    if (status == STATUS_OK)
        *ret = changes;
    else
        dataset_changes_deinit(&changes);
    return status;
}

void dataset_changes_deinit(struct dataset_changes *changes)
{
    mem_free(changes->list);
    mem_free(changes->starts);
    *changes = (struct dataset_changes){0};
}
