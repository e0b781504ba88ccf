#include "urls/row_set_internal.h"

#include "base/mem.h"

#include <assert.h>

#define FIRST_BYTES ((size_t)1 << 20)
#define FIRST_ROWS  ((size_t)1 << 14)

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
        (struct row_entry){.offset = (uint32_t)rows->bytes_used, .size = (uint32_t)key.size};
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
        join->rows->entries[first + i] = (struct row_entry){
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

/* ---- once finished ---- */

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
