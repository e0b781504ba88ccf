#include "lists/origins_file.h"

#include "base/reader.h"

#define MAGIC        "BLORIGIN"
#define MAGIC_BYTES  ((size_t)8)
#define RECORD_BYTES ((size_t)16)
#define MORE_MAX     255
#define NOBODY       UINT32_MAX

enum origins_table origins_taker(enum key_fate fate)
{
    switch (fate) {
    case KEY_CANCELLED:
        return ORIGINS_CANCEL;
    case KEY_ALLOWED:
    case KEY_SPLIT:
        return ORIGINS_ALLOW;
    case KEY_KEPT:
    case KEY_COVERED:
    case KEY_FATE_COUNT:
        break;
    }
    return ORIGINS_BLOCK;
}

/* ---- writing ---- */

static void put(struct file_writer *writer, uint64_t value, size_t bytes)
{
    uint8_t out[8];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * i);
    file_writer_write(writer, span_of(out, bytes));
}

static size_t count_of(const struct key_table *table)
{
    return table != NULL ? key_table_count(table) : 0;
}

static enum status write_records(struct file_writer *writer, const struct key_table *table,
                                 const struct key_selection *selection, size_t source_count,
                                 struct error *err)
{
    uint64_t start = 0;
    for (size_t i = 0; i < count_of(table); i++) {
        const struct key_origin origin = key_table_origin(table, i, 0);
        const size_t more = key_table_origin_count(table, i) - 1;
        size_t by = KEY_TABLE_NONE;
        const enum key_fate fate =
            selection != NULL ? key_selection_fate(selection, i, &by) : KEY_KEPT;
        if (origin.source >= source_count)
            return error_set(err, STATUS_INVALID, "a key of source %u of %zu",
                             (unsigned)origin.source, source_count);
        put(writer, start, 4);
        put(writer, origin.line, 4);
        put(writer, by != KEY_TABLE_NONE ? by : NOBODY, 4);
        put(writer, origin.source, 2);
        put(writer, (uint64_t)fate, 1);
        put(writer, more < MORE_MAX ? more : MORE_MAX, 1);
        start += key_table_at(table, i).size;
    }
    put(writer, start, 4);
    put(writer, 0, 4);
    put(writer, NOBODY, 4);
    put(writer, 0, 4);
    return file_writer_check(writer, err);
}

static uint64_t text_bytes(const struct key_table *table)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count_of(table); i++)
        bytes += key_table_at(table, i).size;
    return bytes; /* below ROW_SET_MAX_BYTES, as all rows are */
}

enum status origins_file_write(struct file_writer *writer, const struct key_tables *tables,
                               const struct key_selection *selection,
                               const char *const *source_names, size_t source_count,
                               struct error *err)
{
    const struct key_table *const all[ORIGINS_TABLE_COUNT] = {tables->block, tables->allow,
                                                              tables->cancel};
    uint64_t sources_bytes = 0;
    for (size_t i = 0; i < source_count; i++)
        sources_bytes += strlen(source_names[i]) + 1;
    file_writer_write(writer, span_of(MAGIC, MAGIC_BYTES));
    put(writer, ORIGINS_FORMAT, 4);
    put(writer, source_count, 4);
    put(writer, sources_bytes, 8);
    for (size_t table = 0; table < ORIGINS_TABLE_COUNT; table++) {
        put(writer, count_of(all[table]), 4);
        put(writer, text_bytes(all[table]), 4);
    }
    for (size_t table = 0; table < ORIGINS_TABLE_COUNT; table++) {
        const enum status status = write_records(
            writer, all[table], table == ORIGINS_BLOCK ? selection : NULL, source_count, err);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t table = 0; table < ORIGINS_TABLE_COUNT; table++) {
        for (size_t i = 0; i < count_of(all[table]); i++)
            file_writer_write(writer, key_table_at(all[table], i));
    }
    for (size_t i = 0; i < source_count; i++) {
        file_writer_write(writer, span_of_text(source_names[i]));
        file_writer_write(writer, span_of("\n", 1));
    }
    return file_writer_check(writer, err);
}

/* ---- reading ---- */

enum status origins_open(struct span bytes, struct origins *ret, struct error *err)
{
    struct origins origins = {.source_count = 0};
    struct reader reader;
    size_t text_sizes[ORIGINS_TABLE_COUNT];
    reader_init(&reader, bytes);
    const struct span magic = reader_take(&reader, MAGIC_BYTES);
    const uint32_t format = reader_u32le(&reader);
    if (!span_equal(magic, span_of(MAGIC, MAGIC_BYTES)) || format != ORIGINS_FORMAT)
        return error_set(err, STATUS_MALFORMED, "origins: not a file of format %d", ORIGINS_FORMAT);
    origins.source_count = reader_u32le(&reader);
    const uint64_t sources_bytes = reader_u64le(&reader);
    for (size_t table = 0; table < ORIGINS_TABLE_COUNT; table++) {
        origins.counts[table] = reader_u32le(&reader);
        text_sizes[table] = reader_u32le(&reader);
    }
    for (size_t table = 0; table < ORIGINS_TABLE_COUNT; table++)
        origins.records[table] = reader_take(&reader, (origins.counts[table] + 1) * RECORD_BYTES);
    for (size_t table = 0; table < ORIGINS_TABLE_COUNT; table++)
        origins.texts[table] = reader_take(&reader, text_sizes[table]);
    if (sources_bytes > bytes.size)
        return error_set(err, STATUS_MALFORMED, "origins: names longer than the file");
    origins.sources = reader_take(&reader, (size_t)sources_bytes);
    const enum status status = reader_finish(&reader, "origins", err);
    if (status == STATUS_OK)
        *ret = origins;
    return status;
}

static uint32_t start_of(const struct origins *origins, enum origins_table table, size_t index)
{
    struct reader reader;
    reader_init(&reader, span_part(origins->records[table], index * RECORD_BYTES, RECORD_BYTES));
    return reader_u32le(&reader);
}

static enum status key_at(const struct origins *origins, enum origins_table table, size_t index,
                          struct span *ret, struct error *err)
{
    if (index >= origins->counts[table])
        return error_set(err, STATUS_MALFORMED, "origins: key %zu of %zu", index,
                         origins->counts[table]);
    const size_t start = start_of(origins, table, index);
    const size_t end = start_of(origins, table, index + 1);
    if (start > end || end > origins->texts[table].size)
        return error_set(err, STATUS_MALFORMED, "origins: key %zu lies at [%zu, %zu) of %zu bytes",
                         index, start, end, origins->texts[table].size);
    *ret = span_part(origins->texts[table], start, end - start);
    return STATUS_OK;
}

enum status origins_find(const struct origins *origins, enum origins_table table, struct span key,
                         size_t *ret, struct error *err)
{
    size_t low = 0;
    size_t high = origins->counts[table];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        struct span at;
        const enum status status = key_at(origins, table, middle, &at, err);
        if (status != STATUS_OK)
            return status;
        const int order = span_compare(at, key);
        if (order == 0) {
            *ret = middle;
            return STATUS_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = KEY_TABLE_NONE;
    return STATUS_OK;
}

/* Line `number` of the names. */
static enum status source_at(const struct origins *origins, size_t number, struct span *ret,
                             struct error *err)
{
    struct span rest = origins->sources;
    for (size_t i = 0; i <= number && number < origins->source_count && rest.size > 0; i++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        if (end == NULL)
            break;
        const size_t size = (size_t)(end - rest.data);
        if (i == number) {
            *ret = span_part(rest, 0, size);
            return STATUS_OK;
        }
        rest = span_part(rest, size + 1, rest.size - size - 1);
    }
    return error_set(err, STATUS_MALFORMED, "origins: source %zu has no name", number);
}

enum status origins_at(const struct origins *origins, enum origins_table table, size_t index,
                       struct origins_key *ret, struct error *err)
{
    struct origins_key key = {.by = KEY_TABLE_NONE};
    enum status status = key_at(origins, table, index, &key.key, err);
    if (status != STATUS_OK)
        return status;
    struct reader reader;
    reader_init(&reader, span_part(origins->records[table], index * RECORD_BYTES, RECORD_BYTES));
    reader_take(&reader, 4);
    key.line = reader_u32le(&reader);
    const uint32_t by = reader_u32le(&reader);
    const size_t source = reader_u16le(&reader);
    const uint8_t fate = reader_u8(&reader);
    key.more_origins = reader_u8(&reader);
    if (fate >= KEY_FATE_COUNT || (fate == KEY_KEPT) != (by == NOBODY) ||
        (by != NOBODY && by >= origins->counts[origins_taker((enum key_fate)fate)]))
        return error_set(err, STATUS_MALFORMED, "origins: key %zu has fate %u by %lu", index,
                         (unsigned)fate, (unsigned long)by);
    key.fate = (enum key_fate)fate;
    if (by != NOBODY)
        key.by = by;
    status = source_at(origins, source, &key.source, err);
    if (status == STATUS_OK)
        *ret = key;
    return status;
}
