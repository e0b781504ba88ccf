#include "pir-server/wire/keyword_database.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/reader.h"
#include "pir-server/wire/pir_messages.pb-c.h"
#include "pir-server/wire/protobuf_message.h"
#include "pir-server/wire/text_reader.h"
#include "pir-server/wire/text_writer.h"

/* A database is not unpacked as a whole: its one level of rows is walked here (wire.md section 1),
 * which is also what the rows of the text reader go through. */

#define ROWS_FIELD    1
#define KEYWORD_FIELD 1
#define VALUE_FIELD   2

struct row_sink {
    keyword_database_row *row;
    void *context;
};

struct wire_field {
    uint64_t number;
    unsigned type;     /* ProtobufCWireType */
    struct span bytes; /* of a length-delimited field */
};

static uint64_t read_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        const uint8_t byte = reader_u8(reader);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    (void)reader_take(reader, SIZE_MAX); /* an eleventh byte: fails and sticks */
    return 0;
}

/* Takes the next field; false when it is none (the reader has failed, or the type is unknown). */
static bool read_field(struct reader *reader, struct wire_field *ret)
{
    const uint64_t tag = read_varint(reader);
    ret->number = tag >> 3;
    ret->type = (unsigned)(tag & 7);
    ret->bytes = span_of(NULL, 0);
    switch (ret->type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        (void)read_varint(reader);
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        (void)reader_take(reader, 8);
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        (void)reader_take(reader, 4);
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: {
        const uint64_t size = read_varint(reader);
        ret->bytes = reader_take(reader, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
        break;
    }
    default:
        return false;
    }
    return !reader->failed && ret->number != 0;
}

/* One KeywordDatabaseRow. */
static enum status take_row(void *context, struct span element, struct error *err)
{
    const struct row_sink *sink = context;
    struct span parts[VALUE_FIELD + 1] = {{0}};
    struct reader reader;
    reader_init(&reader, element);
    while (reader_left(&reader) > 0) {
        struct wire_field field;
        if (!read_field(&reader, &field))
            return error_set(err, STATUS_MALFORMED, "row: not well-formed at its byte %zu",
                             reader.position);
        if (field.number < KEYWORD_FIELD || field.number > VALUE_FIELD)
            continue;
        if (field.type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return error_set(err, STATUS_MALFORMED, "row: its field %u is no byte string",
                             (unsigned)field.number);
        parts[field.number] = field.bytes;
    }
    return sink->row(sink->context, parts[KEYWORD_FIELD], parts[VALUE_FIELD], err);
}

static enum status read_binary(struct span in, const struct row_sink *sink, struct error *err)
{
    struct reader reader;
    reader_init(&reader, in);
    while (reader_left(&reader) > 0) {
        const size_t start = reader.position;
        struct wire_field field;
        if (!read_field(&reader, &field))
            return error_set(err, STATUS_MALFORMED, "byte %zu: not a keyword database", start);
        if (field.number != ROWS_FIELD)
            continue;
        if (field.type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return error_set(err, STATUS_MALFORMED, "byte %zu: rows is no message", start);
        if (field.bytes.size > WIRE_ROW_MAX_BYTES)
            return error_set(err, STATUS_TOO_LARGE, "byte %zu: a row of %zu bytes, at most %zu",
                             start, field.bytes.size, WIRE_ROW_MAX_BYTES);
        const enum status st = take_row((void *)(uintptr_t)sink, field.bytes, err);
        if (st != STATUS_OK)
            return error_prefix(err, st, "byte %zu", start);
    }
    return STATUS_OK;
}

enum status keyword_database_read(struct span in, enum wire_form form, keyword_database_row *row,
                                  void *context, struct error *err)
{
    struct row_sink sink = {row, context};
    if (form == WIRE_BINARY)
        return read_binary(in, &sink, err);
    return text_read_elements(&wire__keyword_database__descriptor, in, WIRE_ROW_MAX_BYTES, take_row,
                              &sink, err);
}

enum status keyword_database_read_file(const char *path, keyword_database_row *row, void *context,
                                       struct error *err)
{
    struct file_map map;
    enum status st = file_map_open(path, &map, err);
    if (st != STATUS_OK)
        return st;
    st = keyword_database_read(map.bytes, wire_form_of_path(path), row, context, err);
    if (st != STATUS_OK)
        st = error_prefix(err, st, "%s", path);
    file_map_close(&map);
    return st;
}

/* ---- writing ---- */

struct keyword_database_writer {
    struct file_writer *file;
    enum wire_form form;
    struct bytes scratch; /* one row */
    enum status status;   /* the first failure that is not the file's */
    struct error error;
};

enum status keyword_database_writer_new(const char *path, struct keyword_database_writer **ret,
                                        struct error *err)
{
    struct keyword_database_writer *writer = mem_alloc_zeroed(1, sizeof *writer);
    if (writer == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    const enum status st = file_writer_new(path, FILE_MODE_PUBLIC, &writer->file, err);
    if (st != STATUS_OK) {
        mem_free(writer);
        return st;
    }
    writer->form = wire_form_of_path(path);
    bytes_init(&writer->scratch, 4 * WIRE_ROW_MAX_BYTES + 1024); /* \377 takes four */
    *ret = writer;
    return STATUS_OK;
}

void keyword_database_writer_add(struct keyword_database_writer *writer, struct span keyword,
                                 struct span value)
{
    Wire__KeywordDatabaseRow row = WIRE__KEYWORD_DATABASE_ROW__INIT;
    Wire__KeywordDatabaseRow *list[1] = {&row};
    Wire__KeywordDatabase database = WIRE__KEYWORD_DATABASE__INIT;
    if (writer->status != STATUS_OK)
        return;
    row.keyword = protobuf_borrow(keyword);
    row.value = protobuf_borrow(value);
    database.rows = list;
    database.n_rows = 1;
    bytes_clear(&writer->scratch);
    if (keyword.size > WIRE_ROW_MAX_BYTES || value.size > WIRE_ROW_MAX_BYTES - keyword.size) {
        writer->status = error_set(&writer->error, STATUS_TOO_LARGE, "a row of more than %zu bytes",
                                   WIRE_ROW_MAX_BYTES);
    } else if (writer->form == WIRE_TEXT) {
        text_write_message(&database.base, 0, &writer->scratch);
        writer->status = bytes_status(&writer->scratch, "row", &writer->error);
    } else {
        writer->status =
            protobuf_message_pack(&database.base, "row", &writer->scratch, &writer->error);
    }
    if (writer->status == STATUS_OK)
        file_writer_write(writer->file, bytes_view(&writer->scratch));
}

enum status keyword_database_writer_commit(struct keyword_database_writer *writer,
                                           struct error *err)
{
    enum status st = writer->status;
    if (st != STATUS_OK) {
        st = error_set(err, st, "%s", writer->error.message);
    } else {
        st = file_writer_commit(writer->file, err);
        writer->file = NULL;
    }
    keyword_database_writer_cancel(writer);
    return st;
}

void keyword_database_writer_cancel(struct keyword_database_writer *writer)
{
    if (writer == NULL)
        return;
    file_writer_cancel(writer->file);
    bytes_deinit(&writer->scratch);
    mem_free(writer);
}
