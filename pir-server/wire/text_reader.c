#include "pir-server/wire/text_reader.h"

#include "base/checked.h"
#include "pir-server/wire/text_scanner.h"

#include <stdlib.h>

/* Length of names and words that a message repeats. */
#define SHOWN_WORD_MAX 60
/* No message of ours has more oneofs. */
#define ONEOF_MAX 4

/* protobuf-c's descriptors do not say what is reserved. */
static const struct reserved {
    const char *message;
    uint32_t first;
    uint32_t last;
} reserved_numbers[] = {
    {"PirParameters", 10, 12},
    {"KeywordPirParameters", 2, 2},
    {"KeyStatus", 3, 3},
    {"PIRConfig", 7, 9},
};

struct text_reader {
    struct text_scanner scanner;
    struct bytes *out;
    text_element *element; /* NULL: everything goes to `out` */
    void *context;
};

static enum status read_fields(struct text_reader *reader,
                               const ProtobufCMessageDescriptor *descriptor, unsigned depth,
                               int closing);

/* ---- binary output ---- */

static void put_varint(struct bytes *out, uint64_t value)
{
    uint8_t room[10];
    size_t size = 0;
    while (value >= 0x80) {
        room[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    room[size++] = (uint8_t)value;
    bytes_append(out, span_of(room, size));
}

static void put_tag(struct bytes *out, const ProtobufCFieldDescriptor *field,
                    ProtobufCWireType wire_type)
{
    put_varint(out, (uint64_t)field->id << 3 | wire_type);
}

/* A length is known only behind its content: one byte is kept for it, which usually does. */
static size_t open_length(struct bytes *out)
{
    bytes_append_u8(out, 0);
    return out->size;
}

static void close_length(struct bytes *out, size_t start)
{
    if (out->status != STATUS_OK)
        return;
    const size_t size = out->size - start;
    size_t extra = 0;
    for (uint64_t rest = size >> 7; rest > 0; rest >>= 7)
        extra++;
    if (extra > 0) {
        if (bytes_append_space(out, extra) == NULL)
            return;
        memmove(out->data + start + extra, out->data + start, size);
    }
    uint64_t rest = size;
    for (size_t i = 0; i <= extra; i++, rest >>= 7)
        out->data[start - 1 + i] = (uint8_t)((rest & 0x7f) | (i < extra ? 0x80 : 0));
}

/* ---- values of known fields ---- */

static int shown(struct span word)
{
    return (int)(word.size < SHOWN_WORD_MAX ? word.size : SHOWN_WORD_MAX);
}

static bool word_is(struct span word, const char *text)
{
    return span_equal(word, span_of_text(text));
}

static enum status read_bool(struct text_reader *reader, uint64_t *ret)
{
    static const char *const yes[] = {"true", "True", "t", "1"};
    static const char *const no[] = {"false", "False", "f", "0"};
    const struct span word = text_scanner_atom(&reader->scanner);
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++) {
        if (word_is(word, yes[i]) || word_is(word, no[i])) {
            *ret = word_is(word, yes[i]);
            return STATUS_OK;
        }
    }
    return text_scanner_fail(&reader->scanner, reader->scanner.at - word.size,
                             "expected true or false");
}

static enum status read_enum(struct text_reader *reader, const ProtobufCFieldDescriptor *field,
                             uint64_t *ret)
{
    const ProtobufCEnumDescriptor *descriptor = field->descriptor;
    const int next = text_scanner_peek(&reader->scanner);
    if (next == '-' || (next >= '0' && next <= '9')) {
        int32_t number = 0;
        const enum status st = text_scanner_int32(&reader->scanner, &number);
        if (st == STATUS_OK)
            *ret = (uint64_t)(int64_t)number;
        return st;
    }
    const struct span word = text_scanner_word(&reader->scanner);
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (word_is(word, descriptor->values[i].name)) {
            *ret = (uint64_t)(int64_t)descriptor->values[i].value;
            return STATUS_OK;
        }
    }
    return text_scanner_fail(&reader->scanner, reader->scanner.at - word.size, "%.*s is no %s",
                             shown(word), (const char *)word.data, descriptor->short_name);
}

static enum status read_varint_value(struct text_reader *reader,
                                     const ProtobufCFieldDescriptor *field)
{
    uint64_t value = 0;
    enum status st = STATUS_OK;
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        st = read_bool(reader, &value);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        st = read_enum(reader, field, &value);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        st = text_scanner_unsigned(&reader->scanner, UINT32_MAX, &value);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        st = text_scanner_unsigned(&reader->scanner, UINT64_MAX, &value);
        break;
    default:
        st = error_set(reader->scanner.err, STATUS_INTERNAL, "no text form for field %s",
                       field->name);
        break;
    }
    if (st != STATUS_OK)
        return st;
    put_tag(reader->out, field, PROTOBUF_C_WIRE_TYPE_VARINT);
    put_varint(reader->out, value);
    return STATUS_OK;
}

static enum status read_string_value(struct text_reader *reader,
                                     const ProtobufCFieldDescriptor *field)
{
    put_tag(reader->out, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    const size_t start = open_length(reader->out);
    const enum status st = text_scanner_string(&reader->scanner, reader->out);
    if (st == STATUS_OK)
        close_length(reader->out, start);
    return st;
}

/* The line number comes from an error made here; only its prefix is used. */
static enum status hand_over(struct text_reader *reader, size_t start, size_t text_start)
{
    const enum status full = bytes_status(reader->out, "element", reader->scanner.err);
    if (full != STATUS_OK)
        return full;
    struct error inner;
    const struct span element =
        span_part(bytes_view(reader->out), start, reader->out->size - start);
    const enum status st = reader->element(reader->context, element, &inner);
    bytes_clear(reader->out);
    if (st == STATUS_OK)
        return STATUS_OK;
    (void)text_scanner_fail(&reader->scanner, text_start, "%s", inner.message);
    if (reader->scanner.err != NULL)
        reader->scanner.err->status = st;
    return st;
}

static enum status read_message_value(struct text_reader *reader,
                                      const ProtobufCFieldDescriptor *field, unsigned depth)
{
    const size_t text_start = reader->scanner.at;
    int closing = 0;
    if (text_scanner_accept(&reader->scanner, '{'))
        closing = '}';
    else if (text_scanner_accept(&reader->scanner, '<'))
        closing = '>';
    else
        return text_scanner_fail(&reader->scanner, reader->scanner.at,
                                 "expected { after the name of a message");
    put_tag(reader->out, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    const size_t start = open_length(reader->out);
    const enum status st = read_fields(reader, field->descriptor, depth + 1, closing);
    if (st != STATUS_OK)
        return st;
    if (depth == 0 && reader->element != NULL)
        return hand_over(reader, start, text_start);
    close_length(reader->out, start);
    return STATUS_OK;
}

static enum status read_value(struct text_reader *reader, const ProtobufCFieldDescriptor *field,
                              unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message_value(reader, field, depth);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return read_string_value(reader, field);
    return read_varint_value(reader, field);
}

static enum status read_list(struct text_reader *reader, const ProtobufCFieldDescriptor *field,
                             unsigned depth)
{
    if (text_scanner_accept(&reader->scanner, ']'))
        return STATUS_OK;
    for (;;) {
        (void)text_scanner_peek(&reader->scanner);
        const enum status st = read_value(reader, field, depth);
        if (st != STATUS_OK)
            return st;
        if (text_scanner_accept(&reader->scanner, ']'))
            return STATUS_OK;
        if (!text_scanner_accept(&reader->scanner, ','))
            return text_scanner_fail(&reader->scanner, reader->scanner.at,
                                     "expected , or ] in the list of %s", field->name);
    }
}

/* What stands behind the name of `field`. */
static enum status read_field(struct text_reader *reader, const ProtobufCFieldDescriptor *field,
                              unsigned depth)
{
    const bool has_colon = text_scanner_accept(&reader->scanner, ':');
    if (!has_colon && field->type != PROTOBUF_C_TYPE_MESSAGE)
        return text_scanner_fail(&reader->scanner, reader->scanner.at, "expected : after %s",
                                 field->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED && text_scanner_accept(&reader->scanner, '['))
        return read_list(reader, field, depth);
    (void)text_scanner_peek(&reader->scanner);
    return read_value(reader, field, depth);
}

/* ---- values of reserved fields ---- */

static enum status skip_field(struct text_reader *reader, unsigned depth);

static enum status skip_message(struct text_reader *reader, char closing, unsigned depth)
{
    if (depth >= TEXT_DEPTH_MAX)
        return text_scanner_fail(&reader->scanner, reader->scanner.at,
                                 "messages nested more than %d deep", TEXT_DEPTH_MAX);
    while (!text_scanner_accept(&reader->scanner, closing)) {
        const struct span name = text_scanner_word(&reader->scanner);
        if (name.size == 0)
            return text_scanner_fail(&reader->scanner, reader->scanner.at, "expected a field name");
        const enum status st = skip_field(reader, depth + 1);
        if (st != STATUS_OK)
            return st;
        if (!text_scanner_accept(&reader->scanner, ','))
            (void)text_scanner_accept(&reader->scanner, ';');
    }
    return STATUS_OK;
}

static enum status skip_value(struct text_reader *reader, bool may_be_scalar, unsigned depth)
{
    const int next = text_scanner_peek(&reader->scanner);
    if (next == '{' || next == '<') {
        reader->scanner.at++;
        return skip_message(reader, next == '{' ? '}' : '>', depth);
    }
    if (!may_be_scalar)
        return text_scanner_fail(&reader->scanner, reader->scanner.at, "expected : or {");
    if (next == '"' || next == '\'')
        return text_scanner_string(&reader->scanner, NULL);
    if (text_scanner_atom(&reader->scanner).size == 0)
        return text_scanner_fail(&reader->scanner, reader->scanner.at, "expected a value");
    return STATUS_OK;
}

static enum status skip_field(struct text_reader *reader, unsigned depth)
{
    const bool has_colon = text_scanner_accept(&reader->scanner, ':');
    if (!text_scanner_accept(&reader->scanner, '['))
        return skip_value(reader, has_colon, depth);
    if (text_scanner_accept(&reader->scanner, ']'))
        return STATUS_OK;
    for (;;) {
        const enum status st = skip_value(reader, has_colon, depth);
        if (st != STATUS_OK)
            return st;
        if (text_scanner_accept(&reader->scanner, ']'))
            return STATUS_OK;
        if (!text_scanner_accept(&reader->scanner, ','))
            return text_scanner_fail(&reader->scanner, reader->scanner.at,
                                     "expected , or ] in a list");
    }
}

/* ---- fields ---- */

static bool is_reserved(const ProtobufCMessageDescriptor *descriptor, uint64_t number)
{
    for (size_t i = 0; i < ARRAY_COUNT(reserved_numbers); i++) {
        if (strcmp(reserved_numbers[i].message, descriptor->short_name) == 0 &&
            number >= reserved_numbers[i].first && number <= reserved_numbers[i].last)
            return true;
    }
    return false;
}

static const ProtobufCFieldDescriptor *find_by_number(const ProtobufCMessageDescriptor *descriptor,
                                                      uint64_t number)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].id == number)
            return &descriptor->fields[i];
    }
    return NULL;
}

static const ProtobufCFieldDescriptor *find_by_name(const ProtobufCMessageDescriptor *descriptor,
                                                    struct span name)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const char *candidate = descriptor->fields[i].name;
        if (strncmp(candidate, (const char *)name.data, name.size) == 0 &&
            candidate[name.size] == '\0')
            return &descriptor->fields[i];
    }
    return NULL;
}

/* *ret = NULL for a reserved number. */
static enum status find_field(const struct text_reader *reader,
                              const ProtobufCMessageDescriptor *descriptor, struct span name,
                              const ProtobufCFieldDescriptor **ret)
{
    const size_t start = reader->scanner.at - name.size;
    if (name.size == 0)
        return text_scanner_fail(&reader->scanner, start, "expected the name of a field of %s",
                                 descriptor->short_name);
    const bool is_number = name.data[0] >= '0' && name.data[0] <= '9';
    if (!is_number) {
        *ret = find_by_name(descriptor, name);
        if (*ret != NULL)
            return STATUS_OK;
    } else {
        uint64_t number = 0;
        for (size_t i = 0; i < name.size; i++) {
            if (name.data[i] < '0' || name.data[i] > '9' || number > UINT32_MAX)
                return text_scanner_fail(&reader->scanner, start, "not a field number");
            number = number * 10 + (uint64_t)(name.data[i] - '0');
        }
        *ret = find_by_number(descriptor, number);
        if (*ret != NULL || is_reserved(descriptor, number))
            return STATUS_OK;
    }
    return text_scanner_fail(&reader->scanner, start, "%s has no field %.*s",
                             descriptor->short_name, shown(name), (const char *)name.data);
}

static unsigned oneof_size(const ProtobufCMessageDescriptor *descriptor,
                           const ProtobufCFieldDescriptor *field)
{
    unsigned size = 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
            descriptor->fields[i].quantifier_offset == field->quantifier_offset)
            size++;
    }
    return size;
}

/* Members of a oneof share the place that says which of them is set. A oneof with one member is our
 * spelling of an optional field, for which the last one wins. */
static enum status mark_oneof(const struct text_reader *reader,
                              const ProtobufCMessageDescriptor *descriptor,
                              const ProtobufCFieldDescriptor *field, unsigned set[ONEOF_MAX],
                              unsigned *set_count, size_t start)
{
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || oneof_size(descriptor, field) < 2)
        return STATUS_OK;
    for (unsigned i = 0; i < *set_count; i++) {
        if (set[i] == field->quantifier_offset)
            return text_scanner_fail(&reader->scanner, start,
                                     "%s: another member of the same choice is set already",
                                     field->name);
    }
    if (*set_count < ONEOF_MAX)
        set[(*set_count)++] = field->quantifier_offset;
    return STATUS_OK;
}

static enum status read_fields(struct text_reader *reader,
                               const ProtobufCMessageDescriptor *descriptor, unsigned depth,
                               int closing)
{
    unsigned oneofs_set[ONEOF_MAX];
    unsigned oneofs_set_count = 0;
    if (depth > TEXT_DEPTH_MAX)
        return text_scanner_fail(&reader->scanner, reader->scanner.at,
                                 "messages nested more than %d deep", TEXT_DEPTH_MAX);
    for (;;) {
        const int next = text_scanner_peek(&reader->scanner);
        if (next == closing) {
            if (closing != TEXT_END)
                reader->scanner.at++;
            return STATUS_OK;
        }
        if (next == TEXT_END)
            return text_scanner_fail(&reader->scanner, reader->scanner.at,
                                     "the text ends inside %s", descriptor->short_name);
        const struct span name = text_scanner_word(&reader->scanner);
        const size_t start = reader->scanner.at - name.size;
        const ProtobufCFieldDescriptor *field = NULL;
        enum status st = find_field(reader, descriptor, name, &field);
        if (st == STATUS_OK && field != NULL)
            st = mark_oneof(reader, descriptor, field, oneofs_set, &oneofs_set_count, start);
        if (st == STATUS_OK)
            st = field == NULL ? skip_field(reader, depth) : read_field(reader, field, depth);
        if (st != STATUS_OK)
            return st;
        if (reader->out->status != STATUS_OK)
            return bytes_status(reader->out, "binary form of the text", reader->scanner.err);
        if (!text_scanner_accept(&reader->scanner, ','))
            (void)text_scanner_accept(&reader->scanner, ';');
    }
}

enum status text_to_binary(const ProtobufCMessageDescriptor *descriptor, struct span text,
                           struct bytes *ret, struct error *err)
{
    struct text_reader reader = {.out = ret};
    const enum status st = text_scanner_init(&reader.scanner, text, err);
    return st == STATUS_OK ? read_fields(&reader, descriptor, 0, TEXT_END) : st;
}

enum status text_read_elements(const ProtobufCMessageDescriptor *descriptor, struct span text,
                               size_t element_max_bytes, text_element *element, void *context,
                               struct error *err)
{
    struct bytes scratch;
    bytes_init(&scratch, element_max_bytes);
    struct text_reader reader = {.out = &scratch, .element = element, .context = context};
    enum status st = text_scanner_init(&reader.scanner, text, err);
    if (st == STATUS_OK)
        st = read_fields(&reader, descriptor, 0, TEXT_END);
    bytes_deinit(&scratch);
    return st;
}
