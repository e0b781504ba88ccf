/* A row of the row_set is the key, a NUL byte, which is less than any byte of a key, and the origin
 * with its most significant byte first: sorted, the rows of one key stand together, the first
 * origin first. */
#include "lists/key_table.h"

#include "base/mem.h"
#include "urls/key_cover.h"
#include "urls/row_set.h"

#include <assert.h>

#define SOURCE_BYTES 2
#define LINE_BYTES   4
#define ORIGIN_BYTES (1 + SOURCE_BYTES + LINE_BYTES) /* with the NUL byte */

struct key_table {
    struct row_set *rows;
    uint32_t *first; /* [count + 1]: the first row of each key, after key_table_finish() */
    size_t count;
    uint8_t row[KEY_MAX_BYTES + ORIGIN_BYTES]; /* workspace */
};

enum status key_table_new(struct key_table **ret, struct error *err)
{
    struct key_table *table = mem_alloc_zeroed(1, sizeof *table);
    if (table == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory");
    const enum status status = row_set_new(&table->rows, err);
    if (status == STATUS_OK)
        *ret = table;
    else
        key_table_free(table);
    return status;
}

void key_table_free(struct key_table *table)
{
    if (table == NULL)
        return;
    row_set_free(table->rows);
    mem_free(table->first);
    mem_free(table);
}

enum status key_table_add(struct key_table *table, struct span key, struct key_origin origin,
                          struct error *err)
{
    assert(table->first == NULL);
    if (key.size == 0 || key.size > KEY_MAX_BYTES || memchr(key.data, '\0', key.size) != NULL)
        return error_set(err, STATUS_INVALID,
                         "a key of %zu bytes: keys are not empty, have no NUL byte and at most %zu",
                         key.size, KEY_MAX_BYTES);
    uint8_t *row = table->row;
    memcpy(row, key.data, key.size);
    row += key.size;
    *row++ = '\0';
    *row++ = (uint8_t)(origin.source >> 8);
    *row++ = (uint8_t)origin.source;
    *row++ = (uint8_t)(origin.line >> 24);
    *row++ = (uint8_t)(origin.line >> 16);
    *row++ = (uint8_t)(origin.line >> 8);
    *row++ = (uint8_t)origin.line;
    return row_set_add(table->rows, span_of(table->row, key.size + ORIGIN_BYTES), err);
}

static struct span key_of_row(const struct key_table *table, size_t row)
{
    const struct span text = row_set_at(table->rows, row);
    return span_part(text, 0, text.size - ORIGIN_BYTES);
}

enum status key_table_finish(struct key_table *table, struct thread_pool *pool, struct error *err)
{
    assert(table->first == NULL);
    const enum status status = row_set_finish(table->rows, pool, err);
    if (status != STATUS_OK)
        return status;
    const size_t rows = row_set_count(table->rows);
    table->first = mem_alloc(rows + 1, sizeof *table->first);
    if (table->first == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory at %zu keys", rows);
    for (size_t row = 0; row < rows; row++) {
        if (row == 0 || !span_equal(key_of_row(table, row - 1), key_of_row(table, row)))
            table->first[table->count++] = (uint32_t)row;
    }
    table->first[table->count] = (uint32_t)rows;
    uint32_t *smaller = mem_realloc(table->first, table->count + 1, sizeof *table->first);
    if (smaller != NULL)
        table->first = smaller;
    return STATUS_OK;
}

size_t key_table_count(const struct key_table *table)
{
    return table->count;
}

struct span key_table_at(const struct key_table *table, size_t index)
{
    assert(index < table->count);
    return key_of_row(table, table->first[index]);
}

size_t key_table_find(const struct key_table *table, struct span key)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = span_compare(key_table_at(table, middle), key);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return KEY_TABLE_NONE;
}

size_t key_table_origin_count(const struct key_table *table, size_t index)
{
    assert(index < table->count);
    return table->first[index + 1] - table->first[index];
}

struct key_origin key_table_origin(const struct key_table *table, size_t index, size_t number)
{
    assert(number < key_table_origin_count(table, index));
    const struct span row = row_set_at(table->rows, table->first[index] + number);
    const uint8_t *at = row.data + row.size - SOURCE_BYTES - LINE_BYTES;
    return (struct key_origin){.source = (uint16_t)((unsigned)at[0] << 8 | at[1]),
                               .line = (uint32_t)at[2] << 24 | (uint32_t)at[3] << 16 |
                                       (uint32_t)at[4] << 8 | at[5]};
}
